"""The ceilings: what this machine and this PostgreSQL can do, without Millrace."""
import contextlib
import os
import re
import subprocess
import time

from world import Unfit

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

ROW_SQL = ("SELECT i AS id, i % 1000 AS bucket, md5(i::text) AS word, "
           "timestamptz '2024-01-01 00:00:00.123456+00' + i * interval '1 second' AS at, "
           "(i * 1.37)::numeric(18,6) AS amount FROM generate_series(1, {rows}) AS i")

ROW_TABLE = ("DROP TABLE IF EXISTS copied; CREATE TABLE copied (id int, bucket int, word text, "
             "at timestamptz, amount numeric);")


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


def copied_rows(world, rows):
    """L4: rows a second from the source into a logged table of the store's server, by psql."""
    world.scratch(ROW_TABLE)
    query = ROW_SQL.format(rows=rows)
    psql = [world.tool("psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-c"]
    began = time.monotonic()
    with subprocess.Popen([*psql, f"COPY ({query}) TO STDOUT"], stdout=subprocess.PIPE,
                          env=world.client("source", "demo")) as reader:
        done = subprocess.run([*psql, "COPY copied FROM STDIN"], stdin=reader.stdout,
                              env=world.client("store", "bench"), timeout=600, check=False)
        reader.stdout.close()
        if reader.wait(60) != 0 or done.returncode != 0:
            raise Unfit("psql could not copy")
    seconds = time.monotonic() - began
    world.scratch("DROP TABLE copied;")
    return rows / seconds
