/* questions.c - the texts. */
#include "executor/drivers/postgres/questions.h"

#define START_US(session)                                                                          \
    "pg_catalog.round(extract(epoch FROM " session ".backend_start)::pg_catalog.numeric"           \
    " * 1000000)::pg_catalog.int8"

const char question_who[] = "SELECT pg_catalog.pg_backend_pid()::pg_catalog.int8, " START_US(
    "a") ", current_user"
         " FROM pg_catalog.pg_stat_activity a WHERE a.pid = pg_catalog.pg_backend_pid()";

const char question_identity[] =
    "SELECT s.system_identifier, ('x' || pg_catalog.substr(pg_catalog.pg_walfile_name("
    "pg_catalog.pg_current_wal_lsn()), 1, 8))::pg_catalog.bit(32)::pg_catalog.int4"
    " FROM pg_catalog.pg_control_system() s";

const char question_ledger[] =
    "SELECT (pg_catalog.count(*) = 2)::pg_catalog.int4 FROM pg_catalog.pg_namespace n"
    " JOIN pg_catalog.pg_proc p ON p.pronamespace = n.oid"
    " WHERE n.nspname = 'millrace' AND p.proname IN ('mark', 'marked')"
    " AND p.proargtypes = '2950 23'::pg_catalog.oidvector"
    " AND pg_catalog.has_schema_privilege(n.oid, 'USAGE')"
    " AND pg_catalog.has_function_privilege(p.oid, 'EXECUTE')";

const char question_first[] = "SELECT 1";

const char question_encoding[] = "SHOW client_encoding";

/* Whatever is in the session's temporary schema depends on it. Of locks and temporary tables nobody
 * can tell whether they end with the transaction: they count. */
const char question_leaves[] =
    "SELECT CASE"
    " WHEN EXISTS (SELECT FROM pg_catalog.pg_prepared_statements p WHERE p.from_sql) THEN 'p'"
    " WHEN EXISTS (SELECT FROM pg_catalog.pg_locks l WHERE l.locktype = 'advisory'"
    " AND l.pid = pg_catalog.pg_backend_pid()) THEN 'a'"
    " WHEN $3::pg_catalog.bool THEN '-'"
    " WHEN EXISTS (SELECT FROM pg_catalog.pg_depend d"
    " WHERE d.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass"
    " AND d.refobjid = pg_catalog.pg_my_temp_schema()) THEN 't'"
    " WHEN EXISTS (SELECT FROM pg_catalog.pg_cursors c WHERE c.is_holdable) THEN 'c'"
    " WHEN current_user <> $1::pg_catalog.name AND 'role' <> ALL ($2::pg_catalog.text[]) THEN 'r'"
    " WHEN EXISTS (SELECT FROM pg_catalog.pg_settings s WHERE s.source = 'session'"
    " AND s.name NOT IN ('transaction_isolation', 'transaction_read_only',"
    " 'transaction_deferrable')"
    " AND pg_catalog.lower(s.name) <> ALL ($2::pg_catalog.text[])) THEN 's'"
    " ELSE '-' END";

const char question_xid[] = "SELECT pg_catalog.pg_current_xact_id_if_assigned()::pg_catalog.text";

const char question_mark[] =
    "SELECT millrace.mark($1::pg_catalog.uuid, $2::pg_catalog.int4)::pg_catalog.text";

const char question_marker[] =
    "SELECT CASE WHEN NOT pg_catalog.pg_is_in_recovery()"
    " THEN millrace.marked($1::pg_catalog.uuid, $2::pg_catalog.int4)::pg_catalog.int4 END";

const char question_record[] = "SELECT pg_catalog.pg_logical_emit_message(true, 'millrace', '')";

const char question_status[] = "SELECT pg_catalog.pg_xact_status($1::pg_catalog.xid8)";

#define SESSIONS(what)                                                                             \
    "SELECT pg_catalog.count(" what ")"                                                            \
    " FROM pg_catalog.pg_stat_activity a, ROWS FROM (pg_catalog.unnest($1::pg_catalog.int8[]),"    \
    " pg_catalog.unnest($2::pg_catalog.int8[])) g (pid, start)"                                    \
    " WHERE a.pid = g.pid AND " START_US("a") " = g.start"

const char question_alive[] = SESSIONS("*");
const char question_cancel[] = SESSIONS("pg_catalog.pg_cancel_backend(a.pid)");
const char question_terminate[] = SESSIONS("pg_catalog.pg_terminate_backend(a.pid)");
