/* order_world.h - jobs as an API node hands them in, for tests of what becomes of them. */
#ifndef TESTS_CHECK_ORDER_WORLD_H
#define TESTS_CHECK_ORDER_WORLD_H

#include "tests/check/world.h"

/* Three steps, the second a reaction. */
extern const submit_step_t three_steps[3];

/* A plain job of tenant "demo"; one of three steps; one with a key, which one byte tells, as
 * another tells its request. */
submit_t an_order(void);
submit_t an_order_of_steps(void);
submit_t a_keyed_order(uint8_t key, uint8_t request);

/* One order, which the store takes or answers. */
err_kind_t submit(submit_t *order);

/* Submit through a way that loses the answer which holds `text`; it is stored all the same. */
void submit_cut(submit_t *order, const char *text);

#endif
