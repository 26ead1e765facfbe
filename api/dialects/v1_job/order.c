/* order.c - the body of POST /api/v1/job and /api/v1/query: texts and options. The ranges of the
 * options, and what may not stand together, are the engine's. */
#include <stdlib.h>
#include <string.h>

#include "api/dialects/v1_job/v1_job.h"
#include "api/option.h"

static const char *const known[] = {
    "sql",
    "source",
    "priority",
    "statement_timeout_ms",
    "queue_timeout_ms",
    "deadline_ms",
    "max_attempts",
    "transaction",
    "autocommit",
    "read_only",
    "retention_s",
    "client_token",
    "queue_key",
    "max_rows",
    "max_bytes",
    "on_limit",
    "params",
    /* not yet: */
    "tags",
    "run_at",
    "callback_url",
    NULL,
};

enum { NOT_YET = 17 }; /* index in `known` */

/* --- texts --- */

static bool
read_text(json_part_t part, order_step_t *step, err_t *err)
{
    json_kind_t kind = json_part_kind(part);
    step->sql = json_part_text(part, &step->sql_size);
    if (kind == JSON_KIND_MISSING)
        return err_set(err, ERR_INVALID, "is missing");
    if (kind != JSON_KIND_TEXT)
        return err_set(err, ERR_INVALID, "must be a text");
    return step->sql_size > 0 || err_set(err, ERR_INVALID, "is empty");
}

/* What is wrong about a member of a step, with its name before it. Returns false. */
static bool
blame(err_t *err, uint32_t i, const char *member)
{
    err_t why = *err;
    return err_set(err, ERR_INVALID, "sql[%u].%s %s", i, member, why.text);
}

static bool
read_step(json_part_t part, uint32_t i, order_step_t *step, err_t *err)
{
    static const char *const members[] = { "sql", "when", "timeout_ms", NULL };
    const char *unknown = json_part_unknown(part, members);
    if (unknown)
        return err_set(err, ERR_INVALID, "sql[%u]: unknown member '%s'", i, unknown);
    if (!read_text(json_part_member(part, "sql"), step, err))
        return blame(err, i, "sql");
    json_part_t when = json_part_member(part, "when");
    size_t size = 0;
    step->when = json_part_text(when, &size);
    if (!step->when && json_part_kind(when) != JSON_KIND_MISSING)
        return err_set(err, ERR_INVALID, "sql[%u].when must be a text", i);
    step->is_template = step->when != NULL;
    json_part_t timeout = json_part_member(part, "timeout_ms");
    if (json_part_kind(timeout) == JSON_KIND_MISSING)
        return true;
    step->timeout_ms = json_part_int(timeout); /* 0, which is refused, when it is none */
    return option_check("timeout_ms", step->timeout_ms, err)
           || err_wrap(err, "sql[%u].timeout_ms", i);
}

static bool
read_item(json_part_t part, uint32_t i, order_step_t *step, err_t *err)
{
    switch (json_part_kind(part)) {
    case JSON_KIND_OBJECT: return read_step(part, i, step, err);
    case JSON_KIND_TEXT:
        if (read_text(part, step, err))
            return true;
        return err_set(err, ERR_INVALID, "sql[%u] is empty", i);
    case JSON_KIND_MISSING:
    case JSON_KIND_NULL:
    case JSON_KIND_INTEGER:
    case JSON_KIND_REAL:
    case JSON_KIND_BOOL:
    case JSON_KIND_ARRAY: break;
    }
    return err_set(err, ERR_INVALID, "sql[%u] must be a text or an object", i);
}

static bool
read_list(v1_wish_t *self, json_part_t list, err_t *err)
{
    uint32_t count = json_part_count(list);
    if (count == 0)
        return err_set(err, ERR_INVALID, "member 'sql' is empty");
    if (count > ORDER_STEPS_MOST)
        return err_set(err, ERR_INVALID, "member 'sql' has more than %d texts", ORDER_STEPS_MOST);
    self->steps = mem_array(count, sizeof *self->steps);
    self->order.step_count = count;
    for (uint32_t i = 0; i < count; i++) {
        if (!read_item(json_part_item(list, i), i, &self->steps[i], err))
            return false;
    }
    return true;
}

static bool
read_sql(v1_wish_t *self, err_t *err)
{
    json_part_t part = json_doc_part(self->doc, "sql");
    if (json_part_kind(part) == JSON_KIND_ARRAY)
        return read_list(self, part, err);
    if (json_part_kind(part) != JSON_KIND_TEXT && json_part_kind(part) != JSON_KIND_MISSING)
        return err_set(err, ERR_INVALID, "member 'sql' must be a text or a list of texts");
    self->steps = mem_array(1, sizeof *self->steps);
    self->order.step_count = 1;
    return read_text(part, &self->steps[0], err)
           || err_set(err, ERR_INVALID, "member 'sql' %s",
                      self->steps[0].sql ? "is empty" : "is missing");
}

/* --- options --- */

static bool
read_number(const v1_wish_t *self, const char *name, int64_t *number, err_t *err)
{
    json_part_t part = json_doc_part(self->doc, name);
    if (json_part_kind(part) == JSON_KIND_MISSING)
        return true;
    *number = json_part_int(part);
    if (json_part_kind(part) != JSON_KIND_INTEGER)
        return option_refuse(name, err);
    return option_check(name, *number, err);
}

/* The same for an option whose range fits into 32 bits. */
static bool
read_small(const v1_wish_t *self, const char *name, int32_t *number, err_t *err)
{
    int64_t wide = *number;
    bool good = read_number(self, name, &wide, err);
    *number = good ? (int32_t)wide : 0;
    return good;
}

static bool
read_flag(const v1_wish_t *self, const char *name, bool *flag, err_t *err)
{
    json_part_t part = json_doc_part(self->doc, name);
    if (json_part_kind(part) == JSON_KIND_MISSING)
        return true;
    *flag = json_part_bool(part);
    return json_part_kind(part) == JSON_KIND_BOOL
           || err_set(err, ERR_INVALID, "option '%s' must be true or false", name);
}

/* NULL when it is missing. */
static bool
read_word(const v1_wish_t *self, const char *name, const char **word, err_t *err)
{
    json_part_t part = json_doc_part(self->doc, name);
    size_t size = 0;
    *word = json_part_text(part, &size);
    if (json_part_kind(part) == JSON_KIND_MISSING || size > 0)
        return true;
    return err_set(err, ERR_INVALID, *word ? "option '%s' is empty" : "option '%s' must be a text",
                   name);
}

static bool
read_transaction(v1_wish_t *self, err_t *err)
{
    const char *word = NULL;
    if (!read_word(self, "transaction", &word, err))
        return false;
    self->order.one_transaction = word && strcmp(word, "job") == 0;
    return !word || self->order.one_transaction || strcmp(word, "step") == 0
           || err_set(err, ERR_INVALID, "option 'transaction' must be \"step\" or \"job\"");
}

static bool
read_on_limit(v1_wish_t *self, err_t *err)
{
    const char *word = NULL;
    if (!read_word(self, "on_limit", &word, err))
        return false;
    self->order.truncate = word && strcmp(word, "truncate") == 0;
    return !word || self->order.truncate || strcmp(word, "fail") == 0
           || err_set(err, ERR_INVALID, "option 'on_limit' must be \"fail\" or \"truncate\"");
}

/* In the body, or as the header; or several times the same. */
static bool
read_token(v1_wish_t *self, const call_t *call, err_t *err)
{
    const char *word = NULL;
    static const char name[] = "Idempotency-Key";
    const char *header = request_header(call->request, name);
    if (request_header_differs(call->request, name))
        return err_set(err, ERR_INVALID, "two headers Idempotency-Key differ");
    if (!read_word(self, "client_token", &word, err))
        return false;
    if (word && header && strcmp(word, header) != 0)
        return err_set(err, ERR_INVALID,
                       "option 'client_token' and the header Idempotency-Key differ");
    self->order.client_token = word ? word : header;
    self->order.client_token_size = self->order.client_token ? strlen(self->order.client_token) : 0;
    return true;
}

static bool
read_params(v1_wish_t *self, err_t *err)
{
    if (!json_params_read(&self->params, json_doc_part(self->doc, "params"), err))
        return false;
    self->order.params = self->params.list;
    self->order.param_count = self->params.count;
    return true;
}

static bool
read_queue_key(v1_wish_t *self, err_t *err)
{
    if (!read_word(self, "queue_key", &self->order.queue_key, err))
        return false;
    (void)json_part_text(json_doc_part(self->doc, "queue_key"), &self->order.queue_key_size);
    return true;
}

static bool
read_options(v1_wish_t *self, const call_t *call, err_t *err)
{
    order_t *order = &self->order;
    bool autocommit = false;
    if (!read_word(self, "source", &order->source, err)
        || !read_small(self, "priority", &order->priority, err)
        || !read_number(self, "statement_timeout_ms", &order->statement_timeout_ms, err)
        || !read_number(self, "queue_timeout_ms", &order->queue_timeout_ms, err)
        || !read_number(self, "deadline_ms", &order->deadline_ms, err)
        || !read_small(self, "max_attempts", &order->max_attempts, err)
        || !read_transaction(self, err) || !read_flag(self, "autocommit", &autocommit, err)
        || !read_flag(self, "read_only", &order->read_only, err)
        || !read_small(self, "retention_s", &order->retention_s, err)
        || !read_number(self, "max_rows", &order->max_rows, err)
        || !read_number(self, "max_bytes", &order->max_bytes, err) || !read_on_limit(self, err)
        || !read_token(self, call, err) || !read_params(self, err) || !read_queue_key(self, err))
        return false;
    order->autocommit = autocommit ? AUTOCOMMIT_ALWAYS : AUTOCOMMIT_NEVER;
    return true;
}

static bool
check_names(const v1_wish_t *self, err_t *err)
{
    const char *unknown = json_doc_unknown(self->doc, known);
    if (unknown)
        return err_set(err, ERR_INVALID, "unknown member '%s'", unknown);
    for (const char *const *name = known + NOT_YET; *name; name++) {
        if (json_doc_kind(self->doc, *name) != JSON_KIND_MISSING)
            return err_set(err, ERR_INVALID, "option '%s' is not served yet", *name);
    }
    return true;
}

bool
v1_wish_read(v1_wish_t *self, const call_t *call, err_t *err)
{
    size_t size = 0;
    const char *body = request_body(call->request, &size);
    *self = (v1_wish_t){ .order = { .dialect = "v1_job", .priority = -1 } };
    self->doc = json_parse(body, size, err);
    if (!self->doc)
        return false;
    if (check_names(self, err) && read_sql(self, err) && read_options(self, call, err)) {
        self->order.steps = self->steps;
        return true;
    }
    v1_wish_clear(self);
    return false;
}

void
v1_wish_clear(v1_wish_t *self)
{
    json_params_clear(&self->params);
    json_doc_destroy(&self->doc);
    free(self->steps);
    self->steps = NULL;
}
