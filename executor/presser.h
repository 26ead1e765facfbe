/* presser.h - one thread that makes pages of rows, beside the loop's.
 *
 * Compressing and hashing cost more than all else that is done to wide rows, so the loop's thread
 * hands them over (page_writer_cut()) and has them back as pages, in the order in which they went
 * in. One thread, as the pages of a result are chained: each needs the one before it.
 *
 * A chain is numbered by whoever uses it for one result at a time; row 0 begins it anew. What is
 * forgotten is not called back. All on the loop's thread.
 */
#ifndef EXECUTOR_PRESSER_H
#define EXECUTOR_PRESSER_H

#include "common/loop.h"
#include "common/page.h"

typedef struct presser presser_t;
typedef struct pressing pressing_t; /* rows under way */

typedef struct {
    loop_t *loop;
    uint32_t page_bytes; /* raw; larger pages ask for memory when they are pressed */
    uint32_t chains;     /* their numbers are below this */
} presser_options_t;

/* The page, which is the callee's now; NULL: there was no memory for it (err). */
typedef void (*pressed_fn)(void *user, page_t *page, const err_t *err);

/* Starts the thread, and returns when that has its memory. Keeps the loop. Caller owns the result.
 */
presser_t *presser_new(const presser_options_t *options) MUST_USE;

/* Ends the thread, and with it what is under way, `done` not called. Only when the loop does not
 * turn any more. */
void presser_destroy(presser_t **self_p);

/* Have rows pressed: `done` is called on a later turn of the loop. Takes the rows' bytes. The
 * result is the presser's, good until then or until it is forgotten. */
pressing_t *presser_put(presser_t *self, uint32_t chain, const page_raw_t *raw, pressed_fn done,
                        void *user) MUST_USE;

/* Forget it: `done` is not called. Sets *pressing_p to NULL, which is fine. Whoever forgets one of
 * a chain forgets all that are behind it. */
void presser_forget(presser_t *self, pressing_t **pressing_p);

#endif
