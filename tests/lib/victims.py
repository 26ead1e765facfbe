"""Executors that stop themselves at a named moment of a job, and the clients that give them work.

A victim is `millrace-executor-failpoints` (executor/failpoints.def) with one point in its environment:
when it is met, the process stops itself, and the test may kill it, or let it go on after its lease. The
work is jobs whose steps append their number to a table that has no unique key: what is there once too
often stays visible.
"""
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(REPOSITORY / "compose" / "lib"))

import programs  # noqa: E402
import proc  # noqa: E402

POINTS = re.findall(r"^POINT\((\w+),", (REPOSITORY / "executor" / "failpoints.def").read_text(), re.M)

# Points that only a job meets which was tried before: another victim dies first.
SECOND = ("ghosts_asked", "looked", "fate_asked", "decided")
# Points of jobs on a source without a ledger.
UNMARKED = ("barrier_asked", "barrier_done")

PROGRAM = "millrace-executor-failpoints"
HIT_S = 20
END_S = 20

TABLE = ("CREATE TABLE effects (n bigint NOT NULL, step integer NOT NULL)",)

PUT = "INSERT INTO effects VALUES ({n}, {step})"

# What a client may ask for: the request, and which steps have an effect when it is done.
KINDS = {
    "write": lambda n: {"sql": PUT.format(n=n, step=0)},
    "rows": lambda n: {"sql": PUT.format(n=n, step=0)
                       + "; SELECT g, repeat('x', 100) FROM generate_series(1, 1500) g"},
    "steps": lambda n: {"sql": [PUT.format(n=n, step=0),
                                {"sql": PUT.format(n=n, step=1) + " RETURNING n"},
                                PUT.format(n=n, step=2)]},
    "alone": lambda n: {"sql": PUT.format(n=n, step=0), "autocommit": True},
    "broken": lambda n: {"sql": [PUT.format(n=n, step=0) + "; SELECT 1/0", PUT.format(n=n, step=1)]},
    "slow": lambda n: {"sql": PUT.format(n=n, step=0) + "; SELECT pg_sleep(15)"},
}


def build(handle):
    """The victims' program, in the folder of the cluster's programs."""
    folder = json.loads((handle.folder / "state.json").read_text())["programs"]
    if not os.access(os.path.join(folder, PROGRAM), os.X_OK):
        subprocess.run(["ninja", "-C", folder, PROGRAM], check=True, stdin=subprocess.DEVNULL)


class Executor:
    """One executor of a cluster, started by the test itself."""

    def __init__(self, handle, name, point=None):
        self.name = name
        folder = handle.folder / "victims"
        folder.mkdir(exist_ok=True)
        state = json.loads((handle.folder / "state.json").read_text())
        self.ready = folder / f"{name}.ready"
        self.log = folder / f"{name}.log"
        values = {"name": name, "store": state["store_for_nodes"], "ready_file": str(self.ready),
                  "seal_key_file": str(handle.folder / "seal.key"), **state["settings"]["executor"]}
        programs.write_conf(str(folder / f"{name}.cfg"), values)
        path = os.path.join(state["programs"], PROGRAM if point else "millrace-executor")
        env = dict(os.environ, LC_ALL="C.UTF-8")
        if point:
            env["MILLRACE_FAILPOINT"] = point
        with open(self.log, "ab") as out:
            self.process = subprocess.Popen([path, "--config", str(folder / f"{name}.cfg")], env=env,
                                            stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                            start_new_session=True)

    def wait_ready(self):
        deadline = time.monotonic() + HIT_S
        while time.monotonic() < deadline:
            if self.stopped():
                return
            assert self.process.poll() is None, self.tail()
            if self.ready.exists():
                url = json.loads(self.ready.read_text())["url"].rstrip("/")
                if programs.get(url + "/readyz") == 200:
                    return
            time.sleep(0.02)
        raise AssertionError(f"{self.name} is not ready: {self.tail()}")

    def stopped(self):
        known = proc.stat(self.process.pid)
        return known is not None and known[0] == "T"

    def signal(self, number):
        if self.process.poll() is None:
            self.process.send_signal(number)

    def kill(self):
        self.signal(signal.SIGKILL)
        self.process.wait(10)

    def end(self):
        """Told to drain; killed when that takes too long."""
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGTERM)
        try:
            self.process.wait(END_S)
        except subprocess.TimeoutExpired:
            self.kill()

    def text(self):
        return self.log.read_text(errors="replace")

    def tail(self):
        return "\n".join(self.text().splitlines()[-15:])


class Work:
    """Jobs that were given to a cluster, and what they are owed."""

    def __init__(self, handle):
        self.handle = handle
        self.jobs = {}  # number: (kind, id)
        self.number = 0

    def give(self, *kinds):
        given = []
        for kind in kinds:
            self.number += 1
            body = dict(KINDS[kind](self.number), client_token=f"work-{self.number}")
            answer = self.handle.post("/api/v1/job", body)
            self.jobs[self.number] = (kind, answer.json()["id"])
            given.append(self.number)
        return given

    def cancel(self, number, wait=0):
        return self.handle.call("POST", f"/api/v1/job/{self.jobs[number][1]}/cancel?wait={wait}").json()

    def wait(self, numbers, seconds):
        """The statuses of these, once all are final. None: they are not."""
        deadline = time.monotonic() + seconds
        found = {}
        for number in numbers:
            left = max(0.1, deadline - time.monotonic())
            said = self.handle.status(self.jobs[number][1], wait=min(left, 30))
            while said["state"] in ("pending", "running") and time.monotonic() < deadline:
                said = self.handle.status(self.jobs[number][1], wait=2)
            if said["state"] in ("pending", "running"):
                return None
            found[number] = said
        return found


def states(said):
    """{step: its state} of a job, whether it has several or not."""
    steps = said.get("steps") or [{"step": 0, "state": said["state"]}]
    return {step["step"]: step["state"] for step in steps}


def judge(statuses, effects):
    """Each breach in words. `effects`: {(number, step): how often it is there}."""
    wrong = []
    for number, said in statuses.items():
        if said is None:
            wrong.append(f"lost: job {number} is gone")
            continue
        for step, state in states(said).items():
            count = effects.get((number, step), 0)
            where = f"job {number} step {step} ({said['id']}, {state})"
            if state == "done" and count == 0:
                wrong.append(f"lost: {where} has no effect")
            elif state in ("done", "unknown") and count > 1:
                wrong.append(f"duplicated: {where} took effect {count} times")
            elif state not in ("done", "unknown") and count:
                wrong.append(f"untold: {where} took effect {count} times")
    return wrong
