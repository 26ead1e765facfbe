"""Rows that are too large for an executor fail their own job, with a text that says so, and nothing else:
the process lives, and the jobs beside them end well."""
import hashlib

import pytest

from sql import ask

SLOTS = 4
GIGABYTE = "SELECT repeat('x', 1000000000)"
ROW_BYTES = 16 << 20
# What a row of one text has around it: the row's own head, and the text's.
JUST_UNDER = ROW_BYTES - 1 - 5

CROWDED_MIB = 256
# A source makes a text of 1 GB in 3 GB of memory: some machines take ten seconds to give it so much.
PATIENCE_S = 600
TOO_LARGE = ("larger than 16777216 bytes (row_bytes)", "too large for this executor (memory limit 512 MiB)")
NO_MEMORY = (f"too large for this executor (memory limit {CROWDED_MIB} MiB)",
             "a page of the result was not stored: no memory to send a statement")


@pytest.fixture(scope="module")
def lone(module_cluster):
    """A cluster of one executor."""
    return module_cluster("--executors", "1", "--slots", str(SLOTS), "--apis", "1")


def who(handle):
    """The process, and how often it had to begin anew."""
    rows = ask(handle.info["store_admin_dsn"],
               "SELECT incarnation, lease_until > now() FROM node WHERE role = 'executor'")
    return handle.node("executor1")["pid"], rows


def assert_too_large(handle, job):
    status = handle.wait(job, limit=PATIENCE_S)
    error = status["error"]
    assert status["state"] == "failed" and status["attempt"] == 1, status
    assert error["sqlstate"] == "54000" and error["message"].endswith(TOO_LARGE), error


def running(handle):
    return ask(handle.info["store_admin_dsn"], "SELECT count(*) FROM live WHERE state = 'running'")[0][0]


def test_a_gigabyte_in_every_slot_fails_its_job_and_nothing_else(lone):
    before = who(lone)
    huge = [lone.submit(GIGABYTE) for _ in range(SLOTS)]
    lone.until(lambda: running(lone) == SLOTS, 30)
    small = [lone.submit(f"SELECT {n} AS n", key=lone.other_key) for n in range(50)]
    huge.append(lone.submit(GIGABYTE))  # with the small ones beside it
    for job in huge:
        assert_too_large(lone, job)
    for n, job in enumerate(small):
        assert lone.wait(job, key=lone.other_key)["state"] == "done"
        assert lone.results(job, key=lone.other_key)["rows"] == [{"n": n}]
    assert who(lone) == before


def test_a_row_over_the_limit_fails_and_one_just_under_it_comes_back_whole(lone):
    before = who(lone)
    assert_too_large(lone, lone.submit(f"SELECT repeat('x', {40 << 20})"))
    assert_too_large(lone, lone.submit(f"SELECT repeat('x', {JUST_UNDER + 1})"))
    text = "".join(hashlib.md5(str(n).encode()).hexdigest() for n in range(ROW_BYTES // 32))[:JUST_UNDER]
    job = lone.submit(f"SELECT left(string_agg(md5(n::text), '' ORDER BY n), {JUST_UNDER}) AS t"
                      f" FROM generate_series(0, {ROW_BYTES // 32 - 1}) n")
    assert lone.wait(job)["state"] == "done"
    assert lone.results(job)["rows"] == [{"t": text}]
    assert who(lone) == before


def test_rows_within_the_limit_that_find_no_memory_say_so(cluster_factory, capsys):
    """In a process that is much too small for its slots: bytes cost twice as much on their way."""
    crowded = cluster_factory("--executors", "1", "--slots", "8", "--apis", "1", "--set", f"memory_mib={CROWDED_MIB}")
    ask(crowded.info["source_dsn"],
        f"""CREATE TABLE bytes AS SELECT substr(string_agg(sha512(n::text::bytea), '' ORDER BY n), 1, {JUST_UNDER}) AS b
            FROM generate_series(1, {ROW_BYTES // 64}) n; GRANT SELECT ON bytes TO PUBLIC""")
    before = who(crowded)
    large = [crowded.submit("SELECT b FROM bytes") for _ in range(24)]
    small = [crowded.submit(f"SELECT {n} AS n", key=crowded.other_key) for n in range(50)]
    done = 0
    for job in large:
        status = crowded.wait(job, limit=120)
        if status["state"] == "done":
            done += 1
        else:
            assert status["error"]["sqlstate"] == "54000", status
            assert status["error"]["message"].endswith(NO_MEMORY), status
    for job in small:
        assert crowded.wait(job, key=crowded.other_key)["state"] == "done"
    with capsys.disabled():
        print(f"\nlarge rows: {done} of {len(large)} found room within {CROWDED_MIB} MiB")
    assert 0 < done
    assert who(crowded) == before
