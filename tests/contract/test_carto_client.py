"""A client of CARTO's as the public ones are built, flow by flow: what they send, and what they make of it.

It is a stand-in, so that nothing has to be installed: an API key in the query, or in the JSON body
where there is one; trailing slashes; a loop that polls until a status is none of those that go on.
"""
import time

import pytest
import requests

ON, OVER_BADLY = ("pending", "running"), ("failed", "canceled", "unknown")


class Failed(Exception):
    pass


class Limited(Failed):
    """It must be able to say when to come again: each of the four headers is read."""

    def __init__(self, answer):
        super().__init__(answer.text)
        self.limit = int(answer.headers["Carto-Rate-Limit-Limit"])
        self.remaining = int(answer.headers["Carto-Rate-Limit-Remaining"])
        self.reset = int(answer.headers["Carto-Rate-Limit-Reset"])
        self.retry_after = int(answer.headers["Retry-After"])


class Client:
    def __init__(self, base, key, host=None):
        self.base, self.key = base, key
        self.session = requests.Session()
        self.session.headers["User-Agent"] = "a stand-in"
        if host:
            self.session.headers["Host"] = host

    def send(self, method, path, json=None, **more):
        if json is not None and method in ("POST", "PUT"):
            json = {**json, "api_key": self.key}
        else:
            more["params"] = {**more.get("params", {}), "api_key": self.key}
        answer = self.session.request(method, self.base + path, json=json, timeout=30, **more)
        if answer.status_code == 429 and int(answer.headers.get("Retry-After", -1)) >= 0:
            raise Limited(answer)
        if 400 <= answer.status_code < 500:
            raise Failed(answer.json()["error"][0])
        answer.raise_for_status()
        return answer.json()

    def sql(self, q, post=True):
        if post:
            return self.send("POST", "api/v2/sql", data={"q": q})
        return self.send("GET", "api/v2/sql", params={"q": q})

    def create(self, query):
        return self.send("POST", "api/v2/sql/job/", json={"query": query})

    def read(self, job):
        return self.send("GET", "api/v2/sql/job/" + job)

    def update(self, job, query):
        return self.send("PUT", "api/v2/sql/job/" + job, json={"query": query})

    def cancel(self, job):
        """Its last word is a status; a job that is done already is no error."""
        try:
            return self.send("DELETE", "api/v2/sql/job/" + job)["status"]
        except Failed as failed:
            if "Cannot set status from done to cancelled" in str(failed):
                return "done"
            raise

    def create_and_wait(self, query):
        job = self.create(query)
        deadline = time.monotonic() + 30
        while job["status"] in ON:
            assert time.monotonic() < deadline, job
            time.sleep(0.05)
            job = self.read(job["job_id"])
        if job["status"] in OVER_BADLY:
            raise Failed(job["failed_reason"])
        return job


@pytest.fixture(params=["host", "path"])
def client(request, cluster):
    if request.param == "host":
        return Client(cluster.url + "/", cluster.api_key, "demo.carto.example")
    return Client(cluster.url + "/user/demo/", cluster.api_key)


def test_a_table_is_made_filled_and_read(client):
    client.sql("DROP TABLE IF EXISTS client_table; CREATE TABLE client_table (a int, b text)")
    done = client.create_and_wait("INSERT INTO client_table SELECT i, 'x' || i FROM generate_series(1, 3) i")
    assert done["status"] == "done"
    done = client.create_and_wait(["UPDATE client_table SET a = a * 2", "DELETE FROM client_table WHERE a = 4"])
    assert [query["status"] for query in done["query"]] == ["done", "done"]
    rows = client.sql("SELECT a, b\nFROM client_table\nORDER BY a", post=False)
    assert rows["rows"] == [{"a": 2, "b": "x1"}, {"a": 6, "b": "x3"}] and rows["total_rows"] == 2
    done = client.create_and_wait("BEGIN; DROP TABLE IF EXISTS client_table; CREATE TABLE client_table (c int); COMMIT;")
    assert done["status"] == "done"
    done = client.create_and_wait("BEGIN; DROP TABLE IF EXISTS client_table; CREATE TABLE client_table AS "
                                  "(SELECT 1 AS c); ; COMMIT;")
    assert done["status"] == "done"
    assert client.sql("EXPLAIN SELECT * FROM client_table", post=False)["total_rows"] == 1
    assert client.sql("SELECT * FROM client_table")["fields"] == {"c": {"type": "number", "pgtype": "int4"}}


def test_a_failure_is_raised_with_its_reason(client):
    with pytest.raises(Failed, match='relation "nonexistent_table" does not exist'):
        client.create_and_wait("SELECT * FROM nonexistent_table")
    with pytest.raises(Failed, match="division by zero"):
        client.sql("SELECT 1/0")
    with pytest.raises(Failed, match="division by zero"):
        client.sql("SELECT 1/0", post=False)
    with pytest.raises(Failed, match="You must indicate a valid SQL"):
        client.create("")
    with pytest.raises(Failed, match="Job with id x not found"):
        client.read("x")
    client.key = "wrong"
    with pytest.raises(Failed, match="Unauthorized"):
        client.create("SELECT 1")


def test_a_cancel_answers_with_the_last_status(client):
    job = client.create("SELECT pg_sleep(300)")["job_id"]
    waits = client.create("SELECT 1")["job_id"]
    assert client.update(waits, "SELECT 2")["query"] == "SELECT 2"
    assert client.cancel(waits) == "cancelled" and client.read(waits)["status"] == "cancelled"
    assert client.cancel(job) == "cancelled" and client.read(job)["status"] == "cancelled"
    assert client.cancel(client.create_and_wait("SELECT 1")["job_id"]) == "done"
    with pytest.raises(Failed, match="Cannot set status from cancelled to cancelled"):
        client.cancel(job)


def test_a_rate_that_is_exceeded_can_be_waited_for(module_cluster):
    slow = module_cluster("--set", "rate_limit_per_s=2", "--set", "rate_limit_burst=4")
    client = Client(slow.url + "/user/demo/", slow.api_key)
    limits, done = [], 0
    deadline = time.monotonic() + 30
    while len(limits) < 3 or done < 6:
        assert time.monotonic() < deadline
        try:
            client.sql("SELECT 1")
            done += 1
        except Limited as limited:
            limits.append(limited)
            assert (limited.limit, limited.remaining) == (4, 0)
            assert limited.retry_after >= 1 and limited.reset >= 1
