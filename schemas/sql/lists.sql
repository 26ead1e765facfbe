-- lists.sql - the jobs of a tenant, the newest first: which they are, then what they are, then their
-- steps. A job that moves in between is found where it is by then.

-- Which jobs of a dialect are the newest, without those whose results have expired. Jobs that are over
-- and jobs with a queue key have an index for it, by tenant and dialect in one. Of the others in live the newest of each source and
-- priority are looked at, since their index knows no dialect: behind so many of them none is found.
-- $1 tenant, $2 dialect, $3 how many, $4 how many to look at in each place
-- name: jobs_newest
WITH RECURSIVE s AS (
    (SELECT l.source FROM live l WHERE l.tenant = $1::text AND l.queue_key IS NULL
     ORDER BY l.source LIMIT 1)
    UNION ALL
    SELECT n.source
    FROM s CROSS JOIN LATERAL (
        SELECT l.source FROM live l
        WHERE l.tenant = $1::text AND l.source > s.source AND l.queue_key IS NULL
        ORDER BY l.source LIMIT 1) n
)
SELECT p.id
FROM (
    SELECT q.id
    FROM s CROSS JOIN generate_series(0, 9) AS g (priority) CROSS JOIN LATERAL (
        SELECT l.id, l.dialect FROM live l
        WHERE l.tenant = $1::text AND l.source = s.source AND l.priority = g.priority
          AND l.queue_key IS NULL
        ORDER BY l.id DESC LIMIT $4::bigint) q
    WHERE q.dialect = $2::text
    UNION ALL
    (SELECT l.id FROM live l
     WHERE l.tenant || '/' || l.dialect = $1::text || '/' || $2::text AND l.queue_key IS NOT NULL
     ORDER BY l.id DESC LIMIT $3::bigint)
    UNION ALL
    SELECT q.id
    FROM (SELECT j.id, j.expires_at FROM job j
          WHERE j.tenant || '/' || j.dialect = $1::text || '/' || $2::text
          ORDER BY j.id DESC LIMIT $4::bigint) q
    WHERE q.expires_at > now()
    UNION ALL
    SELECT q.id
    FROM (SELECT k.id, k.expires_at FROM kept k
          WHERE k.tenant || '/' || k.dialect = $1::text || '/' || $2::text
          ORDER BY k.id DESC LIMIT $4::bigint) q
    WHERE q.expires_at > now()
) p
ORDER BY p.id DESC
LIMIT $3::bigint;

-- Which of them executors have just now: of the jobs that stand on the nodes' rows.
-- $1 tenant, $2 dialect, $3 how many, $4 how many to look at
-- name: jobs_running
SELECT r.id
FROM (SELECT n.name || '/' || n.incarnation AS owner, unnest(n.jobs) AS id FROM node n
      LIMIT $4::bigint) h
CROSS JOIN LATERAL (
    SELECT l.id FROM live l
    WHERE l.id = h.id AND l.owner = h.owner AND l.tenant || '' = $1::text AND l.dialect = $2::text
      AND l.state = 'running' AND NOT l.recovering
    LIMIT 1) r
ORDER BY r.id DESC
LIMIT $3::bigint;

-- What is known of jobs, as find has it of those that are found whole, but for their manifests; the
-- place among the ids first. No row of one that is there no more.
-- $1 ids, $2 smallest id, $3 largest id
-- name: jobs_read
SELECT q.n, f.*
FROM (SELECT * FROM unnest($1::uuid[]) WITH ORDINALITY AS q (id, n)
      LIMIT cardinality($1::uuid[])) q,
LATERAL (
    SELECT l.id, l.tenant, l.source, l.dialect, l.priority, l.state, l.attempt, l.tries,
           l.created_at, l.started_at, l.first_page_at, NULL::timestamptz AS ended_at,
           NULL::timestamptz AS expires_at, l.bucket, 0::bigint AS rows, 0::bigint AS bytes,
           0 AS pages, 0::bigint AS planning_us, 0::bigint AS executing_us, 0::bigint AS storing_us,
           NULL::text AS sqlstate, NULL::text AS error, NULL::text AS error_detail,
           NULL::text AS error_hint, NULL::integer AS error_position, NULL::bytea AS manifest,
           false AS expired, l.steps, l.cancel_at, l.retention_s, l.options ->> 'note',
           (l.options ->> 'edited_ms')::bigint
    FROM live l WHERE l.id = q.id
    UNION ALL
    SELECT j.id, j.tenant, j.source, j.dialect, j.priority, j.state, j.attempt, j.tries,
           j.created_at, j.started_at, j.first_page_at, j.ended_at, j.expires_at, j.bucket, j.rows,
           j.bytes, j.pages, j.planning_us, j.executing_us, j.storing_us, j.sqlstate, j.error,
           j.error_detail, j.error_hint, j.error_position, NULL, j.expires_at <= now(), j.steps, NULL,
           j.retention_s, j.options ->> 'note', (j.options ->> 'edited_ms')::bigint
    FROM job j
    WHERE j.id = q.id AND j.id BETWEEN $2::uuid AND $3::uuid
    UNION ALL
    SELECT k.id, k.tenant, k.source, k.dialect, k.priority, k.state, k.attempt, k.tries,
           k.created_at, k.started_at, k.first_page_at, k.ended_at, k.expires_at, k.bucket, k.rows,
           k.bytes, k.pages, k.planning_us, k.executing_us, k.storing_us, k.sqlstate, k.error,
           k.error_detail, k.error_hint, k.error_position, NULL, k.expires_at <= now(), k.steps, NULL,
           k.retention_s, k.options ->> 'note', (k.options ->> 'edited_ms')::bigint
    FROM kept k
    WHERE k.id = q.id
) f;

-- The steps of jobs, as steps_find has them without manifests, and whose they are. Jobs behind those
-- whose texts come to so many bytes have none here.
-- $1 jobs, $2 bytes
-- name: jobs_steps
SELECT w.step, w.sql, w.condition, w.timeout_ms, w.template, w.state, w.attempt, w.started_at,
       w.ended_at, w.rows, w.bytes, w.pages, w.executing_us, w.sqlstate, w.error, w.error_detail,
       w.error_hint, w.error_position, w.leaves, NULL::bytea, w.manifest_size, w.raw_bytes,
       w.truncated, w.job
FROM (
    SELECT s.*, sum(octet_length(s.sql)) OVER (ORDER BY s.job DESC)
                - sum(octet_length(s.sql)) OVER (PARTITION BY s.job) AS before
    FROM (SELECT * FROM unnest($1::uuid[]) AS q (id) LIMIT cardinality($1::uuid[])) q,
    LATERAL (
        SELECT s.job, s.step, s.sql, s.condition, s.timeout_ms, s.template, s.state, s.attempt,
               s.started_at, s.ended_at, s.rows, s.bytes, s.pages, s.executing_us, s.sqlstate,
               s.error, s.error_detail, s.error_hint, s.error_position, s.leaves,
               coalesce(octet_length(s.manifest), 0) AS manifest_size, s.raw_bytes, s.truncated
        FROM step s WHERE s.job = q.id
        UNION ALL
        SELECT k.job, k.step, k.sql, k.condition, k.timeout_ms, k.template, k.state, k.attempt,
               k.started_at, k.ended_at, k.rows, k.bytes, k.pages, k.executing_us, k.sqlstate,
               k.error, k.error_detail, k.error_hint, k.error_position, k.leaves,
               coalesce(octet_length(k.manifest), 0), k.raw_bytes, k.truncated
        FROM kept_step k WHERE k.job = q.id) s
) w
WHERE w.before < $2::bigint
ORDER BY w.job DESC, w.step;
