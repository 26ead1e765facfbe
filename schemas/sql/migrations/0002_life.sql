-- 0002: a job's life: clocks, several steps, how an outcome is proved, caps.

-- Clocks of a job that is not final, as moments of this server's clock: until when it may wait to be
-- taken up for the first time, and until when it must be over. Null: none, or, for the deadline, the
-- cluster's default. Both never change, and so may have an index.
ALTER TABLE live ADD COLUMN queue_until timestamptz, ADD COLUMN deadline_at timestamptz;
CREATE INDEX live_queue_until ON live (queue_until) WHERE queue_until IS NOT NULL;
CREATE INDEX live_deadline ON live (deadline_at) WHERE deadline_at IS NOT NULL;

-- Jobs that were asked to stop, for the sweep.
CREATE INDEX live_cancelled ON live (id) WHERE cancel_at IS NOT NULL;

-- A tenant's queue is read source by source: one that is away must not hide the others.
DROP INDEX live_queue;
CREATE INDEX live_queue ON live (tenant, source, priority DESC, id);

-- What a job may ask for at most, and how long results are kept when it does not say. Null: no cap.
ALTER TABLE tenant
    ADD COLUMN retention_s integer CHECK (retention_s > 0),
    ADD COLUMN statement_timeout_ms bigint CHECK (statement_timeout_ms > 0),
    ADD COLUMN queue_timeout_ms bigint CHECK (queue_timeout_ms > 0),
    ADD COLUMN deadline_ms bigint CHECK (deadline_ms > 0);
ALTER TABLE source
    ADD COLUMN statement_timeout_ms bigint CHECK (statement_timeout_ms > 0),
    ADD COLUMN queue_timeout_ms bigint CHECK (queue_timeout_ms > 0),
    ADD COLUMN deadline_ms bigint CHECK (deadline_ms > 0);

-- Steps: whether its text is a template, what it left behind in its session, and its clock.
ALTER TABLE step
    ADD COLUMN template boolean NOT NULL DEFAULT false,
    ADD COLUMN leaves text,
    ADD COLUMN bytes bigint NOT NULL DEFAULT 0,
    ADD COLUMN pages integer NOT NULL DEFAULT 0,
    ADD COLUMN executing_us bigint NOT NULL DEFAULT 0;

-- Steps of jobs in kept. Same shape as step.
CREATE TABLE kept_step (LIKE step INCLUDING DEFAULTS INCLUDING CONSTRAINTS,
                        PRIMARY KEY (job, step));

-- How the source can be asked whether a COMMIT took effect: 'ledger', a marker in the same
-- transaction; 'barrier', its id, which was made durable before COMMIT; 'none', not at all.
ALTER TABLE outcome ADD COLUMN proof text NOT NULL DEFAULT 'none';

-- The smallest job id of a moment.
CREATE FUNCTION id_edge(moment timestamptz) RETURNS uuid
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT (lpad(to_hex((extract(epoch FROM moment) * 1000)::bigint), 12, '0')
            || repeat('0', 20))::uuid
$$;
