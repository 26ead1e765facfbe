"""Ten thousand cancels, spread over the whole life of jobs: no final state changes, and nothing that was
cancelled took effect. Then how long it takes to stop what runs, also where it does not want to."""
import collections
import os
import random
import statistics
import threading
import time

import pytest
import requests

from sql import ask

CANCELS = int(os.environ.get("MILLRACE_CANCELS", "10000"))
THREADS = 12
LIFE_S = (0.001, 0.06, 5.0)  # from a submit to the end of such a job: at least, at first, at most
FINAL = ("done", "failed", "cancelled", "timed_out", "unknown")

OBEY_S = 1.0     # what obeys stops within, p99
SWALLOW_S = 5.0  # and what swallows a cancel

SWALLOWS = """DO $$ BEGIN
  LOOP BEGIN PERFORM pg_sleep(60); EXCEPTION WHEN query_canceled THEN NULL; END; END LOOP; END $$"""


class Storm:
    """Threads that submit a job each, wait for some part of its life, and cancel it."""

    def __init__(self, handle):
        self.handle = handle
        self.lock = threading.Lock()
        self.next = 0
        self.life_s = LIFE_S[1]
        self.said = {}  # job id: (number, the state that the cancel answered, its outcome)
        self.trouble = []

    def take(self):
        with self.lock:
            self.next += 1
            return self.next if self.next <= CANCELS else None

    def run(self):
        session = requests.Session()
        session.headers["Authorization"] = f"Bearer {self.handle.api_key}"
        luck = random.Random(threading.get_ident())
        while (number := self.take()) is not None and not self.trouble:
            try:
                self.one(session, luck, number)
            except (requests.RequestException, AssertionError, KeyError) as error:
                self.trouble.append(f"{number}: {error!r}")

    def one(self, session, luck, number):
        url = luck.choice(self.handle.urls)
        sql = f"INSERT INTO cancels VALUES ({number}); SELECT pg_sleep({luck.random() * 0.03:.4f})"
        answer = session.post(url + "/api/v1/job", json={"sql": sql}, timeout=30)
        assert answer.status_code == 200, answer.text
        job = answer.json()["id"]
        threading.Event().wait(luck.random() * self.life_s)  # where in its life it is met
        answer = session.post(f"{luck.choice(self.handle.urls)}/api/v1/job/{job}/cancel?wait=30", timeout=60)
        assert answer.status_code == 200, answer.text
        said = answer.json()
        assert said["state"] in FINAL, said
        with self.lock:
            self.said[job] = (number, said["state"], said["outcome"])
            self.learn(said["outcome"] == "too_late")

    def learn(self, late):
        """A life is as long as the machine makes it: about one cancel in five comes too late for its job."""
        grown = self.life_s * (0.98 if late else 1.005)
        self.life_s = min(max(grown, LIFE_S[0]), LIFE_S[2])


def test_no_cancel_changes_a_final_state_nor_has_an_effect(module_cluster, capsys):
    handle = module_cluster("--slots", "8")
    ask(handle.info["source_dsn"], "CREATE TABLE cancels (n integer NOT NULL)")
    storm = Storm(handle)
    threads = [threading.Thread(target=storm.run) for _ in range(THREADS)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.monotonic() - began
    assert not storm.trouble, storm.trouble[:3]
    assert len(storm.said) == CANCELS
    stored = dict(ask(handle.info["store_admin_dsn"], "SELECT id::text, state FROM job"))
    effects = collections.Counter(n for n, in ask(handle.info["source_dsn"], "SELECT n FROM cancels"))
    changed = [job for job, (_, state, _) in storm.said.items() if stored[job] != state]
    untold = [job for job, (n, state, _) in storm.said.items() if state != "done" and effects[n]]
    lost = [job for job, (n, state, _) in storm.said.items() if state == "done" and effects[n] != 1]
    outcomes = collections.Counter(outcome for _, _, outcome in storm.said.values())
    with capsys.disabled():
        print(f"\ncancels: {len(storm.said)} in {took:.0f} s " + " ".join(
            f"{name}={count}" for name, count in sorted(outcomes.items()))
              + f" life={storm.life_s:.3f} changed={len(changed)} effect_of_cancelled={len(untold)} lost={len(lost)}")
    assert not changed and not untold and not lost
    assert all(outcomes[each] > CANCELS / 50 for each in ("never_started", "cancelled", "too_late")), outcomes


def stop_s(handle, sql):
    """How long a cancel takes, from its request to its answer, once the job runs."""
    job = handle.submit(sql)
    handle.until(lambda: handle.status(job)["state"] == "running", 10)
    handle.until(lambda: ask(handle.info["source_dsn"],
                             "SELECT 1 FROM pg_stat_activity WHERE state = 'active' AND query LIKE %s",
                             sql[:20] + "%"), 10)
    began = time.monotonic()
    said = handle.call("POST", f"/api/v1/job/{job}/cancel?wait=20").json()
    took = time.monotonic() - began
    assert said["state"] == "cancelled" and said["outcome"] == "cancelled", said
    return took


@pytest.mark.parametrize("name, sql, times, limit", [
    ("obeys", "SELECT pg_sleep(60)", 100, OBEY_S),
    ("swallows", SWALLOWS, 5, SWALLOW_S),
])
def test_what_runs_stops_in_time(cluster, name, sql, times, limit, capsys):
    took = sorted(stop_s(cluster, sql) for _ in range(times))
    p99 = took[min(len(took) - 1, int(len(took) * 0.99))]
    with capsys.disabled():
        print(f"\ncancel {name}: {times} times, p50 {statistics.median(took):.3f} s, p99 {p99:.3f} s")
    assert p99 < limit
