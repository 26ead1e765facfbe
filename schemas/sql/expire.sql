-- expire.sql - results and jobs whose time is over (common/store_expiry.h).
--
-- Partitions are known by their names, as partitions_ahead() gives them: page_YYYYMMDDHH24 is a bucket,
-- job_YYYYMMDD and step_YYYYMMDD a day. A statement that cannot stand in a transaction, or names a
-- table that is only known at run time, comes out of here as text, to be run as it is.

-- One node at a time.
-- name: expire_lock
SELECT pg_try_advisory_lock(hashtext('millrace expiry'));

-- name: expire_unlock
SELECT pg_advisory_unlock(hashtext('millrace expiry'));

-- --- buckets of pages ---

-- The next bucket whose time is over for a minute: one that was left half detached (third column) or
-- detached but not dropped (fourth column) comes first.
-- name: expire_page_next
SELECT c.relname::text, to_timestamp(right(c.relname::text, 10), 'YYYYMMDDHH24'),
       coalesce(i.inhdetachpending, false), i.inhrelid IS NULL
FROM pg_class c LEFT JOIN pg_inherits i ON i.inhrelid = c.oid
WHERE c.relkind = 'r' AND c.relname ~ '^page_[0-9]{10}$'
  AND c.relnamespace = (SELECT p.relnamespace FROM pg_class p WHERE p.oid = 'page'::regclass)
  AND c.relname <= ('page_' || to_char(now() - interval '1 minute', 'YYYYMMDDHH24'))::name
ORDER BY coalesce(i.inhdetachpending, true) DESC, c.relname
LIMIT 1;

-- Does anybody still work in a transaction that began when this bucket was not yet over? It may have
-- chosen it for pages that nobody else can see yet.
-- $1 bucket
-- name: expire_writers
SELECT EXISTS (SELECT 1 FROM pg_stat_activity
               WHERE datname = current_database() AND backend_type = 'client backend'
                 AND xact_start <= $1::timestamptz AND pid <> pg_backend_pid());

-- The jobs that have pages in a bucket, from one on, by skipping through the key; and which of them
-- are to live on. One that expired within the last minute counts as such: it may be renewed at this
-- moment, by a transaction that began in time.
-- $1 bucket, $2 behind this job, $3 how many
-- name: expire_page_jobs
WITH RECURSIVE t AS (
    (SELECT p.job FROM page p WHERE p.bucket = $1::timestamptz AND p.job > $2::uuid
     ORDER BY p.bucket, p.job LIMIT 1)
    UNION ALL
    SELECT (SELECT p.job FROM page p WHERE p.bucket = $1::timestamptz AND p.job > t.job
            ORDER BY p.bucket, p.job LIMIT 1)
    FROM t WHERE t.job IS NOT NULL
)
SELECT t.job,
       EXISTS (SELECT 1 FROM live l WHERE l.id = t.job AND l.bucket = $1::timestamptz)
       OR EXISTS (SELECT 1 FROM job j WHERE j.id = t.job AND j.bucket = $1::timestamptz
                     AND j.expires_at > greatest($1::timestamptz, now() - interval '1 minute'))
       OR EXISTS (SELECT 1 FROM kept k WHERE k.id = t.job AND k.bucket = $1::timestamptz
                     AND k.expires_at > greatest($1::timestamptz, now() - interval '1 minute'))
FROM t WHERE t.job IS NOT NULL
LIMIT $3::bigint;

-- Where its pages are to go.
-- $1 job, $2 its bucket
-- name: expire_target
SELECT page_bucket(l.retention_s) FROM live l
WHERE l.id = $1::uuid AND l.bucket = $2::timestamptz
UNION ALL
SELECT page_bucket_until(j.expires_at) FROM job j
WHERE j.id = $1::uuid AND j.bucket = $2::timestamptz
UNION ALL
SELECT page_bucket_until(k.expires_at) FROM kept k
WHERE k.id = $1::uuid AND k.bucket = $2::timestamptz
LIMIT 1;

-- $1 bucket
-- name: expire_partition
SELECT page_partition($1::timestamptz);

-- Copy some of a job's pages ahead of its move, from a key on. Answers the last of them, and how many.
-- $1 job, $2 its bucket, $3 the new one, $4 step, $5 attempt, $6 result, $7 row, $8 how many
-- name: expire_copy
WITH part AS MATERIALIZED (
    SELECT p.step, p.attempt, p.result, p.first_row, p.rows, p.raw_bytes, p.format, p.hash, p.data
    FROM page p
    WHERE p.bucket = $2::timestamptz AND p.job = $1::uuid
      AND (p.step, p.attempt, p.result, p.first_row)
          > ($4::smallint, $5::integer, $6::smallint, $7::bigint)
    ORDER BY p.step, p.attempt, p.result, p.first_row
    LIMIT $8::bigint
), put AS (
    INSERT INTO page (bucket, job, step, attempt, result, first_row, rows, raw_bytes, format, hash,
                      data)
    SELECT $3::timestamptz, $1::uuid, part.* FROM part
    ON CONFLICT (bucket, job, step, attempt, result, first_row) DO NOTHING
)
SELECT part.step, part.attempt, part.result, part.first_row, (SELECT count(*) FROM part)
FROM part
ORDER BY part.step DESC, part.attempt DESC, part.result DESC, part.first_row DESC
LIMIT 1;

-- Copy what is left of them, and move the job, in one transaction.
-- $1 job, $2 its bucket, $3 the new one
-- name: expire_move
SELECT page_move($1::uuid, $2::timestamptz, $3::timestamptz);

-- --- days of jobs ---

-- The next day that is long past and of which no job is in live: its name, the id before its first and
-- the id behind its last.
-- name: expire_day_next
SELECT d.day, partition_edge(to_date(d.day, 'YYYYMMDD')),
       partition_edge(to_date(d.day, 'YYYYMMDD') + 1)
FROM (SELECT DISTINCT right(c.relname::text, 8) AS day
      FROM pg_class c
      WHERE c.relkind = 'r' AND c.relname ~ '^(job|step)_[0-9]{8}$'
        AND c.relnamespace = (SELECT p.relnamespace FROM pg_class p WHERE p.oid = 'job'::regclass)
        AND right(c.relname::text, 8) < to_char(now() - interval '9 days', 'YYYYMMDD')) d
WHERE NOT EXISTS (SELECT 1 FROM live l
                  WHERE l.id >= partition_edge(to_date(d.day, 'YYYYMMDD'))
                    AND l.id < partition_edge(to_date(d.day, 'YYYYMMDD') + 1))
ORDER BY d.day
LIMIT 1;

-- Look at some of a day's jobs, and move those that are to live on to kept. Answers the last of them,
-- and how many. Pages that are kept for ever have no bucket to go with: kept is where they are seen to.
-- $1 behind this id, $2 before this one, $3 how many
-- name: expire_day_jobs
WITH part AS MATERIALIZED (
    SELECT j.id, j.expires_at > now() - interval '7 days'
                 OR coalesce(j.bucket = 'infinity', false) AS stays
    FROM job j WHERE j.id > $1::uuid AND j.id < $2::uuid ORDER BY j.id LIMIT $3::bigint
), stay AS (
    SELECT part.id FROM part WHERE part.stays LIMIT $3::bigint
), moved AS (
    DELETE FROM job j USING stay WHERE j.id = stay.id RETURNING j.*
), put AS (
    INSERT INTO kept SELECT * FROM moved
), steps AS (
    DELETE FROM step s USING stay WHERE s.job = stay.id RETURNING s.*
), put_steps AS (
    INSERT INTO kept_step SELECT * FROM steps
)
SELECT part.id, (SELECT count(*) FROM part) FROM part ORDER BY part.id DESC LIMIT 1;

-- Forget the keys and tags of these jobs, but for those that live on.
-- $1 behind this id, $2 up to this one
-- name: expire_day_names
WITH keys AS (
    DELETE FROM dedup d
    WHERE d.job > $1::uuid AND d.job <= $2::uuid
      AND NOT EXISTS (SELECT 1 FROM kept k WHERE k.id = d.job)
)
DELETE FROM tag t
WHERE t.job > $1::uuid AND t.job <= $2::uuid
  AND NOT EXISTS (SELECT 1 FROM kept k WHERE k.id = t.job);

-- --- kept jobs ---

-- Some of them: is it over, and does it have pages that are kept for ever?
-- $1 behind this id, $2 how many
-- name: expire_kept
SELECT k.id, k.expires_at <= now() - interval '7 days', coalesce(k.bucket = 'infinity', false)
FROM kept k WHERE k.id > $1::uuid ORDER BY k.id LIMIT $2::bigint;

-- A part of the pages that were to be kept for ever, in the order of their keys.
-- $1 job, $2 how many
-- name: expire_forever
WITH part AS MATERIALIZED (
    SELECT p.step, p.attempt, p.result, p.first_row FROM page p
    WHERE p.bucket = 'infinity' AND p.job = $1::uuid
    ORDER BY p.step, p.attempt, p.result, p.first_row LIMIT $2::bigint
)
DELETE FROM page p
WHERE p.bucket = 'infinity' AND p.job = $1::uuid
  AND (p.step, p.attempt, p.result, p.first_row)
      <= (SELECT part.step, part.attempt, part.result, part.first_row FROM part
          ORDER BY part.step DESC, part.attempt DESC, part.result DESC, part.first_row DESC LIMIT 1)
RETURNING 1;

-- Remove those that are over, with all that names them.
-- $1 ids
-- name: expire_kept_remove
WITH gone AS (
    DELETE FROM kept k
    USING (SELECT * FROM unnest($1::uuid[]) AS c (id) LIMIT cardinality($1::uuid[])) c
    WHERE k.id = c.id AND k.expires_at <= now() - interval '7 days'
    RETURNING k.id
), steps AS (
    DELETE FROM kept_step s USING gone WHERE s.job = gone.id
), keys AS (
    DELETE FROM dedup d USING gone WHERE d.job = gone.id
)
DELETE FROM tag t USING gone WHERE t.job = gone.id;

-- --- dropping a partition ---

-- Where it stands: attached, half detached (first column), detached (second column); no row: gone.
-- $1 name
-- name: expire_standing
SELECT coalesce(i.inhdetachpending, false), i.inhrelid IS NULL
FROM pg_class c LEFT JOIN pg_inherits i ON i.inhrelid = c.oid
WHERE c.oid = to_regclass(quote_ident($1::text));

-- $1 table, $2 partition
-- name: expire_detach
SELECT format('ALTER TABLE %I DETACH PARTITION %I CONCURRENTLY', $1::text, $2::text);

-- $1 table, $2 partition
-- name: expire_finalize
SELECT format('ALTER TABLE %I DETACH PARTITION %I FINALIZE', $1::text, $2::text);

-- $1 partition
-- name: expire_drop
SELECT format('DROP TABLE %I', $1::text);
