"""One job, end to end, on real processes: paging, tenants, fences, and what a node does when a part is away."""

import concurrent.futures
import json
import subprocess

import psycopg2
import pytest
import requests


def test_a_hundred_thousand_rows_page_through_without_loss_or_repeat(cluster):
    job = cluster.submit("SELECT i, md5(i::text) AS m FROM generate_series(0, 99999) i")
    assert cluster.wait(job)["jobState"] == "COMPLETED"
    seen = []
    for page, offset in enumerate(range(0, 101_000, 1000)):
        url = cluster.urls[page % len(cluster.urls)]
        answer = cluster.get(f"/api/v1/job/{job}/results?offset={offset}&limit=1000", url=url).json()
        assert answer["total_rows"] == 100_000
        assert answer["complete"] is (offset + 1000 >= 100_000)
        seen += [row["i"] for row in answer["rows"]]
    assert seen == list(range(100_000))


def test_any_window_gives_its_rows(cluster):
    job = cluster.submit("SELECT i FROM generate_series(0, 49999) i")
    cluster.wait(job)
    for offset, limit in ((0, 1), (9_999, 2), (10_000, 1), (12_345, 700), (49_999, 10), (50_000, 10)):
        rows = cluster.get(f"/api/v1/job/{job}/results?offset={offset}&limit={limit}").json()["rows"]
        assert [row["i"] for row in rows] == list(range(offset, min(offset + limit, 50_000)))


def test_every_api_node_reads_every_job(cluster):
    for url in cluster.urls:
        job = cluster.submit("SELECT 7 AS n", url=url)
        for other in cluster.urls:
            assert cluster.wait(job, url=other)["state"] == "done"
            assert cluster.get(f"/api/v1/job/{job}/results", url=other).json()["rows"] == [{"n": 7}]


def test_a_tenant_sees_nothing_of_another(cluster):
    job = cluster.submit("SELECT 'secret' AS s")
    cluster.wait(job)
    for path in (f"/api/v1/job/{job}", f"/api/v1/job/{job}/results", f"/api/v1/job/{job}?wait=1"):
        answer = cluster.get(path, key=cluster.other_key, check=False)
        assert answer.status_code == 403 and "secret" not in answer.text
    mine = cluster.run("SELECT current_user AS u")["rows"][0]["u"]
    theirs = cluster.run("SELECT current_user AS u", key=cluster.other_key)["rows"][0]["u"]
    assert mine != theirs
    with pytest.raises(AssertionError, match="42501"):
        cluster.run(f"SET ROLE {mine}", key=cluster.other_key)


def test_a_session_remembers_nothing_of_the_job_before(cluster):
    for _ in range(40):
        rows = cluster.run("SELECT current_setting('work_mem') AS w, to_regclass('left_behind') AS t")["rows"]
        assert rows == [{"w": rows[0]["w"], "t": None}] and rows[0]["w"] != "77MB"
        cluster.run("SELECT set_config('work_mem', '77MB', false)")
        cluster.run("CREATE TEMP TABLE left_behind (n integer)")


def test_a_write_takes_effect_once_and_a_failed_one_not_at_all(cluster):
    cluster.run("CREATE TABLE IF NOT EXISTS effects (n integer)")
    cluster.run("TRUNCATE effects")
    for _ in range(20):
        cluster.run("INSERT INTO effects SELECT 1")
    assert cluster.wait(cluster.submit("INSERT INTO effects SELECT 1 / (i - 5) FROM generate_series(1, 9) i"))[
        "jobState"] == "FAILED"
    assert cluster.run("SELECT count(*) AS n FROM effects")["rows"] == [{"n": 20}]


def test_a_deferred_constraint_fails_the_job_at_commit(cluster):
    cluster.run("DROP TABLE IF EXISTS late")
    cluster.run("CREATE TABLE late (n integer UNIQUE DEFERRABLE INITIALLY DEFERRED)")
    status = cluster.wait(cluster.submit("INSERT INTO late VALUES (1), (1)"))
    assert status["jobState"] == "FAILED" and status["error"]["sqlstate"] == "23505"
    assert cluster.run("SELECT count(*) AS n FROM late")["rows"] == [{"n": 0}]


def test_values_of_each_kind_come_exact(cluster):
    row = cluster.run(
        "SELECT 9007199254740993 AS big, 1.10::numeric AS num, 'NaN'::float8 AS nan, true AS b, NULL AS nothing,"
        " '\\x00ff'::bytea AS bytes, 0.1::float8 AS f, '{1,2}'::int[] AS a, 'quote\" \\ \n ü' AS t,"
        " timestamptz '2022-04-21 18:49:13+00' AS at, 1 AS twice, 2 AS twice"
    )["rows"][0]
    assert row == {
        "big": 9007199254740993, "num": 1.10, "nan": "NaN", "b": True, "nothing": None, "bytes": "\\x00ff",
        "f": 0.1, "a": "{1,2}", "t": 'quote" \\ \n ü', "at": "2022-04-21 18:49:13+00", "twice": 1, "twice_2": 2,
    }


def test_no_answer_to_a_submit_before_its_commit(cluster):
    """Hold the store's table: the submit must hang until the commit could happen."""
    with psycopg2.connect(cluster.info["store_admin_dsn"]) as store:
        with store.cursor() as cursor:
            cursor.execute("LOCK TABLE live IN EXCLUSIVE MODE")
            with concurrent.futures.ThreadPoolExecutor(1) as pool:
                answer = pool.submit(cluster.submit, "SELECT 1 AS late")
                with pytest.raises(concurrent.futures.TimeoutError):
                    answer.result(timeout=1.5)
                store.rollback()
                job = answer.result(timeout=20)
    assert cluster.wait(job)["state"] == "done"


def test_a_job_that_was_never_published_is_found_by_the_sweep(cluster):
    with psycopg2.connect(cluster.info["store_admin_dsn"]) as store, store.cursor() as cursor:
        cursor.execute("SELECT to_hex((extract(epoch FROM now()) * 1000)::bigint)")
        ms = cursor.fetchone()[0].rjust(12, "0")
        job = f"{ms[:8]}-{ms[8:]}-7abc-8def-0123456789ab"
        cursor.execute(
            "INSERT INTO live (id, tenant, source, dialect, sql, retention_s)"
            " VALUES (%s, 'demo', 'demo', 'v1_job', 'SELECT 5 AS n', 3600)", (job,))
        store.commit()
    assert cluster.wait(job)["state"] == "done"


def test_a_cell_too_large_fails_its_job_and_spares_the_neighbours(cluster_factory):
    cluster = cluster_factory("--executors", "1", "--slots", "4")
    pid = cluster.node("executor1")["pid"]
    giant = cluster.submit("SELECT repeat('x', 1000000000) AS x")
    neighbours = 0
    while cluster.status(giant)["state"] in ("pending", "running"):
        assert cluster.run("SELECT 1 AS one")["rows"] == [{"one": 1}]
        neighbours += 1
        assert neighbours < 100_000
    status = cluster.wait(giant)
    assert status["jobState"] == "FAILED" and "too large" in status["error"]["message"], status
    assert neighbours > 3
    assert cluster.node("executor1")["pid"] == pid and cluster.run("SELECT 1 AS one")["rows"] == [{"one": 1}]


def test_a_store_that_is_away_is_503_and_the_node_recovers(cluster_factory):
    cluster = cluster_factory()
    assert cluster.run("SELECT 1 AS one")["rows"] == [{"one": 1}]
    cluster.act("kill", "store")
    answer = cluster.post("/api/v1/job", {"sql": "SELECT 1"}, check=False)
    assert answer.status_code == 503 and int(answer.headers["Retry-After"]) >= 1, answer.text
    assert requests.get(cluster.url + "/readyz", timeout=20).status_code == 503
    assert requests.get(cluster.url + "/healthz", timeout=20).status_code == 200
    cluster.act("start", "store")
    job = cluster.until(lambda: cluster.post("/api/v1/job", {"sql": "SELECT 2 AS two"}, check=False), 20)
    assert cluster.wait(job["id"])["state"] == "done"


def test_a_dead_executors_job_runs_again(cluster_factory):
    cluster = cluster_factory("--executors", "1", "--set", "lease_ms=2000")
    job = cluster.submit("SELECT pg_sleep(3), 1 AS one")
    cluster.until(lambda: cluster.status(job)["state"] == "running", 10)
    cluster.act("kill", "executor1")
    cluster.act("start", "executor1")
    status = cluster.wait(job)
    assert status["state"] == "done" and status["attempt"] == 2, status


@pytest.mark.parametrize("ledger", ("on", "off"))
def test_a_dead_executors_commit_in_doubt_is_decided(cluster_factory, ledger):
    """COMMIT hangs in a deferred trigger after the outcome record: whoever recovers ends it, and asks."""
    cluster = cluster_factory("--executors", "1", "--set", "lease_ms=2000", "--set", f"ledger={ledger}")
    cluster.run("CREATE TABLE doubt (n integer)")
    cluster.run("CREATE FUNCTION linger() RETURNS trigger LANGUAGE plpgsql AS"
                " 'BEGIN PERFORM pg_sleep(4); RETURN NULL; END'")
    cluster.run("CREATE CONSTRAINT TRIGGER linger AFTER INSERT ON doubt DEFERRABLE INITIALLY DEFERRED"
                " FOR EACH ROW EXECUTE FUNCTION linger()")
    job = cluster.submit("INSERT INTO doubt VALUES (1) RETURNING n")
    with psycopg2.connect(cluster.info["store_admin_dsn"]) as store, store.cursor() as cursor:
        store.autocommit = True

        def on_record():
            cursor.execute("SELECT count(*) FROM outcome WHERE job = %s", (job,))
            return cursor.fetchone()[0] == 1

        cluster.until(on_record, 10)
    cluster.act("kill", "executor1")
    cluster.act("start", "executor1")
    status = cluster.wait(job)
    assert status["state"] == "done" and status["attempt"] == 2, status
    assert cluster.results(job)["rows"] == [{"n": 1}]
    assert cluster.run("SELECT count(*) AS n FROM doubt")["rows"] == [{"n": 1}]


def test_a_paused_executor_that_wakes_late_changes_nothing(cluster_factory):
    cluster = cluster_factory("--executors", "2", "--set", "lease_ms=2000")
    cluster.run("CREATE TABLE late (n integer)")
    job = cluster.submit("INSERT INTO late SELECT 1 FROM pg_sleep(1)")
    cluster.until(lambda: cluster.status(job)["state"] == "running", 10)
    with psycopg2.connect(cluster.info["store_admin_dsn"]) as store, store.cursor() as cursor:
        cursor.execute("SELECT split_part(owner, '/', 1) FROM live WHERE id = %s", (job,))
        owner = cursor.fetchone()[0]
    cluster.act("pause", owner)
    assert cluster.wait(job)["state"] == "done"
    cluster.act("resume", owner)
    assert cluster.run("SELECT count(*) AS n FROM late")["rows"] == [{"n": 1}]
    assert cluster.status(job)["attempt"] == 2
    for _ in range(20):
        assert cluster.run("SELECT 1 AS one")["rows"] == [{"one": 1}]


def test_a_standby_broker_takes_over(cluster_factory):
    cluster = cluster_factory("--brokers", "2")
    assert cluster.run("SELECT 1 AS one")["rows"] == [{"one": 1}]
    first = cluster.refresh()["leader"]
    cluster.act("kill", first)
    assert cluster.wait(cluster.submit("SELECT 2 AS two"))["state"] == "done"
    assert cluster.refresh()["leader"] not in (None, first)


def test_with_no_broker_jobs_are_taken_and_run_when_one_is_back(cluster_factory):
    cluster = cluster_factory()
    cluster.act("kill", "broker1")
    jobs = [cluster.submit(f"SELECT {n} AS n") for n in range(20)]
    status = cluster.status(jobs[0])
    assert status["jobState"] == "PENDING" and status["startedAt"] is None, status
    assert cluster.get(f"/api/v1/job/{jobs[0]}/results", check=False).status_code == 409
    cluster.act("start", "broker1")
    assert {cluster.wait(job)["state"] for job in jobs} == {"done"}


def test_a_node_refuses_a_schema_that_it_does_not_know(cluster_factory):
    cluster = cluster_factory("--executors", "1")
    with psycopg2.connect(cluster.info["store_admin_dsn"]) as store, store.cursor() as cursor:
        cursor.execute("INSERT INTO schema_migration (number, name, hash) VALUES (9999, 'later', '\\x00')")
    cluster.act("stop", "executor1")
    started = cluster.act("start", "executor1", check=False)
    assert started.returncode != 0
    log = open(cluster.node("executor1")["log"]).read()
    assert "9999" in log


def test_the_command_line_submits_waits_and_reads(cluster):
    env = {"MILLRACE_URL": cluster.url, "MILLRACE_KEY": cluster.api_key}
    made = subprocess.run([cluster.millrace, "submit", "SELECT 1 AS one, 'x' AS t"], env=env, capture_output=True,
                          text=True, timeout=20)
    assert made.returncode == 0, made.stderr
    job = made.stdout.strip().split()[-1]
    status = subprocess.run([cluster.millrace, "status", job, "--wait", "10"], env=env, capture_output=True,
                            text=True, timeout=20)
    assert status.returncode == 0 and "done" in status.stdout, status.stdout + status.stderr
    rows = subprocess.run([cluster.millrace, "rows", job], env=env, capture_output=True, text=True, timeout=20)
    assert rows.returncode == 0 and "one" in rows.stdout and "x" in rows.stdout, rows.stdout + rows.stderr


def test_a_revoked_key_is_refused_within_a_second(cluster):
    made = json.loads(cluster.admin("key", "add", cluster.tenant, "--json"))
    assert cluster.run("SELECT 1 AS one", key=made["api_key"])["rows"] == [{"one": 1}]
    cluster.admin("key", "revoke", made["key_id"])
    cluster.until(lambda: cluster.get(f"/api/v1/job/{'0' * 8}-0000-7000-8000-{'0' * 12}", key=made["api_key"],
                                      check=False).status_code == 401, 5)


def test_a_read_key_reads_and_may_not_submit(cluster):
    made = json.loads(cluster.admin("key", "add", cluster.tenant, "--role", "read", "--json"))
    job = cluster.run("SELECT 1 AS one")["id"]
    assert cluster.get(f"/api/v1/job/{job}/results", key=made["api_key"]).json()["rows"] == [{"one": 1}]
    assert cluster.post("/api/v1/job", {"sql": "SELECT 1"}, key=made["api_key"], check=False).status_code == 403
