/* loop.h - one thread's event loop: descriptors, timers, and work handed over by other threads.
 *
 * Why not zloop: it polls with zmq_poll, whose item list breaks beyond 16 items in libzmq 4.3.4,
 * and leaves on EINTR (schemas/decisions). This one is epoll with a heap of timers. A ZeroMQ
 * socket's descriptor is edge-triggered about *its* state: whoever watches one must ask for its
 * events again after every send and receive; loop_before_sleep() is the place for that, and for
 * flushing whatever was gathered during the turn.
 *
 * Everything but loop_post() and loop_stop() belongs to the thread that runs the loop.
 */
#ifndef COMMON_LOOP_H
#define COMMON_LOOP_H

#include <stdint.h>

#include "common/err.h"

typedef struct loop loop_t;
typedef struct loop_watch loop_watch_t;
typedef struct loop_timer loop_timer_t;

enum { LOOP_READ = 1, LOOP_WRITE = 2 }; /* bits of `events`; errors and hang-ups arrive as both */

typedef void (*loop_fd_fn)(void *self, unsigned events);
typedef void (*loop_fn)(void *self);

/* Caller owns the result. */
loop_t *loop_new(err_t *err) MUST_USE;

/* Frees timers, watches and posts that are left; closes no descriptor but its own. */
void loop_destroy(loop_t **self_p);

/* Call `fn(arg, events)` whenever `fd` is ready for one of `events` (level-triggered). With 0 it
 * rests: errors and hang-ups do not arrive either. A descriptor that cannot be watched (a library
 * has closed it) arrives once as both. A watch may be removed from inside any callback. The loop
 * owns the watch. */
loop_watch_t *loop_watch(loop_t *self, int fd, unsigned events, loop_fd_fn fn, void *arg);
void loop_rewatch(loop_watch_t *watch, unsigned events);

/* Stop watching; NULL is fine; sets *watch_p to NULL. Must come before close(fd). */
void loop_unwatch(loop_watch_t **watch_p);

/* Call `fn(arg)` once after `ms`, or every `ms`. The loop owns the timer; a one-shot timer is gone
 * when its callback starts, so the callback sets its owner's pointer to NULL first. */
loop_timer_t *loop_after(loop_t *self, int64_t ms, loop_fn fn, void *arg);
loop_timer_t *loop_every(loop_t *self, int64_t ms, loop_fn fn, void *arg);
void loop_cancel(loop_timer_t **timer_p);

/* Call `fn(arg)` at the end of every turn, before the loop sleeps. Hooks run in the order they
 * were added. A hook that returns true has made new work: the loop then does not sleep but runs
 * another turn at once. */
void loop_before_sleep(loop_t *self, bool (*fn)(void *arg), void *arg);

/* From any thread: call `fn(arg)` on the loop's thread soon. */
void loop_post(loop_t *self, loop_fn fn, void *arg);

/* Turn until loop_stop(). */
bool loop_run(loop_t *self, err_t *err) MUST_USE;

/* From any thread, and from a signal handler. */
void loop_stop(loop_t *self);

/* Monotonic ms of the loop's last turn; any thread may ask (a watchdog's question). An idle loop
 * turns once a second. */
int64_t loop_last_turn_ms(const loop_t *self);

#endif
