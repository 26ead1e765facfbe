/* order_param.c - an order's parameters, checked and packed. */
#include "api/order_param.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/params.h"
#include "common/utf8.h"

enum { WHY_SIZE = 250, WORD_SHOWN = 40 };

bool
order_param_refuse(const order_param_t *param, uint32_t i, err_t *err, const char *format, ...)
{
    char why[WHY_SIZE];
    va_list values;
    va_start(values, format);
    vsnprintf(why, sizeof why, format, values);
    va_end(values);
    if (!param->name)
        return err_set(err, ERR_INVALID, "parameter %u: %s", i + 1, why);
    size_t size = strlen(param->name);
    int shown = (int)(size > PARAM_NAME_MOST ? mem_whole(param->name, PARAM_NAME_MOST) : size);
    return err_set(err, ERR_INVALID, "parameter '%.*s': %s", shown, param->name, why);
}

/* What it is to be cast to, in the text, is what it was to be. */
static bool
refuse_type(const order_param_t *param, uint32_t i, err_t *err)
{
    const char *word = param->type;
    size_t size = strlen(word);
    int shown = (int)(size > WORD_SHOWN ? mem_whole(word, WORD_SHOWN) : size);
    char number[16];
    snprintf(number, sizeof number, "$%u", i + 1);
    return order_param_refuse(param, i, err,
                              "'%.*s' is not the name of a built-in type: leave it out, and cast "
                              "in the text instead, %s%.*s::%.*s",
                              shown, word, param->name ? ":" : "", PARAM_NAME_MOST,
                              param->name ? param->name : number, shown, word);
}

bool
order_param_type(const order_param_t *param, uint32_t i, sqltype_t *type, err_t *err)
{
    if (!utf8_valid(param->type, strlen(param->type)))
        return order_param_refuse(param, i, err, "its type is not valid UTF-8");
    return sqltype_find(param->type, type) || refuse_type(param, i, err);
}

/* --- checks --- */

/* A name that is none may be anything, so that it is not shown as one. */
static bool
check_name(const order_param_t *param, uint32_t i, err_t *err)
{
    if (!param->name || param_name_valid(param->name))
        return true;
    if (!utf8_valid(param->name, strlen(param->name)))
        return err_set(err, ERR_INVALID,
                       "option 'params': the name of a parameter is not valid "
                       "UTF-8");
    return order_param_refuse(
        param, i, err,
        "a name has letters, digits and underscores, at most %d, and no digit "
        "first",
        PARAM_NAME_MOST);
}

static bool
check_value(const order_param_t *param, uint32_t i, err_t *err)
{
    if (!param->value)
        return true;
    if (memchr(param->value, '\0', param->size))
        return order_param_refuse(param, i, err, "its value holds a NUL byte");
    if (!utf8_valid(param->value, param->size))
        return order_param_refuse(param, i, err, "its value is not valid UTF-8");
    assert(param->value[param->size] == '\0'); /* the source takes it as a C string */
    return true;
}

/* Before a byte of the values is looked at. */
static bool
check_size(const order_t *order, err_t *err)
{
    size_t left = PARAMS_BYTES_MOST;
    for (uint32_t i = 0; i < order->param_count; i++) {
        const order_param_t *param = &order->params[i];
        size_t size = param->size + (param->name ? strlen(param->name) : 0);
        if (size > left)
            return err_set(err, ERR_INVALID,
                           "option 'params': all of them together have more than "
                           "%d MiB",
                           PARAMS_BYTES_MOST >> 20);
        left -= size;
    }
    return true;
}

static bool
check_param(const order_param_t *param, uint32_t i, err_t *err)
{
    sqltype_t type;
    return check_name(param, i, err) && (!param->type || order_param_type(param, i, &type, err))
           && check_value(param, i, err);
}

static int
compare(const void *a, const void *b)
{
    const order_param_t *const *left = a;
    const order_param_t *const *right = b;
    return strcmp((*left)->name, (*right)->name);
}

static bool
check_distinct(const order_t *order, err_t *err)
{
    if (order->param_count == 0 || !order->params[0].name)
        return true;
    own(mem) memory = (mem_t *)mem_array(order->param_count, sizeof(order_param_t *));
    const order_param_t **sorted = (const order_param_t **)(void *)memory;
    for (uint32_t i = 0; i < order->param_count; i++)
        sorted[i] = &order->params[i];
    qsort(sorted, order->param_count, sizeof *sorted, compare);
    for (uint32_t i = 1; i < order->param_count; i++) {
        if (strcmp(sorted[i]->name, sorted[i - 1]->name) == 0)
            return order_param_refuse(sorted[i], i, err, "is given twice");
    }
    return true;
}

bool
order_params_check(const order_t *order, err_t *err)
{
    if (order->param_count > PARAMS_MOST)
        return err_set(err, ERR_INVALID, "option 'params' has more than %d parameters",
                       PARAMS_MOST);
    if (!check_size(order, err))
        return false;
    for (uint32_t i = 0; i < order->param_count; i++) {
        assert((order->params[i].name != NULL) == (order->params[0].name != NULL));
        if (!check_param(&order->params[i], i, err))
            return false;
    }
    return check_distinct(order, err);
}

/* --- packing --- */

char *
order_params_pack(const order_t *order)
{
    if (order->param_count == 0)
        return NULL;
    own(mem) memory = (mem_t *)mem_array(order->param_count, sizeof(param_t));
    param_t *params = (param_t *)(void *)memory;
    for (uint32_t i = 0; i < order->param_count; i++) {
        const order_param_t *param = &order->params[i];
        sqltype_t type = { .oid = 0 };
        bool known = !param->type || sqltype_find(param->type, &type);
        assert(known);
        params[i] = (param_t){
            .name = param->name, .oid = type.oid, .value = param->value, .size = param->size
        };
    }
    return params_pack(params, order->param_count);
}
