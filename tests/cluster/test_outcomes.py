"""Every outcome decided: an executor stops at each named moment of a job, is killed there, or wakes after
its lease; with and without a kill of the source at that moment, with a ledger on the source and without.

Here each point is met once in each of two clusters, which run side by side, with the faults in turns. `./tests/run outcomes`
does MILLRACE_OUTCOME_ROUNDS (50) rounds of them.
"""
import collections
import concurrent.futures
import contextlib
import itertools
import os
import pathlib
import re
import signal
import sys

from sql import ask
from victims import KINDS, POINTS, SECOND, TABLE, UNMARKED, Executor, Work, build, judge

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "compose" / "lib"))

from cluster import Cluster  # noqa: E402
import postgres  # noqa: E402
import proc  # noqa: E402

ROUNDS = int(os.environ.get("MILLRACE_OUTCOME_ROUNDS", "1"))
OPTIONS = ("--slots", "8", "--executors", "1", "--set", "lease_ms=2000", "--set", "page_bytes=16384",
           "--set", "drain_ms=500")
FAULTS = list(itertools.product(("kill", "pause"), (False, True)))  # (what, with the source?)
SETTLE_S = 60
STRANGERS = 10

# What a point needs to be met.
DIET = {
    "page_closed": ("rows", "rows"), "page_stored": ("rows", "rows"), "first_row": ("rows", "rows"),
    "step_begun": ("steps", "steps"), "step_moved": ("steps", "steps"),
    "alone_sent": ("alone", "alone"), "alone_done": ("alone", "alone"),
    "stop_asked": ("slow", "slow"), "handed_back": ("slow", "slow"),
}
USUAL = ("write", "rows", "steps", "alone", "broken", "write")


class Theatre:
    """A cluster whose executors are the test's own."""

    def __init__(self, handle, ledger):
        self.handle = handle
        self.ledger = ledger
        self.work = Work(handle)
        self.figures = collections.Counter()
        self.executors = []
        for sql in (*TABLE, "CREATE TABLE strangers (n integer)"):
            ask(handle.info["source_dsn"], sql)
        handle.act("stop", "executor1")

    def executor(self, kind, point=None):
        made = Executor(self.handle, f"{kind}{len(self.executors) + 1}", point)
        self.executors.append(made)
        return made

    def close(self):
        for each in self.executors:
            each.kill()

    def kill_source(self):
        """All of its processes, at one moment; then it comes again, and recovers."""
        compose = Cluster(self.handle.folder)
        record = compose.read()["nodes"]["source"]["process"]
        proc.send(record, signal.SIGSTOP)
        victims = [*reversed(postgres.Server(compose, "source").processes(record))]
        assert not proc.end(victims, signal.SIGKILL, 10)

    def start_source(self):
        """It recovers, and strangers come first: they get the transaction ids that were lost."""
        self.handle.act("start", "source")
        for _ in range(STRANGERS):
            ask(self.handle.info["source_dsn"], "INSERT INTO strangers VALUES (1)")

    def meet(self, point, nth):
        """A victim that stopped at this point, and the jobs that were given; None when nothing met it."""
        given = []
        if point in SECOND:
            first, given = self.meet("commit_sent" if nth % 2 else "record_stored", 1)
            if not first:
                return None, given
            first.kill()
        victim = self.executor("victim", f"{point}:{nth}")
        victim.wait_ready()
        given += self.work.give(*DIET.get(point, USUAL))
        if point == "stop_asked":
            self.handle.until(lambda: self.handle.status(self.work.jobs[given[0]][1])["state"] != "pending", 10)
            self.work.cancel(given[0])
        if point == "handed_back":
            self.handle.until(lambda: self.handle.status(self.work.jobs[given[0]][1])["state"] != "pending", 10)
            victim.signal(signal.SIGTERM)
        with contextlib.suppress(AssertionError):
            self.handle.until(lambda: victim.stopped() or victim.process.poll() is not None, 10)
        return (victim if victim.stopped() else None), given

    def round(self, point, nth, what, with_source):
        victim, given = self.meet(point, nth)
        self.figures["rounds"] += 1
        if victim:
            self.figures["met"] += 1
            if with_source:
                self.kill_source()
            if what == "kill":
                victim.kill()
            if with_source:
                self.start_source()
            self.figures[what] += 1
            self.figures["source"] += with_source
        else:
            self.figures["missed"] += 1
        self.executor("medic")
        for number in given:
            if self.work.jobs[number][0] == "slow":
                self.work.cancel(number)
        said = self.work.wait(given, SETTLE_S)
        assert said is not None, (point, what, with_source, self.handle.folder)
        if victim and what == "pause":
            victim.signal(signal.SIGCONT)
            again = self.wakes(victim, given)
            assert {n: s["state"] for n, s in again.items()} == {n: s["state"] for n, s in said.items()}
        for each in self.executors:
            each.end()
        self.count(said)

    def wakes(self, victim, given):
        """It learns that it was declared dead, and gets nothing done of what it had."""
        with contextlib.suppress(AssertionError):
            self.handle.until(lambda: re.search(r"executor\.(deposed|reborn)", victim.text())
                              or victim.process.poll() is not None, 10)
        victim.end()
        return self.work.wait(given, SETTLE_S)

    def count(self, said):
        self.figures["jobs"] += len(said)
        for status in said.values():
            self.figures[status["state"]] += 1
            self.figures["steps"] += len(status.get("steps") or [0])

    def verdict(self):
        """Every job that was ever given, against what stands in the source."""
        effects = {(n, step): count for n, step, count in ask(
            self.handle.info["source_dsn"], "SELECT n, step, count(*) FROM effects GROUP BY n, step")}
        said = self.work.wait(list(self.work.jobs), SETTLE_S)
        texts = [each.text() for each in self.executors]
        self.figures["in_doubt"] = sum(len(re.findall(r"job\.decided ", text)) for text in texts)
        wrong = judge(said, effects)
        # no source fails over here: all can be known but what ran outside any transaction
        wrong += [f"undecided: job {n} ({self.work.jobs[n][0]}, {each['id']})" for n, each in (said or {}).items()
                  if each["state"] == "unknown" and self.work.jobs[n][0] != "alone"]
        for each in wrong:
            self.figures[each.split(":")[0]] += 1
        return wrong

    def line(self):
        names = ("rounds", "met", "missed", "kill", "pause", "source", "jobs", "steps", "done", "failed",
                 "cancelled", "unknown", "in_doubt", "lost", "duplicated", "untold", "undecided")
        kind = "ledger" if self.ledger else "barrier"
        return f"outcomes {kind}: " + " ".join(f"{name}={self.figures[name]}" for name in names)


def play(theatre):
    """All points, in as many rounds as are asked for. Returns each breach."""
    points = [point for point in POINTS if not (theatre.ledger and point in UNMARKED)]
    assert len(points) >= 20
    try:
        for number in range(ROUNDS):
            for at, point in enumerate(points):
                what, with_source = FAULTS[(at + number + theatre.ledger) % len(FAULTS)]
                theatre.round(point, 1 + number % 3, what, with_source)
        return theatre.verdict()
    finally:
        theatre.close()


def test_every_outcome_is_decided(cluster_factory, capsys):
    theatres = [Theatre(cluster_factory(*OPTIONS, "--set", f"ledger={word}"), word == "on")
                for word in ("on", "off")]
    build(theatres[0].handle)
    try:
        with concurrent.futures.ThreadPoolExecutor(len(theatres)) as pool:
            wrong = [each for part in pool.map(play, theatres) for each in part]
    finally:
        with capsys.disabled():
            for theatre in theatres:
                print("\n" + theatre.line())
    assert not wrong, wrong
    for theatre in theatres:
        assert theatre.figures["missed"] <= theatre.figures["rounds"] / 5
        assert theatre.figures["in_doubt"] > 0, "no commit was in doubt: this says nothing"
        assert set(KINDS) <= {kind for kind, _ in theatre.work.jobs.values()}


def test_what_ships_has_no_failpoints(cluster):
    folder = pathlib.Path(cluster.millrace).parent
    for program in ("millrace-api", "millrace-broker", "millrace-executor"):
        assert b"MILLRACE_FAILPOINT" not in (folder / program).read_bytes()
    build(cluster)
    assert b"MILLRACE_FAILPOINT" in (folder / "millrace-executor-failpoints").read_bytes()
