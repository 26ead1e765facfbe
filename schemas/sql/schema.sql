-- schema.sql - which migrations a store has had. Asked before anything else is known about it.

-- Was this store ever migrated?
-- name: schema_known
SELECT to_regclass('schema_migration') IS NOT NULL;

-- One node at a time.
-- name: schema_lock
SELECT pg_advisory_lock(hashtext('millrace schema'));

-- name: schema_unlock
SELECT pg_advisory_unlock(hashtext('millrace schema'));

-- name: schema_table
CREATE TABLE IF NOT EXISTS schema_migration (
    number     integer PRIMARY KEY,
    name       text NOT NULL,
    hash       bytea NOT NULL, -- SHA-256 of the migration's text as it is embedded
    applied_at timestamptz NOT NULL DEFAULT now()
);

-- name: schema_list
SELECT number, name, hash FROM schema_migration ORDER BY number;

-- $1 number, $2 name, $3 hash
-- name: schema_add
INSERT INTO schema_migration (number, name, hash) VALUES ($1::integer, $2::text, $3::bytea);
