"""CARTO's API: fallback jobs. What follows a query, and the job, when it is done or has failed."""
import pytest
from carto import refused

GOOD, BAD = "SELECT 1", "SELECT * FROM nonexistent_table /* query should fail */"
REASON = 'relation "nonexistent_table" does not exist'
FALLBACK = "SELECT 2"


def query(text, status, fallback=None, reason=None, **follows):
    """A query, and what it is in the end."""
    wanted = {"query": text, **follows, "status": status}
    if follows:
        wanted["fallback_status"] = fallback
    if reason:
        wanted["failed_reason"] = reason
    return wanted


# Queries as they end, what follows the job, the job's status, and its fallback's.
CASES = {
    "onsuccess_on_the_first_query_is_triggered":
        ([query(GOOD, "done", "done", onsuccess=FALLBACK)], {}, "done", None),
    "onerror_on_the_first_query_is_not_triggered":
        ([query(GOOD, "done", "skipped", onerror=FALLBACK)], {}, "done", None),
    "onerror_on_the_first_query_is_triggered":
        ([query(BAD, "failed", "done", REASON, onerror=FALLBACK)], {}, "failed", None),
    "onsuccess_on_the_first_query_is_not_triggered":
        ([query(BAD, "failed", "skipped", REASON, onsuccess=FALLBACK)], {}, "failed", None),
    "both_on_a_query_and_one_of_them_is_triggered":
        ([query(GOOD, "done", "done", onsuccess=FALLBACK, onerror=BAD),
          query(BAD, "failed", "done", REASON, onsuccess=BAD, onerror=FALLBACK)], {}, "failed", None),
    "onsuccess_of_the_job_is_triggered":
        ([query(GOOD, "done")], {"onsuccess": FALLBACK}, "done", "done"),
    "onsuccess_of_the_job_is_not_triggered":
        ([query(BAD, "failed", reason=REASON)], {"onsuccess": FALLBACK}, "failed", "skipped"),
    "onerror_of_the_job_is_triggered":
        ([query(BAD, "failed", reason=REASON)], {"onerror": FALLBACK}, "failed", "done"),
    "onerror_of_the_job_is_not_triggered":
        ([query(GOOD, "done")], {"onerror": FALLBACK}, "done", "skipped"),
    "both_of_the_job_when_it_is_done":
        ([query(GOOD, "done")], {"onsuccess": FALLBACK, "onerror": BAD}, "done", "done"),
    "both_of_the_job_when_it_has_failed":
        ([query(BAD, "failed", reason=REASON)], {"onsuccess": BAD, "onerror": FALLBACK}, "failed", "done"),
    "onsuccess_of_job_and_query_are_triggered":
        ([query(GOOD, "done", "done", onsuccess=FALLBACK)], {"onsuccess": FALLBACK}, "done", "done"),
    "onsuccess_of_each_query_is_triggered":
        ([query(GOOD, "done", "done", onsuccess=FALLBACK),
          query(GOOD, "done", "done", onsuccess=FALLBACK)], {}, "done", None),
    "onsuccess_of_no_query_is_triggered_and_the_rest_is_skipped":
        ([query(BAD, "failed", "skipped", REASON, onsuccess=FALLBACK),
          query(GOOD, "skipped", "skipped", onsuccess=FALLBACK)], {}, "failed", None),
    "onsuccess_of_the_second_query_is_not_triggered":
        ([query(GOOD, "done", "done", onsuccess=FALLBACK),
          query(BAD, "failed", "skipped", REASON, onsuccess=FALLBACK)], {}, "failed", None),
    "onerror_of_no_query_is_triggered":
        ([query(GOOD, "done", "skipped", onerror=FALLBACK),
          query(GOOD, "done", "skipped", onerror=FALLBACK)], {}, "done", None),
    "a_failing_onsuccess_fails_nothing_else":
        ([query(GOOD, "done", "failed", REASON, onsuccess=BAD),
          query(GOOD, "done", "done", onsuccess=FALLBACK)], {}, "done", None),
    "a_failing_onsuccess_of_the_last_query_fails_nothing_else":
        ([query(GOOD, "done", "done", onsuccess=FALLBACK),
          query(GOOD, "done", "failed", REASON, onsuccess=BAD)], {}, "done", None),
    "onsuccess_of_the_job_is_triggered_though_one_of_a_query_has_failed":
        ([query(GOOD, "done", "done", onsuccess=FALLBACK),
          query(GOOD, "done", "failed", REASON, onsuccess=BAD)], {"onsuccess": FALLBACK}, "done", "done"),
    "a_failing_onerror_says_its_own_reason":
        ([query("SELECT 1/0", "failed", "failed", REASON, onerror=BAD),
          query(GOOD, "skipped", "skipped", onerror=FALLBACK)], {"onerror": BAD}, "failed", "failed"),
    "onerror_of_query_and_job_run_and_all_else_is_skipped":
        ([query("SELECT 1 LIMIT 1, 2", "failed", "done", "LIMIT #,# syntax is not supported",
                onerror=FALLBACK),
          query(GOOD, "skipped", "skipped", onerror=FALLBACK)], {"onerror": FALLBACK}, "failed", "done"),
    "a_failing_onsuccess_of_the_job_fails_nothing_else":
        ([query(GOOD, "done")], {"onsuccess": BAD}, "done", "failed"),
    "what_comes_behind_a_failure_is_skipped":
        ([query(GOOD, "done"), query(BAD, "failed", reason=REASON), query(GOOD, "skipped"),
          query(GOOD, "skipped", "skipped", onerror=FALLBACK)], {}, "failed", None),
    "nothing_follows":
        ([query(GOOD, "done"), query(GOOD, "done")], {}, "done", None),
    "empty_texts_follow_nothing":
        ([query(GOOD, "done")], {"onsuccess": "", "onerror": ""}, "done", None),
}


def asked(queries, follows):
    given = [{name: value for name, value in one.items() if name in ("query", "onsuccess", "onerror")}
             for one in queries]
    return {"query": given, **follows}


def pending(one):
    return {**{name: value for name, value in one.items() if name != "failed_reason"}, "status": "pending",
            **({"fallback_status": "pending"} if "fallback_status" in one else {})}


def without_times(queries):
    for one in queries:
        if one["status"] in ("done", "failed", "cancelled"):
            assert one.pop("started_at") <= one.pop("ended_at")
    return queries


@pytest.mark.parametrize("name", CASES)
def test_fallback_job(demo, name):
    queries, follows, status, fallback_status = CASES[name]
    job = demo.post(asked(queries, follows)).json()
    assert job["status"] == "pending" and job["query"] == {"query": [pending(q) for q in queries], **follows}
    assert job.get("fallback_status") == (fallback_status and "pending")
    job = demo.over(job["job_id"])
    assert (job["status"], job.get("fallback_status")) == (status, fallback_status)
    assert {**job["query"], "query": without_times(job["query"]["query"])} == {"query": queries, **follows}
    assert ("failed_reason" in job) == (status == "failed")


def test_the_job_says_what_the_failing_query_said(demo):
    job = demo.run({"query": [{"query": BAD, "onerror": "SELECT 1/0"}], "onerror": "SELECT 1/0"})
    assert job["failed_reason"] == REASON
    assert job["query"]["query"][0]["failed_reason"] == "division by zero"


def test_members_of_a_query_that_mean_nothing_are_kept(demo):
    job = demo.post({"query": [{"query": GOOD, "id": "a:b:c", "x": [1, {"y": None}]}], "z": 1.5}).json()
    assert job["query"] == {"query": [{"query": GOOD, "id": "a:b:c", "x": [1, {"y": None}],
                                       "status": "pending"}], "z": 1.5}


# How far it is, and cancels.

def test_between_query_and_fallback_it_runs(demo):
    job = demo.create({"query": [{"query": GOOD, "onsuccess": "SELECT pg_sleep(300)"}, {"query": GOOD}],
                       "onsuccess": GOOD})
    document = demo.until(job, lambda now: now["query"]["query"][0]["fallback_status"] == "running")
    assert document["status"] == "running" and document["fallback_status"] == "pending"
    assert [one["status"] for one in document["query"]["query"]] == ["done", "pending"]
    cancelled = demo.cancel(job)
    assert cancelled["status"] == "cancelled" and cancelled["fallback_status"] == "skipped"
    assert cancelled["query"]["query"][0]["status"] == "done"
    assert cancelled["query"]["query"][0]["fallback_status"] == "cancelled"
    assert cancelled["query"]["query"][1]["status"] == "skipped"
    refused(demo.job("DELETE", job), 400, "Cannot set status to cancelled")


def test_a_cancel_of_a_query_skips_what_follows(demo):
    job = demo.create({"query": [{"query": "SELECT pg_sleep(300)", "onsuccess": GOOD}, {"query": GOOD}],
                       "onsuccess": GOOD})
    demo.running(job)
    cancelled = demo.cancel(job)
    assert cancelled["status"] == "cancelled" and cancelled["fallback_status"] == "skipped"
    assert "failed_reason" not in cancelled
    first, second = without_times(cancelled["query"]["query"][:1])[0], cancelled["query"]["query"][1]
    assert first == {"query": "SELECT pg_sleep(300)", "onsuccess": GOOD, "status": "cancelled",
                     "fallback_status": "skipped"}
    assert second == {"query": GOOD, "status": "skipped"}


def test_a_cancel_of_a_job_that_waits_cancels_its_first_query(demo):
    blocker = demo.create("SELECT pg_sleep(300)")
    job = demo.create({"query": [{"query": GOOD, "onerror": GOOD}, {"query": GOOD}], "onerror": GOOD})
    cancelled = demo.cancel(job)
    assert cancelled["status"] == "cancelled" and cancelled["fallback_status"] == "skipped"
    assert cancelled["query"]["query"] == [
        {"query": GOOD, "onerror": GOOD, "status": "cancelled", "fallback_status": "skipped"},
        {"query": GOOD, "status": "skipped"}]
    demo.cancel(blocker)


def test_what_follows_the_job_may_be_cancelled_when_the_job_is_done(demo):
    job = demo.create({"query": [{"query": GOOD}], "onsuccess": "SELECT pg_sleep(300)"})
    document = demo.until(job, lambda now: now["fallback_status"] == "running")
    assert document["status"] == "done"
    cancelled = demo.cancel(job)
    assert cancelled["status"] == "done" and cancelled["fallback_status"] == "cancelled"


# Templates.

@pytest.fixture
def errors(demo):
    demo.sql("DROP TABLE IF EXISTS batch_errors; CREATE TABLE batch_errors (job_id text, said text)")
    return lambda: [(row["job_id"], row["said"]) for row in demo.rows("SELECT * FROM batch_errors")]


INSERT = "INSERT INTO batch_errors VALUES ('<%= job_id %>', '<%= error_message %>')"


def test_templates_are_filled_and_shown_as_they_were_given(demo, errors):
    job = demo.run({"query": [{"query": GOOD, "onsuccess": INSERT.replace("<%= error_message %>", "none")},
                              {"query": BAD, "onerror": INSERT}]})
    assert [one["fallback_status"] for one in job["query"]["query"]] == ["done", "done"]
    assert job["query"]["query"][1]["onerror"] == INSERT
    assert errors() == [(job["job_id"], "none"), (job["job_id"], REASON)]


@pytest.mark.parametrize("message", [
    "it's", "'); DROP TABLE batch_errors; --", "$$ $1 $a$", "a \\' b", "<%= job_id %>", "\u00e4 \u2028 %s",
    'relation "x" /* */ --'])
def test_a_quote_in_the_message_stays_in_the_message(demo, errors, message):
    literal = "E'" + message.replace("\\", "\\\\").replace("'", "\\'") + "'"
    raising = f"DO $do$ BEGIN RAISE EXCEPTION USING MESSAGE = {literal}; END $do$"
    job = demo.run({"query": [{"query": raising, "onerror": INSERT}],
                    "onerror": "INSERT INTO batch_errors VALUES (<%=job_id%>, <%=  error_message  %>)"})
    assert job["failed_reason"] == message
    assert (job["query"]["query"][0]["fallback_status"], job["fallback_status"]) == ("done", "done")
    assert errors() == [(job["job_id"], message)] * 2


@pytest.mark.parametrize("body", [
    "DO 'BEGIN INSERT INTO batch_errors VALUES (''x'', ''<%= error_message %>''); END'",
    "DO LANGUAGE plpgsql 'BEGIN INSERT INTO batch_errors VALUES (''x'', <%= error_message %>); END'",
    "DO $$ BEGIN INSERT INTO batch_errors VALUES ('x', '<%= error_message %>'); END $$",
    "DO $$ BEGIN EXECUTE 'INSERT INTO batch_errors VALUES (''x'', ''<%= error_message %>'')'; END $$"])
def test_a_message_does_not_get_into_a_routines_body_as_code(demo, errors, body):
    message = "'); DROP TABLE batch_errors; END --"
    raising = "DO $do$ BEGIN RAISE EXCEPTION USING MESSAGE = '" + message.replace("'", "''") + "'; END $do$"
    job = demo.run({"query": [{"query": raising, "onerror": body}]})
    assert job["query"]["query"][0]["fallback_status"] == "done", job
    assert errors() == [("x", message)]


def test_a_template_in_the_text_of_a_query_is_none(demo, errors):
    job = demo.run({"query": [{"query": INSERT}]})
    assert job["status"] == "done"
    assert errors() == [("<%= job_id %>", "<%= error_message %>")]
