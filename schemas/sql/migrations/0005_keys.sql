-- 0005: queue keys.

-- Whose turn it is in the line of a queue key: the job that was claimed last. As long as that job is in
-- live, no other of its key may be claimed, whatever state it is in; when it is over, the row says
-- nothing, and waits for the next one or for the sweep that takes it away.
CREATE TABLE queue_holder (
    tenant    text NOT NULL,
    queue_key text NOT NULL,
    job       uuid NOT NULL,
    PRIMARY KEY (tenant, queue_key)
) WITH (fillfactor = 50);

-- Jobs with a queue key are found by live_queue_key, line by line: ten thousand of one key must not
-- stand before the others of their tenant.
DROP INDEX live_queue;
CREATE INDEX live_queue ON live (tenant, source, priority DESC, id) WHERE queue_key IS NULL;

-- May this job be claimed now, as one of its queue key? Then the key is its own from here on. No other
-- claim looks at this key until the transaction ends: one that tries meanwhile is told no, and waits for
-- nothing. Each query below sees what was committed up to its own beginning, so also what a claim did
-- that had this key before. READ COMMITTED only.
CREATE FUNCTION queue_key_take(of_tenant text, of_key text, taker uuid) RETURNS boolean
LANGUAGE plpgsql
AS $$
DECLARE
    holder uuid;
BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtextextended(of_tenant || '/' || of_key, 0)) THEN
        RETURN false;
    END IF;
    SELECT h.job INTO holder FROM queue_holder h WHERE h.tenant = of_tenant AND h.queue_key = of_key;
    IF holder = taker THEN
        RETURN true;
    END IF;
    IF EXISTS (SELECT 1 FROM live l WHERE l.id = holder)
       OR EXISTS (SELECT 1 FROM live l
                  WHERE l.tenant = of_tenant AND l.queue_key = of_key AND l.id < taker) THEN
        RETURN false;
    END IF;
    INSERT INTO queue_holder (tenant, queue_key, job) VALUES (of_tenant, of_key, taker)
    ON CONFLICT (tenant, queue_key) DO UPDATE SET job = excluded.job;
    RETURN true;
END
$$;
