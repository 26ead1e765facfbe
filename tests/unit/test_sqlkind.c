/* test_sqlkind.c - which statements are refused, and what kind the others are. */
#include "tests/unit/statements.h"

static void
transaction_control_is_refused_in_any_case(void **unused)
{
    (void)unused;
    assert_refused("BEGIN", "BEGIN at character 1 is refused: ");
    assert_refused("begin; a", "BEGIN at character 1 is refused: ");
    assert_refused("a; Start Transaction", "START TRANSACTION at character 4 is refused: ");
    assert_refused("COMMIT AND CHAIN", "COMMIT ");
    assert_refused("eNd", "END ");
    assert_refused("ROLLBACK TO a", "ROLLBACK ");
    assert_refused("abort", "ABORT ");
    assert_refused("savepoint a", "SAVEPOINT ");
    assert_refused("release a", "RELEASE ");
    assert_refused("PREPARE TRANSACTION 'a'", "PREPARE TRANSACTION ");
    assert_refused("commit prepared 'a'", "COMMIT PREPARED ");
    assert_refused("ROLLBACK PREPARED 'a'", "ROLLBACK PREPARED ");
    assert_refused(";; /* a */ -- b\n COMMIT/**/WORK", "COMMIT at character 4 ");
}

static void
words_that_begin_alike_are_fine(void **unused)
{
    (void)unused;
    assert_one("PREPARE a AS SELECT 1");
    assert_one("commits");
    assert_one("END_OF");
    assert_one("commit$");
    assert_one("begin\xc3\xa4");
    assert_one("\"commit\"");
    assert_one("SELECT 1 AS commit");
    assert_one("(SELECT 1)");
    assert_one("NOTIFY a");
    assert_one("SET TRANSACTION READ ONLY");
    assert_one("a_word_that_is_longer_than_any_that_is_looked_for_here");
}

static void
begin_and_commit_around_a_text_are_taken_off(void **unused)
{
    (void)unused;
    assert_parts("BEGIN; a; b; COMMIT;", "a|b");
    assert_parts("begin work; a; commit work", "a");
    assert_parts("BEGIN TRANSACTION;a;END TRANSACTION;;", "a");
    assert_parts("START TRANSACTION;a;END", "a");
    assert_parts("/* x */ BEGIN -- y\n; a; COMMIT AND NO CHAIN", "a");
}

static void
a_begin_that_is_not_a_frame_is_refused(void **unused)
{
    (void)unused;
    assert_refused("BEGIN; a; COMMIT; b", "BEGIN at character 1 ");
    assert_refused("a; BEGIN; b; COMMIT", "BEGIN at character 4 ");
    assert_refused("BEGIN; a; ROLLBACK", "BEGIN at character 1 ");
    assert_refused("BEGIN; a; COMMIT; BEGIN; b; COMMIT", "COMMIT at character 11 ");
    assert_refused("BEGIN; BEGIN; a; COMMIT; COMMIT", "BEGIN at character 8 ");
    assert_refused("BEGIN; SAVEPOINT a; COMMIT", "SAVEPOINT at character 8 ");
    assert_refused("a; COMMIT", "COMMIT at character 4 ");
    assert_refused("BEGIN; a; COMMIT AND CHAIN", "BEGIN at character 1 ");
}

static void
begin_with_options_is_refused_with_a_way_out(void **unused)
{
    (void)unused;
    assert_refused("BEGIN ISOLATION LEVEL SERIALIZABLE; a; COMMIT",
                   "BEGIN at character 1 is refused: it may have no options here; SET TRANSACTION");
    assert_refused("START TRANSACTION READ ONLY; a; COMMIT", "START TRANSACTION at character 1 ");
}

static void
copying_from_the_client_is_refused(void **unused)
{
    (void)unused;
    assert_refused("copy t from stdin", "COPY FROM STDIN at character 1 is refused");
    assert_refused("a; COPY BINARY s.\"from\" (a, b) FROM/**/STDIN WITH (FORMAT csv)",
                   "COPY FROM STDIN at character 4 ");
    assert_refused("COPY t FROM STDIN", "COPY FROM STDIN ");
    assert_refused("COPY t FROM STDOUT", "COPY FROM STDIN ");
    assert_refused("COPY s.to FROM STDIN", "COPY FROM STDIN ");
    assert_refused("COPY a.s.from(a)FROM STDIN DELIMITER ','", "COPY FROM STDIN ");
    assert_one("COPY t FROM 'stdin'");
    assert_one("COPY t FROM PROGRAM 'cat'");
    assert_one("COPY stdin FROM '/tmp/x'");
    assert_one("COPY t TO '/tmp/x'");
}

static void
listening_is_refused(void **unused)
{
    (void)unused;
    assert_refused("LISTEN a", "LISTEN at character 1 is refused");
    assert_refused("unlisten *", "UNLISTEN at character 1 is refused");
}

static void
copying_to_the_client_is_a_kind(void **unused)
{
    (void)unused;
    assert_kind("COPY t TO STDOUT", STATEMENT_COPY_OUT);
    assert_kind("COPY s.from (a) TO stdout WITH (FORMAT csv)", STATEMENT_COPY_OUT);
    assert_kind("COPY (SELECT 1 FROM (VALUES (1)) AS a) TO STDOUT", STATEMENT_COPY_OUT);
    assert_kind("COPY t TO STDIN", STATEMENT_COPY_OUT);
    assert_kind("COPY t TO 'stdout'", STATEMENT_PLAIN);
    assert_kind("COPY (SELECT a FROM stdin) TO '/tmp/x'", STATEMENT_PLAIN);
    assert_kind("COPY t TO PROGRAM 'cat'", STATEMENT_PLAIN);
    assert_kind("SELECT 1", STATEMENT_PLAIN);
}

static void
what_refuses_a_transaction_block_is_alone(void **unused)
{
    (void)unused;
    static const char *const alone[] = {
        "VACUUM",
        "vacuum (ANALYZE) t",
        "CREATE DATABASE a",
        "DROP DATABASE IF EXISTS a",
        "CREATE TABLESPACE a LOCATION '/a'",
        "DROP TABLESPACE a",
        "ALTER SYSTEM SET a = 1",
        "CREATE INDEX CONCURRENTLY ON t (a)",
        "CREATE UNIQUE INDEX/**/CONCURRENTLY a ON t (a)",
        "DROP INDEX CONCURRENTLY IF EXISTS a",
        "REINDEX DATABASE a",
        "REINDEX SYSTEM a",
        "REINDEX SCHEMA a",
        "REINDEX (VERBOSE) DATABASE a",
        "REINDEX TABLE CONCURRENTLY a",
        "REINDEX (CONCURRENTLY) TABLE a",
        "REINDEX (VERBOSE, CONCURRENTLY true) INDEX a",
        "REINDEX (CONCURRENTLY, VERBOSE off) INDEX a",
        "CLUSTER",
        "CLUSTER VERBOSE",
        "CLUSTER (VERBOSE)",
        "CREATE SUBSCRIPTION a CONNECTION 'b' PUBLICATION c",
        "CREATE SUBSCRIPTION a CONNECTION 'b' PUBLICATION c WITH (create_slot, enabled = false)",
        "DROP SUBSCRIPTION a",
        "ALTER SUBSCRIPTION a REFRESH PUBLICATION",
        "ALTER SUBSCRIPTION a SET PUBLICATION b",
        "ALTER SUBSCRIPTION a ADD PUBLICATION b WITH (copy_data = false)",
        "ALTER TABLE a DETACH PARTITION s.b CONCURRENTLY",
        "ALTER TABLE IF EXISTS ONLY s.detach DETACH PARTITION b CONCURRENTLY",
        "ALTER DATABASE a SET TABLESPACE b",
        "ALTER DATABASE a WITH TABLESPACE b",
    };
    for (size_t i = 0; i < sizeof alone / sizeof alone[0]; i++)
        assert_kind(alone[i], STATEMENT_ALONE);
}

static void
what_only_looks_like_it_is_not_alone(void **unused)
{
    (void)unused;
    static const char *const plain[] = {
        "CREATE INDEX ON t (concurrently)",
        "CREATE INDEX \"CONCURRENTLY\" ON t (a)",
        "DROP INDEX a",
        "REINDEX TABLE a",
        "REINDEX (VERBOSE) TABLE a",
        "REINDEX (CONCURRENTLY off) TABLE a",
        "REINDEX (CONCURRENTLY = 'FALSE') TABLE a",
        "CLUSTER t",
        "CLUSTER VERBOSE t",
        "CLUSTER (VERBOSE) t USING i",
        "CREATE SUBSCRIPTION a CONNECTION 'b' PUBLICATION c WITH (slot_name = NONE, create_slot = "
        "false)",
        "CREATE SUBSCRIPTION a CONNECTION 'b' PUBLICATION c WITH (connect = 0)",
        "ALTER SUBSCRIPTION a SET PUBLICATION b WITH (refresh = off)",
        "ALTER SUBSCRIPTION a DISABLE",
        "ALTER TABLE a DETACH PARTITION b",
        "ALTER TABLE a DETACH PARTITION b FINALIZE",
        "ALTER DATABASE a SET work_mem = 1",
        "ALTER DATABASE a OWNER TO b",
        "ALTER TABLE a SET TABLESPACE b",
        "ANALYZE t",
        "SELECT 'VACUUM'",
        "EXPLAIN VACUUM",
        "CREATE TABLE database (a int)",
    };
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++)
        assert_kind(plain[i], STATEMENT_PLAIN);
}

static void
nothing_is_alone_between_begin_and_commit(void **unused)
{
    (void)unused;
    assert_kind("BEGIN; VACUUM; COMMIT", STATEMENT_PLAIN);
    assert_kind("BEGIN; COPY t TO STDOUT; COMMIT", STATEMENT_COPY_OUT);
}

static void
a_statement_is_named_by_its_first_words(void **unused)
{
    (void)unused;
    assert_word("select 1", "SELECT");
    assert_word("/* a */ Create Unique /**/ index a", "CREATE INDEX");
    assert_word("CREATE OR REPLACE TEMP VIEW a", "CREATE VIEW");
    assert_word("drop materialized view a", "DROP MATERIALIZED VIEW");
    assert_word("((VALUES (1)))", "VALUES");
    assert_word("VACUUM FULL", "VACUUM");
    assert_word("'a'", "");
    assert_word("a_word_that_is_longer_than_there_is_room_for", "A_WORD_THAT_IS_LONGER_THAN_THER");
    assert_word("a_word_of_thirty_bytes_and_umlaut\xc3\xa4", "A_WORD_OF_THIRTY_BYTES_AND_UMLA");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(transaction_control_is_refused_in_any_case),
        cmocka_unit_test(words_that_begin_alike_are_fine),
        cmocka_unit_test(begin_and_commit_around_a_text_are_taken_off),
        cmocka_unit_test(a_begin_that_is_not_a_frame_is_refused),
        cmocka_unit_test(begin_with_options_is_refused_with_a_way_out),
        cmocka_unit_test(copying_from_the_client_is_refused),
        cmocka_unit_test(listening_is_refused),
        cmocka_unit_test(copying_to_the_client_is_a_kind),
        cmocka_unit_test(what_refuses_a_transaction_block_is_alone),
        cmocka_unit_test(what_only_looks_like_it_is_not_alone),
        cmocka_unit_test(nothing_is_alone_between_begin_and_commit),
        cmocka_unit_test(a_statement_is_named_by_its_first_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
