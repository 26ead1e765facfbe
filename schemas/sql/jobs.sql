-- jobs.sql - submitting, claiming, finishing and finding jobs.
--
-- Plans must not depend on statistics: node sessions switch sequential scans, bitmap scans, hash and
-- merge joins, materialisation and memoize off, and each statement here reaches hot tables by index
-- only (tests/check/test_sql.c looks at every plan on an empty store). Per-row data comes in as
-- arrays of one length, in the order of ids. Where it is joined to a table it stands behind a LIMIT
-- of its own length: the planner takes that for one row, and so begins with it and looks each row up
-- by key, in that order, instead of comparing everything with everything.

-- Jobs that arrive together, in one statement. A job's id tells when it was created, by this server's
-- clock: the time on record says the same.
-- $1 ids, $2 tenants, $3 sources, $4 dialects, $5 priorities, $6 texts, $7 retention seconds,
-- $8 milliseconds of the ids, $9 steps, $10 options or null, $11 queue timeouts in ms or null,
-- $12 deadlines in ms or null, $13 queue keys or null
-- name: submit
INSERT INTO live (id, tenant, source, dialect, priority, sql, retention_s, created_at, steps,
                  options, queue_until, deadline_at, queue_key)
SELECT i.id, i.tenant, i.source, i.dialect, i.priority, i.sql, i.retention_s,
       to_timestamp(i.created_ms / 1000.0::float8), i.steps, i.options::jsonb,
       to_timestamp((i.created_ms + i.queue_ms) / 1000.0::float8),
       to_timestamp((i.created_ms + i.deadline_ms) / 1000.0::float8),
       i.queue_key
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::smallint[], $6::text[],
            $7::integer[], $8::bigint[], $9::smallint[], $10::text[], $11::bigint[], $12::bigint[],
            $13::text[])
         AS i (id, tenant, source, dialect, priority, sql, retention_s, created_ms, steps, options,
               queue_ms, deadline_ms, queue_key)
ON CONFLICT (id) DO NOTHING;

-- A submit's answer was lost with its connection. Its statement may still be at work in the server,
-- and must not come to its end behind the repeat's: it looks at live only, and would begin a job anew
-- that is over by then. So its session goes first. No row back: it is gone; false: it may be going:
-- ask again. The one that asks is of the same program, and never the one that is meant, though a
-- server that was begun anew may give both the same number.
-- $1 its backend's pid, $2 most ms to wait for its end
-- name: session_end
SELECT pg_terminate_backend(a.pid, $2::bigint)
FROM pg_stat_get_activity(pg_backend_pid()) me
JOIN pg_stat_get_activity($1::integer) a
    ON a.usesysid = me.usesysid AND a.datid = me.datid AND a.application_name = me.application_name
WHERE a.pid <> me.pid;

-- The same after a lost answer, behind session_end: what was stored then may be over by now, and must
-- not begin anew. One look at both places: a job is in one of them at any moment. Parameters as
-- submit's.
-- name: submit_again
INSERT INTO live (id, tenant, source, dialect, priority, sql, retention_s, created_at, steps,
                  options, queue_until, deadline_at, queue_key)
SELECT i.id, i.tenant, i.source, i.dialect, i.priority, i.sql, i.retention_s,
       to_timestamp(i.created_ms / 1000.0::float8), i.steps, i.options::jsonb,
       to_timestamp((i.created_ms + i.queue_ms) / 1000.0::float8),
       to_timestamp((i.created_ms + i.deadline_ms) / 1000.0::float8),
       i.queue_key
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::smallint[], $6::text[],
            $7::integer[], $8::bigint[], $9::smallint[], $10::text[], $11::bigint[], $12::bigint[],
            $13::text[])
         AS i (id, tenant, source, dialect, priority, sql, retention_s, created_ms, steps, options,
               queue_ms, deadline_ms, queue_key)
WHERE NOT EXISTS (SELECT 1 FROM live l WHERE l.id = i.id)
  AND NOT EXISTS (SELECT 1 FROM job j WHERE j.id = i.id)
ON CONFLICT (id) DO NOTHING;

-- Take jobs for an executor's slots: pending ones, those that the sweep flagged recovering, and
-- those that an unanswered claim of this same executor already took (it never claims an id that it
-- knows it holds): these ran nothing yet, so that no try is counted again, and the session on record
-- is no ghost when it is the very one that claims. The node row must be there, and have this very
-- flight on it: an executor that was declared dead claims nothing, nor does a flight that others
-- have overtaken. One that has a queue key must be the first of its line (decision 16).
-- $1 ids, $2 backend pids or null, $3 backend starts (us), $4 node name, $5 incarnation, $6 flight
-- name: claim
UPDATE live l
SET state = 'running', recovering = false, attempt = l.attempt + 1,
    tries = l.tries + CASE WHEN l.state = 'running' AND NOT l.recovering THEN 0 ELSE 1 END,
    version = l.version + 1, owner = $4::text || '/' || $5::bigint,
    ghosts = CASE WHEN l.state = 'running' AND l.backend_pid IS NOT NULL
                       AND (l.backend_pid, l.backend_start) IS DISTINCT FROM (c.pid, c.start)
                  THEN l.ghosts || ARRAY[l.backend_pid::bigint, l.backend_start] ELSE l.ghosts END,
    backend_pid = c.pid, backend_start = c.start, started_at = now(), first_page_at = NULL
FROM (SELECT * FROM unnest($1::uuid[], $2::integer[], $3::bigint[]) AS c (id, pid, start)
      LIMIT cardinality($1::uuid[])) c
WHERE l.id = c.id
  AND (l.state = 'pending' OR l.recovering
       OR (l.state = 'running' AND l.owner = $4::text || '/' || $5::bigint))
  AND EXISTS (SELECT 1 FROM node n WHERE n.name = $4::text AND n.incarnation = $5::bigint
                                     AND n.flight = $6::bigint)
  AND (l.queue_key IS NULL OR queue_key_take(l.tenant, l.queue_key, l.id))
RETURNING l.id, l.attempt, l.tries, l.sql, l.ghosts, l.started_at, l.steps, l.cancel_at IS NOT NULL,
          (extract(epoch FROM now() - l.created_at) * 1000)::bigint,
          (extract(epoch FROM l.deadline_at - l.created_at) * 1000)::bigint,
          (l.options ->> 'statement_timeout_ms')::bigint, (l.options ->> 'max_attempts')::integer,
          l.options ->> 'autocommit', coalesce((l.options ->> 'read_only')::boolean, false),
          l.options ->> 'params',
          (l.options ->> 'max_rows')::bigint,
          l.options ->> 'max_rows_of',
          (l.options ->> 'max_bytes')::bigint,
          l.options ->> 'max_bytes_of',
          coalesce(l.options ->> 'on_limit' = 'truncate', false);

-- Hand claimed jobs back, the try given back unless it counts, never the attempt: pending again, or,
-- where COMMIT was sent and not answered, to be recovered. Sessions of earlier attempts are forgotten
-- once they were seen to be gone. Who hands back is the owner until then: a repeat after a lost answer
-- finds none, and neither gives a try back again nor forgets the session that the first one has put
-- among the earlier ones. No row back, then: it is handed back, or somebody else's.
-- $1 ids, $2 attempts, $3 does the try count?, $4 is its outcome undecided?, $5 are earlier sessions
-- gone?
-- name: unclaim
UPDATE live l
SET state = CASE WHEN u.undecided THEN l.state ELSE 'pending' END, recovering = u.undecided,
    owner = NULL, version = l.version + 1,
    tries = CASE WHEN u.tried THEN l.tries ELSE greatest(l.tries - 1, 0) END,
    ghosts = CASE WHEN u.gone THEN '{}'::bigint[] ELSE l.ghosts END
             || CASE WHEN l.backend_pid IS NOT NULL
                     THEN ARRAY[l.backend_pid::bigint, l.backend_start] ELSE '{}'::bigint[] END,
    backend_pid = NULL, backend_start = NULL, started_at = NULL
FROM (SELECT * FROM unnest($1::uuid[], $2::integer[], $3::boolean[], $4::boolean[], $5::boolean[])
          AS u (id, attempt, tried, undecided, gone)
      LIMIT cardinality($1::uuid[])) u
WHERE l.id = u.id AND l.attempt = u.attempt AND l.state = 'running' AND l.owner IS NOT NULL
RETURNING l.id;

-- Which of these were asked to stop?
-- $1 ids
-- name: cancelled_among
SELECT l.id
FROM (SELECT * FROM unnest($1::uuid[]) AS c (id) LIMIT cardinality($1::uuid[])) c
JOIN live l ON l.id = c.id AND l.cancel_at IS NOT NULL;

-- Is there an outcome record of an earlier attempt? The one of its last step.
-- $1 job
-- name: outcome_find
SELECT o.step, o.attempt, o.system_id, o.timeline, o.xid, o.manifest, o.proof
FROM outcome o
WHERE o.job = $1::uuid
ORDER BY o.step DESC, o.attempt DESC
LIMIT 1;

-- Put on record, under the attempt, that COMMIT is about to be sent. No row back: fenced out; so is
-- who was declared dead, since his COMMIT will not be sent and nobody should wonder about it.
-- $1 job, $2 attempt, $3 step, $4 system id, $5 timeline, $6 xid, $7 manifest, $8 proof
-- name: outcome_put
INSERT INTO outcome (job, step, attempt, system_id, timeline, xid, manifest, proof)
SELECT l.id, $3::smallint, l.attempt, $4::bigint, $5::integer, $6::bigint, $7::bytea, $8::text
FROM (SELECT id, attempt FROM live
      WHERE id = $1::uuid AND attempt = $2::integer AND state = 'running' AND NOT recovering
      FOR SHARE) l
ON CONFLICT (job, step, attempt) DO UPDATE SET recorded_at = outcome.recorded_at
RETURNING job;

-- Final states of jobs that end together: each leaves live for job in this one statement. Jobs
-- whose attempt is no longer current are not in the answer.
-- $1 ids, $2 attempts, $3 states, $4 rows, $5 bytes, $6 pages, $7 planning us, $8 executing us,
-- $9 storing us, $10 sqlstates, $11 errors, $12 details, $13 hints, $14 positions, $15 manifests
-- name: finish
WITH gone AS (
    DELETE FROM live l
    USING (SELECT *
           FROM unnest($1::uuid[], $2::integer[], $3::text[], $4::bigint[], $5::bigint[],
                       $6::integer[], $7::bigint[], $8::bigint[], $9::bigint[], $10::text[],
                       $11::text[], $12::text[], $13::text[], $14::integer[], $15::bytea[])
                AS f (id, attempt, state, rows, bytes, pages, planning_us, executing_us, storing_us,
                      sqlstate, error, error_detail, error_hint, error_position, manifest)
           LIMIT cardinality($1::uuid[])) f
    WHERE l.id = f.id AND l.attempt = f.attempt AND l.state = 'running'
    RETURNING l.*, f.state AS final_state, f.rows, f.bytes, f.pages, f.planning_us, f.executing_us,
              f.storing_us, f.sqlstate, f.error, f.error_detail, f.error_hint, f.error_position,
              f.manifest
), cleared AS (
    DELETE FROM outcome o WHERE o.job IN (SELECT id FROM gone)
)
INSERT INTO job (id, tenant, source, dialect, priority, created_at, sql, steps, options, retention_s,
                 state, attempt, tries, owner, started_at, first_page_at, ended_at, expires_at,
                 bucket, rows, bytes, pages, planning_us, executing_us, storing_us, sqlstate, error,
                 error_detail, error_hint, error_position, manifest)
SELECT g.id, g.tenant, g.source, g.dialect, g.priority, g.created_at, g.sql, g.steps, g.options,
       g.retention_s, g.final_state, g.attempt, g.tries, g.owner, g.started_at, g.first_page_at,
       now(), now() + make_interval(secs => g.retention_s), g.bucket, g.rows, g.bytes, g.pages,
       g.planning_us, g.executing_us, g.storing_us, g.sqlstate, g.error, g.error_detail,
       g.error_hint, g.error_position, g.manifest
FROM gone g
RETURNING id, started_at, ended_at;

-- After a lost answer to finish: which of these did end so, under their attempt? One that a clock
-- ended meanwhile did not.
-- $1 ids, $2 attempts, $3 states
-- name: finish_found
SELECT j.id, j.started_at, j.ended_at
FROM (SELECT * FROM unnest($1::uuid[], $2::integer[], $3::text[]) AS f (id, attempt, state)
      LIMIT cardinality($1::uuid[])) f
JOIN job j ON j.id = f.id AND j.attempt = f.attempt AND j.state = f.state;

-- Jobs of their own tenant, wherever they live; manifests only where asked for; of jobs that ended
-- otherwise than done, which hold no results; and of those whose results may have been cut.
-- The rows of jobs whose pages expired stay for seven days. The smallest and the largest id let the
-- server leave out the partitions of other days before it opens them. The tenant is compared as an
-- expression, lest an index that begins with it be walked through for one id.
-- $1 ids, $2 tenants, $3 with manifest and note, $4 smallest id, $5 largest id
-- name: find
SELECT q.n, f.*
FROM (SELECT * FROM unnest($1::uuid[], $2::text[], $3::boolean[])
          WITH ORDINALITY AS q (id, tenant, whole, n)) q,
LATERAL (
    SELECT l.id, l.tenant, l.source, l.dialect, l.priority, l.state, l.attempt, l.tries,
           l.created_at, l.started_at, l.first_page_at, NULL::timestamptz AS ended_at,
           NULL::timestamptz AS expires_at, l.bucket, 0::bigint AS rows, 0::bigint AS bytes,
           0 AS pages, 0::bigint AS planning_us, 0::bigint AS executing_us, 0::bigint AS storing_us,
           NULL::text AS sqlstate, NULL::text AS error, NULL::text AS error_detail,
           NULL::text AS error_hint, NULL::integer AS error_position, NULL::bytea AS manifest,
           false AS expired, l.steps, l.cancel_at, l.retention_s,
           CASE WHEN q.whole THEN l.options ->> 'note' END,
           CASE WHEN q.whole THEN (l.options ->> 'edited_ms')::bigint END
    FROM live l WHERE l.id = q.id AND l.tenant || '' = q.tenant
    UNION ALL
    SELECT j.id, j.tenant, j.source, j.dialect, j.priority, j.state, j.attempt, j.tries,
           j.created_at, j.started_at, j.first_page_at, j.ended_at, j.expires_at, j.bucket, j.rows,
           j.bytes, j.pages, j.planning_us, j.executing_us, j.storing_us, j.sqlstate, j.error,
           j.error_detail, j.error_hint, j.error_position,
           CASE WHEN q.whole OR j.state <> 'done' OR j.options ?| '{on_limit,autocommit}'
                THEN j.manifest END,
           j.expires_at <= now(), j.steps, NULL,
           j.retention_s, CASE WHEN q.whole THEN j.options ->> 'note' END,
           CASE WHEN q.whole THEN (j.options ->> 'edited_ms')::bigint END
    FROM job j
    WHERE j.id = q.id AND j.tenant || '' = q.tenant AND j.id BETWEEN $4::uuid AND $5::uuid
      AND j.expires_at > now() - interval '7 days'
) f;

-- The rest of find, for an id that it did not answer: long-lived jobs.
-- $1 id, $2 tenant, $3 with note
-- name: find_kept
SELECT k.id, k.tenant, k.source, k.dialect, k.priority, k.state, k.attempt, k.tries, k.created_at,
       k.started_at, k.first_page_at, k.ended_at, k.expires_at, k.bucket, k.rows, k.bytes, k.pages,
       k.planning_us, k.executing_us, k.storing_us, k.sqlstate, k.error, k.error_detail,
       k.error_hint, k.error_position, k.manifest, k.expires_at <= now() AS expired, k.steps,
       NULL::timestamptz AS cancel_at, k.retention_s,
       CASE WHEN $3::boolean THEN k.options ->> 'note' END,
       CASE WHEN $3::boolean THEN (k.options ->> 'edited_ms')::bigint END
FROM kept k
WHERE k.id = $1::uuid AND k.tenant || '' = $2::text AND k.expires_at > now() - interval '7 days';

-- Is the id somebody else's? So 403 and 404 can be told apart without showing anything.
-- $1 id, $2 tenant that asks
-- name: job_exists
SELECT EXISTS (SELECT 1 FROM live WHERE id = $1::uuid AND tenant <> $2::text)
    OR EXISTS (SELECT 1 FROM job WHERE id = $1::uuid AND tenant <> $2::text
                                   AND expires_at > now() - interval '7 days')
    OR EXISTS (SELECT 1 FROM kept WHERE id = $1::uuid AND tenant <> $2::text
                                    AND expires_at > now() - interval '7 days');
