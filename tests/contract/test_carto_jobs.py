"""CARTO's API: jobs of one text and of several, from their making to their end."""
import time

import pytest
from carto import JOB, Carto, refused
from sql import ask

NOT_PENDING = "The job status is not pending, it cannot be updated"
NO_SQL = "You must indicate a valid SQL"


@pytest.fixture(scope="module")
def server(module_cluster):
    """A user of a cluster that answers as CARTO's servers did."""
    return Carto(module_cluster("--set", "carto_server_answers=true"))


def statuses(document):
    return [query["status"] for query in document["query"]]


# The document.

def test_members_stand_in_the_documents_order(demo):
    order = ["job_id", "user", "query", "status", "created_at", "updated_at"]
    job = demo.post("SELECT 1/0").json()
    assert list(job) == order
    assert list(demo.over(job["job_id"])) == [*order, "failed_reason"]
    job = demo.over(demo.create({"query": [{"query": "SELECT 1/0"}], "onerror": "SELECT 1"}))
    assert list(job) == [*order, "failed_reason", "fallback_status"]


def test_updated_at_is_when_it_last_changed(demo, blocked):
    job = demo.post("SELECT pg_sleep(0.1)").json()
    assert job["created_at"] == job["updated_at"]
    edited = demo.job("PATCH", job["job_id"], json={"query": "SELECT pg_sleep(0.2)"}).json()
    assert edited["created_at"] == job["created_at"] < edited["updated_at"]
    assert demo.read(job["job_id"])["updated_at"] == edited["updated_at"]
    demo.cancel(blocked)
    runs = demo.running(job["job_id"])
    done = demo.over(job["job_id"])
    assert edited["updated_at"] <= runs["updated_at"] < done["updated_at"]


@pytest.mark.parametrize("sql, reason", [
    ("SELECT * FROM nonexistent_table", 'relation "nonexistent_table" does not exist'),
    ("SELECT * FROM untitle_table_4 limit 1, /* should fail */", "syntax error at end of input"),
    ("SELECT 1 LIMIT 1, 2", "LIMIT #,# syntax is not supported"),
    ("SELECT 1/0", "division by zero"),
    ("DO $$ BEGIN RAISE EXCEPTION 'it''s \"over\"'; END $$", 'it\'s "over"'),
])
def test_failed_reason_is_the_databases_own_message(demo, sql, reason):
    job = demo.run(sql)
    assert job["status"] == "failed" and job["failed_reason"] == reason
    job = demo.run(["SELECT 1", sql, "SELECT 2"])
    assert job["status"] == "failed" and job["failed_reason"] == reason
    assert job["query"] == [{"query": "SELECT 1", "status": "done"},
                            {"query": sql, "status": "failed", "failed_reason": reason},
                            {"query": "SELECT 2", "status": "pending"}]


def test_one_text_may_hold_several_statements_and_a_transaction(demo):
    text = "BEGIN; DROP TABLE IF EXISTS several; CREATE TABLE several (a int); " \
           "INSERT INTO several VALUES (1), (2); COMMIT;"
    assert demo.run(text)["status"] == "done"
    assert demo.run("INSERT INTO several VALUES (3); SELECT 1/0")["status"] == "failed"
    assert demo.rows("SELECT count(*)::int AS n FROM several") == [{"n": 2}]
    assert demo.run("VACUUM several")["status"] == "done"


def test_a_text_of_several_transactions_says_that_it_is_one_too_many(demo):
    job = demo.run("BEGIN; SELECT 1; COMMIT; BEGIN; SELECT 2; COMMIT")
    assert job["status"] == "failed" and "COMMIT at character 18 is refused" in job["failed_reason"]
    assert demo.run(["BEGIN; SELECT 1; COMMIT", "BEGIN; SELECT 2; COMMIT"])["status"] == "done"


# Not found.

def test_an_unknown_job_is_not_found(demo):
    for job in ("irrelevantJob", "01890000-0000-7000-8000-000000000000", "x" * 300):
        text = f"Job with id {job} not found"
        refused(demo.job("GET", job), 400, text)
        refused(demo.job("DELETE", job), 400, text)
        refused(demo.job("PUT", job, json={"query": "SELECT 1"}), 400, text)
        refused(demo.job("PATCH", job, json={}), 400, text)


def test_another_users_job_is_not_found(demo, other):
    job = demo.create("SELECT 1")
    for answer in (other.job("GET", job), other.job("DELETE", job),
                   other.job("PUT", job, json={"query": "SELECT 2"})):
        refused(answer, 400, f"Job with id {job} not found")
    assert job not in other.call("GET", JOB).text
    assert demo.over(job)["query"] == "SELECT 1"


def test_the_job_api_shows_jobs_that_were_made_here_and_not_the_other_way_round(cluster, demo):
    job = demo.create(["SELECT 1", "SELECT 2"])
    assert cluster.wait(job)["jobState"] == "COMPLETED"
    made = cluster.submit("SELECT 1")
    cluster.wait(made)
    refused(demo.job("GET", made), 400, f"Job with id {made} not found")
    assert made not in demo.call("GET", JOB).text


# Cancel.

def test_what_is_over_is_not_cancelled(cluster, demo):
    def said(job):
        return refused(demo.job("DELETE", job), 400, *demo.job("DELETE", job).json()["error"]).json()["error"]

    assert said(demo.run("SELECT 1")["job_id"]) == ["Cannot set status from done to cancelled"]
    assert said(demo.run(["SELECT 1"])["job_id"]) == ["Cannot set status from done to cancelled"]
    assert said(demo.run("SELECT 1/0")["job_id"]) == ["Cannot set status from failed to cancelled"]
    job = demo.run("SELECT 1")["job_id"]
    ask(cluster.info["store_admin_dsn"], "UPDATE job SET state = 'unknown' WHERE id = %s", job)
    assert demo.read(job)["status"] == "unknown"
    assert said(job) == ["Cannot set status from unknown to cancelled"]
    job = demo.run({"query": [{"query": "SELECT 1"}]})["job_id"]
    assert said(job) == ["Cannot set status to cancelled"]


@pytest.mark.parametrize("query", [
    "SELECT name FROM (VALUES ('Hawai')) v (name) WHERE name = 'Hawai'; select pg_sleep(300)",
    "SELECT $$it's$$ AS \"a \"\" b\"; SELECT pg_sleep(300) /* don't */"])
def test_a_job_with_quotes_is_cancelled_at_once(demo, query):
    job = demo.create(query)
    demo.running(job)
    began = time.monotonic()
    cancelled = demo.cancel(job)
    assert time.monotonic() - began < 5
    assert cancelled["status"] == "cancelled" and cancelled["query"] == query
    assert "failed_reason" not in cancelled
    refused(demo.job("DELETE", job), 400, "Cannot set status from cancelled to cancelled")


def test_a_cancel_of_several_says_where_it_was(demo, blocked):
    waits = demo.create(["SELECT 1", "SELECT 2"])
    cancelled = demo.cancel(waits)
    assert cancelled["status"] == "cancelled" and statuses(cancelled) == ["pending", "pending"]
    demo.cancel(blocked)
    job = demo.create(["SELECT 1", "SELECT pg_sleep(300)", "SELECT 3"])
    demo.until(job, lambda document: statuses(document) == ["done", "running", "pending"])
    cancelled = demo.cancel(job)
    assert cancelled["status"] == "cancelled"
    assert statuses(cancelled) == ["done", "pending", "pending"]
    assert demo.read(job) == cancelled


def test_as_the_servers_had_it_the_query_that_was_cut_off_is_cancelled(server):
    job = server.create(["SELECT 1", "SELECT pg_sleep(300)", "SELECT 3"])
    waits = server.create(["SELECT 1", "SELECT 2"])
    server.until(job, lambda document: statuses(document) == ["done", "running", "pending"])
    assert statuses(server.cancel(waits)) == ["cancelled", "pending"]
    assert statuses(server.cancel(job)) == ["done", "cancelled", "pending"]


# Update.

def test_a_job_keeps_its_form(demo, blocked):
    fallback = {"query": [{"query": "SELECT 1"}]}
    forms = {"SELECT 1": demo.create("SELECT 1"), ("SELECT 1",): demo.create(["SELECT 1"]),
             "fallback": demo.create(fallback)}
    for form, job in forms.items():
        wrong = [{}, {"query": None}, {"query": ""}, {"query": 1}, {"query": []}, {"query": [1]},
                 {"query": {"query": []}}, {"query": [{"query": "a", "onerror": "b"}]}]
        wrong += [{"query": query} for other, query in
                  (("SELECT 1", "SELECT 2"), (("SELECT 1",), ["SELECT 2"]), ("fallback", fallback))
                  if other != form]
        for body in wrong:
            refused(demo.job("PUT", job, json=body), 400, NO_SQL)
            refused(demo.job("PATCH", job, json=body), 400, NO_SQL)
    for body, text in (("S" * 65536, "a job's queries have at most 65536 bytes"),
                       (["S"] * 1001, "a job has at most 1000 queries")):
        form = "SELECT 1" if isinstance(body, str) else ("SELECT 1",)
        refused(demo.job("PUT", forms[form], json={"query": body}), 400, text)
    edited = demo.job("PUT", forms["fallback"], json=demo.read(forms["fallback"]) | {
        "query": {"query": [{"query": "SELECT 2", "onerror": "SELECT 3"}], "onsuccess": "SELECT 4"}})
    assert edited.json()["query"] == {"query": [{"query": "SELECT 2", "onerror": "SELECT 3",
                                                 "status": "pending", "fallback_status": "pending"}],
                                      "onsuccess": "SELECT 4"}
    assert edited.json()["fallback_status"] == "pending"


def test_a_document_may_come_back_as_it_is(demo, blocked):
    for query in ("SELECT 1", ["SELECT 1", "SELECT 2"],
                  {"query": [{"query": "SELECT 1", "onerror": "SELECT 2", "timeout": 10, "id": "a"}],
                   "onsuccess": "SELECT 3"}):
        document = demo.post(query).json()
        answer = demo.job("PUT", document["job_id"], json=document)
        assert answer.status_code == 200, answer.text
        same = {name: value for name, value in answer.json().items() if name != "updated_at"}
        assert same == {name: document[name] for name in same}


def test_what_is_not_pending_is_not_updated(demo, blocked):
    cancelled = demo.create("SELECT 1")
    demo.cancel(cancelled)
    done = demo.call("GET", JOB).json()[0]["job_id"]
    for job in (blocked, cancelled):
        for method in ("PUT", "PATCH"):
            answer = demo.job(method, job, json={"query": "SELECT 2"})
            assert (answer.status_code, answer.json()) == (400, {"errors": [NOT_PENDING]})
            assert answer.headers["Content-Disposition"] == "inline"
    refused(demo.job("PUT", done, json={"query": {}}), 400, NO_SQL)


def test_as_the_servers_had_it_the_update_error_is_another(server):
    job = server.run("SELECT 1")["job_id"]
    for method in ("PUT", "PATCH"):
        refused(server.job(method, job, json={"query": "SELECT 2"}), 400,
                "Job is not pending, it cannot be updated")
