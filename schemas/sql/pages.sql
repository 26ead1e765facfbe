-- pages.sql - result pages in and out.
--
-- Beside its pages a result that has any has a draft: a row of the same key, but for first_row, which
-- is -1, that holds what was known of the result when its first page was closed (a packed manifest of
-- it alone, without counts), no rows, and a hash of 32 zero bytes. So it lives and goes where they do.

-- The first page of an attempt fixes when it was; that of a job, where all its pages go.
-- $1 job, $2 attempt
-- name: page_open
UPDATE live
SET first_page_at = now(), bucket = coalesce(bucket, page_bucket(retention_s)), version = version + 1
WHERE id = $1::uuid AND attempt = $2::integer AND state = 'running' AND NOT recovering
  AND first_page_at IS NULL;

-- One page, or a draft, under the attempt. No row back: fenced out. A repeat after a lost answer is
-- harmless.
-- $1 job, $2 attempt, $3 step, $4 result, $5 first row, $6 rows, $7 raw bytes, $8 format, $9 hash,
-- $10 data
-- name: page_put
INSERT INTO page (bucket, job, step, attempt, result, first_row, rows, raw_bytes, format, hash, data)
SELECT l.bucket, l.id, $3::smallint, l.attempt, $4::smallint, $5::bigint, $6::integer, $7::integer,
       $8::smallint, $9::bytea, $10::bytea
FROM (SELECT id, attempt, bucket FROM live
      WHERE id = $1::uuid AND attempt = $2::integer AND state = 'running' AND NOT recovering
      FOR SHARE) l
ON CONFLICT (bucket, job, step, attempt, result, first_row) DO UPDATE SET rows = excluded.rows
RETURNING job;

-- The page that holds a row, whatever its number, and the hash of the one before it: with that its
-- own can be recomputed. A large page comes without its bytes. It is asked of the bucket's partition
-- alone, by its name: of the table the server locks each partition three times, and plans for 20 ms
-- whenever one comes or goes.
-- $1 bucket, $2 job, $3 step, $4 attempt, $5 result, $6 row, $7 the most raw bytes
-- name: page_get
SELECT p.first_row, p.rows, p.raw_bytes, p.hash, octet_length(p.data),
       CASE WHEN p.raw_bytes <= $7::integer THEN p.data END,
       (SELECT b.hash FROM page b
        WHERE b.bucket = $1::timestamptz AND b.job = $2::uuid AND b.step = $3::smallint
          AND b.attempt = $4::integer AND b.result = $5::smallint
          AND b.first_row >= 0 AND b.first_row < p.first_row
        ORDER BY b.first_row DESC LIMIT 1)
FROM page p
WHERE p.bucket = $1::timestamptz AND p.job = $2::uuid AND p.step = $3::smallint
  AND p.attempt = $4::integer AND p.result = $5::smallint
  AND p.first_row BETWEEN 0 AND $6::bigint
ORDER BY p.first_row DESC
LIMIT 1;

-- The page that begins with a row, and those behind it, for readers who know the hash of the one before
-- it. Else as page_get.
-- $1 bucket, $2 job, $3 step, $4 attempt, $5 result, $6 row, $7 the most raw bytes of each, $8 how many
-- name: page_next
SELECT p.first_row, p.rows, p.raw_bytes, p.hash, octet_length(p.data),
       CASE WHEN p.raw_bytes <= $7::integer THEN p.data END
FROM page p
WHERE p.bucket = $1::timestamptz AND p.job = $2::uuid AND p.step = $3::smallint
  AND p.attempt = $4::integer AND p.result = $5::smallint AND p.first_row >= $6::bigint
ORDER BY p.first_row
LIMIT $8::bigint;

-- The pages of a result in their order, without their bytes.
-- $1 bucket, $2 job, $3 step, $4 attempt, $5 result, $6 from this first row on, $7 how many
-- name: page_list
SELECT first_row, rows, raw_bytes, octet_length(data), hash
FROM page
WHERE bucket = $1::timestamptz AND job = $2::uuid AND step = $3::smallint AND attempt = $4::integer
  AND result = $5::smallint AND first_row >= $6::bigint
ORDER BY first_row
LIMIT $7::bigint;

-- What is stored so far of an attempt at a step: of each result that has pages its draft, where its
-- last page ends, and that one's hash. Results are skipped through, and each is asked for two rows;
-- the limits keep the planner from reading all pages in search of drafts.
-- $1 bucket, $2 job, $3 step, $4 attempt
-- name: page_drafts
WITH RECURSIVE r AS (
    (SELECT p.result FROM page p
     WHERE p.bucket = $1::timestamptz AND p.job = $2::uuid AND p.step = $3::smallint
       AND p.attempt = $4::integer
     ORDER BY p.bucket, p.job, p.step, p.attempt, p.result LIMIT 1)
    UNION ALL
    SELECT (SELECT p.result FROM page p
            WHERE p.bucket = $1::timestamptz AND p.job = $2::uuid AND p.step = $3::smallint
              AND p.attempt = $4::integer AND p.result > r.result
            ORDER BY p.bucket, p.job, p.step, p.attempt, p.result LIMIT 1)
    FROM r WHERE r.result IS NOT NULL
)
SELECT d.data, l.first_row + l.rows, l.hash
FROM r
CROSS JOIN LATERAL (
    SELECT p.data FROM page p
    WHERE p.bucket = $1::timestamptz AND p.job = $2::uuid AND p.step = $3::smallint
      AND p.attempt = $4::integer AND p.result = r.result AND p.first_row = -1
    LIMIT 1
) d
CROSS JOIN LATERAL (
    SELECT p.first_row, p.rows, p.hash FROM page p
    WHERE p.bucket = $1::timestamptz AND p.job = $2::uuid AND p.step = $3::smallint
      AND p.attempt = $4::integer AND p.result = r.result AND p.first_row >= 0
    ORDER BY p.first_row DESC LIMIT 1
) l
ORDER BY r.result;
