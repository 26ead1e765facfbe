"""Jobs with queue keys: of a key one runs at a time, in the order of their submission, whatever dies; and
no line keeps others waiting."""
import concurrent.futures
import os
import signal
import time

import requests

from sql import ask

KEYS = 5
JOBS = 40  # of each key
OPTIONS = ("--brokers", "2", "--slots", "4", "--set", "lease_ms=2000")
TABLE = ("DROP TABLE IF EXISTS turns",
         "CREATE TABLE turns (key text, n integer, began timestamptz, ended timestamptz)")


def turn(key, n):
    """A job that writes down when it was at work."""
    return (f"INSERT INTO turns VALUES ('{key}', {n}, clock_timestamp()); SELECT pg_sleep(0.02); "
            f"UPDATE turns SET ended = clock_timestamp() WHERE key = '{key}' AND n = {n}")


def submit(cluster, url, sql, key, api_key=None):
    """One job; again until it was taken, under a token, so that it is one job."""
    token = f"{key} {sql}"
    headers = {"Authorization": f"Bearer {api_key or cluster.api_key}"}

    def taken():
        try:
            answer = requests.post(url + "/api/v1/job", timeout=10, headers=headers,
                                   json={"sql": sql, "queue_key": key, "client_token": token})
        except requests.RequestException:
            return None
        return answer if answer.ok else None

    return cluster.until(taken, 30)["id"]


def over(cluster):
    return ask(cluster.info["store_admin_dsn"],
               "SELECT count(*) FROM job WHERE sql LIKE 'INSERT INTO turns%%'")[0][0]


def kill(cluster, name):
    pid = cluster.node(name)["pid"]
    os.kill(pid, signal.SIGKILL)


def test_of_a_key_one_job_runs_at_a_time_and_in_order_whatever_dies(cluster_factory):
    cluster = cluster_factory(*OPTIONS)
    for sql in TABLE:
        ask(cluster.info["source_dsn"], sql)

    def client(number):
        url = cluster.urls[number % len(cluster.urls)]
        return [submit(cluster, url, turn(f"key {number}", n), f"key {number}") for n in range(JOBS)]

    with concurrent.futures.ThreadPoolExecutor(KEYS) as pool:
        clients = [pool.submit(client, number) for number in range(KEYS)]
        cluster.until(lambda: over(cluster) > 20, 60)
        leader = cluster.refresh()["leader"]
        kill(cluster, leader)
        cluster.until(lambda: cluster.refresh()["leader"] not in (None, leader), 30)
        before = over(cluster)
        cluster.until(lambda: over(cluster) > before + 20, 60)
        held = "SELECT 1 FROM live WHERE state = 'running' AND owner LIKE 'executor1/%%'"
        cluster.until(lambda: ask(cluster.info["store_admin_dsn"], held), 30)
        kill(cluster, "executor1")
        ids = [job for each in clients for job in each.result()]
    for job in ids:
        assert cluster.wait(job, 90)["jobState"] == "COMPLETED"
    turns = ask(cluster.info["source_dsn"], "SELECT key, n, began, ended FROM turns ORDER BY key, began")
    assert len(turns) == KEYS * JOBS
    for before, after in zip(turns, turns[1:]):
        if before[0] == after[0]:
            assert before[1] + 1 == after[1], (before, after)
            assert before[3] <= after[2], (before, after)


def test_a_long_line_keeps_nobody_else_waiting(cluster_factory):
    cluster = cluster_factory("--set", "window_tenant_jobs=100")
    head = submit(cluster, cluster.url, "SELECT pg_sleep(600)", "line")
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        behind = list(pool.map(lambda n: submit(cluster, cluster.url, f"SELECT {n}", "line"),
                               range(1000)))
    assert cluster.status(behind[0])["jobState"] == "PENDING"
    for more in ({}, {"queue_key": "another"}):
        for key in (cluster.api_key, cluster.other_key):
            began = time.monotonic()
            answer = cluster.post("/api/v1/query", {"sql": "SELECT 1", **more}, key=key)
            assert answer.status_code == 200, answer.text
            assert time.monotonic() - began < 3
    cluster.post(f"/api/v1/job/{head}/cancel", {})
    assert [cluster.wait(job, 60)["jobState"] for job in behind] == ["COMPLETED"] * len(behind)


def test_a_job_that_is_cancelled_in_line_lets_the_next_one_through(cluster):
    first = submit(cluster, cluster.url, "SELECT pg_sleep(600)", "cancelled")
    second = submit(cluster, cluster.url, "SELECT 2", "cancelled")
    third = submit(cluster, cluster.url, "SELECT 3", "cancelled")
    cluster.until(lambda: cluster.status(first)["jobState"] == "RUNNING", 20)
    assert cluster.post(f"/api/v1/job/{second}/cancel?wait=5", {}).ok
    assert cluster.status(third)["jobState"] == "PENDING"
    assert cluster.post(f"/api/v1/job/{first}/cancel?wait=20", {}).ok
    assert cluster.wait(third, 10)["jobState"] == "COMPLETED"


def test_a_line_runs_at_the_pace_of_single_jobs(cluster):
    """A hundred jobs in line, and then a hundred of which each is sent when the one before has ended."""
    head = submit(cluster, cluster.url, "SELECT pg_sleep(2)", "pace")
    ids = [submit(cluster, cluster.url, f"SELECT {n}", "pace") for n in range(100)]
    assert cluster.status(ids[-1])["jobState"] == "PENDING"
    assert cluster.wait(ids[-1])["jobState"] == "COMPLETED"
    line = ask(cluster.info["store_admin_dsn"],
               "SELECT extract(epoch FROM max(ended_at) - min(ended_at))::float8 FROM job"
               " WHERE id = ANY(%s::uuid[])", [head, *ids])[0][0]
    began = time.monotonic()
    for n in range(100):
        cluster.post("/api/v1/query", {"sql": f"SELECT {n}"})
    singly = time.monotonic() - began
    print(f"pace: a line of 100 in {line:.3f} s, one by one {singly:.3f} s")
    assert line < 2 * singly
