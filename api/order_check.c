/* order_check.c - an order of one text, and whether any is well formed. */
#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "api/engine_inner.h"
#include "api/option.h"
#include "api/order_param.h"
#include "common/plan.h"
#include "common/sqltext.h"
#include "common/utf8.h"

static_assert((int)OPTION_QUEUE_KEY_MOST == (int)QUEUE_KEY_MOST, "the broker knows whole keys");

order_t
order_of(const char *dialect, const order_step_t *step)
{
    return (order_t){ .dialect = dialect, .steps = step, .step_count = 1, .priority = -1 };
}

static bool
check_text(const order_step_t *step, err_t *err)
{
    if (step->sql_size == 0)
        return err_set(err, ERR_INVALID, "the SQL text is empty");
    if (memchr(step->sql, '\0', step->sql_size))
        return err_set(err, ERR_INVALID, "the SQL text holds a NUL byte");
    if (!utf8_valid(step->sql, step->sql_size))
        return err_set(err, ERR_INVALID, "the SQL text is not valid UTF-8");
    assert(step->sql[step->sql_size] == '\0'); /* the store takes it as a C string */
    return true;
}

/* Texts that become one statement list must be whole each, or one would swallow the next. */
static bool
check_whole(const order_step_t *step, err_t *err)
{
    own(statements) statements = statements_split(step->sql, err);
    return statements != NULL;
}

static bool
check_when(const order_t *order, uint32_t i, err_t *err)
{
    const order_step_t *step = &order->steps[i];
    if (!step->when)
        return order->step_count > 1 || !step->is_template
               || err_set(err, ERR_INVALID, "a job of one step has no template");
    if (order->one_transaction)
        return err_set(err, ERR_INVALID, "a step of one transaction has no condition");
    if (order->step_count == 1)
        return err_set(err, ERR_INVALID, "a job of one step has no condition");
    return plan_check(step->when, i, err);
}

static bool
check_timeout(const order_t *order, uint32_t i, err_t *err)
{
    int64_t timeout_ms = order->steps[i].timeout_ms;
    if (timeout_ms == 0)
        return true;
    if (order->one_transaction)
        return err_set(err, ERR_INVALID, "a step of one transaction has no timeout of its own");
    return option_check("timeout_ms", timeout_ms, err);
}

/* Says which text is meant, where there are several. */
static bool
check_step(const order_t *order, uint32_t i, err_t *err)
{
    const order_step_t *step = &order->steps[i];
    if (!check_text(step, err)
        || (order->one_transaction && order->step_count > 1 && !check_whole(step, err)))
        return order->step_count > 1 ? err_wrap(err, "sql[%" PRIu32 "]", i) : false;
    if (!check_when(order, i, err))
        return err_wrap(err, "sql[%" PRIu32 "].when", i);
    if (!check_timeout(order, i, err))
        return err_wrap(err, "sql[%" PRIu32 "].timeout_ms", i);
    return true;
}

static bool
check_note(const order_t *order, err_t *err)
{
    size_t size = order->note ? strlen(order->note) : 0;
    if (size > ORDER_NOTE_MOST)
        return err_set(err, ERR_INVALID, "a job's note has at most %d bytes", ORDER_NOTE_MOST);
    return size == 0 || utf8_valid(order->note, size)
           || err_set(err, ERR_INVALID, "the job's note is not valid UTF-8");
}

bool
order_check_texts(const order_t *order, err_t *err)
{
    assert(order->step_count > 0);
    if (order->step_count > ORDER_STEPS_MOST)
        return err_set(err, ERR_INVALID, "a job has at most %d steps", ORDER_STEPS_MOST);
    for (uint32_t i = 0; i < order->step_count; i++) {
        if (!check_step(order, i, err))
            return false;
    }
    return check_note(order, err);
}

/* 0 is the default. */
static bool
check_number(const char *name, int64_t number, err_t *err)
{
    return number == 0 || option_check(name, number, err);
}

static bool
check_queue_key(const order_t *order, err_t *err)
{
    if (!order->queue_key)
        return order->queue_most == 0
               || err_set(err, ERR_INVALID, "only a job with a queue key waits behind so many");
    size_t size = order->queue_key_size;
    if (size == 0 || size > OPTION_QUEUE_KEY_MOST)
        return err_set(err, ERR_INVALID, "option 'queue_key' must have 1 to %d bytes",
                       OPTION_QUEUE_KEY_MOST);
    if (memchr(order->queue_key, '\0', size))
        return err_set(err, ERR_INVALID, "option 'queue_key' holds a NUL byte");
    return utf8_valid(order->queue_key, size)
           || err_set(err, ERR_INVALID, "option 'queue_key' is not valid UTF-8");
}

static bool
check_options(const order_t *order, err_t *err)
{
    if (!(order->priority == -1 || option_check("priority", order->priority, err))
        || !check_number("statement_timeout_ms", order->statement_timeout_ms, err)
        || !check_number("queue_timeout_ms", order->queue_timeout_ms, err)
        || !check_number("deadline_ms", order->deadline_ms, err)
        || !check_number("max_attempts", order->max_attempts, err)
        || !check_number("retention_s", order->retention_s, err)
        || !check_number("max_rows", order->max_rows, err)
        || !check_number("max_bytes", order->max_bytes, err) || !check_queue_key(order, err))
        return false;
    if (order->autocommit == AUTOCOMMIT_ALWAYS && order->one_transaction)
        return err_set(err, ERR_INVALID,
                       "option 'autocommit' cannot stand beside 'transaction' of the whole job");
    if (order->autocommit == AUTOCOMMIT_ALWAYS && order->read_only)
        return err_set(err, ERR_INVALID, "option 'autocommit' cannot stand beside 'read_only'");
    if (!order_params_check(order, err))
        return false;
    if (order->client_token
        && (order->client_token_size == 0 || order->client_token_size > OPTION_TOKEN_MOST))
        return err_set(err, ERR_INVALID, "option 'client_token' must have 1 to %d bytes",
                       OPTION_TOKEN_MOST);
    return true;
}

bool
order_check(const order_t *order, err_t *err)
{
    return check_options(order, err) && order_check_texts(order, err);
}
