"""One SQL statement on a server of a cluster."""
import contextlib

import psycopg2


def ask(dsn, sql, *values):
    """The rows of a statement in a transaction of its own, over a connection of its own."""
    with contextlib.closing(psycopg2.connect(dsn, connect_timeout=5)) as server:
        server.autocommit = True
        with server.cursor() as cursor:
            cursor.execute(sql, values or None)
            return cursor.fetchall() if cursor.description else []
