"""A job that is lost and run again has the parameters that it was given."""
import contextlib

import psycopg2

from sql import ask

LOCK = 4711


def holder(cluster, job):
    """The executor that has the job, once one has."""
    def owner():
        rows = ask(cluster.info["store_dsn"], "SELECT owner FROM live WHERE id = %s AND state = 'running'", job)
        return rows and rows[0][0]
    return cluster.until(owner, 20).split("/")[0]


def waits(cluster):
    return ask(cluster.info["source_dsn"], "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")


def test_an_executor_dies_and_another_binds_the_same(cluster_factory):
    cluster = cluster_factory("--set", "lease_ms=2000")
    params = {"lock": LOCK, "name": "it's :name $1", "ids": {"type": "int8[]", "value": [3, None]}, "none": None}
    with contextlib.closing(psycopg2.connect(cluster.info["source_dsn"])) as source:
        with source.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", (LOCK,))
        job = cluster.post("/api/v1/job", {
            "sql": ["SELECT :name::text AS name",
                    "SELECT pg_advisory_xact_lock(:lock); SELECT :name AS name, :ids AS ids, :none::int AS none_"],
            "params": params}).json()["id"]
        first = holder(cluster, job)
        cluster.until(lambda: waits(cluster), 20)
        cluster.act("kill", first)
    status = cluster.wait(job)
    assert (status["jobState"], status["attempt"]) == ("COMPLETED", 2), status
    assert cluster.results(job)["rows"] == [{"name": params["name"], "ids": "{3,NULL}", "none_": None}]
