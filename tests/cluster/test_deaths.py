"""Deaths under load: kill, pause and restart each kind of process while jobs run, and judge what every
client was told.

Each test has a cluster of its own and prints one line. `hit` counts the jobs that a fault really met:
those that ran on a dead or paused executor, waited without a broker, were just acknowledged, or were
not final when a server went away. `again` counts the jobs that were run more than once, `stale` the
pages of earlier attempts beside those of the final one. recovery_ms is from the fault (repair included)
to the end of each job that was hit, by the store's clock.
"""
import concurrent.futures
import contextlib
import os
import pathlib
import re
import signal
import statistics
import sys
import threading
import time

import pytest
import requests

from history import History, judge
from load import TABLE, Load
from sql import ask

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "compose" / "lib"))

import postgres  # noqa: E402
import proc  # noqa: E402
from cluster import SERVERS, Cluster  # noqa: E402

SETTLE_S = 40
EVENT_S = 20
# A job may be met by more faults than it is tried in practice.
OPTIONS = ("--slots", "3", "--set", "lease_ms=2000", "--set", "page_bytes=16384",
           "--set", "max_attempts=12")

totals = {"faults": 0, "unknown": 0, "failed": 0, "hit": 0}


@pytest.fixture
def say(request):
    """Print a line that is shown whatever pytest captures."""
    return teller(request.config)


def teller(config):
    capture = config.pluginmanager.getplugin("capturemanager")

    def line(text):
        with capture.global_and_fixture_disabled():
            print(f"\n{text}", end="", flush=True)

    return line


@pytest.fixture(scope="module", autouse=True)
def total(request):
    yield
    if "jobs" in totals:
        teller(request.config)("deaths total: " + words(totals))


def words(numbers):
    return " ".join(f"{name}={number}" for name, number in numbers.items())


class Story:
    """A cluster under load, the faults done to it, and the line that tells of them."""

    def __init__(self, name, cluster, **load):
        self.name = name
        self.cluster = cluster
        self.history = History()
        for sql in TABLE:
            ask(cluster.info["source_dsn"], sql)
        self.load = Load(cluster, self.history, **load)
        self.stale = 0
        self.ends = {}  # when each job ended, by the store's clock
        self.faults = []  # (since, ids of the jobs it met)

    def store(self, sql, *values):
        return ask(self.cluster.info["store_admin_dsn"], sql, *values)

    def until(self, question, seconds=EVENT_S):
        return self.cluster.until(question, seconds)

    def met(self, ids, since):
        self.faults.append((since, [str(each) for each in ids]))

    def held_by(self, executor, least):
        """The jobs that this executor runs now, once there are so many."""

        def held():
            found = self.store("SELECT id FROM live WHERE state = 'running'"
                               " AND split_part(owner, '/', 1) = %s", executor)
            return found if len(found) >= least else None

        return [row[0] for row in self.until(held)]

    def flows(self, more=8):
        """Wait until so many more jobs have ended."""
        before = self.ended()
        self.until(lambda: self.ended() >= before + more, 30)

    def ended(self):
        return len(self.load.finished)

    def left(self):
        """Jobs that the store holds as not final, once that does not change any more."""
        with contextlib.suppress(AssertionError):
            self.until(lambda: not self.store("SELECT 1 FROM live LIMIT 1"))
        known = {job.id for job in self.history.acknowledged()}
        return [row[0] for row in self.store("SELECT id::text FROM live") if row[0] not in known]

    def end(self, say, failures=r"\Z."):
        """Judge, print, and fail on any breach. Jobs may fail only for a reason like `failures`."""
        self.load.settle(SETTLE_S)
        left = self.left()
        self.stale = self.store("SELECT count(*) FROM page p JOIN job j ON j.id = p.job"
                                " WHERE p.attempt < j.attempt")[0][0]
        self.ends = dict(self.store("SELECT id::text, extract(epoch FROM ended_at)::float8 FROM job"))
        effects = dict(ask(self.cluster.info["source_dsn"], "SELECT n, count(*) FROM effects GROUP BY n"))
        verdict = judge(self.history, effects, self.cluster.urls, left)
        rest = self.store("SELECT id::text, state, recovering, attempt, tries, owner FROM live")
        strike(self.cluster)
        say(self.line(verdict))
        assert verdict.clean(), f"{verdict}\nlive: {rest[:5]}"
        assert verdict.jobs > 50 and all(ids for _, ids in self.faults), self.faults
        failed = [job for job in self.history.acknowledged() if job.state == "failed"]
        assert all(re.search(failures, job.error) for job in failed), failed

    def line(self, verdict):
        jobs = {job.id: job for job in self.history.acknowledged()}
        took = [max(0.0, self.ends[each] - since) * 1000 for since, ids in self.faults for each in ids
                if each in self.ends]
        hit = sum(len(ids) for _, ids in self.faults)
        numbers = {"jobs": verdict.jobs, "faults": len(self.faults), "hit": hit, **verdict.counts(),
                   "unknown": verdict.states["unknown"], "failed": verdict.states["failed"],
                   "again": sum(job.attempt > 1 for job in jobs.values()), "stale": self.stale,
                   "refused": self.history.refused}
        for key, number in numbers.items():
            totals[key] = totals.get(key, 0) + number
        recovery = f"{statistics.median(took):.0f}/{max(took):.0f}" if took else "-"
        return f"deaths {self.name}: {words(numbers)} recovery_ms_p50/max={recovery}"


@pytest.fixture
def story(cluster_factory):
    stories = []

    def make(name, *options, **load):
        stories.append(Story(name, cluster_factory(*OPTIONS, *options), **load))
        stories[-1].load.start()
        stories[-1].flows()
        return stories[-1]

    yield make
    for each in stories:
        each.load.stop()


def strike(cluster, names=None):
    """SIGKILL to these nodes (None: to all), servers with all their processes, at one moment: those that
    could still act while the others die are stopped first. Returns that moment."""
    compose = Cluster(cluster.folder)
    records = [(node["role"], name, node["process"]) for name, node in compose.read()["nodes"].items()
               if names is None or name in names]
    records = [each for each in records if proc.state(each[2]) != "down"]
    since = time.time()
    for _, _, record in records:
        proc.send(record, signal.SIGSTOP)
    victims = []
    for role, name, record in records:
        victims += reversed(postgres.Server(compose, name).processes(record)) if role in SERVERS else [record]
    assert not proc.end(victims, signal.SIGKILL, 10)
    return since


def at_once(cluster, action, names):
    with concurrent.futures.ThreadPoolExecutor(len(names)) as pool:
        list(pool.map(lambda name: cluster.act(action, name), names))


def test_executors_are_killed_in_the_middle_of_jobs(story, say):
    tale = story("executor kill")
    for name in ("executor1", "executor2") * 3:
        tale.held_by(name, 2)
        since = strike(tale.cluster, [name])
        dead = tale.held_by(name, 1)
        tale.met(dead, since)
        tale.cluster.act("start", name)
        tale.until(lambda: not still_held(tale, dead))
        tale.flows()
    tale.end(say, failures="executors died 3 times")
    assert tale.history.refused == 0


def still_held(tale, ids):
    """Is one of these jobs still in its first attempt?"""
    return tale.store("SELECT 1 FROM live WHERE id = ANY(%s::uuid[]) AND attempt = 1 LIMIT 1", ids)


def queued(tale, least=20):
    def waiting():
        found = tale.store("SELECT id FROM live WHERE state = 'pending'")
        return found if len(found) >= least else None

    return [row[0] for row in tale.until(waiting)]


def test_the_only_broker_is_killed_with_jobs_queued(story, say):
    tale = story("broker kill", "--slots", "2")
    for _ in range(4):
        queued(tale)
        since = strike(tale.cluster, ["broker1"])
        tale.met(queued(tale), since)
        tale.cluster.act("start", "broker1")
        tale.flows(25)
    tale.end(say)
    assert tale.history.refused == 0


def test_the_leading_broker_is_killed_and_the_standby_takes_over(story, say):
    tale = story("broker kill, standby", "--brokers", "2", "--slots", "2")
    for _ in range(3):
        leader = tale.until(lambda: tale.cluster.refresh()["leader"])
        queued(tale)
        since = strike(tale.cluster, [leader])
        tale.met(queued(tale), since)
        tale.flows(25)
        assert tale.cluster.refresh()["leader"] not in (None, leader)
        tale.cluster.act("start", leader)
    tale.end(say)
    assert tale.history.refused == 0


def test_an_api_node_is_killed_right_after_it_answered(story, say):
    """By the thread that holds the answer in its hand: what the node meant to do next it does not."""
    tale = story("api kill")
    for name in ("api1", "api2", "api1", "api2", "api1", "api2"):
        node = tale.cluster.node(name)
        once, answered = threading.Lock(), threading.Event()
        since = []

        def kill(job, node=node, once=once, answered=answered, since=since):
            if job.asked == node["url"] and once.acquire(blocking=False):
                os.kill(node["pid"], signal.SIGKILL)
                since.append(time.time())
                answered.set()

        tale.load.after_ack = kill
        assert answered.wait(EVENT_S)
        tale.load.after_ack = None
        mine = [job.id for job in tale.history.acknowledged() if job.asked == node["url"]]
        waiting = tale.store("SELECT id FROM live WHERE id = ANY(%s::uuid[])", mine)
        tale.met([row[0] for row in waiting], since[0])
        tale.flows(20)
        tale.cluster.act("start", name)
        tale.flows(20)
    tale.end(say)


def pause_amid_pages(tale, name):
    """Stop an executor while a result of several pages is half stored. Returns (moment, job)."""
    halfway = ("SELECT id FROM live WHERE state = 'running' AND first_page_at IS NOT NULL"
               " AND split_part(owner, '/', 1) = %s")

    def stopped():
        tale.until(lambda: tale.store(halfway, name))
        os.kill(tale.cluster.node(name)["pid"], signal.SIGSTOP)
        since = time.time()
        found = tale.store(halfway, name)
        if not found:  # it got to the end all the same
            os.kill(tale.cluster.node(name)["pid"], signal.SIGCONT)
        return found and (since, found[0][0])

    return tale.until(stopped)


def test_an_executor_is_paused_past_its_lease_and_wakes(story, say):
    """Twice while another one is in the middle of the same job, with rows of its own still to store."""
    tale = story("executor pause")
    for name, early in (("executor1", True), ("executor2", False), ("executor1", False),
                        ("executor2", True)):
        since, job = pause_amid_pages(tale, name)
        held = tale.held_by(name, 1)
        tale.met(held, since)
        if early:
            tale.until(lambda: tale.store("SELECT 1 FROM live WHERE id = %s AND attempt > 1"
                                          " AND state = 'running' AND first_page_at IS NOT NULL", job)
                       or not tale.store("SELECT 1 FROM live WHERE id = %s", job))
            os.kill(tale.cluster.node(name)["pid"], signal.SIGCONT)
        else:
            tale.until(lambda: not still_held(tale, held))
            tale.flows()
            tale.cluster.act("resume", name)
        tale.flows(20)
    tale.end(say)
    assert tale.history.refused == 0


class Outage:
    """While the store is away: what each API node answers, and whether every node's process lives."""

    def __init__(self, tale):
        self.tale = tale
        self.nodes = [node for node in tale.cluster.read()["nodes"] if node["health"]]
        self.key = {"Authorization": f"Bearer {tale.cluster.api_key}"}

    def look(self):
        job = self.tale.history.acknowledged()[0]
        for url in self.tale.cluster.urls:
            for method, path in (("POST", "/api/v1/job"), ("GET", f"/api/v1/job/{job.id}"),
                                 ("GET", f"/api/v1/job/{job.id}/results")):
                body = {"json": {"sql": "SELECT 1"}} if method == "POST" else {}
                answer = requests.request(method, url + path, headers=self.key, timeout=10, **body)
                assert answer.status_code == 503, f"{method} {path}: {answer.status_code} {answer.text}"
                assert int(answer.headers["Retry-After"]) >= 1 and answer.json()["error"], answer.text
            assert requests.get(url + "/readyz", timeout=10).status_code == 503
        for node in self.nodes:
            answer = requests.get(node["health"], timeout=10)
            assert answer.status_code == 200, f"{node['name']}: {answer.status_code} {answer.text}"


def test_the_store_is_killed_and_comes_back(story, say):
    tale = story("store kill")
    outage = Outage(tale)
    for _ in range(3):
        held = [row[0] for row in tale.store("SELECT id FROM live")]
        refused = tale.history.refused
        tale.met(held, strike(tale.cluster, ["store"]))
        outage.look()
        tale.until(lambda: tale.history.refused > refused + 5)
        tale.cluster.act("start", "store")
        tale.flows(25)
    tale.end(say)


def test_the_source_is_killed_and_comes_back(story, say):
    tale = story("source kill")
    for _ in range(3):
        held = tale.until(lambda: tale.store("SELECT id FROM live WHERE state = 'running'"))
        held = [row[0] for row in held]
        tale.met(held, strike(tale.cluster, ["source"]))
        # handed back, or, where COMMIT had been sent, waiting to be decided
        tale.until(lambda: not tale.store("SELECT 1 FROM live WHERE id = ANY(%s::uuid[]) AND attempt = 1"
                                          " AND state = 'running' AND NOT recovering LIMIT 1", held))
        tale.cluster.act("start", "source")
        tale.flows(25)
    tale.end(say, failures="connection")
    assert tale.history.refused == 0


def test_everything_is_killed_at_once_and_started_again(story, say):
    tale = story("everything")
    names = [node["name"] for node in tale.cluster.read()["nodes"]]
    for _ in range(3):
        held = [row[0] for row in tale.store("SELECT id FROM live")]
        tale.met(held, strike(tale.cluster))
        at_once(tale.cluster, "start", SERVERS)
        at_once(tale.cluster, "start", [name for name in names if name not in SERVERS])
        tale.flows(25)
    tale.end(say)
