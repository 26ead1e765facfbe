"""CARTO's API: who is meant, who asks, how often, and the headers that say so."""
import base64
import json
import re

import pytest
from carto import JOB, Carto, refused

DENIED = "permission denied"
RATE = ("Carto-Rate-Limit-Limit", "Carto-Rate-Limit-Remaining", "Carto-Rate-Limit-Reset")
EXPOSED = "Carto-Rate-Limit-Limit, Carto-Rate-Limit-Remaining, Carto-Rate-Limit-Reset, Retry-After"


@pytest.fixture(scope="module")
def nobody(cluster):
    return Carto(cluster, key=None)


@pytest.fixture(scope="module")
def a_job(demo):
    return demo.run("SELECT 1")["job_id"]


@pytest.fixture(scope="module")
def reader(cluster):
    made = json.loads(cluster.admin("key", "add", "demo", "--role", "read", "--json"))
    yield made["api_key"]
    cluster.admin("key", "revoke", made["key_id"])


def basic(user, password):
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


# Who is meant.

def test_the_user_is_the_hosts_first_label(cluster, demo, a_job):
    for host in ("demo.localhost", "demo.carto.example:8080", "demo."):
        assert demo.job("GET", a_job, headers={"Host": host}).json()["user"] == "demo"
    other = Carto(cluster, "other")
    refused(other.job("GET", a_job), 400, f"Job with id {a_job} not found")


def test_the_user_in_the_path_wins_over_the_host(cluster, demo, a_job):
    for host in ("other.localhost", "localhost", "nobody.localhost"):
        path = f"/user/demo/api/v2/sql/job/{a_job}"
        assert demo.call("GET", path, headers={"Host": host}).json()["job_id"] == a_job
    refused(demo.call("GET", "/user/other" + JOB + "/" + a_job), 401, "Unauthorized")


@pytest.mark.parametrize("host", ["localhost", "localhost:8080", "carto", "[::1]:8080"])
def test_without_a_label_there_is_no_user(demo, host):
    refused(demo.post("SELECT 1", headers={"Host": host}), 400,
            f"No username found in hostname '{host}'")


NOBODY = "Sorry, we can't find %s user '%s'. Please check that you have entered the correct domain."


@pytest.mark.parametrize("name", ["wrong-host", "127", "Demo", "a" * 250])
def test_an_unknown_user_is_not_found(demo, name):
    headers = {"Host": f"{name}.cartodb.com"}
    for key in ({}, {"api_key": "wrong"}):
        refused(demo.post("SELECT 1", headers=headers, params=key), 404, NOBODY % ("CARTO", name))
        refused(demo.call("GET", "/api/v2/sql", headers=headers, params={"q": "SELECT 1", **key}),
                404, NOBODY % ("CARTO", name))
    refused(demo.call("GET", JOB, headers=headers), 404, NOBODY % ("CartoDB", name))
    refused(demo.call("GET", f"/user/{name}/api/v1/jobs-wip"), 404, NOBODY % ("CARTO", name))


@pytest.mark.parametrize("version", ["v1", "v2", "v3", "latest", "0"])
def test_any_version_will_do_and_a_trailing_slash_counts_for_nothing(demo, a_job, version):
    for prefix in ("/api", "/user/demo/api"):
        for slash in ("", "/"):
            path = f"{prefix}/{version}/sql"
            assert demo.call("GET", f"{path}{slash}", params={"q": "SELECT 1"}).status_code == 200
            assert demo.call("GET", f"{path}/job/{a_job}{slash}").json()["job_id"] == a_job
            answer = demo.call("POST", f"{path}/job{slash}", json={"query": "SELECT 1"})
            assert answer.status_code == 201
            assert demo.call("GET", f"{prefix}/{version}/jobs-wip{slash}").status_code == 200


# Who asks.

def test_a_key_may_be_in_the_query_the_body_or_basic(cluster, nobody):
    key, query = cluster.api_key, "SELECT 1"
    multipart = {"query": (None, query), "api_key": (None, key)}
    ways = [
        {"params": {"api_key": key}, "json": {"query": query}},
        {"params": {"map_key": key}, "json": {"query": query}},
        {"json": {"query": query, "api_key": key}},
        {"json": {"query": query, "map_key": key}},
        {"data": {"query": query, "api_key": key}},
        {"data": {"query": query, "map_key": key}},
        {"files": multipart},
        {"headers": basic("demo", key), "json": {"query": query}},
        {"headers": basic("demo", cluster.key_secret), "json": {"query": query}},
        {"params": {"api_key": cluster.key_secret}, "json": {"query": query}},
    ]
    for way in ways:
        answer = nobody.call("POST", JOB, **way)
        assert answer.status_code == 201, (way, answer.text)
        assert answer.json()["query"] == query


def test_basic_wins_over_the_query_and_the_query_over_the_body(cluster, nobody):
    good, bad = cluster.api_key, "wrong"
    asked = [
        ({"headers": basic("demo", good), "params": {"api_key": bad}, "json": {"query": "SELECT 1"}}, 201),
        ({"headers": basic("demo", bad), "params": {"api_key": good}, "json": {"query": "SELECT 1"}}, 401),
        ({"params": {"api_key": good}, "json": {"query": "SELECT 1", "api_key": bad}}, 201),
        ({"params": {"api_key": bad}, "json": {"query": "SELECT 1", "api_key": good}}, 401),
        ({"params": {"api_key": good, "map_key": bad}, "json": {"query": "SELECT 1"}}, 201),
        ({"params": {"api_key": bad, "map_key": good}, "json": {"query": "SELECT 1"}}, 401),
        ({"json": {"query": "SELECT 1", "api_key": good, "map_key": bad}}, 201),
        ({"params": {"api_key": ""}, "json": {"query": "SELECT 1", "map_key": good}}, 201),
    ]
    for how, status in asked:
        assert nobody.call("POST", JOB, **how).status_code == status, how


def test_basic_with_another_users_name_is_denied(cluster, nobody, a_job):
    for user in ("other", "", "Demo"):
        refused(nobody.job("GET", a_job, headers=basic(user, cluster.api_key)), 403, DENIED)


def test_an_unknown_key_is_unauthorized(cluster, demo, a_job):
    for key in ("wrong", "1234", cluster.other_key, cluster.api_key[:-1] + "_", "k" * 5000):
        for answer in (demo.post("SELECT 1", params={"api_key": key}),
                       demo.job("GET", a_job, params={"api_key": key}),
                       demo.job("DELETE", a_job, params={"api_key": key}),
                       demo.sql("SELECT 1", api_key=key),
                       demo.call("GET", "/api/v1/jobs-wip", params={"api_key": key})):
            refused(answer, 401, "Unauthorized")


def test_without_a_key_it_is_denied(nobody, a_job):
    for answer in (nobody.post("SELECT 1"), nobody.job("GET", a_job), nobody.job("DELETE", a_job),
                   nobody.sql("SELECT 1"), nobody.call("GET", "/api/v1/jobs-wip")):
        refused(answer, 403, DENIED)


def test_a_key_that_may_only_read_is_not_the_master_key(demo, reader, a_job):
    for answer in (demo.post("SELECT 1", params={"api_key": reader}),
                   demo.job("GET", a_job, params={"api_key": reader}),
                   demo.job("DELETE", a_job, params={"api_key": reader})):
        refused(answer, 403, DENIED)
    refused(demo.sql("SELECT 1", api_key=reader), 403, "forbidden")


def test_who_calls_what_was_there_in_2016_is_refused_with_401(nobody, demo, reader, a_job):
    for how in ({}, {"params": {"api_key": "wrong"}}, {"params": {"api_key": reader}},
                {"headers": basic("other", demo.key)}):
        for method, path in (("GET", JOB), ("PUT", f"{JOB}/{a_job}"), ("PATCH", f"{JOB}/{a_job}")):
            body = {} if method == "GET" else {"json": {"query": "SELECT 1"}}
            refused(nobody.call(method, path, **how, **body), 401, DENIED)


def test_a_given_key_is_the_master_key(cluster, nobody):
    key = "0123456789abcdef0123456789abcdef01234567"
    made = json.loads(cluster.admin("key", "add", "demo", "--given", "--json", given=key))
    try:
        job = nobody.post("SELECT 1", params={"api_key": key}).json()["job_id"]
        for how in ({"params": {"api_key": key}}, {"headers": basic("demo", key)}):
            assert nobody.job("GET", job, **how).status_code == 200
            assert nobody.call("GET", JOB, **how).status_code == 200
            assert nobody.call("GET", "/api/v1/jobs-wip", **how).status_code == 200
        assert nobody.sql("SELECT 1 AS a", api_key=key).json()["rows"] == [{"a": 1}]
        refused(Carto(cluster, "other", key).sql("SELECT 1"), 401, "Unauthorized")
    finally:
        cluster.admin("key", "revoke", made["key_id"])


def test_what_is_wrong_is_said_in_order(demo, nobody):
    """The body, its size, the user, the key, the job."""
    large = json.dumps({"query": "x" * 16384})
    unknown, typed = {"Host": "nobody.localhost"}, {"Content-Type": "application/json"}
    broken = nobody.call("POST", JOB, data="{", headers={**unknown, **typed})
    assert broken.status_code == 400 and "JSON" in broken.json()["error"][0]
    assert "too large" in nobody.call("POST", JOB, data=large, headers={**unknown, **typed}).text
    assert "can't find" in nobody.post("", headers=unknown).text
    refused(nobody.post(""), 403, DENIED)
    refused(demo.post(""), 400, "You must indicate a valid SQL")


# Headers.

def test_every_answer_may_be_read_by_pages_of_other_hosts(demo, nobody, a_job):
    for answer in (demo.post("SELECT 1"), demo.job("GET", a_job), demo.sql("SELECT 1"),
                   nobody.post("SELECT 1"), demo.post(""), demo.call("PUT", "/api/v2/sql"),
                   demo.call("GET", "/api/v2/sql/nothing")):
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert answer.headers["Access-Control-Expose-Headers"] == EXPOSED
        assert "Authorization" in answer.headers["Access-Control-Allow-Headers"]
        assert answer.headers["Vary"] == "Authorization"


def test_options_is_answered_to_anybody(nobody, a_job):
    for prefix in ("/api/v2", "/user/nobody/api/v1"):
        for path in ("/sql", "/sql/", "/sql/job", "/sql/job/", f"/sql/job/{a_job}", "/jobs-wip"):
            answer = nobody.call("OPTIONS", prefix + path, headers={"Host": "localhost"})
            assert answer.status_code == 200 and answer.content == b""
            assert answer.headers["Access-Control-Allow-Origin"] == "*"
            assert answer.headers["Vary"] == "Authorization"
            for name in ("X-Requested-With", "X-Prototype-Version", "X-CSRF-Token", "Authorization",
                         "Carto-Source-Lib", "Carto-Source-Context", "Carto-Source-Context-Id"):
                assert name in answer.headers["Access-Control-Allow-Headers"].split(", ")


def test_answers_say_whose_they_are(demo, nobody, a_job):
    for answer in (demo.job("GET", a_job), nobody.job("GET", a_job), demo.sql("SELECT 1")):
        assert answer.headers["Carto-User"] == answer.headers["Carto-User-Id"] == "demo"
    assert "Carto-User" not in demo.post("SELECT 1", headers={"Host": "nobody.localhost"}).headers


def test_answers_say_how_many_calls_are_left(demo, a_job):
    for answer in (demo.job("GET", a_job), demo.post(""), demo.sql("SELECT 1")):
        limit, remaining, reset = (int(answer.headers[name]) for name in RATE)
        assert 0 < remaining <= limit - 1 and reset >= 1
        assert "Retry-After" not in answer.headers


def test_over_the_rate_it_is_429_with_all_four_headers(module_cluster):
    slow = module_cluster("--set", "rate_limit_per_s=1", "--set", "rate_limit_burst=3")
    demo, other = Carto(slow), Carto(slow, "other")
    answers = [demo.sql("SELECT 1") for _ in range(8)]
    over = [answer for answer in answers if answer.status_code == 429]
    for answer in answers:
        assert ("Retry-After" in answer.headers) == (answer.headers["Carto-Rate-Limit-Remaining"] == "0")
    assert any("Retry-After" in answer.headers for answer in answers if answer.status_code == 200)
    assert over and all(answer.status_code == 200 for answer in answers[:3])
    for answer in over:
        refused(answer, 429, "You are over platform's limits. Please contact us to know more details",
                context="limit", detail="rate-limit")
        assert answer.headers["Carto-Rate-Limit-Limit"] == "3"
        assert answer.headers["Carto-Rate-Limit-Remaining"] == "0"
        assert int(answer.headers["Carto-Rate-Limit-Reset"]) >= 1
        assert int(answer.headers["Retry-After"]) >= 1
    script = demo.call("GET", "/api/v2/sql", params={"q": "SELECT 1", "callback": "f"})
    assert script.status_code == 200 and "over platform" in script.text
    assert other.sql("SELECT 1").status_code == 200
    wrong = [demo.sql("SELECT 1", api_key="wrong").status_code for _ in range(8)]
    assert wrong[:3] == [401, 401, 401] and 429 in wrong
    slow.until(lambda: demo.sql("SELECT 1").status_code == 200, 10)


# Settings.

def test_as_in_2016_every_wrong_key_is_401(module_cluster):
    old = module_cluster("--set", "carto_auth_2016=true")
    demo, nobody = Carto(old), Carto(old, key=None)
    job = demo.create("SELECT 1")
    for how in ({}, {"params": {"api_key": "wrong"}}, {"headers": basic("other", demo.key)}):
        refused(nobody.post("SELECT 1", **how), 401, DENIED)
        refused(nobody.job("GET", job, **how), 401, DENIED)
        refused(nobody.call("GET", "/api/v2/sql", **how), 401, DENIED)


# Scripts.

def called(answer, status=200):
    """What a script hands to its function."""
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "text/javascript; charset=utf-8"
    found = re.fullmatch(r"/\*\*/ typeof (\S+) === 'function' && (\S+)\((.*)\);", answer.text, re.S)
    assert found and found.group(1) == found.group(2), answer.text
    return found.group(1), json.loads(found.group(3))


def test_with_a_callback_the_answer_is_a_script(demo, a_job):
    name, job = called(demo.job("GET", a_job, params={"callback": "f"}))
    assert name == "f" and job["status"] == "done"
    name, job = called(demo.post("SELECT 2", params={"callback": "a.b[0]"}), 201)
    assert name == "a.b[0]" and job["query"] == "SELECT 2"
    _, rows = called(demo.sql("SELECT '\u2028</script>' AS a", callback="$_"))
    assert rows["rows"] == [{"a": "\u2028</script>"}]


def test_with_a_callback_errors_are_200(demo, nobody):
    asked = [(demo.job("GET", "x", params={"callback": "f"}), "Job with id x not found"),
             (demo.sql("SELECT 1/0", callback="f"), "division by zero"),
             (nobody.call("GET", "/api/v2/sql", params={"callback": "f"}), DENIED),
             (demo.sql("SELECT 1", callback="f", api_key="x"), "Unauthorized"),
             (demo.call("PUT", "/api/v2/sql", params={"callback": "f"}), None),
             (demo.call("POST", JOB, data="{", params={"callback": "f"},
                        headers={"Content-Type": "application/json"}), None)]
    for answer, text in asked:
        _, said = called(answer)
        assert text is None or said == {"error": [text]}


@pytest.mark.parametrize("name", ["f()", "a;b", "1f", "f'", "alert(1)//", "f\u00e9", "x" * 101, "a b",
                                  "<script>"])
def test_a_callback_is_a_name_and_nothing_else(demo, a_job, name):
    refused(demo.job("GET", a_job, params={"callback": name}), 400, "callback is no name of a function")
