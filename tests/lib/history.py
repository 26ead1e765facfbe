"""What a load saw while parts of a cluster died, and the judgement over it.

A Job is one thing that the load asked for, with all that any answer ever said about it. judge() looks
at the jobs and at the table that writes append to, and says which promises were broken. It asks
nobody: a history that was made up is judged like one that was lived.
"""
import collections
import dataclasses
import threading

FINAL = ("done", "failed", "cancelled", "timed_out", "unknown")


@dataclasses.dataclass
class Job:
    number: int
    rows: int = 1  # its result must be 0 .. rows-1, all with one nonce
    writes: bool = False  # it appends its number to the table of effects
    id: str = None  # None: no success was answered
    asked: str = None  # the node that was asked
    missing: bool = False  # a node said that there is no such job
    states: list = dataclasses.field(default_factory=list)  # the final states that were seen
    attempt: int = 0
    error: str = None  # why it failed
    nonces: set = dataclasses.field(default_factory=set)  # of all rows that were ever read
    torn: str = None  # a result that was answered whole and was not
    seen: set = dataclasses.field(default_factory=set)  # nodes that told the final state
    read: set = dataclasses.field(default_factory=set)  # nodes that gave the whole result

    @property
    def state(self):
        return self.states[0] if self.states else None

    def told(self, by):
        """Is all known that can be known, through each of these nodes?"""
        return bool(self.states) and (self.read if self.state == "done" else self.seen) >= by

    def take_rows(self, rows, offset, limit, total, complete):
        """The rows of one answer to a question for `limit` rows from `offset` on."""
        self.nonces.update(row["nonce"] for row in rows)
        end = min(offset + limit, self.rows)
        if total != self.rows:
            self.torn = f"{total} rows in all instead of {self.rows}"
        elif [row["i"] for row in rows] != list(range(offset, end)):
            self.torn = f"rows {offset} to {end} are not these rows ({len(rows)} came)"
        elif complete != (end == self.rows):
            self.torn = f"complete is {complete} after {end} of {self.rows} rows"


class History:
    """All jobs, and all answers that should not have been. For many threads."""

    def __init__(self):
        self.lock = threading.Lock()
        self.jobs = []
        self.refused = 0  # 503
        self.cut = 0  # connections that ended before the answer did
        self.wrong = []

    def new_job(self, **what):
        with self.lock:
            self.jobs.append(Job(len(self.jobs), **what))
            return self.jobs[-1]

    def count(self, what):
        with self.lock:
            setattr(self, what, getattr(self, what) + 1)

    def complain(self, text):
        with self.lock:
            self.wrong.append(text)

    def acknowledged(self):
        with self.lock:
            return [job for job in self.jobs if job.id]


@dataclasses.dataclass
class Verdict:
    jobs: int
    lost: list = dataclasses.field(default_factory=list)
    mixed: list = dataclasses.field(default_factory=list)
    stuck: list = dataclasses.field(default_factory=list)
    duplicated: list = dataclasses.field(default_factory=list)
    wrong: list = dataclasses.field(default_factory=list)
    states: collections.Counter = dataclasses.field(default_factory=collections.Counter)

    BREACHES = ("lost", "mixed", "stuck", "duplicated", "wrong")

    def clean(self):
        return not any(getattr(self, name) for name in self.BREACHES)

    def counts(self):
        return {name: len(getattr(self, name)) for name in self.BREACHES}

    def __str__(self):
        shown = [f"{name}: {text}" for name in self.BREACHES for text in getattr(self, name)[:5]]
        return "\n".join(shown) or "nothing is wrong"


def judge(history, effects, nodes, left=()):
    """effects: {number: rows in the table}; nodes: the URLs through which each job must be known;
    left: what the store still holds as not final although nobody had an answer about it."""
    jobs = history.acknowledged()
    verdict = Verdict(len(jobs), wrong=list(history.wrong))
    verdict.stuck += [f"{text} was never acknowledged and does not end" for text in left]
    for job in jobs:
        _judge_answers(verdict, job, set(nodes))
    for job in history.jobs:
        _judge_effects(verdict, job, effects.get(job.number, 0))
    strangers = set(effects) - {job.number for job in history.jobs}
    verdict.wrong += [f"effect {number} belongs to no job" for number in strangers]
    return verdict


def _judge_answers(verdict, job, nodes):
    name = f"job {job.number} ({job.id}, attempt {job.attempt})"
    if job.missing:
        verdict.lost.append(f"{name}: a node does not know it")
    elif not job.states:
        verdict.stuck.append(f"{name} is not final")
    elif job.state == "done" and not job.read >= nodes:
        verdict.lost.append(f"{name} is done and its result cannot be read")
    if len(set(job.states)) > 1:
        verdict.wrong.append(f"{name}: its final state changed: {job.states}")
    if len(job.nonces) > 1:
        verdict.mixed.append(f"{name}: rows of {len(job.nonces)} executions")
    elif job.torn:
        verdict.mixed.append(f"{name}: {job.torn}")
    verdict.states[job.state] += 1
    if job.state == "unknown" and not job.writes:
        verdict.wrong.append(f"{name} wrote nothing and ended unknown")


def _judge_effects(verdict, job, rows):
    name = f"job {job.number} ({job.id}, {job.state}, attempt {job.attempt})"
    if rows > 1:
        verdict.duplicated.append(f"{name}: {rows} effects")
    elif rows and not job.writes:
        verdict.wrong.append(f"{name}: an effect of a job that writes nothing")
    elif rows and job.state in ("failed", "cancelled", "timed_out"):
        verdict.wrong.append(f"{name}: it took effect all the same")
    elif not rows and job.writes and job.state == "done":
        verdict.lost.append(f"{name}: its effect is not there")
