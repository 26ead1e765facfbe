/* line.h - threads that wait in line for something that others give back.
 *
 * A place is on its thread's stack. Who gives something back calls the first one, hands over what
 * it waits for (in what the place is the first member of), and wakes nobody else. All functions are
 * called with the lock held that the line is guarded by.
 */
#ifndef API_LINE_H
#define API_LINE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/mem.h"

typedef struct place {
    struct place *next;
    pthread_cond_t called;
    bool served;
} place_t;

/* All zeros is an empty line. */
typedef struct {
    place_t *first;
    uint32_t length;
} line_t;

/* Wait at the end of the line, at most `ms`, until called. False: the time is over; the place has
 * left the line. */
bool line_wait(line_t *self, place_t *place, pthread_mutex_t *lock, int64_t ms) MUST_USE;

/* The first one leaves the line, and wakes when the lock is free. There must be one. */
place_t *line_call(line_t *self);

#endif
