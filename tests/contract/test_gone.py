"""Clients that hang up, half close, fall silent or read slowly: a worker thread is never theirs for long,
waits leave threads for others, and an answer that was cut can be told from a whole one."""
import concurrent.futures
import contextlib
import json
import time
import urllib.parse

import pytest
import requests

import raw

THREADS = 8
WAITS = 6  # of them, four fifths
SOON_S = 2.0


@pytest.fixture(scope="module")
def few(module_cluster):
    """A cluster of one API node with 8 worker threads, and without an executor: no job ever ends."""
    cluster = module_cluster("--apis", "1", "--executors", "1", "--set", f"http_threads={THREADS}")
    cluster.act("kill", "executor1")
    return cluster


@pytest.fixture(scope="module")
def endless(few):
    """A job that is not over for as long as these tests run."""
    job = few.submit("SELECT 1")
    few.http.close()  # a connection that idles owns a thread
    return job


@pytest.fixture(scope="module")
def quick(module_cluster):
    """A cluster of 8 worker threads whose requests have a second."""
    return module_cluster("--apis", "1", "--executors", "1", "--set", f"http_threads={THREADS}", "--set",
                          "request_ms=1000")


def head(cluster, first, *more):
    lines = [f"{first} HTTP/1.1", "Host: h", f"Authorization: Bearer {cluster.api_key}", *more]
    return "\r\n".join(lines + ["", ""]).encode()


def post(cluster, path, sql, *more):
    body = json.dumps({"sql": sql}).encode()
    return head(cluster, f"POST {path}", f"Content-Length: {len(body)}", *more) + body


def dial(cluster, data=b"", **how):
    sock = raw.dial(urllib.parse.urlsplit(cluster.url).port, **how)
    raw.give(sock, data)
    return sock


def answer_of(sock):
    with sock:
        heard, end, _ = raw.hear(sock)
    assert end == "EOF", (end, heard)
    (answer,) = raw.answers(heard)
    return answer


def asked(cluster, seconds=SOON_S):
    """A new client gets its answer within `seconds`."""
    began = time.monotonic()
    answer = answer_of(dial(cluster, head(cluster, "GET /healthz", "Connection: close")))
    took = time.monotonic() - began
    assert answer.status == 200 and took < seconds, (answer, took)


def wait_for(cluster, job):
    return head(cluster, f"GET /api/v1/job/{job}?wait=60")


def may_wait(cluster, request, socks):
    """One client more: is it let wait? Then it is added to `socks`."""
    sock = dial(cluster, request)
    sock.settimeout(0.2)
    try:
        sock.recv(1)
        sock.close()
        return False
    except TimeoutError:
        socks.append(sock)
        return True


@contextlib.contextmanager
def waiting(cluster, request, seconds=10):
    """As many clients that wait as may, once there is room for them."""
    socks = []
    try:
        while len(socks) < WAITS:
            cluster.until(lambda: may_wait(cluster, request, socks), seconds)
        yield socks
    finally:
        for sock in socks:
            raw.reset(sock)


@pytest.mark.parametrize("hang_up", ["FIN", "RST"])
@pytest.mark.parametrize("what", ["wait", "query"])
def test_threads_of_clients_that_hung_up_are_free_within_two_seconds(few, endless, what, hang_up):
    request = wait_for(few, endless) if what == "wait" else post(few, "/api/v1/query", "SELECT 1")
    with waiting(few, request) as socks:
        while socks:
            sock = socks.pop()
            if hang_up == "RST":
                raw.reset(sock)
            else:
                sock.close()
    asked(few)
    with waiting(few, wait_for(few, endless), SOON_S):  # as many as before
        asked(few)


def test_clients_that_hang_up_before_they_are_looked_at_are_noticed(few, endless):
    for _ in range(WAITS):
        raw.reset(dial(few, wait_for(few, endless)))
    asked(few)
    with waiting(few, wait_for(few, endless), SOON_S):
        asked(few)


def test_waits_leave_threads_for_others(few, endless):
    with waiting(few, wait_for(few, endless)):
        asked(few)
        for _ in range(THREADS):
            began = time.monotonic()
            answer = answer_of(dial(few, wait_for(few, endless)))
            assert answer.status == 200 and json.loads(answer.body)["state"] == "pending"
            assert time.monotonic() - began < SOON_S
        slow = answer_of(dial(few, post(few, "/api/v1/query", "SELECT 1", "Connection: close")))
        assert slow.status == 202 and json.loads(slow.body)["id"]
        asked(few)


def test_connections_are_not_kept_when_the_threads_are_nearly_all_taken(few, endless):
    with waiting(few, wait_for(few, endless)):
        answer = answer_of(dial(few, head(few, "GET /healthz")))
        assert answer.headers["connection"] == "close"


# --- half-closed ---

def test_who_half_closes_gets_the_answer_to_a_plain_request(few):
    for request in (head(few, "GET /healthz"), post(few, "/api/v1/job", "SELECT 1")):
        sock = dial(few, request)
        raw.half_close(sock)
        assert answer_of(sock).status == 200


def test_who_half_closes_is_answered_at_once_instead_of_waiting(few, endless):
    began = time.monotonic()
    sock = dial(few, wait_for(few, endless))
    raw.half_close(sock)
    answer = answer_of(sock)
    assert answer.status == 200 and json.loads(answer.body)["state"] == "pending"
    sock = dial(few, post(few, "/api/v1/query", "SELECT 1"))
    raw.half_close(sock)
    answer = answer_of(sock)
    assert answer.status == 202
    assert time.monotonic() - began < 2 * SOON_S
    assert few.status(json.loads(answer.body)["id"])["state"] == "pending"
    few.http.close()


# --- time ---

def test_a_body_below_the_least_rate_is_cut_long_before_its_deadline(few):
    sock = dial(few, head(few, "POST /api/v1/job", "Content-Length: 4000"))
    began = time.monotonic()
    sock.settimeout(0.25)
    heard = b""
    while not heard and time.monotonic() - began < 8:
        raw.give(sock, b"x")
        with contextlib.suppress(TimeoutError):
            heard = sock.recv(4096)
    sock.close()
    assert [answer.status for answer in raw.answers(heard)] == [408]
    assert 1.9 < time.monotonic() - began < 6


def test_silent_clients_on_every_thread_are_dropped(quick):
    silent = [dial(quick, data) for data in (b"", b"GET /h", b"POST /api/v1/job HTTP/1.1\r\nHost:") * 3]
    asked(quick, 4)
    for sock in silent:
        raw.reset(sock)


# --- answers that are cut ---

LARGE = "SELECT i, repeat(md5(i::text), 300) AS m FROM generate_series(1, 1000) i"  # 10 MB


def large_answer(cluster, job, between):
    """Ask for a large result, read a little of it, do `between`, read the rest."""
    sock = dial(cluster, head(cluster, f"GET /api/v1/job/{job}/results?limit=1000"), buffer=1 << 16)
    with sock:
        first = sock.recv(1000)
        between()
        rest, end, _ = raw.hear(sock)
    (answer,) = raw.answers(first + rest)
    assert answer.status == 200 and answer.headers["transfer-encoding"] == "chunked"
    return answer, end


def test_an_answer_is_cut_when_its_pages_cannot_be_read_any_more(cluster_factory):
    cluster = cluster_factory("--apis", "1", "--executors", "1")
    job = cluster.submit(LARGE)
    assert cluster.wait(job)["state"] == "done"

    answer, end = large_answer(cluster, job, lambda: None)
    assert answer.whole and len(json.loads(answer.body)["rows"]) == 1000

    answer, end = large_answer(cluster, job, lambda: cluster.act("kill", "store"))
    assert not answer.whole and end == "EOF"
    with pytest.raises(json.JSONDecodeError):
        json.loads(answer.body)
    cluster.act("start", "store")
    cluster.until(lambda: requests.get(cluster.url + "/readyz", timeout=20).ok, 30)
    answer, end = large_answer(cluster, job, lambda: None)
    assert answer.whole

    answer, end = large_answer(cluster, job, lambda: cluster.act("kill", "api1"))
    assert not answer.whole


def test_a_client_that_does_not_read_does_not_keep_its_thread(quick):
    job = quick.submit(LARGE)
    assert quick.wait(job)["state"] == "done"
    quick.http.close()
    request = head(quick, f"GET /api/v1/job/{job}/results?limit=1000")
    with contextlib.ExitStack() as stack:
        with concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
            lazy = list(pool.map(lambda _: stack.enter_context(dial(quick, request, buffer=4096)),
                                 range(THREADS)))
        assert all(sock.recv(1) == b"H" for sock in lazy)
        asked(quick, 5)
