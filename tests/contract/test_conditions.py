"""Results under conditions, in part, and by HEAD, as RFC 9110 has them: on two nodes, byte by byte."""
import json
import re

import pytest

import raw
import streams

ROWS = 25_000
FORMATS = ("json", "arrays", "ndjson", "csv", "msgpack")
CODINGS = ("identity", "gzip", "zstd")
GZIP = "Accept-Encoding: gzip"
ZSTD = "Accept-Encoding: zstd"


@pytest.fixture(scope="module")
def job(cluster):
    found = cluster.submit(f"SELECT i AS n, 'text ' || i AS word FROM generate_series(0, {ROWS - 1}) i")
    assert cluster.wait(found)["jobState"] == "COMPLETED"
    return found


def path_of(job, query=""):
    return f"/api/v1/job/{job}/results" + (f"?{query}" if query else "")


def head_of(cluster, path, *headers):
    """What HEAD says; nothing stands behind it."""
    heard = streams.fetch(cluster, path, *headers, method="HEAD")
    assert heard.endswith(b"\r\n\r\n") and heard.count(b"\r\n\r\n") == 1
    return streams.fields(heard, heard.index(b"\r\n") + 2)[0]


def tag_of(cluster, job, query="", *headers):
    return head_of(cluster, path_of(job, query), *headers)["etag"]


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("coding", CODINGS)
@pytest.mark.parametrize("query", ["", "&limit=all", "&limit=0", "&offset=25000", "&offset=24999"])
def test_head_says_what_get_says(cluster, job, name, coding, query):
    path = path_of(job, f"format={name}{query}")
    header = f"Accept-Encoding: {coding}"
    said = head_of(cluster, path, header)
    got = streams.get(cluster, path, header).headers
    unknown = {"content-length", "content-encoding", "transfer-encoding"}
    rows = query in ("", "&limit=all", "&offset=24999")
    left_out = set(got) - set(said)
    assert left_out <= (unknown if rows and name in ("json", "arrays") else set())
    assert {key: value for key, value in said.items() if key != "date"} == \
        {key: value for key, value in got.items() if key != "date" and key not in left_out}


def test_a_tag_stands_for_the_same_bytes_on_every_node(cluster, job):
    bytes_of = {}
    for name in FORMATS:
        for coding in CODINGS:
            for numbers in ("exact", "string"):
                query = f"format={name}&limit=all&numbers={numbers}"
                replies = [streams.get(cluster, path_of(job, query), f"Accept-Encoding: {coding}", url=url)
                           for url in cluster.urls]
                assert len({(reply.headers["etag"], reply.body) for reply in replies}) == 1
                bytes_of.setdefault(replies[0].headers["etag"], []).append(replies[0].body)
    assert len(bytes_of) == len(FORMATS) * len(CODINGS) * 2
    assert all(len(bodies) == 1 for bodies in bytes_of.values())


def cases(tag):
    """Headers, and what they are answered with."""
    return [
        ([f"If-None-Match: {tag}"], 304),
        ([f"If-None-Match: W/{tag}"], 304),
        ([f'If-None-Match: "x" , {tag}'], 304),
        (['If-None-Match: "x"', f"If-None-Match: {tag}"], 304),
        (["If-None-Match: *"], 304),
        ([f"If-None-Match: {tag}, *"], 200),
        ([f"If-None-Match: x, {tag}"], 200),
        ([f"If-None-Match: {tag} {tag}"], 200),
        (["If-None-Match:"], 200),
        ([f"If-Match: {tag}"], 200),
        (["If-Match: *"], 200),
        ([f"If-Match: W/{tag}"], 412),
        (['If-Match: "x"'], 412),
        (['If-Match: "x"', f"If-None-Match: {tag}"], 412),
        ([f"If-Match: {tag}", f"If-None-Match: {tag}"], 304),
        (["If-Modified-Since: Sun, 29 Nov 2026 10:39:01 GMT"], 200),
        (["If-Unmodified-Since: Sun, 29 Nov 1990 10:39:01 GMT"], 200),
        (["Range: rows=0-9"], 206),
        (["range: ROWS=0-9"], 206),
        (["Range: rows= 0-9 "], 206),
        (["Range: rows=0-9, 20-29"], 200),
        (["Range: rows=0-9", "Range: rows=0-9"], 200),
        (["Range: bytes=0-9"], 200),
        (["Range: rows=9-0"], 200),
        ([f"Range: rows={ROWS}-"], 416),
        (["Range: rows=-0"], 416),
        (["Range: rows=0-9", f"If-Range: {tag}"], 206),
        ([f"Range: rows={ROWS}-", f"If-Range: {tag}"], 416),
        (["Range: rows=0-9", f"If-Range: W/{tag}"], 200),
        ([f"Range: rows={ROWS}-", 'If-Range: "x"'], 200),
        (["Range: rows=0-9", "If-Range: Sun, 29 Nov 2026 10:39:01 GMT"], 200),
        (["Range: rows=0-9", f"If-None-Match: {tag}"], 304),
        ([f"Range: rows={ROWS}-", f"If-None-Match: {tag}"], 304),
        ([f"Range: rows={ROWS}-", 'If-Match: "x"'], 412),
    ]


RANGE_OF = {206: f"rows 0-9/{ROWS}", 416: f"rows */{ROWS}"}


def check(reply, status, headers, tag):
    assert reply.status == status, (headers, reply.status)
    assert reply.headers.get("content-range") == RANGE_OF.get(status), headers
    if status in (200, 206, 304):
        assert reply.headers["etag"] == tag
        assert reply.headers["cache-control"] == "private, no-cache"
        assert reply.headers["vary"] == "Accept, Accept-Encoding"
    else:
        assert "etag" not in reply.headers
        assert reply.headers["cache-control"] == "no-store"
        assert json.loads(reply.body)["detail"]
    if status == 304:
        assert reply.body == b"" and "content-length" not in reply.headers


def test_conditions_and_ranges(cluster, job):
    tag = tag_of(cluster, job, "format=csv")
    for headers, status in cases(tag):
        check(streams.get(cluster, path_of(job, "format=csv"), *headers), status, headers, tag)


def test_only_get_of_the_whole_has_ranges(cluster, job):
    for query in ("offset=0", "limit=20", "offset=0&limit=all"):
        reply = streams.get(cluster, path_of(job, query), "Range: rows=0-9")
        assert (reply.status, reply.headers["accept-ranges"]) == (200, "none")
    for header in ("Range: rows=0-9", f"Range: rows={ROWS}-"):
        heard = streams.fetch(cluster, path_of(job), header, method="HEAD")
        assert heard.startswith(b"HTTP/1.1 200 ") and b"\r\nAccept-Ranges: rows\r\n" in heard


def test_parts_that_are_asked_for_by_range(cluster, job):
    for name in ("rows=20000-20002", "rows=24000-99999", "rows=24990-", "rows=-7", f"rows=-{2 * ROWS}"):
        reply = streams.get(cluster, path_of(job, "format=arrays"), f"Range: {name}")
        first, last, total = map(int, re.fullmatch(r"rows (\d+)-(\d+)/(\d+)",
                                                   reply.headers["content-range"]).groups())
        assert total == ROWS
        assert [row[0] for row in json.loads(reply.body)["rows"]] == list(range(first, last + 1))
        assert reply.headers["millrace-complete"] == ("true" if last == ROWS - 1 else "false")


def test_a_stream_that_was_cut_is_continued(cluster, job):
    """Rows that came whole are kept, the others asked for by Range; another result would come whole."""
    path = path_of(job, "format=ndjson&limit=all")
    whole = streams.get(cluster, path)
    heard = b"".join(whole.body[:100_003].rpartition(b"\n")[:2])
    rows = heard.count(b"\n")
    rest = streams.get(cluster, path, f"Range: rows={rows}-", f"If-Range: {whole.headers['etag']}")
    assert rest.status == 206
    assert rest.trailers == {"millrace-rows": str(ROWS - rows)}
    assert heard + rest.body == whole.body
    other = streams.get(cluster, path, f"Range: rows={rows}-", 'If-Range: "of another result"')
    assert (other.status, other.body) == (200, whole.body)


def test_a_part_that_is_cut_anywhere_is_noticed(cluster, job):
    for header in (GZIP, ZSTD, "Accept-Encoding: identity"):
        heard = streams.fetch(cluster, path_of(job, "format=csv"), "Range: rows=3-4", header)
        assert streams.read(heard).status == 206
        for size in range(len(heard)):
            with pytest.raises(streams.Cut):
                streams.read(heard[:size])


def exchanges(job, tag):
    """Requests that may be sent one behind the other, and how each is answered."""
    csv = path_of(job, "format=csv")
    return [
        ("GET", csv, [f"If-None-Match: {tag}"], 304),
        ("HEAD", csv, [], 200),
        ("HEAD", path_of(job), [GZIP], 200),
        ("HEAD", path_of(job, "limit=0"), [], 200),
        ("HEAD", csv, ["If-None-Match: *"], 304),
        ("GET", csv, [f"Range: rows={ROWS}-"], 416),
        ("HEAD", csv, ['If-Match: "x"'], 412),
        ("GET", csv, ["Range: rows=0-9", GZIP], 206),
        ("HEAD", path_of(job, "format=nothing"), [], 400),
        ("GET", path_of(job, "format=msgpack&limit=0"), [ZSTD], 200),
        ("GET", path_of(job, "limit=all"), [GZIP], 200),
        ("GET", path_of(job, "limit=1"), ["Connection: close"], 200),
    ]


def test_a_connection_goes_on_behind_answers_without_bodies(cluster, job):
    asked = exchanges(job, tag_of(cluster, job, "format=csv"))
    with raw.dial(streams.port(cluster)) as sock:
        for method, path, headers, _ in asked:
            sock.sendall(streams.request(cluster, path, *headers, method=method, keep=True))
        data, end, _ = raw.hear(sock)
    assert end == "EOF"
    for method, path, headers, status in asked:
        reply, data = streams.first(data, method)
        assert reply.status == status, (method, path, headers)
    assert data == b""
