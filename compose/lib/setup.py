"""What a cluster is filled with: databases and roles, tenants, keys, sources, logins."""
import json
import secrets

import dsn
import programs
from cluster import source_role
from nodes import server_parts
from postgres import literal, name, psql

STORE_SQL = """
SELECT 'CREATE ROLE millrace LOGIN'
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'millrace') \\gexec
ALTER ROLE millrace PASSWORD {password};
SELECT 'CREATE DATABASE millrace OWNER millrace'
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'millrace') \\gexec
REVOKE CONNECT, TEMPORARY ON DATABASE postgres, template1, millrace FROM PUBLIC;
"""

SOURCE_SQL = """
SELECT 'CREATE DATABASE demo'
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'demo') \\gexec
REVOKE CONNECT, TEMPORARY ON DATABASE postgres, template1, demo FROM PUBLIC;
"""

CATALOGUE_SQL = """
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
CREATE SCHEMA IF NOT EXISTS catalogue;
"""

TENANT_SQL = """
SELECT 'CREATE ROLE {role} LOGIN'
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = {role_text}) \\gexec
ALTER ROLE {role} PASSWORD {password};
GRANT CONNECT, TEMPORARY ON DATABASE demo TO {role};
CREATE SCHEMA IF NOT EXISTS {role} AUTHORIZATION {role};
GRANT USAGE ON SCHEMA catalogue TO {role};
ALTER ROLE {role} IN DATABASE demo SET search_path = {role}, catalogue;
"""

# What the store knows already, as one JSON text.
KNOWN_SQL = """
SELECT json_build_object(
    'tenants', (SELECT coalesce(json_agg(name), '[]') FROM tenant),
    'keys', (SELECT coalesce(json_agg(key_id), '[]') FROM api_key WHERE revoked_at IS NULL),
    'sources', (SELECT coalesce(json_object_agg(name, dsn), '{}') FROM source),
    'logins', (SELECT coalesce(json_agg(tenant || '/' || alias), '[]') FROM login));
"""


def store_database(cluster, state):
    psql(server_parts(cluster, state, "store"),
         STORE_SQL.format(password=literal(state["passwords"]["millrace"])))


def source_database(cluster, state):
    """The database `demo` with a login role and a schema for each tenant."""
    psql(server_parts(cluster, state, "source"), SOURCE_SQL)
    script = CATALOGUE_SQL
    for tenant in state["tenants"]:
        role = source_role(tenant["name"])
        script += TENANT_SQL.format(role=name(role), role_text=literal(role),
                                    password=literal(tenant["password"]))
    psql(server_parts(cluster, state, "source", "demo"), script)


def enter_tenants(state, names):
    """Tenants of the cluster, in the state: old ones stay, with what is known of them."""
    known = {tenant["name"] for tenant in state["tenants"]}
    for one in names:
        if one not in known:
            known.add(one)
            state["tenants"].append({"name": one, "password": secrets.token_hex(16)})


class Admin:
    """The store's registers, written through the `millrace` command line."""

    def __init__(self, cluster, state):
        self.folder = state["programs"]
        self.store = state["store_for_nodes"]
        self.seal_key = cluster.path("seal.key")
        self.known = {}

    def run(self, *argv, secret=None):
        return programs.millrace(self.folder, self.store, argv, secret)

    def migrate(self):
        self.run("store", "migrate")
        self.known = json.loads(psql(dsn.parse(self.store), KNOWN_SQL))

    def tenant(self, tenant):
        """Register it, and see that its key is one that the store knows."""
        if tenant["name"] not in self.known["tenants"]:
            self.run("tenant", "add", tenant["name"])
        if tenant.get("key_id") not in self.known["keys"]:
            made = json.loads(self.run("key", "add", tenant["name"], "--json"))
            tenant.update({key: made[key] for key in ("key_id", "key_secret", "api_key")})

    def source(self, source, where):
        """Register it, or put it right: a server's port may be another than the last time."""
        old = self.known["sources"].get(source)
        if old is None:
            self.run("source", "add", source, where)
        elif old != where:
            psql(dsn.parse(self.store), f"UPDATE source SET dsn = {literal(where)} "
                                        f"WHERE name = {literal(source)};")

    def ledger(self, source, role, password):
        """What lets commits on it be decided after its history changed."""
        self.run("source", "prepare", source, "--as", role, secret=password)

    def login(self, tenant, source, role, password, again=False):
        if f"{tenant}/{source}" in self.known["logins"]:
            if not again:
                return
            self.run("login", "remove", tenant, source)
        self.run("login", "add", tenant, source, role, "--alias", source, "--seal-key",
                 self.seal_key, secret=password)


def registers(cluster, state, sources):
    """Everything of the above, in order. `sources`: {name: parsed DSN} of --source."""
    admin = Admin(cluster, state)
    admin.migrate()
    for tenant in state["tenants"]:
        admin.tenant(tenant)
    admin.source("demo", dsn.keywords({"host": cluster.sockets, "port": state["ports"]["source"],
                                       "dbname": "demo"}))
    if state.get("ledger"):
        owner = server_parts(cluster, state, "source", "demo")
        admin.ledger("demo", owner["user"], owner.get("password", ""))
    for tenant in state["tenants"]:
        admin.login(tenant["name"], "demo", source_role(tenant["name"]), tenant["password"])
    for source, parts in sources.items():
        where = {key: value for key, value in parts.items() if key not in ("user", "password")}
        admin.source(source, dsn.keywords(where))
        admin.login("demo", source, parts["user"], parts.get("password", ""), again=True)
