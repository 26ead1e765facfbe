-- steps.sql - the steps of jobs that have several. A job of one step has no row here: its own says
-- all.

-- The steps of jobs that are submitted, in the transaction of submit.
-- $1 jobs, $2 steps, $3 texts, $4 conditions or null, $5 timeouts in ms or null, $6 templates
-- name: steps_add
INSERT INTO step (job, step, sql, condition, timeout_ms, template)
SELECT * FROM unnest($1::uuid[], $2::smallint[], $3::text[], $4::text[], $5::bigint[], $6::boolean[])
ON CONFLICT (job, step) DO NOTHING;

-- Manifests only where asked for; how large they are, always.
-- $1 job, $2 with manifests
-- name: steps_find
SELECT s.step, s.sql, s.condition, s.timeout_ms, s.template, s.state, s.attempt, s.started_at,
       s.ended_at, s.rows, s.bytes, s.pages, s.executing_us, s.sqlstate, s.error, s.error_detail,
       s.error_hint, s.error_position, s.leaves, CASE WHEN $2::boolean THEN s.manifest END,
       coalesce(octet_length(s.manifest), 0),
       s.raw_bytes, s.truncated
FROM step s WHERE s.job = $1::uuid
UNION ALL
SELECT k.step, k.sql, k.condition, k.timeout_ms, k.template, k.state, k.attempt, k.started_at,
       k.ended_at, k.rows, k.bytes, k.pages, k.executing_us, k.sqlstate, k.error, k.error_detail,
       k.error_hint, k.error_position, k.leaves, CASE WHEN $2::boolean THEN k.manifest END,
       coalesce(octet_length(k.manifest), 0),
       k.raw_bytes, k.truncated
FROM kept_step k WHERE k.job = $1::uuid
ORDER BY 1;

-- One move of a step, under the job's attempt: from a state to another (job_may_move()). A repeat
-- after a lost answer finds it moved, and is answered alike. No row back: fenced out, or the step was
-- not in that state.
-- $1 job, $2 attempt, $3 step, $4 from, $5 to, $6 rows, $7 bytes, $8 pages, $9 executing us,
-- $10 sqlstate, $11 error, $12 detail, $13 hint, $14 position, $15 leaves, $16 manifest,
-- $17 attempt that its pages are of, $18 bytes before compression, $19 was something left out?
-- name: step_move
UPDATE step s
SET state = $5::text, attempt = $17::integer,
    started_at = CASE WHEN $5::text = 'running' AND NOT (s.state = $5::text AND s.attempt = $17::integer)
                      THEN now() ELSE s.started_at END,
    ended_at = CASE WHEN $5::text IN ('pending', 'running') THEN NULL
                    WHEN s.state = $5::text THEN s.ended_at ELSE now() END,
    rows = $6::bigint, bytes = $7::bigint, pages = $8::integer, executing_us = $9::bigint,
    sqlstate = $10::text, error = $11::text, error_detail = $12::text, error_hint = $13::text,
    error_position = $14::integer, leaves = $15::text, manifest = $16::bytea,
    raw_bytes = $18::bigint, truncated = $19::boolean
FROM (SELECT id, attempt FROM live
      WHERE id = $1::uuid AND attempt = $2::integer AND state = 'running' AND NOT recovering
      FOR SHARE) l
WHERE s.job = $1::uuid AND s.step = $3::smallint AND l.id = s.job
  AND (s.state = $4::text OR (s.state = $5::text AND s.attempt = $17::integer))
RETURNING s.job;

-- Conditional steps that never ran, when their job ends: in the transaction of finish, and before it.
-- $1 jobs, $2 attempts
-- name: steps_skip
UPDATE step s SET state = 'skipped'
FROM (SELECT l.id
      FROM (SELECT * FROM unnest($1::uuid[], $2::integer[]) AS f (id, attempt)
            LIMIT cardinality($1::uuid[])) f
      JOIN live l ON l.id = f.id AND l.attempt = f.attempt AND l.state = 'running') l
WHERE s.job = l.id AND s.state = 'pending' AND s.condition IS NOT NULL;
