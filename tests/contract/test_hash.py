"""A reader that checks what it has: pages as they are stored, their list, and the chain of their hashes,
recomputed here from the contract alone."""
import hashlib
import io

import msgpack
import pytest
import zstandard

import streams

START = bytes(32)


def chain(pages):
    """H(n) of each page: BLAKE2b-256 over the hash before it and the stored page."""
    hashes = [START]
    for page in pages:
        hashes.append(hashlib.blake2b(hashes[-1] + page, digest_size=32).digest())
    return hashes[1:]


def stored(cluster, job, statement=None):
    """The list of a result's pages, and the pages themselves."""
    more = "" if statement is None else f"&statement={statement}"
    listed = cluster.get(f"/api/v1/job/{job}/results/pages?limit=all{more}").json()
    reply = streams.get(cluster, f"/api/v1/job/{job}/results?limit=all&format=msgpack{more}",
                        "Accept-Encoding: zstd")
    assert reply.headers.get("content-encoding") == "zstd"
    assert reply.headers["millrace-hash"] == listed["hash"]
    pages, at = [], 0
    for entry in listed["pages"]:
        pages.append(reply.body[at:at + entry["bytes"]])
        at += entry["bytes"]
    assert at == len(reply.body), "the answer is its pages, and nothing else"
    return listed, pages


def rows_in(page):
    raw = zstandard.ZstdDecompressor().decompress(page)
    return len(raw), list(msgpack.Unpacker(io.BytesIO(raw), max_buffer_size=0))


@pytest.mark.parametrize("sql, rows", [
    ("SELECT i, md5(i::text), i * 1.5 FROM generate_series(1, 30000) i", 30000),
    ("SELECT repeat('x', 1000000) FROM generate_series(1, 3)", 3),
    ("SELECT i, repeat(md5(i::text), 40) FROM generate_series(1, 2000) i", 2000),
    ("SELECT 1", 1),
    ("SELECT FROM generate_series(1, 20001)", 20001),
])
def test_the_hash_of_a_result_is_that_of_its_pages(cluster, sql, rows):
    job = cluster.submit(sql)
    assert cluster.wait(job)["jobState"] == "COMPLETED"
    listed, pages = stored(cluster, job)
    assert [entry["hash"] for entry in listed["pages"]] == [h.hex() for h in chain(pages)]
    assert listed["hash"] == chain(pages)[-1].hex()
    assert cluster.results(job, limit=0)["hash"] == listed["hash"]
    next_row = 0
    for entry, page in zip(listed["pages"], pages):
        raw_bytes, found = rows_in(page)
        assert entry["first_row"] == next_row
        assert (entry["rows"], entry["raw_bytes"]) == (len(found), raw_bytes)
        next_row += len(found)
    assert next_row == rows == listed["total_rows"]


def test_each_statement_has_a_chain_of_its_own(cluster):
    job = cluster.submit(["SELECT 1", "SELECT i FROM generate_series(1, 25000) i; SELECT 2", "SELECT 2"])
    assert cluster.wait(job)["jobState"] == "COMPLETED"
    hashes = []
    for statement in range(4):
        listed, pages = stored(cluster, job, statement)
        assert listed["hash"] == chain(pages)[-1].hex()
        hashes.append(listed["hash"])
    assert hashes[2] == hashes[3] and len(set(hashes)) == 3


def test_a_page_is_fetched_alone_by_its_place(cluster):
    job = cluster.submit("SELECT i FROM generate_series(1, 25000) i")
    cluster.wait(job)
    listed, pages = stored(cluster, job)
    for entry, page in zip(listed["pages"], pages):
        last = entry["first_row"] + entry["rows"] - 1
        reply = streams.get(cluster, f"/api/v1/job/{job}/results?format=msgpack", "Accept-Encoding: zstd",
                            f"Range: rows={entry['first_row']}-{last}")
        assert (reply.status, reply.body) == (206, page)


def test_another_result_has_another_hash(cluster):
    hashes = set()
    for sql in ("SELECT 1", "SELECT 2", "SELECT '1'", "SELECT 1 UNION ALL SELECT 1", "SELECT 1, NULL"):
        hashes.add(cluster.run(sql)["hash"])
    assert len(hashes) == 5
