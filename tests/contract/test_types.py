"""Every type of PostgreSQL, with the values at its edges, through executor, store and API: what comes out
is what psql prints. The list of types is the database's own, so that a new one is missed here first."""
import csv
import io
import json
import os
import subprocess

import msgpack
import pytest

import sql

NULL = "\\N(null)"  # what psql prints for NULL here

# The session's settings are those that the executor asks for.
OPTIONS = ("-c TimeZone=UTC -c DateStyle=ISO -c IntervalStyle=postgres -c bytea_output=hex"
           " -c extra_float_digits=1")

DIGITS = "1234567890" * 100

VALUES = {
    "bool": ["true", "false"],
    "bytea": [r"\x", r"\x00ff0a5c", r"\xdeadbeef" + "00" * 300],
    "char": ["a", "", r"\377"],
    "name": ["n", "", "x" * 63],
    "int8": ["0", "-1", "9223372036854775807", "-9223372036854775808", "9007199254740993"],
    "int2": ["32767", "-32768", "0"],
    "int2vector": ["1 2 3", ""],
    "int4": ["2147483647", "-2147483648", "0", "127", "128", "65536"],
    "regproc": ["now", "-"],
    "text": ["", " ", "a,b", 'say "x"', "line\nline\r\n", "tab\t\\ back", "\x01\x1f\x7f", "ÄÖ € 😀",
             "NULL", "</script>", "=1+1", "x" * 70000],
    "oid": ["0", "4294967295"],
    "tid": ["(0,1)", "(4294967295,65535)"],
    "xid": ["0", "4294967295"],
    "cid": ["0", "4294967295"],
    "oidvector": ["1 2 3", ""],
    "json": ['{"a": 1,  "b" :[null, "x"]}', '"\\u0000"', "1.10", "null", '{"a":1,"a":2}'],
    "xml": ["<a>b</a>", "text", "<?xml version=\"1.0\"?><a/>"],
    "pg_node_tree": [],
    "table_am_handler": [], "index_am_handler": [],
    "point": ["(0,0)", "(-1.5,2e300)", "(NaN,Infinity)"],
    "lseg": ["[(0,0),(1,1)]"],
    "path": ["[(0,0),(1,1)]", "((0,0),(1,1),(2,0))"],
    "box": ["(1,1),(0,0)"],
    "polygon": ["((0,0),(1,1),(2,0))"],
    "line": ["{1,2,3}"],
    "circle": ["<(0,0),5>"],
    "float4": ["0", "-0", "0.1", "1e6", "999999", "3.4028235e38", "1.4e-45", "NaN", "Infinity", "-Infinity",
               "1.17549435e-38", "16777216", "123456.7"],
    "float8": ["0", "-0", "0.1", "1e15", "123456789012345", "1.7976931348623157e308", "5e-324", "NaN",
               "Infinity", "-Infinity", "0.30000000000000004", "1e-5", "0.0001", "2.2250738585072014e-308",
               "9007199254740993", "1.2345678901234567e-300"],
    "money": ["0", "-1234567.89", "92233720368547758.07"],
    "macaddr": ["08:00:2b:01:02:03"],
    "macaddr8": ["08:00:2b:01:02:03:04:05"],
    "inet": ["127.0.0.1", "10.0.0.0/8", "::1", "2001:db8::/32"],
    "cidr": ["10.0.0.0/8", "2001:db8::/32"],
    "aclitem": ["=r/postgres"],
    "bpchar": ["a  ", ""],
    "varchar": ["a  ", "é"],
    "date": ["2024-02-29", "0044-03-15 BC", "infinity", "-infinity", "5874897-12-31", "4713-01-01 BC"],
    "time": ["00:00", "24:00", "12:34:56.123456"],
    "timetz": ["00:00+15:59", "24:00-15:59", "12:34:56.123456+00"],
    "timestamp": ["2024-02-29 12:34:56.123456", "0001-01-01 00:00 BC", "infinity", "-infinity",
                  "294276-12-31 23:59:59.999999", "4713-01-01 BC", "2000-01-01"],
    "timestamptz": ["2024-02-29 12:34:56.123456+05", "0001-01-01 00:00+00 BC", "infinity", "-infinity",
                    "294276-12-31 23:59:59.999999+00"],
    "interval": ["0", "1 year 2 mons 3 days 04:05:06.789", "-1 day +1 hour", "178000000 years",
                 "-00:00:00.000001"],
    "bit": ["1", "0"],
    "varbit": ["", "1010", "1" * 100],
    "numeric": ["0", "-0.00", "1.10", "NaN", "Infinity", "-Infinity", DIGITS, "-" + DIGITS + ".5",
                "0." + "0" * 500 + "1", "1e100", "9007199254740993"],
    "refcursor": ["c"],
    "regprocedure": ["now()", "sum(int4)"], "regoper": ["||/"], "regoperator": ["+(int4,int4)"],
    "regclass": ["pg_class", "pg_catalog.pg_type"], "regcollation": ['"C"'], "regtype": ["int4", "text[]"],
    "regrole": ["postgres"], "regnamespace": ["pg_catalog"], "regconfig": ["english"],
    "regdictionary": ["simple"],
    "uuid": ["00000000-0000-0000-0000-000000000000", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"],
    "pg_lsn": ["0/0", "FFFFFFFF/FFFFFFFF"],
    "txid_snapshot": ["10:20:10,14,15"], "pg_snapshot": ["10:20:10,14,15"],
    "xid8": ["0", "18446744073709551615"],
    "tsvector": ["'a':1A 'b c':2", ""],
    "tsquery": ["'a' & !'b' <-> 'c'"],
    "gtsvector": [], "pg_ndistinct": [], "pg_dependencies": [], "pg_mcv_list": [],
    "pg_brin_bloom_summary": [], "pg_brin_minmax_multi_summary": [],
    "jsonb": ['{"b": [1, 2.50, null], "a": "x\\"y"}', "[]", "1e400", '"😀"'],
    "jsonpath": ["$.a[*] ? (@ > 1)"],
    "int4range": ["[1,10)", "empty", "(,)", "[-2147483648,2147483647)"],
    "int8range": ["[1,9223372036854775807)"],
    "numrange": ["[1.5,2.50]", "(,NaN]"],
    "tsrange": ["[2024-01-01,2024-02-01)", "[-infinity,infinity]"],
    "tstzrange": ["[2024-01-01 00:00+02,)"],
    "daterange": ["[2024-01-01,2024-01-02]"],
    "int4multirange": ["{[1,3),[5,8)}", "{}"],
    "int8multirange": ["{[1,2)}"], "nummultirange": ["{[1.5,2]}"],
    "tsmultirange": ["{[2024-01-01,2024-02-01)}"], "tstzmultirange": ["{[2024-01-01 00:00+00,)}"],
    "datemultirange": ["{[2024-01-01,2024-01-02)}"],
    # of our own making, below
    "mood": ["sad", "so happy", "a,b"],
    "positive": ["1", "9223372036854775807"],
    "pair": ['(1,"a b")', "(,)", '(2,"say ""x"", \\\\")'],
    "hstore": ['"a"=>"1", "b"=>NULL', ""],
    "citext": ["MiXed", ""],
    "cube": ["(1, 2, 3)"],
    "ghstore": [],
}

SETUP = """
DROP SCHEMA IF EXISTS walk CASCADE; CREATE SCHEMA walk; GRANT USAGE ON SCHEMA walk TO PUBLIC;
CREATE EXTENSION hstore SCHEMA walk; CREATE EXTENSION citext SCHEMA walk; CREATE EXTENSION cube SCHEMA walk;
CREATE TYPE walk.mood AS ENUM ('sad', 'so happy', 'a,b');
CREATE DOMAIN walk.positive AS int8 CHECK (VALUE > 0);
CREATE TYPE walk.pair AS (n int, t text);
"""

# Every type that a column can have; arrays and multiranges of the catalogue's composites are of no interest.
WALK = """
SELECT n.nspname, t.typname, t.typtype, t.typarray <> 0
FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
WHERE t.typcategory <> 'A' AND t.typtype IN ('b', 'e', 'd', 'r', 'm')
   OR t.typname IN ('int2vector', 'oidvector')
   OR (n.nspname = 'walk' AND t.typtype = 'c')
ORDER BY n.nspname, t.typname
"""


def literal(text):
    return "E'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


@pytest.fixture(scope="module")
def walk(cluster):
    admin = cluster.info["source_admin_dsn"]
    sql.ask(admin, SETUP)
    yield [dict(zip(("schema", "name", "kind", "has_array"), row)) for row in sql.ask(admin, WALK)]
    sql.ask(admin, "DROP SCHEMA walk CASCADE")


def psql(cluster, statement):
    """The rows that psql prints, None for NULL."""
    done = subprocess.run(["psql", "-X", "--csv", "-P", f"null={NULL}", "-v", "ON_ERROR_STOP=1", "-f", "-",
                           cluster.info["source_dsn"]], input=statement.encode(),
                          env=dict(os.environ, PGOPTIONS=OPTIONS, PGCLIENTENCODING="UTF8"),
                          capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr.decode()
    _, *rows = csv.reader(io.StringIO(done.stdout.decode(), newline=""))
    return [[None if cell == NULL else cell for cell in row] for row in rows]


def of_json(cell):
    """What a value of JSON stands for: numbers come as their text."""
    return {True: "t", False: "f", None: None}[cell] if cell is None or isinstance(cell, bool) else cell


def of_msgpack(cell, printed):
    if isinstance(cell, bool) or cell is None:
        return of_json(cell)
    if isinstance(cell, float):
        return printed if printed is not None and float(printed) == cell else repr(cell)
    return "\\x" + cell.hex() if isinstance(cell, bytes) else str(cell)


def through(cluster, statement, printed):
    """Run it as a job, and hold every format against what psql printed."""
    job = cluster.submit(statement)
    status = cluster.wait(job)
    assert status["jobState"] == "COMPLETED", (statement, status["error"])
    get = lambda name: cluster.get(f"/api/v1/job/{job}/results?limit=all&format={name}")  # noqa: E731
    loads = lambda text: json.loads(text, parse_float=str, parse_int=str)  # noqa: E731
    arrays = [[of_json(cell) for cell in row] for row in loads(get("arrays").content)["rows"]]
    assert arrays == printed
    objects = [[of_json(cell) for cell in row.values()] for row in loads(get("json").content)["rows"]]
    assert objects == printed
    lines = [[of_json(cell) for cell in loads(line).values()] for line in get("ndjson").content.split(b"\n")[:-1]]
    assert lines == printed
    _, *rows = csv.reader(io.StringIO(get("csv").content.decode(), newline=""))
    # A row of nothing but one null is an empty line.
    assert [row or [""] for row in rows] == [["" if cell is None else cell for cell in row] for row in printed]
    packed = list(msgpack.Unpacker(io.BytesIO(get("msgpack").content), max_buffer_size=0))
    assert [[of_msgpack(cell, text) for cell, text in zip(row, wanted)]
            for row, wanted in zip(packed, printed)] == printed
    return job


def columns_of(kind):
    """Select list of a type: each value, NULL, and arrays of them of one and two dimensions."""
    name = f'"{kind["schema"]}"."{kind["name"]}"'
    values = VALUES.get(kind["name"])
    if values is None:
        assert kind["kind"] == "d", f"no values for type {kind['name']}: PostgreSQL has it, this test does not"
        values = []
    cells = [f"{literal(value)}::{name}" for value in values]
    if kind["name"] == "bit":
        cells += ["B'101'::bit(3)", "B'0'::bit(1)"]
    row = [*cells, f"NULL::{name}"]
    if kind["has_array"]:
        row += [f"ARRAY[{', '.join([*cells, 'NULL'])}]::{name}[]", f"ARRAY[]::{name}[]"]
        row += [f"ARRAY[[{cell}, NULL], [NULL, {cell}]]::{name}[]" for cell in cells[:1]]
        row += [f"array_fill(NULL::{name}, ARRAY[2], ARRAY[3])"]
    return row


def test_every_type_of_the_database(cluster, walk):
    seen = {kind["name"] for kind in walk}
    assert len(seen) > 90
    assert not set(VALUES) - seen - {"table_am_handler", "index_am_handler"}, "values for types that are not there"
    for kind in walk:
        statement = "SELECT " + ", ".join(f"{cell} AS c{i}" for i, cell in enumerate(columns_of(kind)))
        through(cluster, statement, psql(cluster, statement))


def test_values_that_only_the_catalogue_has(cluster, walk):
    """Types without an input of their own, read where the database keeps them."""
    assert walk
    for statement in ("SELECT adbin FROM pg_attrdef ORDER BY oid LIMIT 3",
                      "SELECT ev_action FROM pg_rewrite ORDER BY oid LIMIT 2",
                      "SELECT relacl, relname, reloptions, relkind FROM pg_class ORDER BY oid LIMIT 50",
                      "SELECT proargtypes, prosrc, proallargtypes FROM pg_proc ORDER BY oid LIMIT 200",
                      "SELECT c FROM pg_class c ORDER BY oid LIMIT 20",
                      "SELECT t FROM pg_type t ORDER BY oid LIMIT 20"):
        through(cluster, statement, psql(cluster, statement))


def test_the_json_of_a_jsonb_column_is_its_text(cluster):
    job = cluster.submit("""SELECT '{"a": "\\u0000"}'::json AS j, '{"b":1}'::jsonb AS b""")
    cluster.wait(job)
    assert cluster.results(job)["rows"] == [{"j": '{"a": "\\u0000"}', "b": '{"b": 1}'}]


def test_random_floats_are_printed_alike(cluster, walk):
    assert walk
    # One run of random numbers, kept in a table that both read.
    sql.ask(cluster.info["source_admin_dsn"], """
        CREATE TABLE walk.floats AS
        SELECT (random() - 0.5) * power(10, (random() * 600)::int - 300) AS d,
               ((random() - 0.5) * power(10, (random() * 60)::int - 30))::float4 AS r
        FROM generate_series(1, 20000);
        GRANT SELECT ON walk.floats TO PUBLIC""")
    statement = "SELECT d, r FROM walk.floats ORDER BY d, r"
    through(cluster, statement, psql(cluster, statement))


# --- shapes of results ---

def test_columns_of_one_name(cluster):
    statement = 'SELECT 1 AS a, 2 AS a, 3, 4, 5 AS "a_2", 6 AS "sp ace,""q"'
    job = through(cluster, statement, psql(cluster, statement))
    answer = cluster.results(job)
    assert list(answer["rows"][0]) == ["a", "a_3", "?column?", "?column?_2", "a_2", 'sp ace,"q']
    assert [column["name"] for column in answer["schema"]] == list(answer["rows"][0])
    arrays = cluster.get(f"/api/v1/job/{job}/results?format=arrays").json()
    assert [column["name"] for column in arrays["schema"]] == ["a", "a", "?column?", "?column?", "a_2", 'sp ace,"q']


def test_rows_without_columns(cluster):
    job = cluster.submit("SELECT FROM generate_series(1, 3)")
    cluster.wait(job)
    answer = cluster.results(job)
    assert (answer["schema"], answer["rows"], answer["total_rows"]) == ([], [{}, {}, {}], 3)
    assert cluster.get(f"/api/v1/job/{job}/results?format=ndjson").text == "{}\n{}\n{}\n"


def test_no_rows_keep_their_columns(cluster):
    job = cluster.submit("SELECT 1 AS a, 'x' AS b WHERE false")
    cluster.wait(job)
    answer = cluster.results(job)
    assert [column["name"] for column in answer["schema"]] == ["a", "b"]
    assert (answer["rows"], answer["total_rows"], answer["complete"]) == ([], 0, True)
    assert cluster.get(f"/api/v1/job/{job}/results?format=csv").text == "a,b\r\n"


def test_1600_columns(cluster):
    names = ", ".join(f"{i} AS column_{i}" for i in range(1600))
    statement = f"SELECT {names} FROM generate_series(1, 3)"
    through(cluster, statement, psql(cluster, statement))


@pytest.mark.parametrize("text, command, affected", [
    ("CREATE TABLE tagged (i int PRIMARY KEY, t text)", "CREATE TABLE", None),
    ("INSERT INTO tagged SELECT i, 'x' FROM generate_series(1, 5) i", "INSERT 0 5", 5),
    ("UPDATE tagged SET t = 'y' WHERE i < 3", "UPDATE 2", 2),
    ("MERGE INTO tagged USING (VALUES (1), (9)) v (i) ON tagged.i = v.i WHEN MATCHED THEN DELETE "
     "WHEN NOT MATCHED THEN INSERT VALUES (v.i, 'm')", "MERGE 2", 2),
    ("DELETE FROM tagged WHERE i = 2 RETURNING i, t", "DELETE 1", 1),
    ("SELECT * FROM tagged", "SELECT 4", None),
    ("COPY tagged TO STDOUT", "COPY 4", 4),
    ("SET search_path = public", "SET", None),
    ("DROP TABLE tagged", "DROP TABLE", None),
])
def test_commands_and_their_counts(cluster, text, command, affected):
    job = cluster.submit(text)
    assert cluster.wait(job)["jobState"] == "COMPLETED"
    answer = cluster.results(job)
    assert (answer["command"], answer["rows_affected"]) == (command, affected)
    if "RETURNING" in text:
        assert answer["rows"] == [{"i": 2, "t": "y"}]
