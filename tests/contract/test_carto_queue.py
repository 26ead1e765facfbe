"""CARTO's API: which job comes when, and how long it may take and is kept."""
import time

from carto import JOB, Carto, refused
from sql import ask


# The queue.

def test_at_most_64_jobs_of_a_user_wait(demo, other, blocked):
    waiting = [demo.create(f"SELECT {i}") for i in range(64)]
    crowded = "Failed to create job. Max number of jobs (64) queued reached"
    for query in ("SELECT 64", ["SELECT 64"], {"query": [{"query": "SELECT 64"}]}):
        refused(demo.post(query), 400, crowded)
    assert other.run("SELECT 1")["status"] == "done"
    assert demo.rows("SELECT 1 AS a") == [{"a": 1}]
    demo.cancel(waiting[30])
    last = demo.create("SELECT 64")
    refused(demo.post("SELECT 65"), 400, crowded)
    listed = [job["job_id"] for job in demo.call("GET", JOB).json()]
    assert listed[-65:] == [*waiting, last]
    demo.cancel(blocked)
    assert demo.over(last)["status"] == "done"


def test_a_users_jobs_run_one_after_another_in_their_order(demo):
    demo.run("DROP TABLE IF EXISTS turns; CREATE TABLE turns (i int, began timestamptz, ended timestamptz)")
    jobs = [demo.create(f"INSERT INTO turns SELECT {i}, clock_timestamp() FROM pg_sleep(0.02);"
                        "UPDATE turns SET ended = clock_timestamp() WHERE i = " + str(i)) for i in range(12)]
    assert [demo.over(job)["status"] for job in jobs] == ["done"] * 12
    rows = demo.rows("SELECT i, began < lag(ended) OVER (ORDER BY i) AS early FROM turns ORDER BY began")
    assert [row["i"] for row in rows] == list(range(12))
    assert not any(row["early"] for row in rows)


def test_two_users_run_side_by_side(demo, other, blocked):
    assert other.run("SELECT 1")["status"] == "done"
    assert demo.read(blocked)["status"] == "running"


def test_results_are_fetched_while_the_users_queue_is_busy(demo):
    assert demo.run("DROP TABLE IF EXISTS made_here; "
                    "CREATE TABLE made_here AS SELECT i FROM generate_series(1, 3) i")["status"] == "done"
    busy = demo.create("SELECT pg_sleep(300)")
    waits = demo.create("SELECT 1")
    demo.running(busy)
    assert demo.rows("SELECT * FROM made_here ORDER BY i") == [{"i": 1}, {"i": 2}, {"i": 3}]
    assert demo.read(waits)["status"] == "pending"
    demo.cancel(waits)
    demo.cancel(busy)


def test_a_job_is_over_within_two_seconds(cluster):
    """On each API node in turn."""
    users = [Carto(cluster, url=url) for url in cluster.urls]
    for i in range(10):
        demo = users[i % len(users)]
        began = time.monotonic()
        job = demo.create(f"SELECT {i}")
        assert demo.over(job)["status"] == "done"
        assert time.monotonic() - began < 2


def test_jobs_in_progress_are_the_callers_own(demo, other, blocked):
    waits = demo.create("SELECT 1")
    assert demo.call("GET", "/api/v1/jobs-wip").json() == {"demo": [blocked]}
    assert demo.call("GET", "/user/demo/api/v1/jobs-wip").json() == {"demo": [blocked]}
    assert other.call("GET", "/api/v1/jobs-wip").json() == {}
    demo.cancel(waits)


# Times.

def test_a_query_has_a_timeout_of_its_own(demo):
    reason = "canceling statement due to statement timeout"
    for timeout in (100, 100.5):
        job = demo.run({"query": [{"query": "SELECT 1", "timeout": timeout},
                                  {"query": "SELECT pg_sleep(30)", "timeout": timeout},
                                  {"query": "SELECT 2"}]})
        assert job["status"] == "failed" and job["failed_reason"] == reason
        assert [query["status"] for query in job["query"]["query"]] == ["done", "failed", "skipped"]
        assert job["query"]["query"][1]["failed_reason"] == reason
        assert job["query"]["query"][1]["timeout"] == timeout


def test_a_timeout_that_is_none_is_passed_over(demo):
    for timeout in (0, -1, "1", None, True, [1], {}, 1e300, 2**53, 0.1):
        job = demo.run({"query": [{"query": "SELECT pg_sleep(0.01)", "timeout": timeout}]})
        assert job["status"] == "done", (timeout, job)


def test_a_job_may_run_for_12_hours_and_is_kept_for_2(cluster, demo, blocked):
    job = demo.create("SELECT 1")
    options, key, retention = ask(
        cluster.info["store_admin_dsn"], "SELECT options, queue_key, retention_s FROM live WHERE id = %s", job)[0]
    assert options["statement_timeout_ms"] == 12 * 3600 * 1000
    assert retention == 7200
    demo.cancel(blocked)
    demo.over(job)
    kept = ask(cluster.info["store_admin_dsn"], "SELECT extract(epoch FROM expires_at - ended_at) FROM job WHERE id = %s", job)
    assert kept[0][0] == 7200


def test_a_job_that_has_expired_is_not_found(cluster, demo):
    jobs = [demo.run("SELECT 1")["job_id"], demo.run(["SELECT 1", "SELECT 2"])["job_id"]]
    for job in jobs:
        ask(cluster.info["store_admin_dsn"], "UPDATE job SET expires_at = now() - interval '1 second' WHERE id = %s", job)
        for method in ("GET", "DELETE"):
            refused(demo.job(method, job), 400, f"Job with id {job} not found")
        refused(demo.job("PUT", job, json={"query": "SELECT 1"}), 400, f"Job with id {job} not found")
    listed = demo.call("GET", JOB).text
    assert not any(job in listed for job in jobs)
