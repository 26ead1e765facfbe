"""Results as streams: every format says the same rows, and its end can be told from a cut at any
byte."""
import csv
import gzip
import io
import json

import msgpack
import pytest
import requests
import zstandard

import streams
from streams import Cut

# A page is at most 10,000 rows: this is three, the last of them short.
ROWS = 25_000
SQL = (f"SELECT i AS n, 'text ' || i AS word, CASE WHEN i % 3 = 0 THEN NULL ELSE i * 1.50 END AS amount, "
       f"i % 2 = 0 AS even FROM generate_series(0, {ROWS - 1}) i")

FORMATS = {
    "json": (), "arrays": (), "ndjson": (), "csv": (), "msgpack": (),
    "msgpack zstd": ("Accept-Encoding: zstd",),
    "ndjson gzip": ("Accept-Encoding: gzip, deflate",),
    "csv zstd": ("Accept-Encoding: zstd, gzip",),
    "csv gzip": ("Accept-Encoding: gzip",),
    "json gzip": ("Accept-Encoding: gzip",),
    "arrays zstd": ("Accept-Encoding: zstd",),
    "msgpack gzip": ("Accept-Encoding: gzip",),
}


@pytest.fixture(scope="module")
def job(cluster):
    found = cluster.submit(SQL)
    assert cluster.wait(found)["jobState"] == "COMPLETED"
    return found


@pytest.fixture(scope="module")
def small(cluster):
    found = cluster.submit(SQL.replace(str(ROWS - 1), "2"))
    assert cluster.wait(found)["jobState"] == "COMPLETED"
    return found


def path_of(job, name, **query):
    query["format"] = name.split()[0]
    return f"/api/v1/job/{job}/results?" + "&".join(f"{key}={value}" for key, value in query.items())


def plain(reply):
    """The body as it was before it was coded."""
    coding = reply.headers.get("content-encoding")
    if coding == "gzip":
        return gzip.decompress(reply.body)
    if coding == "zstd":
        return inflated(reply.body)
    assert coding is None
    return reply.body


def inflated(data):
    """Frames one after another; nothing at all is none."""
    found = b""
    assert data
    while data:
        one = zstandard.ZstdDecompressor().decompressobj()
        found += one.decompress(data)
        assert one.eof
        data = one.unused_data
    return found


def rows_of(name, body):
    """The rows of a body in a format, as lists of n, word, amount's text, even."""
    kind = name.split()[0]
    if kind == "csv":
        header, *rows = csv.reader(io.StringIO(body.decode(), newline=""))
        assert header == ["n", "word", "amount", "even"]
        return [[int(n), word, amount or None, {"t": True, "f": False}[even]]
                for n, word, amount, even in rows]
    if kind == "msgpack":
        return list(msgpack.Unpacker(io.BytesIO(body), max_buffer_size=0))
    loads = lambda text: json.loads(text, parse_float=str)  # noqa: E731
    if kind == "ndjson":
        return [list(loads(line).values()) for line in body.decode().splitlines()]
    rows = loads(body.decode())["rows"]
    return [list(row.values()) for row in rows] if kind == "json" else rows


def wanted(i):
    return [i, f"text {i}", None if i % 3 == 0 else f"{i * 150 // 100}.{i * 150 % 100:02}", i % 2 == 0]


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_says_the_same_rows(cluster, job, name):
    reply = streams.get(cluster, path_of(job, name, limit="all"), *FORMATS[name])
    assert reply.status == 200
    assert reply.headers["millrace-total-rows"] == str(ROWS)
    assert reply.headers["millrace-complete"] == "true"
    assert reply.headers["millrace-truncated"] == "false"
    rows = rows_of(name, plain(reply))
    assert len(rows) == ROWS
    assert all(row == wanted(i) for i, row in enumerate(rows))
    if name.split()[0] not in ("json", "arrays"):
        assert reply.trailers == {"millrace-rows": str(ROWS)}


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("offset, limit", [(0, 1), (9_999, 2), (10_000, 1000), (12_345, 1000), (24_999, 5),
                                           (24_999, "all"), (9_990, "all"), (25_000, "all"), (3, 0)])
def test_any_part_of_it(cluster, job, name, offset, limit):
    reply = streams.get(cluster, path_of(job, name, offset=offset, limit=limit), *FORMATS[name])
    rows = rows_of(name, plain(reply))
    end = ROWS if limit == "all" else min(ROWS, offset + limit)
    assert rows == [wanted(i) for i in range(offset, end)]
    assert reply.headers["millrace-complete"] == ("true" if end == ROWS else "false")


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("limit", ["all", "2", "0"])
def test_a_cut_at_any_byte_is_noticed(cluster, small, name, limit):
    heard = streams.fetch(cluster, path_of(small, name, limit=limit), *FORMATS[name])
    streams.read(heard)
    for size in range(len(heard)):
        with pytest.raises(Cut):
            streams.read(heard[:size])


def test_a_large_stream_that_is_cut_anywhere_is_noticed(cluster, job):
    heard = streams.fetch(cluster, path_of(job, "ndjson", limit="all"))
    for size in (*range(1000, len(heard), 4999), *range(len(heard) - 40, len(heard))):
        with pytest.raises(Cut):
            streams.read(heard[:size])


def test_a_common_client_notices_too(cluster, job):
    """A proxy that hangs up early: what Python's requests make of it."""
    heard = streams.fetch(cluster, path_of(job, "csv", limit="all"))
    for size in (len(heard) // 3, len(heard) // 2 + 1, heard.rindex(b"\r\n0\r\n") + 2):
        with streams.Relay(heard[:size]) as relay:
            with pytest.raises(requests.RequestException):
                requests.get(relay.url, timeout=20)


def test_http_1_0_gets_only_what_tells_its_end_itself(cluster, small):
    for name in ("ndjson", "csv", "msgpack"):
        reply = streams.fetch(cluster, path_of(small, name), version="1.0")
        assert reply.startswith(b"HTTP/1.1 505 ")
    reply = streams.fetch(cluster, path_of(small, "json"), "Accept-Encoding: gzip, zstd", version="1.0")
    assert json.loads(reply.partition(b"\r\n\r\n")[2])["total_rows"] == 3


def test_numbers_that_a_double_does_not_hold(cluster):
    rows = cluster.submit("SELECT 9007199254740993::int8 AS i, 0.10::numeric AS n, 7 AS s, 0.5::float8 AS f")
    cluster.wait(rows)
    exact = cluster.get(f"/api/v1/job/{rows}/results").text
    assert '"rows":[{"i":9007199254740993,"n":0.10,"s":7,"f":0.5}]' in exact
    text = cluster.get(f"/api/v1/job/{rows}/results?numbers=string").text
    assert '"rows":[{"i":"9007199254740993","n":"0.10","s":7,"f":0.5}]' in text
