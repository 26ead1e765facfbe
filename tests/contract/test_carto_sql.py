"""CARTO's API: the synchronous SQL API beside the jobs."""
import gzip
import re

import pytest
import raw
from carto import Carto, refused

TIMEOUT = ("You are over platform's limits: SQL query timeout error. Refactor your query before "
           "running again or contact CARTO support for more details.")


@pytest.fixture(scope="module")
def demo(cluster):
    user = Carto(cluster)
    user.sql("DROP TABLE IF EXISTS sync; CREATE TABLE sync (id int PRIMARY KEY, name text)")
    user.sql("INSERT INTO sync SELECT i, 'n' || i FROM generate_series(1, 25) i")
    return user


def said(answer):
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body.pop("time") >= 0
    return body


def value(demo, sql):
    return said(demo.sql(f"SELECT {sql} AS a"))["rows"][0]["a"]


# How it is asked.

def test_q_may_come_in_the_query_a_form_json_or_parts(demo):
    wanted = {"rows": [{"a": 1}], "fields": {"a": {"type": "number", "pgtype": "int4"}}, "total_rows": 1}
    q = {"q": "SELECT 1 AS a"}
    for how in ({"params": q}, {"data": q}, {"json": q}, {"files": {"q": (None, q["q"])}},
                {"data": {**q, "format": "JSON"}}, {"json": {**q, "format": ""}}):
        assert said(demo.call("POST", "/api/v2/sql", **how)) == wanted
    assert said(demo.call("GET", "/api/v2/sql", params=q)) == wanted
    assert said(demo.call("GET", "/user/demo/api/v1/sql/", params=q)) == wanted
    both = demo.call("POST", "/api/v2/sql", params={"q": "SELECT 2 AS a"}, data=q)
    assert said(both) == wanted


@pytest.mark.parametrize("body", [{}, {"q": ""}, {"q": None}, {"q": 1}, {"q": ["SELECT 1"]}, {"query": "SELECT 1"}])
def test_q_must_be_a_text(demo, body):
    refused(demo.call("POST", "/api/v2/sql", json=body), 400, "You must indicate a sql query")
    refused(demo.call("GET", "/api/v2/sql"), 400, "You must indicate a sql query")


@pytest.mark.parametrize("name", ["csv", "geojson", "shp", "x"])
def test_another_format_is_invalid(demo, name):
    refused(demo.sql("SELECT 1", format=name), 400, f"Invalid format: {name}")


# What it says.

@pytest.mark.parametrize("sql, kind, pgtype, wanted", [
    ("1", "number", "int4", 1), ("1::int2", "number", "int2", 1), ("9007199254740993", "number", "int8",
                                                                  9007199254740993),
    ("1.50", "number", "numeric", 1.5), ("1.5::float4", "number", "float4", 1.5),
    ("1e300::float8", "number", "float8", 1e300), ("'a'::text", "string", "text", "a"),
    ("'a'::varchar", "string", "varchar", "a"), ("'a'::char(3)", "string", "bpchar", "a  "),
    ("'a'::name", "name", "name", "a"), ("true", "boolean", "bool", True),
    ("'2012-02-06'::date", "date", "date", "2012-02-06T00:00:00Z"),
    ("'2012-02-06 22:50:35.778'::timestamp", "date", "timestamp", "2012-02-06T22:50:35Z"),
    ("'2012-02-06 22:50:35.778+01'::timestamptz", "date", "timestamptz", "2012-02-06T21:50:35Z"),
    ("'-infinity'::timestamp", "date", "timestamp", "-Infinity"), ("'12:30'::time", "date", "time", "12:30:00"),
    ("'1 day'::interval", "number", "interval", "1 day"), ("null::int", "number", "int4", None),
    ("'{\"a\": [1]}'::json", "json", "json", {"a": [1]}), ("'{\"a\": 1}'::jsonb", "jsonb", "jsonb", {"a": 1}),
    ("'{1,2}'::int[]", "number[]", "_int4", [1, 2]), ("'{a,NULL}'::text[]", "string[]", "_text", ["a", None]),
    ("'{t,f}'::bool[]", "boolean[]", "_bool", [True, False]), ("'{1,2}'::oid[]", "_oid[]", "_oid", [1, 2]),
    ("'{2012-02-06,NULL}'::date[]", "date[]", "_date", ["2012-02-06T00:00:00Z", None]),
    ("'{2012-02-06 22:50:35.778+01}'::timestamptz[]", "date[]", "_timestamptz", ["2012-02-06T21:50:35Z"]),
    ("ARRAY['{\"a\": [\"\\\\\"]}', 'null', NULL]::jsonb[]", "_jsonb[]", "_jsonb", [{"a": ["\\"]}, None, None]),
    ("'{1.2.3.4}'::inet[]", "_inet[]", "_inet", ["1.2.3.4"]), ("'{12:30}'::time[]", "date[]", "_time", ["12:30:00"]),
    ("'{12345678-1234-1234-1234-123456789abc}'::uuid[]", "_uuid[]", "_uuid",
     ["12345678-1234-1234-1234-123456789abc"]),
    ("'12345678-1234-1234-1234-123456789abc'::uuid", "uuid", "uuid", "12345678-1234-1234-1234-123456789abc"),
    ("'\\x00ff'::bytea", "bytea", "bytea", "\\x00ff"), ("'(1,2)'::point", "number", "point", "(1,2)"),
    ("'NaN'::float8", "number", "float8", "NaN"), ("'Infinity'::float8", "number", "float8", "Infinity"),
    ("'-Infinity'::float8", "number", "float8", "-Infinity"), ("'NaN'::numeric", "number", "numeric", "NaN"),
])
def test_a_value_and_its_field(demo, sql, kind, pgtype, wanted):
    body = said(demo.sql(f"SELECT {sql} AS a"))
    assert body["rows"] == [{"a": wanted}]
    assert body["fields"] == {"a": {"type": kind, "pgtype": pgtype}}


@pytest.fixture
def colour(demo):
    """A type of our own; whoever walks the types of this source must not meet it."""
    said(demo.sql("CREATE TYPE colour AS ENUM ('red')"))
    yield
    said(demo.sql("DROP TYPE colour"))


@pytest.mark.usefixtures("colour")
def test_a_type_of_the_database_itself_is_unknown(demo):
    body = said(demo.sql("SELECT 'red'::colour AS a, 'colour'::regtype::oid AS oid"))
    assert body["rows"][0]["a"] == "red"
    assert body["fields"]["a"] == {"type": f"unknown({body['rows'][0]['oid']})"}


def test_numbers_have_all_their_digits(demo):
    assert '"a":12345678901234567890.123456789' in demo.sql("SELECT 12345678901234567890.123456789 AS a").text


@pytest.mark.parametrize("sql, rows", [
    ("SELECT * FROM sync", 25), ("SELECT * FROM sync WHERE false", 0),
    ("CREATE TEMP TABLE x AS SELECT generate_series(1, 3)", 3), ("CREATE TEMP TABLE y (a int)", 0),
    ("CREATE TEMP TABLE z (a int); INSERT INTO z VALUES (1), (2)", 2),
    ("BEGIN; CREATE TEMP TABLE z (a int); INSERT INTO z VALUES (1), (2); COMMIT", 2),
    ("UPDATE sync SET name = name WHERE id <= 4", 4), ("DELETE FROM sync WHERE id < 0", 0),
    ("UPDATE sync SET name = name WHERE id <= 4 RETURNING id", 4), ("SET statement_timeout = 0", 0)])
def test_total_rows_are_those_that_were_given_or_changed(demo, sql, rows):
    assert said(demo.sql(sql))["total_rows"] == rows


def test_several_statements_show_the_rows_of_the_last_with_some(demo):
    body = said(demo.sql("SELECT 1 AS a; SELECT 2 AS b, 3 AS c; CREATE TEMP TABLE t (a int);"))
    assert body == {"rows": [{"b": 2, "c": 3}], "total_rows": 1,
                    "fields": {"b": {"type": "number", "pgtype": "int4"}, "c": {"type": "number", "pgtype": "int4"}}}
    body = said(demo.call("POST", "/api/v2/sql", json={
        "q": "BEGIN; DROP TABLE IF EXISTS txn; CREATE TABLE txn (a int); COMMIT; INSERT INTO txn VALUES (1)"}))
    assert (body["rows"], body["fields"], body["total_rows"]) == ([], {}, 1)
    assert demo.sql("INSERT INTO txn VALUES (2); SELECT 1/0").status_code == 400
    assert demo.rows("SELECT * FROM txn") == [{"a": 1}]


def test_what_is_said_beside_it_is_there_by_severity(demo):
    raising = "DO $$ BEGIN RAISE NOTICE 'one'; RAISE WARNING 'two'; RAISE NOTICE 'three'; END $$; SELECT 1 AS a"
    body = said(demo.sql(raising))
    assert body["notices"] == ["one", "three"] and body["warnings"] == ["two"]
    assert list(body) == ["rows", "fields", "total_rows", "notices", "warnings"]
    assert "notices" not in said(demo.sql("SELECT 1"))


def test_members_stand_in_order(demo):
    assert re.fullmatch(r'\{"rows":\[\{"a":1\}\],"time":[0-9.]+,"fields":\{"a":\{"type":"number",'
                        r'"pgtype":"int4"\}\},"total_rows":1\}', demo.sql("SELECT 1 AS a").text)


def test_a_large_result_comes_whole_and_packed(demo):
    body = said(demo.sql("SELECT i, repeat('x', 100) AS x FROM generate_series(1, 30000) i"))
    assert [row["i"] for row in body["rows"]] == list(range(1, 30001)) and body["total_rows"] == 30000
    answer = demo.call("GET", "/api/v2/sql", params={"q": "SELECT generate_series(1, 9999) AS a"},
                       headers={"Accept-Encoding": "gzip"}, stream=True)
    assert answer.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(answer.raw.read()).startswith(b'{"rows":[{"a":1}')


# Windows.

def ids(demo, q, **params):
    return [row["id"] for row in demo.rows(q, **params)]


def test_rows_per_page_and_page_are_a_window(demo):
    q = "SELECT id FROM sync ORDER BY id"
    assert ids(demo, q, rows_per_page=10, page=0) == list(range(1, 11))
    assert ids(demo, q, rows_per_page=10, page=2) == list(range(21, 26))
    assert ids(demo, q, rows_per_page=0, page=0) == []
    for none in ({"rows_per_page": 10}, {"page": 1}, {"rows_per_page": "x", "page": 0},
                 {"rows_per_page": 10, "page": ""}, {"rows_per_page": -1, "page": 0}):
        assert len(ids(demo, q, **none)) == 25, none
    assert said(demo.sql(q, rows_per_page=10, page=2))["total_rows"] == 5
    answer = demo.call("POST", "/api/v2/sql", json={"q": q, "rows_per_page": 3, "page": 1})
    assert [row["id"] for row in answer.json()["rows"]] == [4, 5, 6]


def test_order_by_and_sort_order_sort(demo):
    q = "SELECT id, name FROM sync"
    assert ids(demo, q, order_by="id")[:3] == [1, 2, 3]
    for order in ("desc", "DESC"):
        assert ids(demo, q, order_by="id", sort_order=order, rows_per_page=3, page=1) == [22, 21, 20]
    assert ids(demo, q, order_by="id", sort_order="; DROP TABLE sync")[:2] == [1, 2]
    refused(demo.sql(q, order_by='id" DESC --'), 400, 'column "id" DESC --" does not exist')
    refused(demo.sql(q, order_by="zzzzzz"), 400, 'column "zzzzzz" does not exist')


@pytest.mark.parametrize("q", [
    "SELECT id FROM sync ORDER BY id;", "SELECT id FROM sync ORDER BY id -- all of them",
    "SELECT id FROM sync ORDER BY id; -- all", "SELECT id FROM sync ORDER BY id /* all */ ;\n",
    "WITH s AS (SELECT id FROM sync) SELECT id FROM s ORDER BY id", "-- first\nSELECT id FROM sync ORDER BY id",
    "/* a */ SELECT id FROM sync ORDER BY id", "(SELECT id FROM sync ORDER BY id)",
    "SELECT id FROM sync WHERE name <> ';' ORDER BY id"])
def test_a_window_over_texts_of_all_kinds(demo, q):
    assert ids(demo, q, rows_per_page=2, page=1) == [3, 4]


@pytest.mark.parametrize("q", [
    "UPDATE sync SET name = name WHERE id = 3 RETURNING id", "SELECT 1 AS x; SELECT 3 AS id",
    "SHOW server_version_num", "SELECT 3 AS id INTO TEMP s; SELECT id FROM s",
    "WITH u AS (UPDATE sync SET name = name WHERE id = 3 RETURNING id) SELECT id FROM u"])
def test_what_no_window_can_be_put_over_runs_as_it_is(demo, q):
    plain, windowed = demo.sql(q), demo.sql(q, rows_per_page=5, page=0)
    assert said(plain) == said(windowed)


def test_fields_may_be_skipped(demo):
    q = "SELECT 1 AS a, 2 AS b, 3 AS c"
    for skipped, left in (("b", "ac"), ("a,c", "b"), ("", "abc"), ("x", "abc"), ("a,b,c", "")):
        body = said(demo.sql(q, skipfields=skipped))
        assert "".join(body["rows"][0]) == "".join(body["fields"]) == left and body["total_rows"] == 1
    answer = demo.call("GET", "/api/v2/sql", params=[("q", q), ("skipfields", "a"), ("skipfields", "c"),
                                                     ("api_key", demo.key)])
    assert answer.json()["rows"] == [{"b": 2}]


# Files.

def test_a_file_has_the_name_that_was_asked_for(demo):
    date = r'modification-date="\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT";'
    for asked, wanted in (({}, "inline; filename=cartodb-query.json; "),
                          ({"filename": ""}, "inline; filename=cartodb-query.json; "),
                          ({"format": "json"}, "attachment; filename=cartodb-query.json; "),
                          ({"filename": "mine"}, "attachment; filename=mine.json; "),
                          ({"filename": "mine.csv"}, "attachment; filename=mine.json; "),
                          ({"filename": "../../etc/passwd"}, "attachment; filename=passwd.json; "),
                          ({"filename": "a b;c\"d'(e)"}, "attachment; filename=a_b_c_d__e_.json; "),
                          ({"filename": "\u00e9\n"}, "attachment; filename=___.json; ")):
        header = demo.sql("SELECT 1", **asked).headers["Content-Disposition"]
        assert re.fullmatch(re.escape(wanted) + date, header), (asked, header)


# Errors.

def test_an_error_of_the_database_comes_with_what_it_said(demo):
    refused(demo.sql("SELECT * FROM nonexistent"), 400, 'relation "nonexistent" does not exist')
    refused(demo.sql("INSERT INTO sync VALUES (1, 'a')"), 400,
            'duplicate key value violates unique constraint "sync_pkey"', detail="Key (id)=(1) already exists.")
    refused(demo.sql("SELECT nam FROM sync"), 400, 'column "nam" does not exist',
            hint='Perhaps you meant to reference the column "sync.name".')
    raising = "DO $$ BEGIN RAISE EXCEPTION 'it''s' USING DETAIL = 'd', HINT = 'h'; END $$"
    refused(demo.sql(raising), 400, "it's", detail="d", hint="h")


def test_permission_denied_is_403(demo):
    refused(demo.sql("SELECT * FROM pg_authid"), 403, "permission denied for table pg_authid")
    assert demo.run("SELECT * FROM pg_authid")["failed_reason"] == "permission denied for table pg_authid"


def test_a_query_that_takes_too_long_is_429(cluster, demo):
    text = "SET LOCAL statement_timeout = 50; SELECT pg_sleep(30)"
    answer = refused(demo.sql(text), 429, TIMEOUT, context="limit", detail="datasource")
    assert "Retry-After" not in answer.headers
    script = demo.sql(text, callback="f")
    assert script.status_code == 200 and TIMEOUT in script.text


def test_a_query_that_somebody_else_has_stopped_is_429_too(demo):
    refused(demo.sql("SELECT pg_cancel_backend(pg_backend_pid())"), 429, TIMEOUT, context="limit",
            detail="datasource")
    job = demo.run("SELECT pg_cancel_backend(pg_backend_pid())")
    assert job["failed_reason"] == "canceling statement due to user request"


def active(demo, mark):
    """How many queries with this mark run just now."""
    return demo.rows(f"SELECT count(*)::int AS n FROM pg_stat_activity WHERE query LIKE '%pg_sleep%{mark}%'"
                     " AND state = 'active' AND pid <> pg_backend_pid()")[0]["n"]


def test_a_query_whose_caller_hangs_up_is_stopped(cluster, demo):
    sock = raw.dial(int(cluster.url.rsplit(":", 1)[1]))
    raw.give(sock, f"GET /user/demo/api/v2/sql?api_key={demo.key}&q=SELECT%20pg_sleep(300)%20/*%20left%20*/ "
                   "HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    cluster.until(lambda: active(demo, "left") == 1, 20)
    sock.close()
    cluster.until(lambda: active(demo, "left") == 0, 20)


@pytest.fixture(scope="module")
def hasty(module_cluster):
    return module_cluster("--set", "wait_cap_ms=500")


def test_a_query_that_nobody_waits_for_is_stopped(hasty):
    demo = Carto(hasty)
    refused(demo.sql("SELECT pg_sleep(30) /* hasty */"), 429, TIMEOUT, context="limit", detail="datasource")
    assert active(demo, "hasty") == 0
    assert demo.run("SELECT 1")["status"] == "done"


def test_a_tenants_own_timeout_counts_for_both(hasty):
    hasty.admin("tenant", "limit", "other", "--statement-timeout", "100")
    other = Carto(hasty, "other")
    hasty.until(lambda: other.run("SELECT pg_sleep(0.3)")["status"] == "failed", 20)
    refused(other.sql("SELECT pg_sleep(30)"), 429, TIMEOUT, context="limit", detail="datasource")
    job = other.run(["SELECT 1", "SELECT pg_sleep(30)"])
    assert job["failed_reason"] == "canceling statement due to statement timeout"
