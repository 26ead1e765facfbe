-- 0003: what ends the time of results.

-- The bucket of pages that are kept until a moment: rounded up as page_bucket() does it, and never one
-- whose time has come.
CREATE FUNCTION page_bucket_until(moment timestamptz) RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT CASE
        WHEN greatest(moment, now()) < now() + interval '1 day'
        THEN date_trunc('hour', greatest(moment, now())) + interval '1 hour'
        ELSE date_trunc('day', moment) + interval '1 day'
    END
$$;

-- Make the partition of one bucket, unless it exists.
CREATE FUNCTION page_partition(bucket timestamptz) RETURNS integer
LANGUAGE plpgsql
AS $$
BEGIN
    IF NOT isfinite(bucket) THEN
        RETURN 0;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('millrace partitions'));
    RETURN partition_make('page',
                          'page_' || to_char(bucket AT TIME ZONE 'UTC', 'YYYYMMDDHH24'),
                          bucket::text, (bucket + interval '1 hour')::text);
END
$$;

-- Give a job whose pages stand in one bucket another one, and copy what of them is not there yet.
-- Pages are written with their job's row locked FOR SHARE: so the change waits for those that are
-- under way, the copy, a statement of its own, sees them, and later ones go to the new bucket. False:
-- the job has no pages in the old bucket that must live on.
CREATE FUNCTION page_move(mover uuid, old timestamptz, new timestamptz) RETURNS boolean
LANGUAGE plpgsql
AS $$
DECLARE
    since timestamptz := greatest(old, now() - interval '1 minute');
BEGIN
    UPDATE live SET bucket = new, version = version + 1 WHERE id = mover AND bucket = old;
    IF NOT FOUND THEN
        UPDATE job SET bucket = new WHERE id = mover AND bucket = old AND expires_at > since;
    END IF;
    IF NOT FOUND THEN
        UPDATE kept SET bucket = new WHERE id = mover AND bucket = old AND expires_at > since;
    END IF;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    INSERT INTO page (bucket, job, step, attempt, result, first_row, rows, raw_bytes, format, hash,
                      data)
    SELECT new, p.job, p.step, p.attempt, p.result, p.first_row, p.rows, p.raw_bytes, p.format,
           p.hash, p.data
    FROM page p
    WHERE p.bucket = old AND p.job = mover
      AND NOT EXISTS (SELECT 1 FROM page n
                      WHERE n.bucket = new AND n.job = mover AND n.step = p.step
                        AND n.attempt = p.attempt AND n.result = p.result
                        AND n.first_row = p.first_row);
    RETURN true;
END
$$;

-- Make the partitions that the next days need; those that exist are left alone. Jobs, steps and
-- audit: one a day, from yesterday on. Pages: one for each of the next 26 hours (this hour's own is
-- over), and one for each midnight up to `page_days`. Returns how many were made. One caller at a
-- time.
CREATE OR REPLACE FUNCTION partitions_ahead(page_days integer) RETURNS integer
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
        SELECT generate_series(date_trunc('hour', now()) + interval '1 hour',
               date_trunc('hour', now()) + interval '26 hours', interval '1 hour')
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
