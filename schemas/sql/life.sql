-- life.sql - what people and clocks do to a job: cancel it, edit it, run out, keep it longer, remove it.
-- Every move names the state that it leaves, and finds nothing when the job has moved before.

-- Stop a job: one that no executor has is over at once, its totals those of its steps that are done
-- (first column); one that an executor has, or
-- had, is asked to stop (second column). Neither: it is final, or not there, or it moved at this very
-- moment (third column): look again.
-- $1 id, $2 tenant, $3 error of one that was never taken up, $4 of one that was handed back
-- name: cancel
WITH gone AS (
    DELETE FROM live WHERE id = $1::uuid AND tenant || '' = $2::text AND state = 'pending'
    RETURNING *
), asked AS (
    UPDATE live SET cancel_at = coalesce(cancel_at, now()), version = version + 1
    WHERE id = $1::uuid AND tenant || '' = $2::text AND state = 'running'
    RETURNING id
), cleared AS (
    DELETE FROM outcome WHERE job = $1::uuid AND EXISTS (SELECT 1 FROM gone)
), stepped AS (
    UPDATE step
    SET state = CASE WHEN state = 'running' THEN 'cancelled' ELSE 'skipped' END,
        ended_at = CASE WHEN state = 'running' THEN now() END
    WHERE job = $1::uuid AND (state = 'running' OR (state = 'pending' AND condition IS NOT NULL))
      AND EXISTS (SELECT 1 FROM gone WHERE steps > 1)
), put AS (
    INSERT INTO job (id, tenant, source, dialect, priority, created_at, sql, steps, options,
                     retention_s, state, attempt, tries, owner, started_at, first_page_at, ended_at,
                     expires_at, bucket, rows, bytes, pages, planning_us, executing_us, storing_us,
                     error)
    SELECT g.id, g.tenant, g.source, g.dialect, g.priority, g.created_at, g.sql, g.steps, g.options,
           g.retention_s, 'cancelled', g.attempt, g.tries, NULL, NULL, NULL, now(),
           now() + make_interval(secs => g.retention_s), g.bucket, s.rows, s.bytes, s.pages, 0,
           s.executing_us, 0, CASE WHEN g.attempt = 0 THEN $3::text ELSE $4::text END
    FROM gone g CROSS JOIN LATERAL (
        SELECT coalesce(sum(rows), 0)::bigint AS rows, coalesce(sum(bytes), 0)::bigint AS bytes,
               coalesce(sum(pages), 0)::integer AS pages,
               coalesce(sum(executing_us), 0)::bigint AS executing_us
        FROM step WHERE job = g.id AND g.steps > 1 AND state = 'done') s
    RETURNING id
)
SELECT EXISTS (SELECT 1 FROM put), EXISTS (SELECT 1 FROM asked),
       EXISTS (SELECT 1 FROM live WHERE id = $1::uuid AND tenant || '' = $2::text);

-- Give a job that waits other texts and another note. All else stays, also the time that its order
-- allows a statement: behind that of its one step, where this has one, it is kept apart. One that begins
-- anew after a step was over, or of which a COMMIT may have been sent, keeps what it has; so does one
-- that was claimed since this statement began, whatever became of the claim. Done now (first column), or
-- by this very edit before, the answer to which was lost (second).
-- $1 id, $2 tenant, $3 text, $4 steps, $5 note or null, $6 moment in ms, which tells the edit from others,
-- $7 timeout of the one step in ms or null, and of several: $8 texts, $9 conditions or null, $10 timeouts
-- in ms or null, $11 templates
-- name: edit
WITH edited AS (
    UPDATE live l
    SET sql = $3::text, steps = $4::smallint, version = l.version + 1,
        options = (coalesce(l.options, '{}')
                   - '{note,edited_ms,statement_timeout_ms,order_timeout_ms}'::text[])
                  || jsonb_strip_nulls(jsonb_build_object(
                         'note', $5::text, 'edited_ms', $6::bigint,
                         'statement_timeout_ms', coalesce($7::bigint, nullif(was.timeout_ms, 0)),
                         'order_timeout_ms', CASE WHEN $7::bigint > 0 THEN was.timeout_ms END))
    FROM (SELECT w.id, w.attempt,
                 coalesce((w.options ->> 'order_timeout_ms')::bigint,
                          (w.options ->> 'statement_timeout_ms')::bigint, 0) AS timeout_ms
          FROM live w WHERE w.id = $1::uuid LIMIT 1) was
    WHERE l.id = was.id AND l.attempt = was.attempt AND l.tenant || '' = $2::text
      AND l.state = 'pending' AND l.cancel_at IS NULL
      AND NOT EXISTS (SELECT 1 FROM outcome o WHERE o.job = $1::uuid)
      AND NOT EXISTS (SELECT 1 FROM step s
                      WHERE s.job = $1::uuid AND s.state <> 'pending' AND s.state <> 'running')
    RETURNING l.id
), gone AS (
    DELETE FROM step
    WHERE job = $1::uuid AND step >= cardinality($8::text[]) AND EXISTS (SELECT 1 FROM edited)
), put AS (
    INSERT INTO step (job, step, sql, condition, timeout_ms, template)
    SELECT $1::uuid, i.n - 1, i.sql, i.condition, i.timeout_ms, i.template
    FROM unnest($8::text[], $9::text[], $10::bigint[], $11::boolean[])
             WITH ORDINALITY AS i (sql, condition, timeout_ms, template, n)
    WHERE EXISTS (SELECT 1 FROM edited)
    ON CONFLICT (job, step) DO UPDATE
    SET sql = excluded.sql, condition = excluded.condition, timeout_ms = excluded.timeout_ms,
        template = excluded.template, state = 'pending', attempt = 0, started_at = NULL
)
SELECT EXISTS (SELECT 1 FROM edited),
       EXISTS (SELECT 1 FROM live WHERE id = $1::uuid AND tenant || '' = $2::text
                                    AND options ->> 'edited_ms' = $6::bigint::text)
       OR EXISTS (SELECT 1 FROM job WHERE id = $1::uuid AND tenant || '' = $2::text
                                      AND options ->> 'edited_ms' = $6::bigint::text);

-- End jobs whose clock ran out while no executor had them: those that were never taken up in time,
-- and those whose deadline passed; one that was lost in the midst of its COMMIT ends unknown, but not
-- before executors have had a minute to ask its source: who claims an overdue job decides it, and runs
-- nothing. And those that were asked to stop while an executor was handing them back. A job that moved
-- since it was looked at stays: its attempt tells.
-- $1 deadline in ms of jobs that have none of their own, $2 most of each kind, $3 error of a queue
-- timeout, $4 of a deadline, $5 of an unknown outcome, $6 of a cancelled one
-- name: sweep_overdue
WITH late AS (
    (SELECT id, attempt, 'queue' AS clock FROM live
     WHERE queue_until < now() AND state = 'pending' AND tries = 0
     ORDER BY queue_until LIMIT $2::bigint)
    UNION ALL
    (SELECT id, attempt, 'deadline' FROM live
     WHERE deadline_at < now()
       AND (state = 'pending' OR (recovering AND deadline_at < now() - interval '1 minute'))
     ORDER BY deadline_at LIMIT $2::bigint)
    UNION ALL
    (SELECT id, attempt, 'deadline' FROM live
     WHERE id < id_edge(now() - make_interval(secs => $1::bigint / 1000.0)) AND deadline_at IS NULL
       AND (state = 'pending'
            OR (recovering
                AND id < id_edge(now() - make_interval(secs => $1::bigint / 1000.0 + 60))))
     ORDER BY id LIMIT $2::bigint)
    UNION ALL
    (SELECT id, attempt, 'cancel' FROM live
     WHERE cancel_at IS NOT NULL AND state = 'pending'
     ORDER BY id LIMIT $2::bigint)
), told AS (
    SELECT l.id, l.attempt, min(l.clock) AS clock,
           (SELECT o.step FROM outcome o WHERE o.job = l.id ORDER BY o.step DESC LIMIT 1) AS in_doubt
    FROM late l GROUP BY l.id, l.attempt
), gone AS (
    DELETE FROM live l USING (SELECT * FROM told LIMIT 4 * $2::bigint) t
    WHERE l.id = t.id AND l.attempt = t.attempt AND (l.state = 'pending' OR l.recovering)
    RETURNING l.*, t.clock, t.in_doubt
), judged AS (
    SELECT g.*,
           CASE WHEN g.recovering AND g.in_doubt IS NOT NULL
                     AND coalesce((SELECT s.state = 'running' FROM step s
                                   WHERE s.job = g.id AND s.step = g.in_doubt AND g.steps > 1), true)
                THEN 'unknown' WHEN g.clock = 'cancel' THEN 'cancelled' ELSE 'timed_out' END
               AS final_state
    FROM gone g
), cleared AS (
    DELETE FROM outcome o WHERE o.job IN (SELECT id FROM gone)
), stepped AS (
    UPDATE step s
    SET state = CASE WHEN s.state = 'pending' THEN 'skipped'
                     WHEN j.final_state <> 'unknown' OR s.step = j.in_doubt THEN j.final_state
                     ELSE 'timed_out' END,
        ended_at = CASE WHEN s.state = 'running' THEN now() END
    FROM judged j
    WHERE s.job = j.id AND j.steps > 1
      AND (s.state = 'running' OR (s.state = 'pending' AND s.condition IS NOT NULL))
)
INSERT INTO job (id, tenant, source, dialect, priority, created_at, sql, steps, options, retention_s,
                 state, attempt, tries, owner, started_at, first_page_at, ended_at, expires_at,
                 bucket, rows, bytes, pages, planning_us, executing_us, storing_us, error)
SELECT j.id, j.tenant, j.source, j.dialect, j.priority, j.created_at, j.sql, j.steps, j.options,
       j.retention_s, j.final_state, j.attempt, j.tries, j.owner, j.started_at, j.first_page_at,
       now(), now() + make_interval(secs => j.retention_s), j.bucket, s.rows, s.bytes, s.pages, 0,
       s.executing_us, 0,
       CASE WHEN j.final_state = 'unknown' THEN $5::text WHEN j.final_state = 'cancelled' THEN $6::text
            WHEN j.clock = 'queue' THEN $3::text ELSE $4::text END
FROM judged j CROSS JOIN LATERAL (
    SELECT coalesce(sum(rows), 0)::bigint AS rows, coalesce(sum(bytes), 0)::bigint AS bytes,
           coalesce(sum(pages), 0)::integer AS pages,
           coalesce(sum(executing_us), 0)::bigint AS executing_us
    FROM step WHERE job = j.id AND j.steps > 1 AND state = 'done') s
RETURNING id, tenant, state;

-- --- idempotency keys ---

-- Take these keys for these jobs; one that is taken already stays as it is, and has no row back.
-- $1 tenants, $2 key hashes, $3 request hashes, $4 jobs
-- name: keys_take
INSERT INTO dedup (tenant, kind, key_hash, request_hash, job)
SELECT i.tenant, 'token', i.key_hash, i.request_hash, i.job
FROM unnest($1::text[], $2::bytea[], $3::bytea[], $4::uuid[]) AS i (tenant, key_hash, request_hash, job)
ON CONFLICT (tenant, kind, key_hash) DO NOTHING
RETURNING job;

-- Whose are they now? And is that job's row over? Then it never comes back: key and job are written in
-- one transaction, and one look finds a job wherever it is.
-- $1 tenants, $2 key hashes
-- name: keys_find
SELECT q.n, d.job, d.request_hash,
       NOT EXISTS (SELECT 1 FROM live l WHERE l.id = d.job)
       AND NOT EXISTS (SELECT 1 FROM job j
                       WHERE j.id = d.job AND j.expires_at > now() - interval '7 days')
       AND NOT EXISTS (SELECT 1 FROM kept k
                       WHERE k.id = d.job AND k.expires_at > now() - interval '7 days')
FROM (SELECT * FROM unnest($1::text[], $2::bytea[]) WITH ORDINALITY AS q (tenant, key_hash, n)
      LIMIT cardinality($1::text[])) q
JOIN dedup d ON d.tenant = q.tenant AND d.kind = 'token' AND d.key_hash = q.key_hash;

-- Take a key over from a job whose row is over, unless somebody else was faster: no row back, then.
-- $1 tenant, $2 key hash, $3 request hash, $4 job, $5 the job that had it
-- name: key_inherit
UPDATE dedup SET request_hash = $3::bytea, job = $4::uuid
WHERE tenant = $1::text AND kind = 'token' AND key_hash = $2::bytea AND job = $5::uuid
RETURNING job;

-- --- queue keys ---

-- May one more job with this queue key come, in the transaction that stores it?
-- $1 tenant, $2 queue key, $3 most that may wait, $4 the job
-- name: queue_key_room
SELECT queue_key_room($1::text, $2::text, $3::bigint, $4::uuid);

-- --- results: longer, or no more ---

-- Keep a final job's results for so long from now on. No row back: not final, expired, or not there.
-- $1 id, $2 tenant, $3 seconds, or null for the job's own retention
-- name: renew
UPDATE job SET expires_at = now() + make_interval(secs => coalesce($3::integer, retention_s)),
               retention_s = coalesce($3::integer, retention_s)
WHERE id = $1::uuid AND tenant || '' = $2::text AND expires_at > now()
RETURNING expires_at;

-- The same for a long-lived one.
-- $1 id, $2 tenant, $3 seconds or null
-- name: renew_kept
UPDATE kept SET expires_at = now() + make_interval(secs => coalesce($3::integer, retention_s)),
                retention_s = coalesce($3::integer, retention_s)
WHERE id = $1::uuid AND tenant || '' = $2::text AND expires_at > now()
RETURNING expires_at;

-- A final job is to be removed: from now on its results read as expired. The bucket says where its
-- pages are. No row back: not there, or it moved from job to kept at this very moment: look again.
-- $1 id, $2 tenant
-- name: remove_begin
WITH j AS (
    UPDATE job SET expires_at = least(expires_at, now())
    WHERE id = $1::uuid AND tenant || '' = $2::text AND expires_at > now() - interval '7 days'
    RETURNING bucket
), k AS (
    UPDATE kept SET expires_at = least(expires_at, now())
    WHERE id = $1::uuid AND tenant || '' = $2::text AND expires_at > now() - interval '7 days'
    RETURNING bucket
)
SELECT bucket FROM j UNION ALL SELECT bucket FROM k;

-- A part of its pages. No row back: there are no more.
-- $1 bucket, $2 id, $3 how many
-- name: remove_pages
DELETE FROM page
WHERE bucket = $1::timestamptz AND job = $2::uuid
  AND (step, attempt, result, first_row) IN (
      SELECT step, attempt, result, first_row FROM page
      WHERE bucket = $1::timestamptz AND job = $2::uuid LIMIT $3::bigint)
RETURNING 1;

-- All else that names it. No row back: as in remove_begin.
-- $1 id, $2 tenant
-- name: remove_end
WITH gone AS (
    DELETE FROM job WHERE id = $1::uuid AND tenant || '' = $2::text RETURNING id
), kept_gone AS (
    DELETE FROM kept WHERE id = $1::uuid AND tenant || '' = $2::text RETURNING id
), steps AS (
    DELETE FROM step WHERE job = $1::uuid AND job IN (SELECT id FROM gone)
), kept_steps AS (
    DELETE FROM kept_step WHERE job = $1::uuid AND job IN (SELECT id FROM kept_gone)
), keys AS (
    DELETE FROM dedup WHERE job = $1::uuid
                        AND job IN (SELECT id FROM gone UNION ALL SELECT id FROM kept_gone)
), tags AS (
    DELETE FROM tag WHERE job = $1::uuid
                      AND job IN (SELECT id FROM gone UNION ALL SELECT id FROM kept_gone)
)
SELECT id FROM gone UNION ALL SELECT id FROM kept_gone;
