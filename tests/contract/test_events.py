"""Rows as server-sent events: as they are stored, until the job is over."""
import pytest

import streams
from events import Events, rows_of

SLOW = ("SELECT i AS n, repeat('x', 9000) AS filler, pg_sleep({nap})::text AS nap "
        "FROM generate_series(1, {rows}) i")


def numbers_of(events):
    rows, others = rows_of(events)
    return [row["n"] for row in rows], others


@pytest.fixture
def follow(cluster):
    opened = []

    def start(job, *headers, **more):
        opened.append(Events(cluster, job, *headers, **more))
        return opened[-1]

    yield start
    for events in opened:
        events.close()


def test_a_job_that_is_over_is_told_at_once(cluster, follow):
    job = cluster.submit("SELECT i AS n FROM generate_series(1, 2500) i")
    assert cluster.wait(job)["jobState"] == "COMPLETED"
    events = follow(job)
    assert "HTTP/1.1 200 OK" in events.head and "Content-Type: text/event-stream\r\n" in events.head
    rows, others = numbers_of(events)
    assert rows == list(range(1, 2501)) and events.ended
    assert [name for name, _ in others] == ["schema", "end"]
    assert others[0][1]["schema"] == [{"name": "n", "type": "INTEGER"}]
    whole = cluster.results(job)
    assert others[1][1] == {"id": job, "jobState": "COMPLETED", "state": "done", "total_rows": 2500,
                            "truncated": False, "hash": whole["hash"]}


def test_rows_come_while_the_job_runs_and_say_so(cluster, follow):
    job = cluster.submit(SLOW.format(rows=120, nap=0.02))
    seen, tentative, states = [], 0, set()
    for name, data, _ in follow(job, "Accept: text/event-stream", query=""):
        if name == "rows":
            seen += [row["n"] for row in data["rows"]]
            tentative += len(data["rows"]) if data.get("tentative") else 0
            states.add(cluster.status(job)["state"])
        elif name == "end":
            assert data["total_rows"] == 120
    assert seen == list(range(1, 121))
    assert tentative > 0 and "running" in states


def test_a_job_that_fails_ends_with_its_error(cluster, follow):
    job = cluster.submit(SLOW.format(rows=40, nap=0.02) + "; SELECT 1 / 0")
    rows, others = numbers_of(follow(job))
    assert rows == list(range(1, len(rows) + 1)) and rows
    name, data = others[-1]
    assert (name, data["state"], data["error"]["sqlstate"]) == ("failed", "failed", "22012")


def test_a_cancelled_job_ends_so(cluster, follow):
    job = cluster.submit(SLOW.format(rows=5000, nap=0.01))
    events = follow(job)
    last = None
    for name, data, _ in events:
        if name == "rows" and not last:
            cluster.post(f"/api/v1/job/{job}/cancel", {})
            last = True
        if name == "failed":
            last = data["state"]
    assert last == "cancelled"


def test_who_comes_back_goes_on_behind_its_last_event(cluster, follow):
    job = cluster.submit("SELECT i AS n FROM generate_series(1, 5000) i")
    cluster.wait(job)
    had = 0
    for name, data, event_id in follow(job):
        if name == "rows":
            had += len(data["rows"])
            if had == 2000:
                break
    names = []
    rows = []
    for name, data, _ in follow(job, f"Last-Event-ID: {event_id}"):
        names.append(name)
        rows += [row["n"] for row in data["rows"]] if name == "rows" else []
    assert rows == list(range(2001, 5001))
    assert "schema" not in names


@pytest.mark.parametrize("event_id", ["7.0.2000", "1.3.2000", "nonsense", "1.0.-5", "1.0.99999999999999999999"])
def test_an_id_that_is_not_of_this_result_begins_anew(cluster, follow, event_id):
    job = cluster.submit("SELECT i AS n FROM generate_series(1, 10) i")
    cluster.wait(job)
    rows, others = numbers_of(follow(job, f"Last-Event-ID: {event_id}"))
    assert rows == list(range(1, 11)) and others[0][0] == "schema"


def test_offset_and_statement_choose(cluster, follow):
    job = cluster.submit("SELECT 1 AS n; SELECT i AS n FROM generate_series(1, 9) i; SELECT 2 AS n")
    cluster.wait(job)
    found = [data for name, data, _ in follow(job, query="format=events&statement=1&offset=5") if name == "rows"]
    assert [(data["offset"], [row["n"] for row in data["rows"]]) for data in found] == [(5, [6, 7, 8, 9])]


def test_a_statement_without_rows_has_only_an_end(cluster, follow):
    job = cluster.submit("DO 'BEGIN END'")
    assert [name for name, _, _ in follow(job)] == ["end"]


def test_errors_before_the_first_event_are_answers(cluster):
    other = cluster.submit("SELECT 1", key=cluster.other_key)
    for job, status in ((other, 403), ("0180548a-91bd-7abc-9234-56789abcdef0", 404)):
        assert streams.get(cluster, f"/api/v1/job/{job}/results?format=events").status == status
    job = cluster.submit("SELECT 1")
    assert streams.get(cluster, f"/api/v1/job/{job}/results?format=events", version="1.0").status == 505


def test_a_client_that_goes_leaves_nobody_waiting(cluster, follow):
    job = cluster.submit("SELECT pg_sleep(60)")
    readers = [follow(job) for _ in range(20)]
    for reader in readers:
        reader.close()
    assert cluster.post(f"/api/v1/job/{job}/cancel", {}).json()["state"] == "cancelled"
