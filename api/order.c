/* order.c - an order becomes a job to be submitted: capped, and given its steps. */
#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/engine_inner.h"
#include "api/escape.h"
#include "api/order_param.h"
#include "common/clock.h"
#include "common/digest.h"
#include "common/sink.h"

enum { PRIORITY = 5, MEMBER_MOST = 128 };

static_assert((int)TOKEN_HASH_SIZE == (int)DIGEST_SIZE, "keys are hashed with digest.h");

/* --- what it comes to --- */

static bool
find_terms(engine_t *engine, const caller_t *caller, const char *source, terms_t *terms, err_t *err)
{
    bool first = !source && caller->source[0] != '\0';
    if ((source || first)
        && terms_of(engine->terms, caller->tenant, source ? source : "", clock_mono_ms(), terms,
                    err))
        return true;
    if ((source || first) && err->kind != ERR_NOT_FOUND)
        return false;
    if (source && source[0])
        return err_set(err, ERR_INVALID, "option 'source': the tenant has no login '%.100s'",
                       source);
    return err_set(err, ERR_INVALID, "tenant %s has no data source: add a login", caller->tenant);
}

/* A time that was asked for (0: none) under a cap (0: none). */
static int64_t
capped(int64_t asked, int64_t cap)
{
    if (cap == 0)
        return asked;
    return asked == 0 || asked > cap ? cap : asked;
}

/* The same for results. */
static limit_t
limit_of(int64_t asked, const limit_t *cap)
{
    bool own_one = cap->most == 0 || (asked > 0 && asked <= cap->most);
    return own_one ? (limit_t){ .most = asked } : *cap;
}

/* 0: the cluster's default will do. */
static int64_t
deadline(const engine_t *engine, int64_t asked, int64_t cap)
{
    int64_t most = capped(engine->deadline_most_ms, cap);
    if (asked == 0)
        return most < engine->deadline_ms ? most : 0;
    return asked < most ? asked : most;
}

/* A member, of at most MEMBER_MOST bytes, behind those that are there. */
static void options_add(sink_t *options, const char *format, ...) PRINTF_LIKE(2, 3);

static void
options_add(sink_t *options, const char *format, ...)
{
    char member[MEMBER_MOST];
    va_list values;
    va_start(values, format);
    int size = vsnprintf(member, sizeof member, format, values);
    va_end(values);
    assert(size > 0 && (size_t)size < sizeof member);
    (void)sink_write(options, options->size == 0 ? "{" : ",", 1);
    (void)sink_write(options, member, (size_t)size);
}

/* The timeout of an only step takes the place of the order's, which it has again when an edit gives
 * it other steps. */
static void
options_timeout(sink_t *options, const order_t *order, int64_t cap_ms)
{
    int64_t timeout_ms = capped(order->statement_timeout_ms, cap_ms);
    int64_t step_ms = order->step_count == 1 ? order->steps[0].timeout_ms : 0;
    if (step_ms > 0)
        options_add(options, "\"order_timeout_ms\":%" PRId64, timeout_ms);
    if (step_ms > 0)
        timeout_ms = capped(step_ms, cap_ms);
    if (timeout_ms > 0)
        options_add(options, "\"statement_timeout_ms\":%" PRId64, timeout_ms);
}

/* A text that is escaped, and may be long. */
static void
options_text(sink_t *options, const char *name, const char *text, size_t size)
{
    options_add(options, "\"%s\":\"", name);
    (void)sink_write(options, text, size);
    (void)sink_write(options, "\"", 1);
}

/* Packed they need no escaping. */
static void
options_params(sink_t *options, const order_t *order)
{
    own(mem) packed = order_params_pack(order);
    if (packed)
        options_text(options, "params", packed, strlen(packed));
}

static void
options_note(sink_t *options, const char *note)
{
    if (!note)
        return;
    own(mem) text = mem_new(ESCAPE_JSON_ROOM(strlen(note)));
    char *end = escape_json(text, note, strlen(note));
    options_text(options, "note", text, (size_t)(end - text));
}

static void
options_limit(sink_t *options, const char *name, const limit_t *limit)
{
    if (limit->most == 0)
        return;
    options_add(options, "\"%s\":%" PRId64, name, limit->most);
    if (limit->owner != LIMIT_OF_JOB)
        options_add(options, "\"%s_of\":\"%s\"", name, limit_owner_word(limit->owner));
}

/* What the executor is told beside the text, and the note, as JSON; NULL: nothing. Caller owns the
 * result. */
static char *
options_make(const order_t *order, const terms_t *terms)
{
    const limit_t rows = limit_of(order->max_rows, &terms->max_rows);
    const limit_t bytes = limit_of(order->max_bytes, &terms->max_bytes);
    sink_t options = { 0 };
    options_timeout(&options, order, terms->statement_timeout_ms);
    if (order->max_attempts > 0)
        options_add(&options, "\"max_attempts\":%" PRId32, order->max_attempts);
    if (order->autocommit != AUTOCOMMIT_NEVER)
        options_add(&options, "\"autocommit\":\"%s\"", autocommit_word(order->autocommit));
    if (order->read_only)
        options_add(&options, "\"read_only\":true");
    options_limit(&options, "max_rows", &rows);
    options_limit(&options, "max_bytes", &bytes);
    if (order->truncate && (rows.most > 0 || bytes.most > 0))
        options_add(&options, "\"on_limit\":\"truncate\"");
    options_params(&options, order);
    options_note(&options, order->note);
    if (options.size == 0)
        return NULL;
    (void)sink_write(&options, "}", 2); /* and its NUL */
    return (char *)options.data;
}

/* One text of all: each behind a line of its own, so that no comment reaches the next. Caller owns
 * the result. */
static char *
join(const order_t *order)
{
    static const char between[] = "\n;\n";
    size_t size = 1;
    for (uint32_t i = 0; i < order->step_count; i++)
        size += order->steps[i].sql_size + sizeof between;
    char *text = mem_new(size);
    char *end = text;
    for (uint32_t i = 0; i < order->step_count; i++) {
        if (i > 0)
            end = mempcpy(end, between, sizeof between - 1);
        end = mempcpy(end, order->steps[i].sql, order->steps[i].sql_size);
    }
    return text;
}

submit_step_t *
order_steps(const order_t *order, int64_t cap_ms)
{
    submit_step_t *steps = mem_array(order->step_count, sizeof *steps);
    for (uint32_t i = 0; i < order->step_count; i++) {
        const order_step_t *step = &order->steps[i];
        steps[i] = (submit_step_t){
            .sql = step->sql,
            .condition = step->when,
            .timeout_ms = step->timeout_ms > 0 ? capped(step->timeout_ms, cap_ms) : 0,
            .is_template = step->is_template,
        };
    }
    return steps;
}

/* An order without any has the hash that it had before there were any. */
static void
hash_params(digest_t *digest, const order_t *order)
{
    if (order->param_count == 0)
        return;
    digest_text(digest, "params");
    digest_number(digest, order->param_count);
    for (uint32_t i = 0; i < order->param_count; i++) {
        const order_param_t *param = &order->params[i];
        digest_text(digest, param->name);
        digest_text(digest, param->type);
        if (param->value)
            digest_bytes(digest, param->value, param->size);
        else
            digest_text(digest, NULL);
    }
}

/* All that makes it this order and no other: as it was given, whatever the caps are today. What
 * came later stands behind the rest, and only where it is used: a repeat may come from before that.
 */
static void
hash_order(const order_t *order, uint8_t hash[TOKEN_HASH_SIZE])
{
    digest_t digest;
    digest_begin(&digest);
    digest_text(&digest, order->dialect);
    digest_text(&digest, order->source);
    const int64_t numbers[] = {
        order->one_transaction,  order->priority,    order->statement_timeout_ms,
        order->queue_timeout_ms, order->deadline_ms, order->max_attempts,
        order->autocommit,       order->read_only,   order->retention_s,
        order->step_count,
    };
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        digest_number(&digest, numbers[i]);
    for (uint32_t i = 0; i < order->step_count; i++) {
        const order_step_t *step = &order->steps[i];
        digest_bytes(&digest, step->sql, step->sql_size);
        digest_text(&digest, step->when);
        digest_number(&digest, step->timeout_ms);
        digest_number(&digest, step->is_template);
    }
    if (order->max_rows > 0 || order->max_bytes > 0 || order->truncate) {
        digest_text(&digest, "limits");
        digest_number(&digest, order->max_rows);
        digest_number(&digest, order->max_bytes);
        digest_number(&digest, order->truncate);
    }
    hash_params(&digest, order);
    if (order->queue_key) { /* only then: what was hashed before there were any stays what it was */
        digest_text(&digest, "queue_key");
        digest_bytes(&digest, order->queue_key, order->queue_key_size);
    }
    if (order->note) {
        digest_text(&digest, "note");
        digest_text(&digest, order->note);
    }
    digest_end(&digest, hash);
}

static void
hash_token(const order_t *order, uint8_t hash[TOKEN_HASH_SIZE])
{
    digest_t digest;
    digest_begin(&digest);
    digest_bytes(&digest, order->client_token, order->client_token_size);
    digest_end(&digest, hash);
}

static void
fill_texts(placing_t *self, const order_t *order)
{
    submit_t *job = &self->job;
    bool split = order->step_count > 1 && !order->one_transaction;
    if (split) {
        self->steps = order_steps(order, self->terms.statement_timeout_ms);
        job->steps = self->steps;
        job->step_count = order->step_count;
        job->sql = "";
    } else {
        if (order->step_count > 1)
            self->sql = join(order);
        job->sql = self->sql ? self->sql : order->steps[0].sql;
    }
    self->options = options_make(order, &self->terms);
    job->options = self->options;
}

static int32_t
retention(const engine_t *engine, const order_t *order, const terms_t *terms)
{
    if (order->retention_s > 0)
        return order->retention_s;
    return terms->retention_s > 0 ? terms->retention_s : engine->retention_s;
}

bool
placing_make(placing_t *self, engine_t *engine, const caller_t *caller, const order_t *order,
             err_t *err)
{
    *self = (placing_t){ .sql = NULL };
    if (!engine_may_write(caller, err) || !order_check(order, err)
        || !find_terms(engine, caller, order->source, &self->terms, err))
        return false;
    const terms_t *terms = &self->terms;
    self->job = (submit_t){
        .id = mint_id(engine->mint, clock_mono_ms()),
        .tenant = caller->tenant,
        .source = terms->source,
        .dialect = order->dialect,
        .priority = order->priority < 0 ? PRIORITY : order->priority,
        .retention_s = retention(engine, order, terms),
        .queue_timeout_ms = capped(order->queue_timeout_ms, terms->queue_timeout_ms),
        .deadline_ms = deadline(engine, order->deadline_ms, terms->deadline_ms),
        .queue_key = order->queue_key,
        .queue_most = order->queue_most,
        .keyed = order->client_token != NULL,
    };
    fill_texts(self, order);
    if (self->job.keyed) {
        hash_token(order, self->job.key_hash);
        hash_order(order, self->job.request_hash);
    }
    return true;
}

void
placing_clear(placing_t *self)
{
    free(self->sql);
    free(self->options);
    free(self->steps);
    *self = (placing_t){ .sql = NULL };
}
