"""Programs with one thing wrong each, and the test that must catch it.

Each mutant is a copy of the repository with a text replaced. One of its tests is run there, and must fail
for the right reason. What survives is a hole in the tests.
"""
import os
import re
import shutil
import subprocess

from victims import REPOSITORY

IGNORED = shutil.ignore_patterns("build*", ".git", "__pycache__", ".millrace*")

# name: what is replaced by what (regular expressions), what ./tests/run is asked for, and what its
# output must say
MUTANTS = {
    # A write of an attempt that is over counts.
    "attempt": ([("schemas/sql/pages.sql", r"attempt = \$2::integer AND state = 'running'",
                  "$2::integer > 0 AND state = 'running'")],
                "check.lane", r"FAILED.*an_old_attempt_writes_nothing"),
    # The record says that the id is durable, and nobody has seen to it.
    "barrier": ([("executor/outcome.c", r"self->barrier_due = self->proof == PROOF_NONE;",
                  "self->barrier_due = false; if (self->proof == PROOF_NONE) self->proof = PROOF_BARRIER;")],
                "tests/cluster/test_outcomes.py", r"outcomes barrier.* lost=[1-9]"),
    # A submit is answered before its commit is on disk.
    "acknowledge": ([("common/pg_inner.h", r"synchronous_commit=on", "synchronous_commit=off")],
                    "test_the_store_is_killed_and_comes_back", r"deaths store kill.* lost=[1-9]"),
    # Two claims of a queue key do not know of each other.
    "line": ([("schemas/sql/migrations/0005_keys.sql",
               r"IF NOT pg_try_advisory_xact_lock\(.*\) THEN", "IF false THEN")],
             "check.rush", r"FAILED.*no_two_jobs_of_a_key_are_claimed_at_a_time"),
    # Two orders count at one time how many wait before them.
    "room": ([("schemas/sql/migrations/0006_dialects.sql", r"PERFORM pg_advisory_xact_lock\(.*\);", "")],
             "check.line_room", r"FAILED.*of_orders_at_once_no_more_are_taken_than_may_wait"),
    # An edit does not see that its job was claimed since it began to look.
    "edit": ([("schemas/sql/life.sql", r" AND l\.attempt = was\.attempt", "")],
             "check.edit_race", r"FAILED.*an_edit_that_comes_behind_a_claim_and_what_it_did_changes_nothing"),
    # A commit's outcome is judged by a marker that was never put in.
    "marker": ([("executor/drivers/postgres/questions.c",
                 r'"SELECT millrace\.mark\(\$1::pg_catalog\.uuid, \$2::pg_catalog\.int4\)::pg_catalog\.text"',
                 '"SELECT pg_catalog.pg_current_xact_id_if_assigned()::pg_catalog.text,"\n'
                 '    " $1::pg_catalog.uuid, $2::pg_catalog.int4"')],
               "tests/cluster/test_outcomes.py", r"outcomes ledger.* duplicated=[1-9]"),
}


def copy(folder, edits):
    shutil.copytree(REPOSITORY, folder, ignore=IGNORED)
    for file, old, new in edits:
        path = os.path.join(folder, file)
        with open(path, encoding="utf-8") as before:
            text = before.read()
        assert re.search(old, text), f"{file} has nothing like {old!r}"
        with open(path, "w", encoding="utf-8") as after:
            after.write(re.sub(old, new, text))


def caught(root, name, edits, wanted, catch):
    """Does the test fail on the mutant, and for the reason that is expected? And what it said."""
    folder = os.path.join(root, "mutant-" + name)
    copy(folder, edits)
    done = subprocess.run([os.path.join(folder, "tests", "run"), wanted], cwd=folder, text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          errors="replace", check=False)
    shutil.rmtree(folder, ignore_errors=True)
    return done.returncode == 1 and re.search(catch, done.stdout), done.stdout


def survivors(root):
    """The names of mutants that no test caught."""
    left = []
    for name, (edits, wanted, catch) in MUTANTS.items():
        good, said = caught(root, name, edits, wanted, catch)
        print(f"mutant {name}: {'caught' if good else 'SURVIVED'}", flush=True)
        if not good:
            told = [line for line in said.splitlines() if re.match(r"E  |deaths |outcomes |FAILED", line)]
            print("\n".join(told[:40]), flush=True)
            left.append(name)
    return left
