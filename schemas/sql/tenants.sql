-- tenants.sql - tenants, keys, sources and logins.

-- $1 name
-- name: tenant_add
INSERT INTO tenant (name) VALUES ($1::text) ON CONFLICT (name) DO NOTHING RETURNING name;

-- Is there such a tenant?
-- $1 name
-- name: tenant_find
SELECT name FROM tenant WHERE name = $1::text;

-- name: tenant_list
SELECT name, paused, weight, created_at FROM tenant ORDER BY name;

-- $1 key id, $2 hash, $3 tenant, $4 role, $5 lifetime in seconds or null
-- name: key_add
INSERT INTO api_key (key_id, secret_hash, tenant, role, expires_at)
VALUES ($1::text, $2::bytea, $3::text, $4::text, now() + make_interval(secs => $5::bigint))
RETURNING key_id;

-- A key that the operator gives. One that is there already, and valid, stays as it is (no row back); one
-- that was revoked or has expired is given anew.
-- $1 key id, $2 hash, $3 tenant, $4 role, $5 lifetime in seconds or null
-- name: key_give
INSERT INTO api_key AS k (key_id, secret_hash, tenant, role, expires_at)
VALUES ($1::text, $2::bytea, $3::text, $4::text, now() + make_interval(secs => $5::bigint))
ON CONFLICT (key_id) DO UPDATE
SET secret_hash = excluded.secret_hash, role = excluded.role, created_at = now(),
    expires_at = excluded.expires_at, revoked_at = NULL
WHERE k.revoked_at IS NOT NULL OR k.expires_at <= now()
RETURNING k.key_id;

-- $1 tenant, or null for all
-- name: key_list
SELECT key_id, tenant, role, created_at, expires_at, revoked_at
FROM api_key WHERE $1::text IS NULL OR tenant = $1::text ORDER BY tenant, created_at, key_id;

-- $1 key id
-- name: key_revoke
UPDATE api_key SET revoked_at = coalesce(revoked_at, now()) WHERE key_id = $1::text RETURNING key_id;

-- Who asks with this key: only keys that are valid now. With the tenant's default source.
-- $1 key id
-- name: key_find
SELECT k.secret_hash, k.tenant, k.role,
       (SELECT l.source FROM login l WHERE l.tenant = k.tenant ORDER BY l.ordinal LIMIT 1), k.key_id
FROM api_key k
WHERE k.key_id = $1::text AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now());

-- The same for a tenant's key of which only the secret is known, by the first 8 bytes of its hash (the
-- caller compares the rest).
-- $1 tenant, $2 first bytes of the hash
-- name: key_find_secret
SELECT k.secret_hash, k.tenant, k.role,
       (SELECT l.source FROM login l WHERE l.tenant = k.tenant ORDER BY l.ordinal LIMIT 1), k.key_id
FROM api_key k
WHERE k.tenant = $1::text AND substring(k.secret_hash FOR 8) = $2::bytea
  AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now())
LIMIT 1;

-- $1 name, $2 driver, $3 dsn
-- name: source_add
INSERT INTO source (name, driver, dsn) VALUES ($1::text, $2::text, $3::text)
ON CONFLICT (name) DO NOTHING RETURNING name;

-- name: source_list
SELECT name, driver, dsn, created_at FROM source ORDER BY name;

-- $1 name
-- name: source_find
SELECT driver, dsn FROM source WHERE name = $1::text;

-- $1 tenant, $2 alias, $3 source, $4 role, $5 sealed password
-- name: login_add
INSERT INTO login (tenant, alias, source, role, sealed)
VALUES ($1::text, $2::text, $3::text, $4::text, $5::bytea)
RETURNING alias;

-- $1 tenant, or null for all
-- name: login_list
SELECT tenant, alias, source, role, created_at
FROM login WHERE $1::text IS NULL OR tenant = $1::text ORDER BY tenant, ordinal;

-- $1 tenant, $2 alias
-- name: login_remove
DELETE FROM login WHERE tenant = $1::text AND alias = $2::text RETURNING alias;

-- What an executor needs to log in as a tenant.
-- $1 tenant, $2 source
-- name: login_find
SELECT s.driver, s.dsn, l.role, l.sealed
FROM login l JOIN source s ON s.name = l.source
WHERE l.tenant = $1::text AND l.source = $2::text
ORDER BY l.ordinal
LIMIT 1;

-- What a tenant may do on a source: its first login, or the one of this alias or source. Caps are the
-- smaller of both; those on results are followed by whether it is the source's.
-- $1 tenant, $2 alias or source; "": the first
-- name: terms_find
SELECT l.source, t.retention_s, least(t.statement_timeout_ms, s.statement_timeout_ms),
       least(t.queue_timeout_ms, s.queue_timeout_ms), least(t.deadline_ms, s.deadline_ms),
       least(t.max_rows, s.max_rows), coalesce(s.max_rows < t.max_rows, t.max_rows IS NULL),
       least(t.max_bytes, s.max_bytes), coalesce(s.max_bytes < t.max_bytes, t.max_bytes IS NULL)
FROM login l JOIN tenant t ON t.name = l.tenant JOIN source s ON s.name = l.source
WHERE l.tenant = $1::text AND ($2::text = '' OR l.alias = $2::text OR l.source = $2::text)
ORDER BY l.alias = $2::text DESC, l.ordinal
LIMIT 1;

-- Caps and defaults; null leaves one as it is, 0 takes it away.
-- $1 tenant, $2 retention s, $3 statement timeout ms, $4 queue timeout ms, $5 deadline ms, $6 rows,
-- $7 bytes
-- name: tenant_limit
UPDATE tenant
SET retention_s = nullif(coalesce($2::integer, retention_s), 0),
    statement_timeout_ms = nullif(coalesce($3::bigint, statement_timeout_ms), 0),
    queue_timeout_ms = nullif(coalesce($4::bigint, queue_timeout_ms), 0),
    deadline_ms = nullif(coalesce($5::bigint, deadline_ms), 0),
    max_rows = nullif(coalesce($6::bigint, max_rows), 0),
    max_bytes = nullif(coalesce($7::bigint, max_bytes), 0)
WHERE name = $1::text RETURNING name;

-- $1 source, $2 statement timeout ms, $3 queue timeout ms, $4 deadline ms, $5 rows, $6 bytes
-- name: source_limit
UPDATE source
SET statement_timeout_ms = nullif(coalesce($2::bigint, statement_timeout_ms), 0),
    queue_timeout_ms = nullif(coalesce($3::bigint, queue_timeout_ms), 0),
    deadline_ms = nullif(coalesce($4::bigint, deadline_ms), 0),
    max_rows = nullif(coalesce($5::bigint, max_rows), 0),
    max_bytes = nullif(coalesce($6::bigint, max_bytes), 0)
WHERE name = $1::text RETURNING name;
