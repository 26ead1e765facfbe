"""How long results are there: expiry, renewal, removal, and partitions whose time is over.

No test waits for time to pass: rows in the store are made older than they are.
"""
import psycopg2
import pytest

SWEPT_S = 30
ROWS = 30_000
SQL = f"SELECT i, repeat('x', 50) AS x FROM generate_series(0, {ROWS - 1}) i"


@pytest.fixture(scope="module", name="retained")
def one_cluster(module_cluster):
    return module_cluster()


def tell(cluster, sql, *values):
    with psycopg2.connect(cluster.info["store_admin_dsn"]) as store, store.cursor() as cursor:
        cursor.execute("SET TimeZone = 'UTC'")
        cursor.execute(sql, values)
        return cursor.fetchall() if cursor.description else []


def a_done_job(cluster, sql=SQL, **options):
    job = cluster.post("/api/v1/job", {"sql": sql, **options}).json()["id"]
    assert cluster.wait(job)["jobState"] == "COMPLETED"
    return job


def results(cluster, job, **more):
    return cluster.get(f"/api/v1/job/{job}/results?limit=1000", check=False, **more)


def expire(cluster, job, ago="2 minutes"):
    tell(cluster, "UPDATE job SET expires_at = now() - %s::interval WHERE id = %s", ago, job)


def read_all(cluster, job):
    seen = []
    for offset in range(0, ROWS, 1000):
        seen += [row["i"] for row in cluster.results(job, offset=offset)["rows"]]
    return seen


def make_old(cluster, job, hours=3):
    """Put the job's pages into a bucket whose time is over. The nodes' role owns what the sweep drops."""
    owner = tell(cluster, "SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = 'page'::regclass")[0][0]
    with psycopg2.connect(cluster.info["store_admin_dsn"]) as store, store.cursor() as cursor:
        cursor.execute(f"SET TimeZone = 'UTC'; SET ROLE \"{owner}\"")
        bucket = "date_trunc('hour', now()) - make_interval(hours => %s)"
        cursor.execute(f"SELECT page_partition({bucket})", (hours,))
        cursor.execute(f"UPDATE page SET bucket = {bucket} WHERE job = %s", (hours, job))
        assert cursor.rowcount > 0
        cursor.execute(f"UPDATE job SET bucket = {bucket} WHERE id = %s", (hours, job))


def old_partitions(cluster):
    return tell(cluster, "SELECT relname FROM pg_class WHERE relkind = 'r' AND"
                " (relname ~ '^page_[0-9]{10}$' AND relname < 'page_' || to_char(now(), 'YYYYMMDDHH24')"
                " OR relname ~ '^(job|step)_[0-9]{8}$'"
                " AND right(relname, 8) < to_char(now() - interval '9 days', 'YYYYMMDD'))")


def swept(cluster):
    """A broker that begins to lead sweeps at once."""
    cluster.act("stop", "broker1")
    cluster.act("start", "broker1")
    cluster.until(lambda: not old_partitions(cluster), SWEPT_S)


def test_expired_results_are_gone_while_the_status_lives_and_then_there_is_nothing(retained):
    job = a_done_job(retained, retention_s=1)
    assert tell(retained, "SELECT expires_at - ended_at FROM job WHERE id = %s", job)[0][0].seconds == 1
    expire(retained, job)
    answer = results(retained, job)
    assert answer.status_code == 410 and answer.json()["error"]["code"] == "gone"
    assert retained.status(job)["jobState"] == "COMPLETED"
    expire(retained, job, "7 days 1 minute")
    assert results(retained, job).status_code == 404
    assert retained.get(f"/api/v1/job/{job}", check=False).status_code == 404


def test_a_renewed_job_keeps_its_results(retained):
    job = a_done_job(retained, retention_s=60)
    before = tell(retained, "SELECT expires_at FROM job WHERE id = %s", job)[0][0]
    answer = retained.post(f"/api/v1/job/{job}/renew", {"retention_s": 86400})
    assert answer.status_code == 200
    after = tell(retained, "SELECT expires_at FROM job WHERE id = %s", job)[0][0]
    assert (after - before).total_seconds() > 80_000
    make_old(retained, job)
    swept(retained)
    assert read_all(retained, job) == list(range(ROWS))
    assert tell(retained, "SELECT bucket >= expires_at FROM job WHERE id = %s", job) == [(True,)]


def test_what_is_expired_or_another_tenants_cannot_be_renewed(retained):
    job = a_done_job(retained)
    path = f"/api/v1/job/{job}/renew"
    assert retained.post(path, {}, key=retained.other_key, check=False).status_code == 403
    assert retained.post(path, {"retention_s": 2592001}, check=False).status_code == 400
    expire(retained, job)
    assert retained.post(path, {}, check=False).status_code == 410


def test_a_removed_job_is_gone_at_once(retained):
    job = a_done_job(retained)
    path = f"/api/v1/job/{job}"
    assert retained.call("DELETE", path, key=retained.other_key, check=False).status_code == 403
    assert retained.call("DELETE", path).status_code in (200, 204)
    assert results(retained, job).status_code == 404
    for url in retained.urls:
        assert retained.get(path, url=url, check=False).status_code == 404
        assert retained.call("DELETE", path, url=url, check=False).status_code == 404
    assert tell(retained, "SELECT count(*) FROM page WHERE job = %s", job) == [(0,)]


def test_a_job_that_is_not_final_is_not_removed(retained):
    job = retained.submit("SELECT pg_sleep(60)")
    path = f"/api/v1/job/{job}"
    assert retained.call("DELETE", path, check=False).status_code == 409
    assert retained.post(f"{path}/renew", {}, check=False).status_code == 409
    retained.post(f"{path}/cancel", {})


def test_old_buckets_are_dropped_and_survivors_are_read_on(retained):
    """Also by one who is in the middle of the result."""
    alive, expired = a_done_job(retained), a_done_job(retained)
    reading = results(retained, alive).json()["rows"]
    make_old(retained, alive, 4)
    make_old(retained, expired, 4)
    expire(retained, expired)
    assert old_partitions(retained)
    assert read_all(retained, alive) == list(range(ROWS))
    swept(retained)
    assert [row["i"] for row in reading] == read_all(retained, alive)[:1000]
    assert read_all(retained, alive) == list(range(ROWS))
    assert results(retained, expired).status_code == 410
    assert tell(retained, "SELECT count(*) FROM page WHERE job = %s", expired) == [(0,)]


def test_old_days_are_dropped_and_kept_jobs_are_read_on(retained):
    job = a_done_job(retained)
    owner = tell(retained, "SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = 'job'::regclass")[0][0]
    with psycopg2.connect(retained.info["store_admin_dsn"]) as store, store.cursor() as cursor:
        cursor.execute(f"SET TimeZone = 'UTC'; SET ROLE \"{owner}\"")
        for table in ("job", "step"):
            cursor.execute(f"SELECT partition_make('{table}', '{table}_' || to_char(d, 'YYYYMMDD'),"
                           " partition_edge(d)::text, partition_edge(d + 1)::text)"
                           " FROM (SELECT current_date - 20 AS d) x")
        cursor.execute("SELECT left(id_edge(now() - interval '20 days')::text, 13) || right(%s, 23)", (job,))
        old = cursor.fetchone()[0]
        cursor.execute("UPDATE job SET id = %s WHERE id = %s", (old, job))
        cursor.execute("UPDATE page SET job = %s WHERE job = %s", (old, job))
    assert old_partitions(retained)
    swept(retained)
    assert tell(retained, "SELECT count(*) FROM kept WHERE id = %s", old) == [(1,)]
    assert read_all(retained, old) == list(range(ROWS))
    assert retained.call("DELETE", f"/api/v1/job/{old}").status_code in (200, 204)
    assert tell(retained, "SELECT count(*) FROM kept WHERE id = %s", old) == [(0,)]
