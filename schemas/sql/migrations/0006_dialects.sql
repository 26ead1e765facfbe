-- 0006: what a dialect asks of its jobs.

-- A tenant's jobs of one dialect, by age. By their tenant alone nothing looks for final jobs. Of the
-- others only those with a queue key stand in an index of their own: what plain jobs cost must not rise.
-- Tenant and dialect are one expression, which only lists name: were they two columns, who knows a job's
-- tenant and its id could be sent through all of the tenant's jobs.
DROP INDEX job_tenant;
CREATE INDEX job_dialect ON job ((tenant || '/' || dialect), id);
DROP INDEX kept_tenant;
CREATE INDEX kept_dialect ON kept ((tenant || '/' || dialect), id);
CREATE INDEX live_dialect ON live ((tenant || '/' || dialect), id) WHERE queue_key IS NOT NULL;

-- Is there room for one more job that waits with this queue key, or is the job that asks there already?
-- From here to the transaction's end nobody else is told so of this key: who asks meanwhile waits. Claims
-- do not: theirs is another lock. The query below sees what was committed while this one waited. READ
-- COMMITTED only.
CREATE FUNCTION queue_key_room(of_tenant text, of_key text, most bigint, comer uuid) RETURNS boolean
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended(of_tenant || '/' || of_key, 1));
    RETURN (SELECT count(*) FROM (SELECT 1 FROM live l
                                  WHERE l.tenant = of_tenant AND l.queue_key = of_key
                                    AND l.state = 'pending'
                                  LIMIT most) w) < most
           OR EXISTS (SELECT 1 FROM live l WHERE l.id = comer)
           OR EXISTS (SELECT 1 FROM job j WHERE j.id = comer);
END
$$;
