"""CARTO's API: what a request brings. Odd bodies are answered in CARTO's words, and the server lives."""
import json
import re
import time

import pytest
import raw
from carto import JOB, Carto, refused

NO_SQL = "You must indicate a valid SQL"
NO_FORM = "there is no job class for the provided query"
JSON_TYPE = {"Content-Type": "application/json"}
FORM_TYPE = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture(scope="module")
def demo(cluster):
    """A user whose jobs wait: they are made, and none of them runs."""
    user = Carto(cluster)
    blocker = user.create("SELECT pg_sleep(300)")
    user.running(blocker)
    yield user
    user.cancel(blocker)


@pytest.fixture(autouse=True)
def no_crowd(demo):
    """What a test has made goes with it: at most 64 may wait."""
    yield
    for job in demo.call("GET", JOB).json():
        if job["status"] == "pending":
            demo.cancel(job["job_id"])


def made(answer):
    assert answer.status_code == 201, answer.text
    return answer.json()["query"]


# Types of bodies.

def texts(*queries):
    return [{"query": query, "status": "pending"} for query in queries]


def test_a_form_nests_as_json_does(demo):
    def form(body):
        return made(demo.call("POST", JOB, data=body, headers=FORM_TYPE))

    assert form("query=SELECT+1%3B+SELECT+%27%C3%A4%27") == "SELECT 1; SELECT '\u00e4'"
    assert form("query[0]=SELECT+1&query[1]=SELECT+2") == texts("SELECT 1", "SELECT 2")
    assert form("query%5B%5D=SELECT+1&query%5B%5D=SELECT+2") == texts("SELECT 1", "SELECT 2")
    assert form("query[query][0][query]=SELECT+1&query[query][0][onerror]=SELECT+2&query[onsuccess]=SELECT+3") == {
        "query": [{"query": "SELECT 1", "onerror": "SELECT 2", "status": "pending",
                   "fallback_status": "pending"}],
        "onsuccess": "SELECT 3"}


def test_parts_of_a_form_nest_too(demo):
    files = {"query[0]": (None, "SELECT 1"), "query[1]": ("file.sql", "SELECT\r\n2", "text/plain")}
    assert made(demo.call("POST", JOB, files=files)) == texts("SELECT 1", "SELECT\r\n2")


def test_the_query_string_fills_in_what_the_body_lacks(demo):
    assert made(demo.call("POST", JOB, params={"query": "SELECT 1"})) == "SELECT 1"
    assert made(demo.call("POST", JOB, params={"query": "SELECT 1"}, json={})) == "SELECT 1"
    assert made(demo.post("SELECT 2", params={"query": "SELECT 1"})) == "SELECT 2"


def test_json_may_be_called_so_in_many_ways(demo):
    for name in ("application/json;charset=UTF-8", "APPLICATION/JSON", "application/vnd.api+json"):
        body = json.dumps({"query": "SELECT 1"})
        assert made(demo.call("POST", JOB, data=body, headers={"Content-Type": name})) == "SELECT 1"


def test_members_that_mean_nothing_are_passed_over(demo):
    body = {"query": "SELECT 1", "job_id": "x", "user": "other", "status": "done", "client": "c"}
    answer = demo.call("POST", JOB, json=body)
    assert made(answer) == "SELECT 1"
    assert answer.json()["user"] == "demo" and answer.json()["status"] == "pending"


# What is no query.

@pytest.mark.parametrize("body", [
    "", "{}", '{"q": "SELECT 1"}', '{"query": ""}', '{"query": null}', '{"query": 0}', '{"query": false}',
    '{"query": []}', '{"query": [""]}', '{"query": ["SELECT 1", ""]}'])
def test_a_query_must_be_indicated(demo, body):
    refused(demo.call("POST", JOB, data=body, headers=JSON_TYPE), 400, NO_SQL)


@pytest.mark.parametrize("body", ["", "q=SELECT+1", "query=", "query[]="])
def test_a_form_must_indicate_one_too(demo, body):
    refused(demo.call("POST", JOB, data=body, headers=FORM_TYPE), 400, NO_SQL)


def test_a_body_of_another_type_indicates_none(demo):
    body = json.dumps({"query": "SELECT 1"})
    for headers in ({}, {"Content-Type": "text/plain"}, {"Content-Type": "application/octet-stream"}):
        refused(demo.call("POST", JOB, data=body, headers=headers), 400, NO_SQL)


@pytest.mark.parametrize("query", [
    1, 1.5, True, {}, {"sql": "SELECT 1"}, {"query": "SELECT 1"}, {"query": {}}, {"query": []},
    {"query": ["SELECT 1"]}, {"query": [{}]}, {"query": [{"query": ""}]}, {"query": [{"query": 1}]},
    {"query": [{"query": "SELECT 1"}, "SELECT 2"]}, {"query": [{"query": "SELECT 1", "onerror": 1}]},
    {"query": [{"query": "SELECT 1"}], "onsuccess": ["SELECT 2"]},
    ["SELECT 1", 2], ["SELECT 1", None], [["SELECT 1"]], [{}]])
def test_a_query_has_one_of_three_forms(demo, query):
    refused(demo.post(query), 400, NO_FORM)


@pytest.mark.parametrize("query", [
    [{"query": "SELECT 1", "onerror": "SELECT 2"}], [{"query": "SELECT 1"}],
    ["SELECT 1", {"query": "SELECT 2", "onsuccess": "SELECT 3"}]])
def test_objects_without_the_outer_object_are_refused(demo, query):
    refused(demo.post(query), 400, NO_FORM)


# The size.

def too_large(size):
    return (f"Your payload is too large: {size} bytes. Max size allowed is 16384 bytes (16kb). Are you "
            "trying to import data?. Please, check out import api "
            "http://docs.cartodb.com/cartodb-platform/import-api/")


def padded(size, letter="x"):
    """A query whose body, as JSON.stringify writes it, has this length."""
    return "SELECT '" + letter * (size - len('{"query":"SELECT \'\'"}')) + "'"


def test_a_payload_of_16384_fits_and_one_more_does_not(demo):
    assert len(made(demo.post(padded(16384)))) == 16384 - len('{"query":""}')
    refused(demo.post(padded(16385)), 400, too_large(16385))
    refused(demo.post("x" * 100_000), 400, too_large(100_012))


def test_the_size_is_that_of_the_body_as_json_whatever_it_came_as(demo):
    def form(query):
        return demo.call("POST", JOB, data={"query": query})

    made(form(padded(16384)))
    refused(form(padded(16385)), 400, too_large(16385))
    made(form(padded(16384, "+")))
    made(demo.call("POST", JOB, files={"query": (None, padded(16384))}))
    spaced = '{ "query" :\n"' + padded(16384) + '" }' + " " * 10_000
    made(demo.call("POST", JOB, data=spaced, headers=JSON_TYPE))


def test_the_size_counts_all_members_as_javascript_does(demo):
    refused(demo.call("POST", JOB, json={"query": padded(16384), "client": "c"}), 400, too_large(16397))
    refused(demo.call("POST", JOB, json={"query": padded(16384), "api_key": demo.key}), 400,
            too_large(16384 + len(f',"api_key":"{demo.key}"')))
    made(demo.post(padded(16384), params={"client": "c" * 5000}))
    made(demo.post(padded(16384, "\u20ac")))
    refused(demo.post(padded(16384, "\U0001f600")), 400, too_large(2 * 16384 - 21))


def test_only_a_new_job_has_that_limit(demo):
    job = demo.create("SELECT 1")
    assert "Your payload" not in demo.job("PUT", job, json={"query": padded(20_000)}).text
    answer = demo.call("POST", "/api/v2/sql", json={"q": "SELECT length('" + "x" * 20_000 + "')"})
    assert answer.json()["rows"] == [{"length": 20_000}]


def test_a_body_that_is_not_even_read_is_too_large_as_well(demo):
    for _ in range(3):
        answer = demo.post("x" * 2_000_000)
        refused(answer, 400, too_large(len(json.dumps({"query": "x" * 2_000_000}))))
    answer = demo.call("POST", "/api/v2/sql", data={"q": "x" * 2_000_000})
    assert answer.status_code == 413 and "16384" not in answer.text


# Odd ones.

DEEP = '{"query":' + "[" * 60 + '"SELECT 1"' + "]" * 60 + "}"
ODD = [
    (JSON_TYPE, "{"), (JSON_TYPE, "[]"), (JSON_TYPE, '"SELECT 1"'), (JSON_TYPE, "null"), (JSON_TYPE, "{}}"),
    (JSON_TYPE, '{"query": "SELECT 1", "query": "SELECT 2"}'), (JSON_TYPE, DEEP),
    (JSON_TYPE, '{"query":' + "[" * 600 + "]" * 600 + "}"),
    (JSON_TYPE, '{"a":' * 5000 + "1" + "}" * 5000),
    (JSON_TYPE, '{"query": "SELECT \\u0000"}'), (JSON_TYPE, '{"qu\\u0000ery": "SELECT 1"}'),
    (JSON_TYPE, b'{"query": "SELECT \xff"}'), (JSON_TYPE, b'{"query": "SELECT \xed\xa0\x80"}'),
    (JSON_TYPE, '{"query": "SELECT \\ud800"}'), (JSON_TYPE, '{"query": 1e999}'),
    (JSON_TYPE, '{"query": 123456789012345678901234567890}'), (JSON_TYPE, '{"query": NaN}'),
    (JSON_TYPE, json.dumps({"query": [1] * 1000})), (JSON_TYPE, json.dumps({"query": [""] * 1000})),
    (JSON_TYPE, json.dumps({"query": {"query": [{"query": "a", "onerror": {}}] * 100}})),
    (JSON_TYPE, json.dumps({"query": ["S"] * 1001})),
    (FORM_TYPE, "query=%00"), (FORM_TYPE, "query=%ff"), (FORM_TYPE, "query=%zz"), (FORM_TYPE, "&" * 16000),
    (FORM_TYPE, "query[a]=1&query=2"), (FORM_TYPE, "query[__proto__]=SELECT+1"),
    (FORM_TYPE, "&".join(f"a{i}=1" for i in range(1001))), (FORM_TYPE, "query" + "[a]" * 5000 + "=1"),
    (FORM_TYPE, "query[99999999999999999999]=SELECT+1"), (FORM_TYPE, "query[" * 5000),
    (FORM_TYPE, "a=" + "%41" * 340_000), (FORM_TYPE, "&".join(["a[]=" + "x" * 1000] * 1000)),
    ({"Content-Type": "multipart/form-data"}, "x"),
    ({"Content-Type": "multipart/form-data; boundary=" + "b" * 5000}, "x"),
    ({"Content-Type": "multipart/form-data; boundary=b"}, "--b\r\n\r\nx\r\n--b--\r\n"),
    ({"Content-Type": "multipart/form-data; boundary=b"}, "--b\r\nContent-Disposition: form-data; name=\"query\""),
]


@pytest.mark.parametrize("headers, body", ODD)
def test_odd_bodies_are_refused_in_cartos_words(demo, headers, body):
    for method, path in (("POST", JOB), ("PATCH", f"{JOB}/nope"), ("POST", "/api/v2/sql"),
                         ("DELETE", f"{JOB}/nope")):
        began = time.monotonic()
        answer = demo.call(method, path, data=body, headers=headers)
        assert answer.status_code in (400, 401, 403), (path, answer.text)
        assert list(answer.json()) == ["error"] and len(answer.json()["error"]) == 1
        assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
        assert time.monotonic() - began < 5
    assert demo.call("GET", "/api/v1/jobs-wip").status_code == 200


def test_a_job_of_a_thousand_queries_is_made(demo):
    assert made(demo.post(["S"] * 1000)) == texts(*["S"] * 1000)
    refused(demo.post(["S"] * 1001), 400, "a job has at most 1000 queries")


ODD_TARGETS = [
    "/user/%22%3E%3Cscript%3E/api/v2/sql", "/user/a%20b/api/v2/sql/job", "/user/%F0%9F%98%80/api/v2/sql",
    "/user/..%2F..%2Fetc/api/v2/sql", "/user/demo%27--/api/v2/sql", "/user/" + "a" * 4000 + "/api/v2/sql",
    "/user/demo", "/user", "/user/demo/api/v2/sql/job/x/y/z",
    f"{JOB}/%27%3B%20DROP%20TABLE%20job", f"{JOB}/" + "9" * 4000, f"{JOB}/..", f"{JOB}/%F0%9F%98%80",
    f"{JOB}/01890000-0000-7000-8000-000000000000", f"{JOB}/{'0' * 36}", "/api/%22/sql/job/x",
]


@pytest.mark.parametrize("target", ODD_TARGETS)
def test_odd_names_are_answered_in_cartos_words(demo, target):
    answer = demo.call("GET", target)
    assert answer.status_code in (400, 403, 404), answer.text
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    assert answer.headers.get("Carto-User", "demo") == "demo"
    if "/sql" in target or target.startswith("/user/"):
        assert list(answer.json()) == ["error"], answer.text


def test_nothing_of_a_request_gets_into_a_header(cluster, demo):
    port = int(cluster.url.rsplit(":", 1)[1])
    lines = ["GET /user/demo%0d%0aX-Evil:1/api/v2/sql HTTP/1.1\r\nHost: demo.x",
             "GET /user/demo/api/v2/sql?callback=a%0d%0aX-Evil:1 HTTP/1.1\r\nHost: demo.x",
             "GET /api/v2/sql HTTP/1.1\r\nHost: demo\tX-Evil:1.x",
             "GET /api/v2/sql HTTP/1.1\r\nHost: " + "a" * 8000 + ".x",
             "GET /api/v2/sql HTTP/1.1\r\nHost: d\u00e9mo.x",
             "GET /api/v2/sql HTTP/1.1\r\nHost: .x"]
    for line in lines:
        sock = raw.dial(port)
        raw.give(sock, f"{line}\r\nConnection: close\r\n\r\n".encode())
        data, _, _ = raw.hear(sock)
        sock.close()
        answer = raw.answers(data)[0]
        assert answer.status in (400, 403, 404), (line, answer)
        assert "x-evil" not in answer.headers
    for name in ("a\r\nX-Evil: 1", 'a"; x=y', "\u00e9\u2028"):
        headers = demo.sql("SELECT 1", filename=name).headers
        assert "X-Evil" not in headers
        assert re.fullmatch(r"attachment; filename=[\w.-]+; modification-date=\"[^\"]+\";",
                            headers["Content-Disposition"], re.A)
