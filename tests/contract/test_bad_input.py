"""Bad input to the job API: each case names what is wrong, and nothing of it runs."""

import base64
import json

import pytest
import requests

ID = "01890000-0000-7000-8000-000000000000"


def call(cluster, method, path, body=None, key=None, headers=None):
    headers = dict(headers or {})
    headers.setdefault("Authorization", f"Bearer {key or cluster.api_key}")
    return requests.request(method, cluster.url + path, data=body, headers=headers, timeout=20)


def refused(answer, status, *words):
    assert answer.status_code == status, answer.text
    message = answer.json()["error"]["message"]
    for word in words:
        assert word in message, message
    return answer


BODIES = [
    (b"{", "JSON"),
    (b"", "JSON"),
    (b"[]", "object"),
    (b'"SELECT 1"', "JSON"),
    (b"{}", "sql"),
    (b'{"sql": null}', "sql"),
    (b'{"sql": 1}', "sql"),
    (b'{"sql": {"sql": "SELECT 1"}}', "sql"),
    (b'{"sql": []}', "sql"),
    (b'{"sql": ["SELECT 1", ""]}', "sql[1]"),
    (b'{"sql": ["SELECT 1", null]}', "sql[1]"),
    (b'{"sql": [["SELECT 1"]]}', "sql[0]"),
    (b'{"sql": ["SELECT 1", {"when": "done"}]}', "sql[1].sql"),
    (b'{"sql": ["SELECT 1", {"sql": "SELECT 1", "when": "sometimes"}]}', "sql[1].when"),
    (b'{"sql": ["SELECT 1", {"sql": "SELECT 1", "when": "done:1"}]}', "sql[1].when"),
    (b'{"sql": ["SELECT 1", {"sql": "SELECT 1", "when": "done"}], "transaction": "job"}', "sql[1].when"),
    (b'{"sql": ["SELECT 1", {"sql": "SELECT 1", "timeout_ms": 0}]}', "sql[1].timeout_ms"),
    (b'{"sql": ["SELECT 1", {"sql": "SELECT 1", "colour": 1}]}', "sql[1]: unknown member 'colour'"),
    (b'{"sql": ["SELECT 1 /*", "SELECT 2 */"], "transaction": "job"}', "sql[0]"),
    (json.dumps({"sql": ["SELECT 1"] * 1001}).encode(), "1000"),
    (b'{"sql": "SELECT 1", "priority": "high"}', "option 'priority'"),
    (b'{"sql": "SELECT 1", "max_attempts": 0}', "option 'max_attempts'"),
    (b'{"sql": "SELECT 1", "deadline_ms": 1e3}', "option 'deadline_ms'"),
    (b'{"sql": "SELECT 1", "retention_s": 99999999999999999999}', "JSON"),
    (b'{"sql": "SELECT 1", "read_only": 1}', "option 'read_only'"),
    (b'{"sql": "SELECT 1", "transaction": "none"}', "option 'transaction'"),
    (json.dumps({"sql": "SELECT 1", "client_token": "x" * 256}).encode(), "option 'client_token'"),
    (b'{"sql": "SELECT 1", "params": null}', "option 'params' must be an object or a list"),
    (b'{"sql": "SELECT 1", "params": "1"}', "option 'params' must be an object or a list"),
    (json.dumps({"sql": "SELECT 1", "params": [1] * 1001}).encode(), "more than 1000"),
    (b'{"sql": "SELECT 1", "params": {"a b": 1}}', "parameter 'a b': a name has"),
    (b'{"sql": "SELECT 1", "params": {"": 1}}', "parameter '': a name has"),
    (b'{"sql": "SELECT 1", "params": {"1": 1}}', "parameter '1': a name has"),
    (json.dumps({"sql": "SELECT 1", "params": {"x" * 64: 1}}).encode(), "a name has"),
    (json.dumps({"sql": "SELECT 1", "params": {"\u00e4": 1}}).encode(), "a name has"),
    (b'{"sql": "SELECT 1", "params": {"a": 1, "a": 2}}', "JSON"),
    (b'{"sql": "SELECT 1", "params": {"\\u0000": 1}}', "JSON"),
    (b'{"sql": "SELECT 1", "params": ["\\u0000"]}', "JSON"),
    (b'{"sql": "SELECT 1", "params": ["\xff"]}', "UTF-8"),
    (b'{"sql": "SELECT 1", "params": [{"type": "te\\u0000xt", "value": 1}]}', "JSON"),
    (b'{"sql": "SELECT 1", "params": [1, [2]]}', "parameter 2: a list needs a type"),
    (b'{"sql": "SELECT 1", "params": {"id": {}}}', "parameter 'id': an object must have"),
    (b'{"sql": "SELECT 1", "params": {"id": {"type": "int8"}}}', "parameter 'id': an object must have"),
    (b'{"sql": "SELECT 1", "params": {"id": {"type": "int8", "value": 1, "x": 1}}}', "parameter 'id'"),
    (b'{"sql": "SELECT 1", "params": {"id": {"type": 20, "value": 1}}}', "parameter 'id': its type must be a text"),
    (b'{"sql": "SELECT 1", "params": {"id": {"type": "mood", "value": 1}}}', ":id::mood"),
    (b'{"sql": "SELECT 1", "params": [{"type": "varchar(9)", "value": 1}]}', "$1::varchar(9)"),
    (b'{"sql": "SELECT 1", "params": [{"type": "int8[][]", "value": [1]}]}', "parameter 1: 'int8[][]' is not"),
    (b'{"sql": "SELECT 1", "params": [{"type": "int8", "value": [1]}]}', "parameter 1: a list is no value"),
    (b'{"sql": "SELECT 1", "params": [{"type": "int8", "value": {}}]}', "parameter 1: an object is no value"),
    (b'{"sql": "SELECT 1", "params": [{"type": "int8[]", "value": [{}]}]}', "parameter 1: an item"),
    (b'{"sql": "SELECT 1", "params": [{"type": "int8[]", "value": [[[[[[[1]]]]]]]}]}', "parameter 1: its list is nested"),
    (b'{"sql": "SELECT 1", "params": [9223372036854775808]}', "give it as a text with a type"),
    (b'{"sql": "SELECT 1", "params": [1e400]}', "give it as a text with a type"),
    (b'{"sql": "SELECT 1", "callback_url": "http://127.0.0.1/"}', "option 'callback_url' is not served yet"),
    (b'{"sql": ""}', "sql"),
    (b'{"sql": "SELECT 1", "colour": 1}', "colour"),
    (b'{"sql": "SELECT 1", "sql": "SELECT 2"}', "sql"),
    (b'{"sql": "SELECT \\u0000 1"}', "NUL"),
    (b'{"sql": "SELECT \xff"}', "UTF-8"),
    (b'{"sql": "SELECT 1"} trailing', "JSON"),
    (b'{"sql": ' + b"[" * 65 + b"]" * 65 + b"}", "deep"),
    (b'{"sql": ' + b"[" * 100000, "deep"),
    (b'{"sql": ' + b'{"a":' * 50000, "deep"),
]


@pytest.mark.parametrize("path", ["/api/v1/job", "/api/v1/query"])
@pytest.mark.parametrize("body,word", BODIES, ids=[str(b[:40]) for b, _ in BODIES])
def test_a_bad_body_is_named(cluster, path, body, word):
    refused(call(cluster, "POST", path, body), 400, word)


@pytest.mark.parametrize(
    "query,word",
    [
        ("offset=x", "offset"),
        ("offset=-1", "offset"),
        ("offset=1.5", "offset"),
        ("offset=", "offset"),
        ("limit=x", "limit"),
        ("limit=-1", "limit"),
        ("limit=1001", "limit"),
        ("limit=0x10", "limit"),
        ("statement=x", "statement"),
        ("colour=1", "colour"),
        ("limit=1&limit=2", "limit"),
    ],
)
def test_a_bad_parameter_of_results_is_named(cluster, query, word):
    job = cluster.run("SELECT 1")["id"]
    refused(call(cluster, "GET", f"/api/v1/job/{job}/results?{query}"), 400, word)


def test_a_statement_that_the_job_has_not_is_404(cluster):
    job = cluster.run("SELECT 1")["id"]
    refused(call(cluster, "GET", f"/api/v1/job/{job}/results?statement=7"), 404, "statement")


@pytest.mark.parametrize("query,word", [("wait=x", "wait"), ("wait=-1", "wait"), ("offset=1", "offset")])
def test_a_bad_parameter_of_status_is_named(cluster, query, word):
    refused(call(cluster, "GET", f"/api/v1/job/{ID}?{query}"), 400, word)


@pytest.mark.parametrize(
    "method,path,allow",
    [
        ("DELETE", "/api/v1/query", {"POST"}),
        ("GET", "/api/v1/job", {"POST"}),
        ("PUT", f"/api/v1/job/{ID}/results", {"GET", "HEAD"}),
        ("POST", f"/api/v1/job/{ID}", {"GET", "HEAD", "DELETE"}),
        ("GET", f"/api/v1/job/{ID}/cancel", {"POST"}),
        ("DELETE", f"/api/v1/job/{ID}/renew", {"POST"}),
    ],
)
def test_a_wrong_method_is_405_with_allow(cluster, method, path, allow):
    answer = call(cluster, method, path)
    assert answer.status_code == 405
    assert allow == {word.strip() for word in answer.headers["Allow"].split(",")}


def test_an_unknown_path_is_404(cluster):
    refused(call(cluster, "GET", "/api/v1/nothing"), 404)


@pytest.mark.parametrize("method,path", [("GET", ""), ("DELETE", ""), ("POST", "/cancel"), ("POST", "/renew")])
def test_a_job_that_is_not_there_is_404(cluster, method, path):
    refused(call(cluster, method, f"/api/v1/job/{ID}{path}"), 404, "no such job")


@pytest.mark.parametrize("path,body", [("cancel", "{"), ("cancel", "[]"), ("cancel", '{"why": 1}'), ("renew", "1"),
                                       ("renew", '{"retention_s": "1"}'), ("renew", '{"until": 1}')])
def test_a_bad_body_of_cancel_or_renew_is_named(cluster, path, body):
    refused(call(cluster, "POST", f"/api/v1/job/{ID}/{path}", body), 400)


@pytest.mark.parametrize("job", ["x", "1", ID[:-1], ID + "0", "%00", "..%2f"])
def test_an_id_that_is_no_uuid_is_404(cluster, job):
    answer = call(cluster, "GET", f"/api/v1/job/{job}")
    assert answer.status_code == (400 if job == "%00" else 404), answer.text


def test_a_body_over_one_mebibyte_is_413(cluster):
    body = json.dumps({"sql": "SELECT '" + "x" * (1 << 20) + "'"})
    refused(call(cluster, "POST", "/api/v1/job", body), 413)


def test_a_body_just_under_one_mebibyte_runs(cluster):
    body = json.dumps({"sql": "SELECT length('" + "x" * ((1 << 20) - 64) + "') AS n"})
    answer = call(cluster, "POST", "/api/v1/query", body)
    assert answer.status_code == 200 and answer.json()["rows"] == [{"n": (1 << 20) - 64}], answer.text


def basic(user, password):
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def test_each_way_to_carry_a_key_works(cluster):
    body = '{"sql": "SELECT 1"}'
    for headers in (
        {"Authorization": f"Bearer {cluster.api_key}"},
        {"Authorization": f"bearer {cluster.api_key}"},
        basic(cluster.key_id, cluster.key_secret),
        basic(cluster.key_id + "@api", cluster.key_secret),
        basic(cluster.key_id, cluster.api_key),
        basic(cluster.tenant, cluster.api_key),
        basic(cluster.tenant, cluster.key_secret),
    ):
        answer = call(cluster, "POST", "/api/v1/job", body, headers=headers)
        assert answer.status_code == 200, (headers, answer.text)
    answer = requests.post(f"{cluster.url}/api/v1/job?api_key={cluster.api_key}", data=body, timeout=20)
    assert answer.status_code == 200, answer.text


def test_no_key_and_an_unknown_key_are_the_same_401(cluster):
    other = cluster.api_key[:-3] + ("abc" if not cluster.api_key.endswith("abc") else "abd")
    answers = [
        requests.post(f"{cluster.url}/api/v1/job", data='{"sql": "SELECT 1"}', headers=headers, timeout=20)
        for headers in (
            {},
            {"Authorization": "Bearer nonsense"},
            {"Authorization": f"Bearer {other}"},
            {"Authorization": "Bearer mr1.aaaaaaaaaaaaaaaa." + "b" * 43},
            basic(cluster.key_id, "wrong"),
            basic("nobody", cluster.api_key),
            basic("other", cluster.key_secret),
            basic("demo", cluster.key_secret[:-1]),
            {"Authorization": "Digest x"},
        )
    ]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.text for answer in answers}) == 1
    assert all("WWW-Authenticate" in answer.headers for answer in answers)


def test_a_wait_over_the_cap_counts_as_the_cap(cluster):
    job = cluster.run("SELECT 1")["id"]
    assert call(cluster, "GET", f"/api/v1/job/{job}?wait=100000").json()["jobState"] == "COMPLETED"


def test_sql_errors_carry_sqlstate_message_and_position(cluster):
    job = cluster.submit("SELECT 1/0")
    status = cluster.wait(job)
    assert status["jobState"] == "FAILED"
    assert status["error"]["sqlstate"] == "22012" and "division by zero" in status["error"]["message"]


@pytest.mark.parametrize(
    "sql", ["COMMIT", "/* x */ ROLLBACK", "BEGIN", "SAVEPOINT a", "COPY t FROM STDIN", "LISTEN x",
            "-- only a comment", "SELECT 1; SELECT 2; COMMIT", "VACUUM"]
)
def test_what_cannot_run_in_a_step_fails_the_job_and_harms_nobody(cluster, sql):
    status = cluster.wait(cluster.submit(sql))
    assert status["jobState"] == "FAILED" and status["error"]["message"], status
    assert cluster.run("SELECT 1 AS one")["rows"] == [{"one": 1}]
