/* order_param.h - the parameters of an order: what is wrong with them, and how they are stored.
 *
 * Every error names its parameter: "parameter 'id': ..." or, by its number from 1, "parameter 1:
 * ...". Pure; any thread.
 */
#ifndef API_ORDER_PARAM_H
#define API_ORDER_PARAM_H

#include "api/engine.h"
#include "api/sqltype.h"

/* Fill in `err`, ERR_INVALID, with what is wrong with parameter number `i` (from 0). Returns false.
 */
bool order_param_refuse(const order_param_t *param, uint32_t i, err_t *err, const char *format, ...)
    PRINTF_LIKE(4, 5);

/* The type of one that names one. Fails with ERR_INVALID when that is no type of sqltype.h. */
bool order_param_type(const order_param_t *param, uint32_t i, sqltype_t *type, err_t *err) MUST_USE;

/* Are there not too many, are their names names and each its own, their types types, their values
 * text that a database can hold, and all of it not too large? */
bool order_params_check(const order_t *order, err_t *err) MUST_USE;

/* Packed (params.h); NULL when it has none. They must have been checked. Caller owns the result. */
char *order_params_pack(const order_t *order) MUST_USE;

#endif
