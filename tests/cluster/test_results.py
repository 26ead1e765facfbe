"""Results that are read while something breaks: what is cut can be told, nobody waits for a slow reader,
and what stands in the store is read from any node."""
import concurrent.futures
import contextlib
import time

import pytest

import raw
import sql
import streams
from events import Events

ROWS = 400_000  # some 30 MiB of lines: more than all buffers on the way hold
SQL = f"SELECT i, md5(i::text) AS word FROM generate_series(1, {ROWS}) i"


@pytest.fixture(scope="module")
def one(module_cluster):
    """A cluster whose API nodes have a single store connection for pages, and little room for large ones."""
    return module_cluster("--set", "page_readers=1", "--set", "large_pages_mib=8")


@pytest.fixture(scope="module")
def job(one):
    found = one.submit(SQL)
    assert one.wait(found)["jobState"] == "COMPLETED"
    return found


def everything(job, name="ndjson"):
    return f"/api/v1/job/{job}/results?limit=all&format={name}"


def read_on(sock, heard=b""):
    """All that still comes, as a reply; raises Cut."""
    rest, end, _ = raw.hear(sock)
    assert end != "SILENCE"
    return streams.read(heard + rest)


@contextlib.contextmanager
def begun(cluster, path):
    """A stream whose reader has taken its beginning and then stands still."""
    with streams.slow_socket(cluster, path) as sock:
        yield sock, sock.recv(1 << 14)


def lines(reply):
    return reply.body.count(b"\n")


def test_slow_readers_keep_nobody_waiting(one, job):
    with contextlib.ExitStack() as stack:
        slow = [stack.enter_context(begun(one, everything(job))) for _ in range(8)]
        began = time.monotonic()
        for _ in range(5):
            assert lines(streams.get(one, everything(job))) == ROWS
        took = time.monotonic() - began
        for sock, heard in slow:
            assert lines(read_on(sock, heard)) == ROWS
    assert took < 20, f"five whole reads beside eight slow ones took {took:.1f} s"


def test_readers_of_large_rows_wait_for_each_other_and_get_them_all(one, job):
    large = one.submit("""SELECT i, string_agg(md5((i * 1000000 + n)::text), '') AS word
                          FROM generate_series(1, 5) i, generate_series(1, 150000) n GROUP BY i""")
    assert one.wait(large)["jobState"] == "COMPLETED"
    ways = [(name, coding) for name in ("ndjson", "msgpack") for coding in ("identity", "zstd")]
    with concurrent.futures.ThreadPoolExecutor(13) as pool:
        read = [pool.submit(streams.get, one, everything(large, name), f"Accept-Encoding: {coding}")
                for name, coding in ways * 3]
        small = pool.submit(streams.get, one, everything(job))
        bodies = [reply.result().body for reply in read]
        assert lines(small.result()) == ROWS
    for one_way in (bodies[n::len(ways)] for n in range(len(ways))):
        assert one_way[0] == one_way[1] == one_way[2]
    assert bodies[0].count(b"\n") == 5 and len(bodies[0]) > 5 * 4_800_000


def test_large_rows_between_small_ones_wait_for_nobody(one):
    # A page that is fetched by itself comes while others were asked for ahead: with the only connection.
    mixed = one.submit("""SELECT i, CASE WHEN i % 11000 = 0 THEN repeat(md5(i::text), 65000) ELSE md5(i::text) END AS word
                          FROM generate_series(1, 120000) i""")
    assert one.wait(mixed)["jobState"] == "COMPLETED"
    for name in ("ndjson", "msgpack"):
        began = time.monotonic()
        body = streams.get(one, everything(mixed, name)).body
        assert time.monotonic() - began < 10
        assert len(body) > 10 * 65000 * 32
        assert name == "msgpack" or body.count(b"\n") == 120_000


def test_a_node_that_dies_cuts_its_streams(one, job):
    for name in ("ndjson", "csv", "json", "msgpack"):
        with begun(one, everything(job, name)) as (sock, heard):
            one.act("kill", "api1")
            with pytest.raises(streams.Cut):
                read_on(sock, heard)
        one.act("start", "api1")
    assert lines(streams.get(one, everything(job))) == ROWS


def test_a_node_that_is_told_to_stop_finishes_its_streams(one, job):
    with begun(one, everything(job)) as (sock, heard), concurrent.futures.ThreadPoolExecutor(1) as pool:
        stopping = pool.submit(one.act, "stop", "api1")
        one.until(lambda: not one.get("/readyz", check=False).ok, 10)
        assert not stopping.done()
        assert lines(read_on(sock, heard)) == ROWS
        stopping.result(30)
    one.act("start", "api1")


def test_a_store_that_goes_away_cuts_what_is_not_read_yet(one, job):
    with begun(one, everything(job)) as (sock, heard):
        one.act("kill", "store")
        with pytest.raises(streams.Cut):
            read_on(sock, heard)
    one.act("start", "store")
    one.until(lambda: one.get("/readyz", check=False).ok, 30)
    assert lines(streams.get(one, everything(job))) == ROWS


def test_a_page_that_is_damaged_is_never_read_as_whole(one):
    job = one.submit("SELECT i FROM generate_series(1, 45000) i")
    assert one.wait(job)["jobState"] == "COMPLETED"
    store = one.info["store_admin_dsn"]
    damage = "UPDATE page SET data = set_byte(data, length(data) / 2, get_byte(data, length(data) / 2) # 1)"
    sql.ask(store, f"{damage} WHERE job = '{job}' AND first_row = 20000")
    for name in ("ndjson", "csv", "json", "arrays", "msgpack"):
        for coding in ("identity", "gzip", "zstd"):
            heard = streams.fetch(one, everything(job, name), f"Accept-Encoding: {coding}")
            try:
                reply = streams.read(heard)
            except streams.Cut:
                continue
            assert reply.status == 500, f"{name} {coding}: {reply.status}"
    assert one.get(f"/api/v1/job/{job}/results?offset=20500&limit=1", check=False).status_code == 500
    assert one.results(job, offset=30000, limit=1)["rows"] == [{"i": 30001}]
    assert one.results(job, offset=19999, limit=1)["rows"] == [{"i": 20000}]


def test_a_page_that_is_missing_is_never_read_as_whole(one):
    job = one.submit("SELECT i FROM generate_series(1, 45000) i")
    assert one.wait(job)["jobState"] == "COMPLETED"
    sql.ask(one.info["store_admin_dsn"], f"DELETE FROM page WHERE job = '{job}' AND first_row = 40000")
    heard = streams.fetch(one, everything(job))
    try:
        assert streams.read(heard).status == 500
    except streams.Cut:
        pass
    assert one.results(job, offset=0, limit=1)["rows"] == [{"i": 1}]


def test_events_begin_anew_when_a_job_is_run_again(cluster_factory):
    cluster = cluster_factory("--executors", "1", "--apis", "1", "--set", "lease_ms=2000")
    job = cluster.submit("SELECT i AS n, repeat('x', 9000) AS filler, pg_sleep(0.01)::text AS nap "
                         "FROM generate_series(1, 300) i")
    events = Events(cluster, job)
    attempts, rows, last = [], [], None
    for name, data, _ in events:
        if name == "schema":
            attempts.append(data["attempt"])
            rows = []
        elif name == "rows":
            rows += [row["n"] for row in data["rows"]]
            if len(attempts) == 1 and len(rows) >= 20 and not last:
                last = "killed"
                cluster.act("kill", "executor1")
                cluster.act("start", "executor1")
        elif name == "end":
            last = data
    events.close()
    assert rows == list(range(1, 301))
    assert last["total_rows"] == 300
    assert len(attempts) == 2 and attempts[0] < attempts[1]
