"""Caps on results: what an operator allows a tenant and a source counts for every job, asked or not."""
import contextlib

import pytest

CACHE_S = 20  # API nodes remember what a tenant may do for a second


@contextlib.contextmanager
def capped(cluster, what, name, rows):
    cluster.admin(what, "limit", name, "--max-rows", str(rows))
    try:
        yield
    finally:
        cluster.admin(what, "limit", name, "--max-rows", "0")


def failure(cluster, **options):
    """What a job of ten rows fails with on the node that answers; None when it does not."""
    body = {"sql": "SELECT generate_series(1, 10)", **options}
    answer = cluster.post("/api/v1/query", body, key=cluster.other_key, check=False).json()
    return answer["error"]["message"] if "error" in answer else None


@pytest.mark.parametrize("what, name", [("tenant", "other"), ("source", "demo")])
def test_a_cap_counts_for_jobs_that_ask_for_nothing_and_for_those_that_ask_for_more(cluster, what, name):
    said = f"the results have more than 9 rows (max_rows, the cap of the {what})"
    with capped(cluster, what, name, 9):
        cluster.until(lambda: failure(cluster) == said, CACHE_S)
        assert failure(cluster, max_rows=10) == said
        assert failure(cluster, max_rows=8) == "the results have more than 8 rows (max_rows)"
        cut = cluster.post("/api/v1/query", {"sql": "SELECT generate_series(1, 10)", "on_limit": "truncate"},
                           key=cluster.other_key).json()
        assert cut["truncated"] and cut["total_rows"] == 9
    cluster.until(lambda: failure(cluster) is None, CACHE_S)


def test_the_smaller_of_two_caps_counts(cluster):
    with capped(cluster, "tenant", "other", 7), capped(cluster, "source", "demo", 6):
        said = "the results have more than 6 rows (max_rows, the cap of the source)"
        cluster.until(lambda: failure(cluster) == said, CACHE_S)
    cluster.until(lambda: failure(cluster) is None, CACHE_S)


def test_every_node_says_that_a_job_was_cut(cluster):
    body = {"sql": "SELECT generate_series(1, 10)", "max_rows": 5, "on_limit": "truncate"}
    for url in cluster.urls:
        job = cluster.post("/api/v1/job", body, url=url).json()["id"]
        for asked in cluster.urls:
            status = cluster.wait(job, url=asked)
            assert status["truncated"] is True and status["rows"] == 5
