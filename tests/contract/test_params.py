"""Parameters with real values: what goes in comes out, and nothing of it becomes SQL."""

import json
import re

import pytest

import handle

TYPES = handle.REPOSITORY / "api" / "sqltype.c"
NASTY = "it's \"quoted\" \\ {a,b} \n\t\r -- /* $1 :id $$ ${x} <%= job_id %> ä€😀 ';DROP TABLE t;--"


def row(cluster, sql, params, **options):
    """The only row of this text with these parameters."""
    answer = cluster.post("/api/v1/query", {"sql": sql, "params": params, **options}).json()
    assert len(answer["rows"]) == 1, answer
    return answer["rows"][0]


def failure(cluster, sql, params, **options):
    """Why this job failed."""
    answer = cluster.post("/api/v1/query", {"sql": sql, "params": params, **options}, check=False)
    assert answer.status_code == 400, answer.text
    assert answer.json()["state"] == "failed", answer.text
    return answer.json()["error"]


def words():
    """The types' names as the API has them."""
    found = re.findall(r'\{ "([a-z0-9_ ]+)", \d+, \d+ \}', TYPES.read_text())
    assert len(found) > 60 and "int8" in found
    return found


def test_every_type_is_the_server_s(cluster):
    names = words() + [word + "[]" for word in words()]
    params = [{"type": name, "value": None} for name in names]
    checks = " UNION ALL ".join(
        f"SELECT '{name}' AS name, pg_typeof(${i}) = '{name}'::regtype AS same" for i, name in enumerate(names, 1)
    )
    answer = cluster.post("/api/v1/query", {"sql": checks, "params": params}).json()
    assert [r["name"] for r in answer["rows"] if not r["same"]] == []
    assert len(answer["rows"]) == len(names)


@pytest.mark.parametrize(
    "kind,value,text",
    [
        ("int2", -32768, "-32768"),
        ("int8", "9223372036854775807", "9223372036854775807"),
        ("int8", -9223372036854775808, "-9223372036854775808"),
        ("numeric", "1" + "0" * 499 + "." + "9" * 500, "1" + "0" * 499 + "." + "9" * 500),
        ("numeric", "1.10", "1.10"),
        ("numeric", "NaN", "NaN"),
        ("double precision", 0.1, "0.1"),
        ("real", "1e10", "1e+10"),
        ("text", NASTY, NASTY),
        ("text", "", ""),
        ("varchar", "x" * 100000, "x" * 100000),
        ("bool", True, "true"),
        ("bytea", "\\x00ff", "\\x00ff"),
        ("uuid", "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
        ("date", "2026-11-29", "2026-11-29"),
        ("timestamp with time zone", "2026-11-29T12:00:00+02:00", "2026-11-29 10:00:00+00"),
        ("interval", "1 day 2 hours", "1 day 02:00:00"),
        ("inet", "10.0.0.1/8", "10.0.0.1/8"),
        ("int4range", "[1,5)", "[1,5)"),
        ("point", "(1,2)", "(1,2)"),
        ("xml", "<a>b</a>", "<a>b</a>"),
        ("jsonb", {"b": [1, None, NASTY], "a": {}}, None),
        ("json", [1, "2", {"a": True}], None),
        ("jsonb", "7", "7"),
        ("int8[]", [1, None, -3], "{1,NULL,-3}"),
        ("int8[]", [[1, 2], [3, 4]], "{{1,2},{3,4}}"),
        ("int8[]", [], "{}"),
        ("text[]", ["", "NULL", None, "a b", "a,b"], '{"","NULL",NULL,"a b","a,b"}'),
        ("bool[]", [True, False], "{t,f}"),
    ],
    ids=lambda v: str(v)[:30],
)
def test_a_typed_value_comes_back(cluster, kind, value, text):
    got = row(cluster, "SELECT (:v)::text AS v, pg_typeof(:v)::text AS t", {"v": {"type": kind, "value": value}})
    if text is None:
        assert json.loads(got["v"]) == value
    else:
        assert got["v"] == text


def test_texts_of_arrays_come_back(cluster):
    values = [NASTY, "", "NULL", "{}", "\\", '"', "a\nb", None]
    got = cluster.post("/api/v1/query", {
        "sql": "SELECT v FROM unnest(:values) WITH ORDINALITY AS u (v, n) ORDER BY n",
        "params": {"values": {"type": "text[]", "value": values}}}).json()
    assert [r["v"] for r in got["rows"]] == values


def test_objects_in_arrays_of_json_come_back(cluster):
    values = [{"a": NASTY}, {}, 7, None]
    got = cluster.post("/api/v1/query", {
        "sql": "SELECT v::text AS v FROM unnest($1) WITH ORDINALITY AS u (v, n) ORDER BY n",
        "params": [{"type": "jsonb[]", "value": values}]}).json()
    assert [r["v"] and json.loads(r["v"]) for r in got["rows"]] == values


@pytest.mark.parametrize(
    "value,kind",
    [(41, "integer"), (2147483648, "bigint"), (-2147483649, "bigint"), (1.5, "numeric"), (True, "boolean"),
     ("x", "text"), (None, "text")],
)
def test_a_plain_value_has_its_literals_type(cluster, value, kind):
    got = row(cluster, "SELECT v, pg_typeof(v)::text AS t FROM (SELECT $1 AS v) s", [value])
    assert got == {"v": value, "t": kind}


def test_plain_numbers_fit_where_literals_do(cluster):
    assert row(cluster, "SELECT repeat('x', $1) AS v", [3]) == {"v": "xxx"}
    assert row(cluster, "SELECT $1 + 1 AS v", [41]) == {"v": 42}
    assert row(cluster, "SELECT g FROM generate_series(1, 9) g OFFSET $1 LIMIT $2", [4, 1]) == {"g": 5}
    assert row(cluster, "SELECT $1::smallint + $2::float8 AS v", [1, 0.5]) == {"v": 1.5}


def test_a_text_fits_the_type_of_its_place(cluster):
    got = row(cluster, "SELECT date '2026-11-29' - :d AS days, :t::timestamptz = now() AS same, :n * 2 AS n",
              {"d": "2026-11-28", "t": "2000-01-01", "n": "21"})
    assert got == {"days": 1, "same": False, "n": 42}


def test_a_list_of_values_is_any_of_an_array(cluster):
    params = {"ids": {"type": "int8[]", "value": [3, 5, 99]}}
    got = cluster.post("/api/v1/query", {"sql": "SELECT g FROM generate_series(1, 9) g WHERE g = ANY(:ids)",
                                         "params": params}).json()
    assert [r["g"] for r in got["rows"]] == [3, 5]


@pytest.mark.parametrize("sql", ["SELECT :v AS v", "SELECT $v::text AS v", "SELECT coalesce(NULL, :v) AS v"])
@pytest.mark.parametrize("value", [NASTY, "'; SELECT pg_sleep(60); --", "\\'; --", "' OR '1'='1", "$$;$$", "*/"])
def test_an_injection_stays_a_value(cluster, sql, value):
    assert row(cluster, sql, {"v": value}) == {"v": value}


def test_statements_and_steps_take_different_ones(cluster):
    table = "params_steps"
    cluster.run(f"CREATE TABLE IF NOT EXISTS {table} (n integer, a text, b text)")
    job = cluster.post("/api/v1/job", {
        "sql": [f"DELETE FROM {table}; INSERT INTO {table} VALUES (1, :b, :a); INSERT INTO {table} VALUES (2, $c, $c)",
                f"UPDATE {table} SET b = :a WHERE a = :c",
                {"sql": f"INSERT INTO {table} VALUES (3, '<%= job_id %>', :d)", "when": "done:0"},
                f"SELECT n, a = :c AS c, b FROM {table} WHERE n < 3 ORDER BY n"],
        "params": {"a": "A", "b": "B", "c": "C", "d": None, "unused": 1}}).json()["id"]
    assert cluster.wait(job)["jobState"] == "COMPLETED"
    rows = cluster.get(f"/api/v1/job/{job}/results?statement=5").json()["rows"]
    assert rows == [{"n": 1, "c": False, "b": "A"}, {"n": 2, "c": True, "b": "A"}]
    kept = cluster.run(f"SELECT a, b FROM {table} WHERE n = 3")["rows"]
    assert kept == [{"a": job, "b": None}]


def test_one_transaction_and_autocommit_take_them_too(cluster):
    cluster.run("DROP TABLE IF EXISTS params_alone")
    answer = cluster.post("/api/v1/query", {"sql": ["SELECT $1 AS a", "SELECT $2 AS b"], "transaction": "job",
                                            "params": [1, "two"]}).json()
    assert answer["rows"] == [{"b": "two"}]
    cluster.post("/api/v1/query", {"sql": "CREATE TABLE params_alone AS SELECT :v AS v", "autocommit": True,
                                   "params": {"v": 9}})
    assert cluster.run("SELECT v FROM params_alone")["rows"] == [{"v": 9}]


def test_what_a_template_filled_in_is_no_placeholder(cluster):
    job = cluster.post("/api/v1/job", {
        "sql": ["SELECT 'at :id and $id and $nothing'::int",
                {"sql": "CREATE TABLE IF NOT EXISTS params_said (said text, id integer);"
                        "DELETE FROM params_said; INSERT INTO params_said VALUES ('<%= error_message %>', :id)",
                 "when": "failed"}],
        "params": {"id": 5}}).json()["id"]
    assert cluster.wait(job)["jobState"] == "FAILED"
    said = cluster.run("SELECT said, id FROM params_said")["rows"]
    assert said == [{"said": 'invalid input syntax for type integer: "at :id and $id and $nothing"', "id": 5}]


@pytest.mark.parametrize(
    "sql,params,sqlstate,message",
    [
        ("SELECT :b, :a", {"a": {"type": "int8", "value": "x"}, "b": 1}, "22P02",
         "parameter 'a': invalid input syntax for type bigint: \"x\""),
        ("SELECT $3, $2", [1, {"type": "date", "value": "no"}, 2], "22007",
         "parameter 2: invalid input syntax for type date: \"no\""),
        ("SELECT :a", {"a": {"type": "jsonb", "value": "{"}}, "22P02", "parameter 'a': invalid input syntax for type json"),
        ("SELECT :a", {"a": {"type": "int2", "value": 32768}}, "22003",
         "parameter 'a': value \"32768\" is out of range for type smallint"),
        ("SELECT :a", {"a": {"type": "int8[]", "value": [[1, 2], [3]]}}, "22P02",
         "parameter 'a': malformed array literal: \"{{1,2},{3}}\""),
        ("SELECT :b, :a IS NULL", {"a": "x", "b": 1}, "42P18", "could not determine data type of parameter 'a'"),
        ("SELECT $2 IS NULL", [1, "x"], "42P18", "could not determine data type of parameter $2"),
        ("COPY (SELECT :a) TO STDOUT", {"a": 1}, "42P02", "there is no parameter 'a'"),
        ("SET work_mem = :a", {"a": "64MB"}, "42601", "syntax error at or near \":a\""),
    ],
)
def test_an_error_names_its_parameter(cluster, sql, params, sqlstate, message):
    error = failure(cluster, sql, params)
    assert (error["sqlstate"], error["message"]) == (sqlstate, message)


def test_parameters_are_kept_whole_however_large_they_are(cluster):
    large = "x" * 900000
    assert row(cluster, "SELECT length($1) AS n, md5($1) = md5(repeat('x', 900000)) AS same", [large]) == {
        "n": 900000, "same": True}
    many = list(range(1000))
    sum_of_all = " + ".join(f"${i}" for i in range(1, 1001))
    assert row(cluster, f"SELECT {sum_of_all} AS v", many) == {"v": sum(many)}


def test_a_value_that_is_sent_too_often_is_refused_before_anything_is_sent(cluster):
    error = failure(cluster, "SELECT length($1);" * 30, ["x" * 900000])
    assert error["sqlstate"] == "54000" and "too often" in error["message"]


def test_no_log_has_a_value(cluster):
    secret = "s3cr3t-0f-p4r4m5"
    row(cluster, "SELECT $1 AS v", [secret])
    failure(cluster, "SELECT $1", [{"type": "int8", "value": secret}])
    nodes = {node["name"] for node in cluster.info["nodes"] if node["role"] in ("api", "broker", "executor")}
    logs = [path for path in (cluster.folder / "logs").glob("*.log") if path.stem in nodes]
    assert len(logs) >= 3
    for path in logs:
        assert secret not in path.read_text(errors="replace"), path.name
