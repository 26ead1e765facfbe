"""A handle on one cluster: up, down and nodes through compose's own commands, jobs over HTTP."""
import collections
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import time

import requests

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent.parent
COMPOSE = REPOSITORY / "compose"
FINAL = ("COMPLETED", "FAILED")
UP_S = 240


class Handle:
    running = []  # every cluster that is up now

    def __init__(self, folder=None):
        # Without one of the caller's, a new one: below the run's own when tests/run started us.
        self.folder = pathlib.Path(folder or tempfile.mkdtemp(
            prefix="c-", dir=os.environ.get("MILLRACE_TEST_ROOT")))
        self.info = {}
        self.http = requests.Session()

    # The cluster.

    def compose(self, command, *args, check=True, seconds=90):
        """Run one of compose's commands on this cluster."""
        argv = [COMPOSE / command, *args, "--dir", self.folder]
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=seconds, check=False)
        if check:
            assert done.returncode == 0, f"{argv}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done

    def up(self, *options):
        self.compose("up", "--no-demo", "--detach", "--port", "0", "--tenant", "other", *options,
                     seconds=UP_S)
        Handle.running.append(self)
        return self.read()

    def down(self, *options):
        self.compose("down", *options)
        if self in Handle.running:
            Handle.running.remove(self)

    def purge(self):
        """Stop it and leave nothing of it; fine when there is nothing."""
        self.http.close()
        if self in Handle.running:
            Handle.running.remove(self)
        self.compose("down", "--purge", check=False)
        shutil.rmtree(self.folder, ignore_errors=True)

    def read(self):
        """cluster.json as it stands."""
        self.info = json.loads((self.folder / "cluster.json").read_text())
        return self.info

    def refresh(self):
        """cluster.json after compose/status made it true."""
        self.compose("status")
        return self.read()

    def act(self, action, name, check=True):
        """compose/node; returns the node's line, or with check=False the finished process."""
        done = self.compose("node", action, name, check=check)
        self.read()
        return json.loads(done.stdout) if check else done

    def node(self, name):
        return next(node for node in self.read()["nodes"] if node["name"] == name)

    def log_tails(self, lines):
        for path in sorted((self.folder / "logs").glob("*.log")):
            if path.stem not in ("build", "packages"):
                with open(path, encoding="utf-8", errors="replace") as file:
                    yield path.stem, [s.rstrip() for s in collections.deque(file, lines)]

    url = property(lambda self: self.info["url"])
    urls = property(lambda self: self.info["urls"])
    tenant = property(lambda self: self.info["tenant"])
    api_key = property(lambda self: self.info["api_key"])
    key_id = property(lambda self: self.info["key_id"])
    key_secret = property(lambda self: self.info["key_secret"])
    other_key = property(lambda self: self.info["tenants"][1]["api_key"])

    # The command line.

    @property
    def millrace(self):
        state = json.loads((self.folder / "state.json").read_text())
        return os.path.join(state["programs"], "millrace")

    def admin(self, *args, given=None):
        """`millrace` with the store at hand, and a secret that it is given; returns what it printed."""
        env = dict(os.environ, MILLRACE_STORE=self.info["store_dsn"],
                   MILLRACE_SEAL_KEY=str(self.folder / "seal.key"))
        done = subprocess.run([self.millrace, *args], env=env, input=given or "",
                              capture_output=True, text=True, timeout=30, check=False)
        assert done.returncode == 0, f"millrace {args}: {done.stdout}{done.stderr}"
        return done.stdout

    # Jobs.

    def call(self, method, path, key=None, url=None, check=True, seconds=75, **more):
        headers = {"Authorization": f"Bearer {key or self.api_key}", **more.pop("headers", {})}
        answer = self.http.request(method, (url or self.url) + path, headers=headers,
                                   timeout=seconds, **more)
        if check:
            assert answer.ok, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer

    def get(self, path, **more):
        return self.call("GET", path, **more)

    def post(self, path, body, **more):
        return self.call("POST", path, json=body, **more)

    def submit(self, sql, **more):
        return self.post("/api/v1/job", {"sql": sql}, **more).json()["id"]

    def run(self, sql, **more):
        """Submit and wait for the rows in one call."""
        answer = self.post("/api/v1/query", {"sql": sql}, **more)
        if answer.status_code == 202:
            job = answer.json()["id"]
            status = self.wait(job, **more)
            assert status["jobState"] == "COMPLETED", status
            return self.results(job, **more)
        return answer.json()

    def status(self, job, wait=None, **more):
        asked = "" if wait is None else f"?wait={wait}"
        return self.get(f"/api/v1/job/{job}{asked}", **more).json()

    def wait(self, job, limit=60, **more):
        """The job's status once it is final."""
        deadline = time.monotonic() + limit
        while True:
            status = self.status(job, wait=5, **more)
            if status["jobState"] in FINAL:
                return status
            assert time.monotonic() < deadline, f"not final after {limit} s: {status}"

    def results(self, job, offset=0, limit=1000, **more):
        return self.get(f"/api/v1/job/{job}/results?offset={offset}&limit={limit}", **more).json()

    @staticmethod
    def until(question, seconds):
        """Ask until the answer is yes; returns it (of an HTTP answer, its JSON)."""
        deadline = time.monotonic() + seconds
        while True:
            answer = question()
            if answer:
                return answer.json() if isinstance(answer, requests.Response) else answer
            assert time.monotonic() < deadline, f"not so after {seconds} s"
            time.sleep(0.02)
