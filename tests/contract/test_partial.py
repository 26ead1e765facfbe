"""Results that are read while their job runs: rows as far as they are stored, said to be tentative."""
import csv
import io
import json
import statistics
import time

import msgpack
import pytest

import streams

# A source hands rows on when it has some 8 KiB of them: of rows that are larger than that, the end of
# each comes with the next one.
SLOW = ("SELECT i AS n, extract(epoch FROM clock_timestamp())::float8 AS at, repeat('x', 9000) AS filler, "
        "pg_sleep({nap})::text AS nap FROM generate_series(1, {rows}) i")


def slow(rows, nap=0.02):
    return SLOW.format(rows=rows, nap=nap)


def stop(cluster, job):
    cluster.post(f"/api/v1/job/{job}/cancel", {}, check=False)
    cluster.wait(job)


@pytest.fixture
def job(cluster):
    found = cluster.submit(slow(1500))
    yield found
    stop(cluster, found)


def partial(cluster, job, name="json", **query):
    query.update(partial="true", format=name)
    path = f"/api/v1/job/{job}/results?" + "&".join(f"{key}={value}" for key, value in query.items())
    return streams.get(cluster, path)


def total(reply):
    return int(reply.headers["millrace-total-rows"])


def some(cluster, job, rows, **query):
    """The first answer that has so many rows."""
    found = []

    def enough():
        found[:] = [partial(cluster, job, limit="all", **query)]
        return total(found[0]) >= rows

    cluster.until(enough, 20)
    return found[0]


def numbers(reply, name):
    if name == "json":
        return [row["n"] for row in json.loads(reply.body)["rows"]]
    if name == "arrays":
        return [row[0] for row in json.loads(reply.body)["rows"]]
    if name == "ndjson":
        return [json.loads(line)["n"] for line in reply.body.splitlines()]
    if name == "csv":
        return [int(row["n"]) for row in csv.DictReader(io.StringIO(reply.body.decode()))]
    return [row[0] for row in msgpack.Unpacker(io.BytesIO(reply.body))]


@pytest.mark.parametrize("name", ["json", "arrays", "ndjson", "csv", "msgpack"])
def test_every_format_has_the_rows_so_far(cluster, job, name):
    reply = some(cluster, job, 10, name=name)
    assert reply.status == 200
    assert reply.headers["millrace-tentative"] == "true"
    assert reply.headers["millrace-complete"] == "false"
    assert "etag" not in reply.headers
    assert numbers(reply, name) == list(range(1, total(reply) + 1))


def test_json_says_it_too_and_any_row_is_there(cluster, job):
    reply = some(cluster, job, 20)
    at = json.loads(partial(cluster, job, offset=7, limit=2).body)
    assert (at["state"], at["tentative"], at["complete"]) == ("running", True, False)
    assert [row["n"] for row in at["rows"]] == [8, 9]
    assert [column["name"] for column in at["schema"]] == ["n", "at", "filler", "nap"]
    assert at["total_rows"] >= total(reply)


def test_the_first_rows_come_within_100_ms(cluster):
    lags = []
    for _ in range(9):
        job = cluster.submit(slow(2000, nap=0.002))
        deadline = time.monotonic() + 20
        reply = partial(cluster, job)
        while total(reply) == 0:
            assert time.monotonic() < deadline
            reply = partial(cluster, job)
        lags.append(time.time() - json.loads(reply.body)["rows"][0]["at"])
        stop(cluster, job)
    assert statistics.median(lags) < 0.1, lags


def test_rows_that_are_rolled_back_are_gone(cluster):
    job = cluster.submit(slow(60) + "; SELECT 1 / 0")
    assert some(cluster, job, 3).headers["millrace-tentative"] == "true"
    assert cluster.wait(job)["jobState"] == "FAILED"
    assert partial(cluster, job).status == 409


def test_results_of_done_steps_stand_before_it(cluster):
    job = cluster.submit(["SELECT 'first' AS word", slow(400)])
    cluster.until(lambda: total(partial(cluster, job)) > 3, 20)
    first = json.loads(partial(cluster, job, statement=0).body)
    assert first["rows"] == [{"word": "first"}]
    second = json.loads(partial(cluster, job, statement=1, limit=1).body)
    assert second["rows"][0]["n"] == 1
    stop(cluster, job)


def test_statements_keep_their_numbers(cluster):
    """Small results have no pages before their job ends: they are not there yet, and nothing else is in their place."""
    job = cluster.submit("SELECT 1 AS one; " + slow(400))
    cluster.until(lambda: total(partial(cluster, job)) > 3, 20)
    assert total(partial(cluster, job, statement=0)) == 0
    assert json.loads(partial(cluster, job, statement=1, limit=1).body)["rows"][0]["n"] == 1
    assert partial(cluster, job, statement=2).status == 404
    stop(cluster, job)


def test_without_it_a_running_job_has_no_results(cluster, job):
    some(cluster, job, 1)
    assert cluster.get(f"/api/v1/job/{job}/results", check=False).status_code == 409
    assert cluster.get(f"/api/v1/job/{job}/results?partial=false", check=False).status_code == 409


def test_of_a_finished_job_it_is_the_result(cluster):
    job = cluster.submit("SELECT 7 AS n")
    assert cluster.wait(job)["jobState"] == "COMPLETED"
    reply = partial(cluster, job)
    assert "millrace-tentative" not in reply.headers and reply.headers["millrace-complete"] == "true"
    assert "tentative" not in json.loads(reply.body)
