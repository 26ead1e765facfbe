/* pg_pipe.c - queries out, answers in, in libpq's pipeline mode.
 *
 * The queue of expected answers says which of them belong to a Parse or to a ROLLBACK that nobody
 * asked for, and are not shown. A transaction that failed is rolled back by the pipeline after it.
 */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "common/pg_inner.h"
#include "common/pg_params.h"

static const struct {
    const char *name;
    const char *text;
} statements[STATEMENTS] = {
#define SQL(name, text) { #name, text },
#include "sql.inc"
#undef SQL
    { "begin", "BEGIN" },
    { "commit", "COMMIT" },
    { "rollback", "ROLLBACK" },
};

const char *
sql_name(sql_t query)
{
    return statements[query].name;
}

const char *
sql_text(sql_t query)
{
    return statements[query].text;
}

/* --- with a partition in its table's place --- */

bool
pg_parted(pg_t *self, sql_t query, const char *table, const char *partition, uint16_t *statement)
{
    assert(strlen(table) < PARTITION_SIZE && strlen(partition) < PARTITION_SIZE);
    uint32_t i = 0;
    while (i < self->parted_count
           && (self->parted[i].query != query || strcmp(self->parted[i].partition, partition) != 0))
        i++;
    if (i == PARTITIONS_MOST)
        return false;
    *statement = (uint16_t)(STATEMENTS + i);
    if (i < self->parted_count)
        return true;
    if (!self->parted)
        self->parted = mem_array(PARTITIONS_MOST, sizeof *self->parted);
    parted_t *parted = &self->parted[self->parted_count++];
    parted->query = query;
    snprintf(parted->table, sizeof parted->table, "%s", table);
    snprintf(parted->partition, sizeof parted->partition, "%s", partition);
    snprintf(parted->name, sizeof parted->name, "%s in %s", statements[query].name, partition);
    return true;
}

static const char *
name_of(const pg_t *self, uint16_t statement)
{
    return statement < STATEMENTS ? statements[statement].name
                                  : self->parted[statement - STATEMENTS].name;
}

/* Its text, with the partition wherever the table stood. Caller owns the result. */
static char *
parted_text(const parted_t *self)
{
    own(mem) from = mem_format("FROM %s ", self->table);
    own(mem) text = mem_text("");
    const char *rest = statements[self->query].text;
    for (const char *at = strstr(rest, from); at; at = strstr(rest, from)) {
        own(mem) before = take(text);
        text = mem_format("%s%.*sFROM %s ", before, (int)(at - rest), rest, self->partition);
        rest = at + strlen(from);
    }
    return mem_format("%s%s", text, rest);
}

/* --- out --- */

static void
expect(pg_t *self, uint16_t statement, bool parse, bool hidden)
{
    if (self->expected_first + self->expected_count == self->expected_room) {
        self->expected_room = self->expected_room ? self->expected_room * 2 : 64;
        self->expected =
            (expected_t *)mem_grow(self->expected, self->expected_room * sizeof *self->expected);
    }
    self->expected[self->expected_first + self->expected_count++] =
        (expected_t){ .statement = statement, .parse = parse, .hidden = hidden };
}

/* libpq took a statement not at all. It does not fail so for a connection that is gone, but where
 * it has no memory for the message. What stands before it in the pipeline goes with the connection.
 */
static bool
unsent(pg_t *self, err_t *err)
{
    bool there = PQstatus(self->connection) == CONNECTION_OK;
    (void)pg_lost(self, err);
    return !there ? false : err_set(err, ERR_LIMIT, "no memory to send a statement");
}

static bool
send_parse(pg_t *self, uint16_t statement)
{
    own(mem) parted =
        statement < STATEMENTS ? NULL : parted_text(&self->parted[statement - STATEMENTS]);
    const char *text = parted ? parted : statements[statement].text;
    if (!PQsendPrepare(self->connection, name_of(self, statement), text, 0, NULL))
        return false;
    self->prepared[statement] = PREPARING;
    expect(self, statement, true, true);
    return true;
}

bool
pg_send(pg_t *self, uint16_t statement, const pg_params_t *params, bool hidden, err_t *err)
{
    pg_wire_t wire;
    if (self->state == PG_LOST || self->state == PG_CONNECTING)
        return pg_lost(self, err);
    if (!pg_params_wire(params, &wire))
        return err_set(err, ERR_LIMIT, "more data than one statement can carry");
    if (self->prepared[statement] == UNPREPARED && !send_parse(self, statement))
        return unsent(self, err);
    if (!PQsendQueryPrepared(self->connection, name_of(self, statement), wire.count, wire.values,
                             wire.lengths, wire.formats, 1))
        return unsent(self, err);
    expect(self, statement, false, hidden);
    return true;
}

/* What a failed transaction leaves behind refuses everything until it is rolled back. */
static bool
mend_block(pg_t *self, err_t *err)
{
    bool broken = self->state == PG_READY && !self->expected_count
                  && PQtransactionStatus(self->connection) == PQTRANS_INERROR;
    return !broken || pg_send(self, DO_ROLLBACK, NULL, true, err);
}

bool
pg_queue(pg_t *self, sql_t query, const pg_params_t *params, err_t *err)
{
    return mend_block(self, err) && pg_send(self, (uint16_t)query, params, false, err);
}

bool
pg_queue_begin(pg_t *self, err_t *err)
{
    return mend_block(self, err) && pg_send(self, DO_BEGIN, NULL, false, err);
}

bool
pg_queue_commit(pg_t *self, err_t *err)
{
    return pg_send(self, DO_COMMIT, NULL, false, err);
}

/* Nothing is received here: an answer that was taken from the socket would wake no loop. */
bool
pg_flush(pg_t *self, err_t *err)
{
    if (self->state == PG_LOST || !PQpipelineSync(self->connection))
        return pg_lost(self, err);
    int left = PQflush(self->connection);
    if (left < 0)
        return pg_lost(self, err);
    self->unsent = left > 0;
    self->state = PG_BUSY;
    return true;
}

/* --- in --- */

static expected_t
expected_take(pg_t *self)
{
    assert(self->expected_count);
    expected_t taken = self->expected[self->expected_first++];
    self->expected_count--;
    return taken;
}

static pg_step_t
step_synced(pg_t *self)
{
    assert(!self->expected_count);
    self->expected_first = 0;
    self->in_block = PQtransactionStatus(self->connection) != PQTRANS_IDLE;
    self->state = PG_READY;
    return PG_SYNCED;
}

static pg_step_t
step_failed(pg_t *self, const expected_t *taken, const PGresult *result, err_t *err)
{
    if (pg_result_error(result, err)) {
        self->state = PG_LOST;
        return PG_DEAD;
    }
    if (taken->parse) { /* its query is skipped, and was answered herewith */
        self->prepared[taken->statement] = UNPREPARED;
        self->expected[self->expected_first].hidden = true;
    }
    return PG_FAILED;
}

static pg_step_t
step_done(pg_t *self, const expected_t *taken, PGresult *result, err_t *err)
{
    if (taken->parse)
        self->prepared[taken->statement] = PREPARED;
    if (taken->statement != DO_COMMIT || taken->parse)
        return PG_RESULT;
    if (strcmp(PQcmdStatus(result), "COMMIT") == 0)
        return PG_RESULT;
    (void)err_set(err, ERR_SQL, "the transaction was rolled back");
    return PG_FAILED;
}

/* What one answer means. */
static pg_step_t
step_of(pg_t *self, PGresult *result, expected_t *taken, err_t *err)
{
    ExecStatusType status = PQresultStatus(result);
    if (status == PGRES_PIPELINE_SYNC)
        return step_synced(self);
    if (!self->expected_count) { /* the server says good-bye between two pipelines */
        (void)pg_result_error(result, err);
        self->state = PG_LOST;
        return PG_DEAD;
    }
    *taken = expected_take(self);
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK)
        return step_done(self, taken, result, err);
    if (status != PGRES_PIPELINE_ABORTED)
        return step_failed(self, taken, result, err);
    if (taken->parse)
        self->prepared[taken->statement] = UNPREPARED;
    return PG_SKIPPED;
}

pg_step_t
pg_next(pg_t *self, pg_result_t **result, err_t *err)
{
    *result = NULL;
    /* Answers that are not shown, and the NULL that libpq puts behind each. */
    uint32_t most = 2 * self->expected_count + 4;
    for (uint32_t i = 0; i < most && self->state == PG_BUSY; i++) {
        if (PQisBusy(self->connection))
            return PG_WAIT;
        PGresult *answer = PQgetResult(self->connection);
        if (!answer)
            continue;
        expected_t taken = { 0 };
        pg_step_t step = step_of(self, answer, &taken, err);
        if (step == PG_RESULT && !taken.hidden) {
            *result = pg_result_wrap(&answer);
            return step;
        }
        PQclear(answer);
        bool shown = step == PG_FAILED || step == PG_DEAD || step == PG_SYNCED;
        if (shown || (step == PG_SKIPPED && !taken.hidden))
            return step;
    }
    (void)pg_lost(self, err);
    return PG_DEAD;
}
