-- ledger.sql - what `millrace source prepare` puts into a data source, as its owner, in one transaction.
--
-- A step that wrote leaves a marker here, last in its own transaction: marker and effects are there
-- together, or not at all, whatever becomes of the executor, the server or its history. The key lets
-- one attempt of a step commit; role is part of it, so that no tenant can forge another's marker. Tenants reach the table only through the two functions.

CREATE SCHEMA IF NOT EXISTS millrace;

CREATE TABLE IF NOT EXISTS millrace.ledger (
    role      name NOT NULL, -- who logged in
    job       uuid NOT NULL,
    step      integer NOT NULL,
    marked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (role, job, step)
);
CREATE INDEX IF NOT EXISTS ledger_age ON millrace.ledger (role, marked_at);

-- The transaction's id, if it wrote anything; then its marker is in. Markers older than any job may
-- become go, a few at a time.
CREATE OR REPLACE FUNCTION millrace.mark(job uuid, step integer) RETURNS xid8
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    id xid8 := pg_current_xact_id_if_assigned();
BEGIN
    IF id IS NULL THEN
        RETURN NULL;
    END IF;
    DELETE FROM millrace.ledger l
    WHERE (l.role, l.job, l.step) IN (
        SELECT o.role, o.job, o.step FROM millrace.ledger o
        WHERE o.role = session_user AND o.marked_at < clock_timestamp() - interval '30 days'
        ORDER BY o.marked_at LIMIT 4 FOR UPDATE SKIP LOCKED);
    INSERT INTO millrace.ledger (role, job, step) VALUES (session_user, mark.job, mark.step);
    RETURN id;
END
$$;

-- Did this step take effect?
CREATE OR REPLACE FUNCTION millrace.marked(job uuid, step integer) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    SELECT EXISTS (SELECT 1 FROM millrace.ledger l
                   WHERE l.role = session_user AND l.job = marked.job AND l.step = marked.step)
$$;

REVOKE ALL ON SCHEMA millrace FROM PUBLIC;
REVOKE ALL ON millrace.ledger FROM PUBLIC;
GRANT USAGE ON SCHEMA millrace TO PUBLIC;
GRANT EXECUTE ON FUNCTION millrace.mark(uuid, integer) TO PUBLIC;
GRANT EXECUTE ON FUNCTION millrace.marked(uuid, integer) TO PUBLIC;
