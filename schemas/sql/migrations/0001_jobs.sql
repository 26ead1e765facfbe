-- 0001: the job store.
--
-- A job lives in one of three places: live (not final), job (final), kept (final, longer-lived than
-- its day's partition). No foreign keys between hot tables, and every index stands on columns that
-- never change, so that updates stay HOT. Times are timestamptz by this server's clock; all node
-- sessions run in UTC.

-- Tenants, their keys, the data sources and each tenant's logins on them.

CREATE TABLE tenant (
    name        text PRIMARY KEY CHECK (name ~ '^[a-z0-9-]{1,63}$'),
    paused      boolean NOT NULL DEFAULT false,
    weight      integer NOT NULL DEFAULT 1 CHECK (weight BETWEEN 1 AND 1000),
    created_at  timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE api_key (
    key_id      text PRIMARY KEY,
    secret_hash bytea NOT NULL CHECK (length(secret_hash) = 32),
    tenant      text NOT NULL REFERENCES tenant (name),
    role        text NOT NULL CHECK (role IN ('read', 'write', 'admin')),
    created_at  timestamptz NOT NULL DEFAULT now(),
    expires_at  timestamptz,
    revoked_at  timestamptz
);
CREATE INDEX api_key_tenant ON api_key (tenant);

CREATE TABLE source (
    name        text PRIMARY KEY CHECK (name ~ '^[a-z0-9_-]{1,63}$'),
    driver      text NOT NULL DEFAULT 'postgres',
    dsn         text NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now()
);

-- A login is one tenant's access to a source, as a database role that no other tenant uses. The
-- first login of a tenant is its default source.
CREATE TABLE login (
    tenant      text NOT NULL REFERENCES tenant (name),
    alias       text NOT NULL CHECK (alias ~ '^[a-z0-9_-]{1,63}$'),
    ordinal     bigint GENERATED ALWAYS AS IDENTITY,
    source      text NOT NULL REFERENCES source (name),
    role        text NOT NULL,
    sealed      bytea NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, alias),
    UNIQUE (source, role)
);

-- Jobs. No CHECK constraints here: their expressions are read anew by each statement, a tenth of what a
-- claim costs. The words of `state` are those of common/job.c.

CREATE TABLE live (
    id            uuid PRIMARY KEY,
    tenant        text NOT NULL,
    source        text NOT NULL,
    dialect       text NOT NULL,
    priority      smallint NOT NULL DEFAULT 5,
    created_at    timestamptz NOT NULL DEFAULT now(),
    queue_key     text,
    run_at        timestamptz,
    sql           text NOT NULL,
    steps         smallint NOT NULL DEFAULT 1,
    options       jsonb,
    retention_s   integer NOT NULL,
    state         text NOT NULL DEFAULT 'pending',
    recovering    boolean NOT NULL DEFAULT false,
    attempt       integer NOT NULL DEFAULT 0,
    tries         integer NOT NULL DEFAULT 0,
    version       integer NOT NULL DEFAULT 0,
    cancel_at     timestamptz,
    owner         text,        -- executor "name/incarnation" while running
    backend_pid   integer,     -- the owner's session on the source
    backend_start bigint,      -- its start, microseconds since 1970
    ghosts        bigint[],    -- (pid, start) pairs of earlier attempts' sessions, to be ended first
    started_at    timestamptz,
    first_page_at timestamptz,
    bucket        timestamptz  -- where this attempt's pages are, fixed by the first of them
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 2000,
        autovacuum_vacuum_cost_delay = 0, autovacuum_analyze_scale_factor = 0.2);
CREATE INDEX live_queue ON live (tenant, priority DESC, id);
CREATE INDEX live_queue_key ON live (tenant, queue_key, id) WHERE queue_key IS NOT NULL;
CREATE INDEX live_run_at ON live (run_at) WHERE run_at IS NOT NULL;

CREATE TABLE job (
    id            uuid NOT NULL,
    tenant        text NOT NULL,
    source        text NOT NULL,
    dialect       text NOT NULL,
    priority      smallint NOT NULL,
    created_at    timestamptz NOT NULL,
    sql           text NOT NULL,
    steps         smallint NOT NULL,
    options       jsonb,
    retention_s   integer NOT NULL,
    state         text NOT NULL, -- done, failed, cancelled, timed_out or unknown
    attempt       integer NOT NULL,
    tries         integer NOT NULL,
    owner         text,
    started_at    timestamptz,
    first_page_at timestamptz,
    ended_at      timestamptz NOT NULL,
    expires_at    timestamptz NOT NULL,
    bucket        timestamptz,
    rows          bigint NOT NULL,
    bytes         bigint NOT NULL,
    pages         integer NOT NULL,
    planning_us   bigint NOT NULL,
    executing_us  bigint NOT NULL,
    storing_us    bigint NOT NULL,
    sqlstate      text,
    error         text,
    error_detail  text,
    error_hint    text,
    error_position integer,
    manifest      bytea,
    PRIMARY KEY (id)
) PARTITION BY RANGE (id);
CREATE INDEX job_tenant ON job (tenant, id);

-- Final jobs that outlive their day's partition. Same shape as job.
CREATE TABLE kept (LIKE job INCLUDING DEFAULTS INCLUDING CONSTRAINTS, PRIMARY KEY (id));
CREATE INDEX kept_tenant ON kept (tenant, id);

-- Only for jobs of several steps.
CREATE TABLE step (
    job           uuid NOT NULL,
    step          smallint NOT NULL,
    sql           text NOT NULL,
    condition     text,
    timeout_ms    bigint,
    state         text NOT NULL DEFAULT 'pending',
    attempt       integer NOT NULL DEFAULT 0,
    started_at    timestamptz,
    ended_at      timestamptz,
    rows          bigint NOT NULL DEFAULT 0,
    sqlstate      text,
    error         text,
    error_detail  text,
    error_hint    text,
    error_position integer,
    manifest      bytea,
    PRIMARY KEY (job, step)
) PARTITION BY RANGE (job);

-- What is put on record before COMMIT is sent to a source: no row here means that it never was.
CREATE TABLE outcome (
    job         uuid NOT NULL,
    step        smallint NOT NULL,
    attempt     integer NOT NULL,
    system_id   bigint NOT NULL,
    timeline    integer NOT NULL,
    xid         bigint NOT NULL,
    manifest    bytea NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (job, step, attempt)
);

-- Result pages. bucket = expiry rounded up (an hour below a day, a day above); a partition holds
-- exactly one bucket value, so that expiry drops tables and deletes no rows.
CREATE TABLE page (
    bucket    timestamptz NOT NULL,
    job       uuid NOT NULL,
    step      smallint NOT NULL,
    attempt   integer NOT NULL,
    result    smallint NOT NULL, -- ordinal of the statement within its step
    first_row bigint NOT NULL,
    rows      integer NOT NULL,
    raw_bytes integer NOT NULL,
    format    smallint NOT NULL,
    hash      bytea NOT NULL,
    data      bytea NOT NULL,
    PRIMARY KEY (bucket, job, step, attempt, result, first_row)
) PARTITION BY RANGE (bucket);
ALTER TABLE page ALTER COLUMN data SET STORAGE EXTERNAL;
CREATE TABLE page_forever PARTITION OF page FOR VALUES FROM ('infinity') TO (MAXVALUE);

-- Idempotency keys and texts that run now; only written when asked for.
CREATE TABLE dedup (
    tenant       text NOT NULL,
    kind         text NOT NULL,
    key_hash     bytea NOT NULL,
    request_hash bytea,
    job          uuid NOT NULL,
    PRIMARY KEY (tenant, kind, key_hash)
);
CREATE INDEX dedup_job ON dedup (job);

CREATE TABLE tag (
    tenant text NOT NULL,
    name   text NOT NULL,
    value  text NOT NULL,
    job    uuid NOT NULL,
    PRIMARY KEY (tenant, name, value, job)
);
CREATE INDEX tag_job ON tag (job);

-- Nodes: who may speak on the bus (public_key), and whose lease holds which jobs. `jobs` is never
-- fewer than the node holds. A batch of claims and finishes puts its number here, and none with a
-- lower one has effect after it: what a lost connection left behind in the server comes too late. A
-- lease of '-infinity' is a node that was declared dead.
CREATE TABLE node (
    name        text NOT NULL,
    incarnation bigint NOT NULL,
    role        text NOT NULL CHECK (role IN ('api', 'broker', 'executor')),
    public_key  text NOT NULL UNIQUE,
    endpoint    text,
    url         text,
    started_at  timestamptz NOT NULL DEFAULT now(),
    lease_until timestamptz NOT NULL,
    jobs        uuid[] NOT NULL DEFAULT '{}',
    flight      bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (name, incarnation)
) WITH (fillfactor = 50);

CREATE TABLE leader (
    only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    epoch    bigint NOT NULL,
    owner    text NOT NULL,
    endpoint text NOT NULL,
    beat_at  timestamptz NOT NULL
);

CREATE TABLE audit (
    at     timestamptz NOT NULL DEFAULT now(),
    tenant text,
    actor  text NOT NULL,
    action text NOT NULL,
    object text NOT NULL,
    detail jsonb
) PARTITION BY RANGE (at);
CREATE INDEX audit_tenant ON audit (tenant, at);

CREATE TABLE outbox (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    due_at   timestamptz NOT NULL DEFAULT now(),
    job      uuid NOT NULL,
    target   text NOT NULL,
    attempts integer NOT NULL DEFAULT 0
);

-- The bucket of pages that are kept for `retention_s` from now on.
CREATE FUNCTION page_bucket(retention_s integer) RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT CASE
        WHEN retention_s < 86400
        THEN date_trunc('hour', now() + make_interval(secs => retention_s)) + interval '1 hour'
        ELSE date_trunc('day', now() + make_interval(secs => retention_s)) + interval '1 day'
    END
$$;

-- The smallest job id of a day: its milliseconds in the first 48 bits.
CREATE FUNCTION partition_edge(day date) RETURNS uuid
LANGUAGE sql IMMUTABLE
AS $$
    SELECT (lpad(to_hex((extract(epoch FROM day::timestamp) * 1000)::bigint), 12, '0')
            || repeat('0', 20))::uuid
$$;

-- Make one partition, unless it exists. Made apart and then attached, so that it takes no lock that
-- readers and writers of the other partitions would wait for.
CREATE FUNCTION partition_make(parent text, child text, low text, high text) RETURNS integer
LANGUAGE plpgsql
AS $$
BEGIN
    IF to_regclass(child) IS NOT NULL THEN
        RETURN 0;
    END IF;
    EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS INCLUDING CONSTRAINTS'
                   ' INCLUDING STORAGE)', child, parent);
    EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                   parent, child, low, high);
    RETURN 1;
END
$$;

-- Make the partitions that the next days need; those that exist are left alone. Jobs, steps and
-- audit: one a day, from yesterday on. Pages: one for each of the next 26 hours, and one for each
-- midnight up to `page_days`. Returns how many were made. One caller at a time.
CREATE FUNCTION partitions_ahead(page_days integer) RETURNS integer
LANGUAGE plpgsql
AS $$
DECLARE
    today date := (now() AT TIME ZONE 'UTC')::date;
    made  integer := 0;
    day   date;
    slot  timestamptz;
    tail  text;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('millrace partitions'));
    FOR offset_days IN -1 .. 7 LOOP
        day := today + offset_days;
        tail := '_' || to_char(day, 'YYYYMMDD');
        made := made
            + partition_make('job', 'job' || tail,
                             partition_edge(day)::text, partition_edge(day + 1)::text)
            + partition_make('step', 'step' || tail,
                             partition_edge(day)::text, partition_edge(day + 1)::text)
            + partition_make('audit', 'audit' || tail,
                             (day::timestamp AT TIME ZONE 'UTC')::text,
                             ((day + 1)::timestamp AT TIME ZONE 'UTC')::text);
    END LOOP;
    FOR slot IN
        SELECT generate_series(date_trunc('hour', now()), date_trunc('hour', now())
               + interval '26 hours', interval '1 hour')
        UNION
        SELECT (today + d)::timestamp AT TIME ZONE 'UTC' FROM generate_series(1, page_days + 2) d
    LOOP
        made := made
            + partition_make('page', 'page_' || to_char(slot AT TIME ZONE 'UTC', 'YYYYMMDDHH24'),
                             slot::text, (slot + interval '1 hour')::text);
    END LOOP;
    RETURN made;
END
$$;
