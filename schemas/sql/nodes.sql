-- nodes.sql - nodes and their leases, the leader row, and the sweep.

-- A node makes itself known: its fresh public key may then speak on the bus.
-- $1 name, $2 incarnation, $3 role, $4 public key, $5 endpoint or null, $6 url or null, $7 lease ms
-- name: node_enroll
INSERT INTO node (name, incarnation, role, public_key, endpoint, url, lease_until)
VALUES ($1::text, $2::bigint, $3::text, $4::text, $5::text, $6::text,
        now() + make_interval(secs => $7::bigint / 1000.0))
ON CONFLICT (name, incarnation)
DO UPDATE SET endpoint = excluded.endpoint, url = excluded.url, lease_until = excluded.lease_until;

-- $1 name, $2 incarnation, $3 lease ms. No row back: this incarnation was declared dead.
-- name: node_renew
UPDATE node SET lease_until = now() + make_interval(secs => $3::bigint / 1000.0)
WHERE name = $1::text AND incarnation = $2::bigint AND lease_until > '-infinity'
RETURNING name;

-- $1 name, $2 incarnation. A node that holds jobs is left for the sweep.
-- name: node_leave
DELETE FROM node WHERE name = $1::text AND incarnation = $2::bigint AND jobs = '{}';

-- Which jobs an executor holds, written by the transaction that claims and finishes them.
-- $1 name, $2 incarnation, $3 ids, $4 flight. No row back: declared dead, or a later flight was here
-- before.
-- name: node_hold
UPDATE node SET jobs = $3::uuid[], flight = $4::bigint
WHERE name = $1::text AND incarnation = $2::bigint AND lease_until > '-infinity'
  AND flight < $4::bigint
RETURNING name;

-- Who has this key on the bus?
-- $1 public key
-- name: node_by_key
SELECT role, name FROM node WHERE public_key = $1::text AND lease_until > now();

-- The brokers that can be reached, and who leads.
-- name: brokers
SELECT n.name, n.endpoint, n.public_key,
       coalesce((SELECT l.epoch FROM leader l WHERE l.owner = n.name || '/' || n.incarnation), 0)
FROM node n
WHERE n.role = 'broker' AND n.endpoint IS NOT NULL AND n.lease_until > now()
ORDER BY n.name, n.incarnation;

-- Lead, or go on leading: an empty row, our own, or one whose beat is older than $3 ms, by raising
-- the epoch. No row back: somebody else leads.
-- $1 owner, $2 endpoint, $3 takeover ms
-- name: leader_beat
INSERT INTO leader AS l (epoch, owner, endpoint, beat_at)
VALUES (1, $1::text, $2::text, clock_timestamp())
ON CONFLICT (only_one) DO UPDATE
SET epoch = CASE WHEN l.owner = $1::text THEN l.epoch ELSE l.epoch + 1 END,
    owner = $1::text, endpoint = $2::text, beat_at = clock_timestamp()
WHERE l.owner = $1::text
   OR l.beat_at < clock_timestamp() - make_interval(secs => $3::bigint / 1000.0)
RETURNING epoch;

-- Step down, so that another may lead at once.
-- $1 owner
-- name: leader_leave
UPDATE leader SET beat_at = '-infinity' WHERE owner = $1::text;

-- name: leader_find
SELECT epoch, owner, endpoint, (extract(epoch FROM clock_timestamp() - beat_at) * 1000)::bigint
FROM leader WHERE beat_at > '-infinity';

-- End the lanes of executors whose lease ran out: one that was stopped in the midst of a batch would
-- hold the rows of its jobs for as long as it stays so. A lane that was only slow sends it again.
-- name: sweep_expired_lanes
SELECT count(pg_terminate_backend(a.pid))
FROM (SELECT name FROM node WHERE lease_until < now() AND role = 'executor') n
CROSS JOIN LATERAL pg_stat_get_activity(NULL) a
WHERE a.application_name IN (left('millrace/' || n.name || '/control', 63),
                             left('millrace/' || n.name || '/pages', 63));

-- Declare the nodes dead whose lease ran out, before anybody looks at their jobs: a claim that is
-- under way holds the row, and one that comes later finds it dead, so that the statements behind
-- this one see every claim that took effect.
-- name: sweep_expired_nodes
UPDATE node n SET lease_until = '-infinity'
FROM (SELECT name, incarnation FROM node
      WHERE lease_until < now() AND lease_until > '-infinity' FOR UPDATE SKIP LOCKED) d
WHERE n.name = d.name AND n.incarnation = d.incarnation;

-- Dead nodes without jobs just go.
-- name: sweep_empty_nodes
DELETE FROM node WHERE lease_until = '-infinity' AND jobs = '{}' RETURNING name, incarnation, role;

-- One dead executor at a time: flag its jobs as recovering, then let its row go. A job that the row
-- names but that it does not own any more is left alone. No row back: no node is dead; a row without
-- a job: a node went, and left no job.
-- name: sweep_dead_node
WITH dead AS (
    DELETE FROM node
    WHERE (name, incarnation) = (SELECT name, incarnation FROM node
                                 WHERE lease_until = '-infinity' AND jobs <> '{}'
                                 LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING name, incarnation, jobs
), flagged AS (
    UPDATE live l SET recovering = true, version = l.version + 1
    FROM dead d
    WHERE l.id = ANY (ARRAY(SELECT unnest(jobs) FROM dead)) AND l.state = 'running'
      AND l.owner = d.name || '/' || d.incarnation
    RETURNING l.id, l.tenant, l.source, l.priority, l.queue_key
)
SELECT d.name, f.id, f.tenant, f.source, f.priority, f.queue_key, d.incarnation
FROM dead d LEFT JOIN flagged f ON true;

-- Who has anything in live that has no queue key, and on which source: skips through the queue's index
-- from pair to pair, at most so many, behind the pair that was the last one before.
-- $1 tenant, $2 source to begin behind, $3 how many
-- name: sweep_pairs
WITH RECURSIVE p AS (
    (SELECT l.tenant, l.source FROM live l
     WHERE (l.tenant, l.source) > ($1::text, $2::text) AND l.queue_key IS NULL
     ORDER BY l.tenant, l.source LIMIT 1)
    UNION ALL
    SELECT n.tenant, n.source
    FROM p CROSS JOIN LATERAL (
        SELECT l.tenant, l.source FROM live l
        WHERE (l.tenant, l.source) > (p.tenant, p.source) AND l.queue_key IS NULL
        ORDER BY l.tenant, l.source LIMIT 1) n
)
SELECT p.tenant, p.source,
       coalesce((SELECT t.paused FROM tenant t WHERE t.name = p.tenant), false)
FROM p
LIMIT $3::bigint;

-- The head of a tenant's queue on one source: what waits, or is to be recovered, and has no queue key.
-- What runs is stepped over, and there is never more of it than there are slots.
-- $1 tenant, $2 source, $3 how many
-- name: sweep_pending
SELECT l.id, l.priority, l.recovering
FROM live l
WHERE l.tenant = $1::text AND l.source = $2::text AND (l.state = 'pending' OR l.recovering)
  AND l.queue_key IS NULL
ORDER BY l.priority DESC, l.id
LIMIT $3::bigint;

-- Who has jobs with queue keys: skips from tenant to tenant.
-- $1 tenant to begin behind, $2 how many
-- name: sweep_line_tenants
WITH RECURSIVE t AS (
    (SELECT l.tenant FROM live l WHERE l.tenant > $1::text AND l.queue_key IS NOT NULL
     ORDER BY l.tenant LIMIT 1)
    UNION ALL
    SELECT n.tenant
    FROM t CROSS JOIN LATERAL (
        SELECT l.tenant FROM live l WHERE l.tenant > t.tenant AND l.queue_key IS NOT NULL
        ORDER BY l.tenant LIMIT 1) n
)
SELECT t.tenant, coalesce((SELECT p.paused FROM tenant p WHERE p.name = t.tenant), false)
FROM t
LIMIT $2::bigint;

-- The next lines of a tenant, in the order of their keys; of each its first jobs, the one whose turn it
-- is in front: who was claimed before the others, else the oldest.
-- $1 tenant, $2 key to begin behind, $3 how many lines, $4 how many jobs of each behind the front
-- name: sweep_lines
WITH RECURSIVE k AS (
    (SELECT l.queue_key FROM live l WHERE l.tenant = $1::text AND l.queue_key > $2::text
     ORDER BY l.queue_key LIMIT 1)
    UNION ALL
    SELECT n.queue_key
    FROM k CROSS JOIN LATERAL (
        SELECT l.queue_key FROM live l WHERE l.tenant = $1::text AND l.queue_key > k.queue_key
        ORDER BY l.queue_key LIMIT 1) n
)
SELECT $1::text, q.queue_key, j.id, j.source, j.priority, j.recovering, j.runs
FROM (SELECT k.queue_key FROM k LIMIT $3::bigint) q
LEFT JOIN queue_holder h ON h.tenant = $1::text AND h.queue_key = q.queue_key
CROSS JOIN LATERAL (
    SELECT l.id, l.source, l.priority, l.recovering, l.state = 'running' AND NOT l.recovering AS runs,
           0 AS place
    FROM live l WHERE l.id = h.job
    UNION ALL
    (SELECT l.id, l.source, l.priority, l.recovering, l.state = 'running' AND NOT l.recovering, 1
     FROM live l
     WHERE l.tenant = $1::text AND l.queue_key = q.queue_key AND l.id IS DISTINCT FROM h.job
     ORDER BY l.id LIMIT $4::bigint + 2)) j
ORDER BY q.queue_key, j.place, j.id;

-- The same of these lines, whoever's they are; nothing of tenants that are paused.
-- $1 tenants, $2 keys, $3 how many jobs of each behind the front
-- name: sweep_lines_of
SELECT q.tenant, q.queue_key, j.id, j.source, j.priority, j.recovering, j.runs, q.n
FROM (SELECT * FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS q (tenant, queue_key, n)
      LIMIT cardinality($1::text[])) q
LEFT JOIN queue_holder h ON h.tenant = q.tenant AND h.queue_key = q.queue_key
CROSS JOIN LATERAL (
    SELECT l.id, l.source, l.priority, l.recovering, l.state = 'running' AND NOT l.recovering AS runs,
           0 AS place
    FROM live l WHERE l.id = h.job
    UNION ALL
    (SELECT l.id, l.source, l.priority, l.recovering, l.state = 'running' AND NOT l.recovering, 1
     FROM live l
     WHERE l.tenant = q.tenant AND l.queue_key = q.queue_key AND l.id IS DISTINCT FROM h.job
     ORDER BY l.id LIMIT $3::bigint + 2)) j
WHERE NOT coalesce((SELECT p.paused FROM tenant p WHERE p.name = q.tenant), false)
ORDER BY q.n, j.place, j.id;

-- Take away rows of lines whose holder is over: the next few behind a key. Back: where to go on; no row:
-- that was the last one.
-- $1 tenant and $2 key to begin behind, $3 how many
-- name: sweep_holders
WITH next AS (
    SELECT h.tenant, h.queue_key, h.job FROM queue_holder h
    WHERE (h.tenant, h.queue_key) > ($1::text, $2::text)
    ORDER BY h.tenant, h.queue_key LIMIT $3::bigint
), gone AS (
    DELETE FROM queue_holder h USING next n
    WHERE h.tenant = n.tenant AND h.queue_key = n.queue_key AND h.job = n.job
      AND NOT EXISTS (SELECT 1 FROM live l WHERE l.id = n.job)
)
SELECT n.tenant, n.queue_key FROM next n ORDER BY n.tenant DESC, n.queue_key DESC LIMIT 1;

-- $1 days of pages
-- name: sweep_partitions
SELECT partitions_ahead($1::integer);

-- name: clock
SELECT clock_timestamp();
