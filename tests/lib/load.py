"""A load that remembers: threads that submit jobs through all API nodes and threads that read them
back, while somebody else breaks the cluster. All that they are told goes into a History.

Four kinds of jobs: a result of several pages with a pause in its middle, a short one, a write, and a
write whose COMMIT takes a while. Each carries a nonce that is made anew by every execution, so that
rows of two executions can be told apart.
"""
import itertools
import random
import threading
import time

import requests

from history import FINAL

HANG_S = 10
PAGE_ROWS = 1000  # the most that one answer holds
RETRY_S = 0.05

TABLE = ("CREATE TABLE effects (n integer, slow boolean)",
         "CREATE FUNCTION linger() RETURNS trigger LANGUAGE plpgsql AS"
         " 'BEGIN PERFORM pg_sleep(0.1); RETURN NULL; END'",
         "CREATE CONSTRAINT TRIGGER linger AFTER INSERT ON effects DEFERRABLE INITIALLY DEFERRED"
         " FOR EACH ROW WHEN (NEW.slow) EXECUTE FUNCTION linger()")

NONCE = "md5(random()::text || clock_timestamp())"
PAGES = ("WITH k AS MATERIALIZED (SELECT {nonce} AS nonce) SELECT i, nonce"
         " FROM k, generate_series(0, {last}) i WHERE i <> {middle} OR pg_sleep(0.2) IS NOT NULL")
SHORT = "SELECT 0 AS i, {nonce} AS nonce"
WRITE = "INSERT INTO effects SELECT {n}, false RETURNING 0 AS i, {nonce} AS nonce"
SLOW = ("INSERT INTO effects SELECT {n}, true FROM pg_sleep(0.1)"
        " RETURNING 0 AS i, {nonce} AS nonce")

# (text, rows of its result, does it write)
KINDS = ((PAGES, 1500, False), (WRITE, 1, True), (SHORT, 1, False), (SLOW, 1, True),
         (WRITE, 1, True), (PAGES, 1100, False), (SHORT, 1, False), (SLOW, 1, True))


class Caller:
    """One thread's way to the API nodes."""

    def __init__(self, key, history):
        self.history = history
        self.http = requests.Session()
        self.http.headers["Authorization"] = f"Bearer {key}"

    def ask(self, method, url, fine, **more):
        """The answer when its status is one of `fine`, else None. What no client should ever be
        answered is complained about."""
        began = time.monotonic()
        try:
            answer = self.http.request(method, url, timeout=HANG_S, **more)
        except requests.RequestException:
            if time.monotonic() - began >= HANG_S:
                self.history.complain(f"{method} {url}: no answer for {HANG_S} s")
            self.history.count("cut")
            return None
        if answer.status_code == 503:
            self.history.count("refused")
            if not answer.headers.get("Retry-After", "").isdigit():
                self.history.complain(f"{method} {url}: 503 without Retry-After")
            return None
        if answer.status_code not in fine:
            self.history.complain(f"{method} {url}: {answer.status_code} {answer.text[:200]}")
            return None
        return answer

    def submit(self, job, url, sql):
        job.asked = url
        answer = self.ask("POST", url + "/api/v1/job", (200,), json={"sql": sql})
        if answer is not None:
            job.id = answer.json()["id"]
        return job.id is not None

    def about(self, job, url, path, fine):
        answer = self.ask("GET", f"{url}/api/v1/job/{job.id}{path}", (*fine, 404))
        if answer is not None and answer.status_code == 404:
            job.missing = True
            return None
        return answer

    def status(self, job, url, wait=0):
        was_final = job.state
        answer = self.about(job, url, f"?wait={wait}", (200,))
        if answer is None:
            return
        said = answer.json()
        if said["state"] in FINAL:
            job.attempt = said["attempt"]
            job.error = said["error"] and said["error"]["message"]
            job.seen.add(url)
            job.states.append(said["state"])
        elif was_final:
            self.history.complain(f"job {job.number} ({job.id}): {was_final}, then {said['state']}")

    def results(self, job, url):
        """Read it whole. Nothing yet (409) or not now is fine, unless it was done before."""
        for offset in range(0, job.rows, PAGE_ROWS):
            was_final = job.state
            answer = self.about(job, url, f"/results?offset={offset}&limit={PAGE_ROWS}", (200, 409))
            if answer is None:
                return
            said = answer.json()
            if answer.status_code == 409:
                if was_final == "done" or offset:
                    self.history.complain(f"job {job.number} ({job.id}): done, then {said}")
                return
            job.take_rows(said["rows"], offset, PAGE_ROWS, said["total_rows"], said["complete"])
        job.read.add(url)


class Load:
    """Runs from start() to settle(). `depth` jobs at most are not final at a time."""

    def __init__(self, cluster, history, depth=48, submitters=3, readers=3):
        self.history = history
        self.key = cluster.api_key
        self.urls = list(cluster.urls)
        self.depth = depth
        self.submitters = submitters
        self.readers = readers
        self.numbers = itertools.count()
        self.stopping = threading.Event()
        self.room = threading.Semaphore(depth)
        self.changed = threading.Condition()
        self.open = set()  # indexes of acknowledged jobs that are not final
        self.finished = []
        self.after_ack = None  # called with (job) by the thread that just got the answer
        self.threads = []

    def start(self):
        work = [self._submit] * self.submitters + [self._read] * self.readers
        self.threads = [threading.Thread(target=self._run, args=(each,)) for each in work]
        for thread in self.threads:
            thread.start()

    def _run(self, work):
        try:
            work(Caller(self.key, self.history))
        except Exception as error:  # a thread that dies in silence would make the test blind
            self.history.complain(f"the load itself failed: {error!r}")

    def _submit(self, caller):
        while not self.stopping.is_set():
            if not self.room.acquire(timeout=0.2):
                continue
            text, rows, writes = KINDS[next(self.numbers) % len(KINDS)]
            job = self.history.new_job(rows=rows, writes=writes)
            sql = text.format(n=job.number, nonce=NONCE, last=rows - 1, middle=rows // 2)
            if not caller.submit(job, random.choice(self.urls), sql):
                self.room.release()
                self.stopping.wait(RETRY_S)
                continue
            hook = self.after_ack
            if hook:
                hook(job)
            with self.changed:
                self.open.add(job.number)
                self.changed.notify()

    def _next(self):
        """A job to look at: mostly one that runs, now and then one that ended."""
        with self.changed:
            if self.finished and (not self.open or random.random() < 0.2):
                return random.choice(self.finished)
            if not self.open:
                self.changed.wait(0.2)
            return random.choice(tuple(self.open)) if self.open else None

    def _read(self, caller):
        while not self.stopping.is_set():
            number = self._next()
            if number is None:
                continue
            job = self.history.jobs[number]
            url = random.choice(self.urls)
            caller.status(job, url, wait=random.choice((0, 0, 0.3)))
            if job.state in (None, "done"):
                caller.results(job, url)
            self._close(job)

    def _close(self, job):
        with self.changed:
            if (job.states or job.missing) and job.number in self.open:
                self.open.remove(job.number)
                self.finished.append(job.number)
                self.room.release()

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join(4 * HANG_S)

    def settle(self, seconds):
        """No new jobs. Read each acknowledged one through each node until all is told; returns
        when that is so, or when the time is over."""
        self.stop()
        deadline = time.monotonic() + seconds
        nodes = set(self.urls)
        todo = [job for job in self.history.acknowledged() if not job.told(nodes)]
        threads = [threading.Thread(target=self._run, args=(
            lambda caller, part=todo[k::4]: self._settle(caller, part, nodes, deadline),))
            for k in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    @staticmethod
    def _settle(caller, jobs, nodes, deadline):
        for job in jobs:
            while not job.told(nodes) and not job.missing and time.monotonic() < deadline:
                if job.state == "done":
                    for url in nodes - job.read:
                        caller.results(job, url)
                else:
                    for url in nodes - job.seen:
                        caller.status(job, url, wait=1)
