"""The ceilings: what this machine and this PostgreSQL can do, without Millrace."""
import contextlib
import os
import re
import subprocess
import time

from figures import Unfit

# L1: a job's life as three durable transactions: insert; to running; result row and done.
LIFE_TABLES = """
DROP TABLE IF EXISTS life, life_result;
CREATE TABLE life (id bigint PRIMARY KEY, tenant text NOT NULL, sql text NOT NULL,
    state text NOT NULL, attempt int NOT NULL DEFAULT 0, created_at timestamptz NOT NULL DEFAULT now(),
    started_at timestamptz, ended_at timestamptz);
CREATE INDEX life_pending ON life (id) WHERE state = 'pending';
CREATE TABLE life_result (id bigint PRIMARY KEY, data bytea NOT NULL);
"""

LIFE_SCRIPT = r"""
\set id random(1, 9000000000000000000)
INSERT INTO life (id, tenant, sql, state) VALUES (:id, 'demo', 'SELECT 1', 'pending');
UPDATE life SET state = 'running', attempt = attempt + 1, started_at = now() WHERE id = :id;
\startpipeline
BEGIN;
INSERT INTO life_result (id, data) VALUES (:id, '\x28b52ffd2002110000910191a161');
UPDATE life SET state = 'done', ended_at = now() WHERE id = :id;
COMMIT;
\endpipeline
"""


def life(world, clients, seconds):
    """L1: lives a second."""
    world.scratch(LIFE_TABLES)
    path = world.path("life.sql")
    with open(path, "w", encoding="ascii") as file:
        file.write(LIFE_SCRIPT)
    threads = min(clients, os.cpu_count() or 1)
    done = subprocess.run([world.tool("pgbench"), "-n", "-M", "prepared", "-f", path, "-c",
                           str(clients), "-j", str(threads), "-T", str(seconds), "bench"],
                          env=world.client("store", "bench"), capture_output=True, text=True,
                          timeout=seconds + 60, check=False)
    rate = re.search(r"^tps = ([\d.]+)", done.stdout, re.M)
    if done.returncode != 0 or not rate:
        raise Unfit(f"pgbench failed: {done.stderr.strip()}")
    return float(rate.group(1))


@contextlib.contextmanager
def constant(world):
    """civetweb answering a constant; yields its URL."""
    with subprocess.Popen([world.program("bench_constant")], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, text=True) as server:
        try:
            yield f"http://127.0.0.1:{int(server.stdout.readline())}"
        finally:
            server.stdin.close()
            server.wait(30)


def psql(world, command):
    return [world.tool("psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-c", command]


def begin_pipe(world, query, table):
    """psql that reads from the source, into psql that writes to the store's server."""
    reader = subprocess.Popen(psql(world, f"COPY ({query}) TO STDOUT"), stdout=subprocess.PIPE,
                              env=world.client("source", "demo"))
    writer = subprocess.Popen(psql(world, f"COPY {table} FROM STDIN"), stdin=reader.stdout,
                              env=world.client("store", "bench"))
    reader.stdout.close()
    return reader, writer


def copied_in(world, queries, rows, columns):
    """L4: rows a second of these queries at once, each by psql into a logged table of its own."""
    tables = [f"copied{at}" for at in range(len(queries))]
    drop = f"DROP TABLE IF EXISTS {', '.join(tables)};"
    world.scratch(drop + "".join(f"CREATE TABLE {table} ({columns});" for table in tables))
    began = time.monotonic()
    pipes = [begin_pipe(world, query, table) for query, table in zip(queries, tables)]
    codes = [process.wait(600) for pipe in pipes for process in pipe]
    seconds = time.monotonic() - began
    world.scratch(drop)
    if any(codes):
        raise Unfit("psql could not copy")
    return rows / seconds


def keep_table(world, name, query, columns):
    """Rows of the source as a stored table of the store's server, for L5."""
    world.scratch(f"DROP TABLE IF EXISTS {name}; CREATE TABLE {name} ({columns});")
    if any(process.wait(600) for process in begin_pipe(world, query, name)):
        raise Unfit("psql could not copy")
    world.scratch(f"VACUUM (ANALYZE) {name};")


def copied_out(world, name, rows):
    """L5: rows a second of a stored table, read by psql."""
    began = time.monotonic()
    done = subprocess.run(psql(world, f"COPY {name} TO STDOUT"), stdout=subprocess.DEVNULL,
                          env=world.client("store", "bench"), timeout=600, check=False)
    if done.returncode != 0:
        raise Unfit("psql could not read")
    return rows / (time.monotonic() - began)


def copied_bytes(world, query):
    """What the rows of a query are as COPY's text."""
    with subprocess.Popen(psql(world, f"COPY ({query}) TO STDOUT"), stdout=subprocess.PIPE,
                          env=world.client("source", "demo")) as reader:
        return sum(len(piece) for piece in iter(lambda: reader.stdout.read(1 << 20), b""))
