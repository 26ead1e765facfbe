#include "common/loop.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/timers.h"

enum {
    EVENTS_PER_TURN = 64,
    SLEEP_MS_MOST = 1000, /* so that a watchdog can tell an idle loop from a stuck one */
};

/* What was removed may still be on the stack of a callback or in the batch of events that is being
 * served: it is marked dead, waits in a list, and is freed when the turn ends. */
struct loop_watch {
    loop_t *loop;
    loop_fd_fn fn;
    void *arg;
    int fd;
    unsigned events;
    bool dead;
    loop_timer_t *alarm; /* the descriptor was lost: say so in the next turn */
    loop_watch_t *next;  /* of the living or of the dead */
    loop_watch_t *previous;
};

typedef struct post {
    loop_fn fn;
    void *arg;
    struct post *next;
} post_t;

typedef struct {
    bool (*fn)(void *arg);
    void *arg;
} hook_t;

struct loop {
    int poll_fd;
    int wake_fd;
    loop_watch_t *watches;
    loop_watch_t *dead_watches;
    loop_watch_t **by_fd; /* who has the kernel's registration of a descriptor */
    size_t by_fd_count;
    timers_t *timers;
    hook_t *hooks;
    size_t hook_count;
    pthread_mutex_t posts_lock;
    post_t *posts; /* guarded by posts_lock, as its tail */
    post_t **posts_end;
    atomic_bool stopped;
    _Atomic int64_t last_turn_ms;
};

loop_t *
loop_new(err_t *err)
{
    own(loop) self = mem_new(sizeof *self);
    self->wake_fd = -1;
    self->timers = timers_new();
    self->posts_end = &self->posts;
    pthread_mutex_init(&self->posts_lock, NULL);
    atomic_init(&self->stopped, false);
    atomic_init(&self->last_turn_ms, clock_mono_ms());

    self->poll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (self->poll_fd >= 0)
        self->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = NULL };
    if (self->wake_fd < 0 || epoll_ctl(self->poll_fd, EPOLL_CTL_ADD, self->wake_fd, &event) != 0) {
        err_set(err, ERR_INTERNAL, "cannot make an event loop: %s", strerror(errno));
        return NULL;
    }
    return take(self);
}

static void
free_dead(loop_t *self)
{
    while (self->dead_watches) {
        loop_watch_t *watch = self->dead_watches;
        self->dead_watches = watch->next;
        free(watch);
    }
    timers_sweep(self->timers);
}

void
loop_destroy(loop_t **self_p)
{
    loop_t *self = take(*self_p);
    if (!self)
        return;
    while (self->watches) {
        loop_watch_t *watch = self->watches;
        loop_unwatch(&watch);
    }
    free_dead(self);
    while (self->posts) {
        post_t *post = self->posts;
        self->posts = post->next;
        free(post);
    }
    timers_destroy(&self->timers);
    free(self->by_fd);
    free(self->hooks);
    pthread_mutex_destroy(&self->posts_lock);
    if (self->wake_fd >= 0)
        close(self->wake_fd);
    if (self->poll_fd >= 0)
        close(self->poll_fd);
    free(self);
}

/* Watches */

static uint32_t
epoll_bits(unsigned events)
{
    return (events & LOOP_READ ? (uint32_t)EPOLLIN : 0u)
           | (events & LOOP_WRITE ? (uint32_t)EPOLLOUT : 0u);
}

static loop_watch_t **
holder(loop_t *self, int fd)
{
    size_t place = (size_t)fd;
    if (place >= self->by_fd_count) {
        size_t count = 2 * place + 16;
        self->by_fd = mem_grow(self->by_fd, count * sizeof *self->by_fd);
        for (size_t i = self->by_fd_count; i < count; i++)
            self->by_fd[i] = NULL;
        self->by_fd_count = count;
    }
    return &self->by_fd[place];
}

/* Take the watch out of the kernel's set; also for a watch for nothing, since epoll would go on
 * reporting its errors and hang-ups. A library may have closed the descriptor behind our back (then
 * the kernel has dropped it) and its number may be another watch's by now. */
static void
detach(loop_watch_t *watch)
{
    loop_watch_t **held_by = holder(watch->loop, watch->fd);
    if (*held_by != watch)
        return;
    *held_by = NULL;
    epoll_ctl(watch->loop->poll_fd, EPOLL_CTL_DEL, watch->fd, NULL);
}

static bool
attach(loop_watch_t *watch, unsigned events)
{
    int poll_fd = watch->loop->poll_fd;
    struct epoll_event event = { .events = epoll_bits(events), .data.ptr = watch };
    loop_watch_t **held_by = holder(watch->loop, watch->fd);
    if (*held_by == watch && epoll_ctl(poll_fd, EPOLL_CTL_MOD, watch->fd, &event) == 0)
        return true;
    if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, watch->fd, &event) != 0)
        return false;
    *held_by = watch;
    return true;
}

static void
on_lost(void *self)
{
    loop_watch_t *watch = self;
    watch->alarm = NULL;
    if (watch->events != 0)
        watch->fn(watch->arg, LOOP_READ | LOOP_WRITE);
}

loop_watch_t *
loop_watch(loop_t *self, int fd, unsigned events, loop_fd_fn fn, void *arg)
{
    loop_watch_t *watch = mem_new(sizeof *watch);
    *watch = (loop_watch_t){ .loop = self, .fn = fn, .arg = arg, .fd = fd };
    watch->next = self->watches;
    if (watch->next)
        watch->next->previous = watch;
    self->watches = watch;
    loop_rewatch(watch, events);
    return watch;
}

void
loop_rewatch(loop_watch_t *watch, unsigned events)
{
    assert(!watch->dead);
    if (events == watch->events)
        return;
    watch->events = events;
    if (events == 0)
        detach(watch);
    else if (!attach(watch, events) && !watch->alarm)
        watch->alarm = loop_after(watch->loop, 0, on_lost, watch);
}

void
loop_unwatch(loop_watch_t **watch_p)
{
    loop_watch_t *watch = take(*watch_p);
    if (!watch || watch->dead)
        return;
    detach(watch);
    loop_cancel(&watch->alarm);
    if (watch->previous)
        watch->previous->next = watch->next;
    else
        watch->loop->watches = watch->next;
    if (watch->next)
        watch->next->previous = watch->previous;

    watch->dead = true;
    watch->next = watch->loop->dead_watches;
    watch->loop->dead_watches = watch;
}

static void
serve_watch(loop_watch_t *watch, uint32_t bits)
{
    if (watch->dead)
        return;
    unsigned events =
        (bits & EPOLLIN ? (unsigned)LOOP_READ : 0u) | (bits & EPOLLOUT ? (unsigned)LOOP_WRITE : 0u);
    events &= watch->events; /* a callback before this one may have lost interest in some */
    if (bits & (EPOLLERR | EPOLLHUP) && watch->events != 0)
        events = LOOP_READ | LOOP_WRITE;
    if (events != 0)
        watch->fn(watch->arg, events);
}

/* Timers */

loop_timer_t *
loop_after(loop_t *self, int64_t ms, loop_fn fn, void *arg)
{
    return timers_add(self->timers, clock_mono_ms() + (ms > 0 ? ms : 0), 0, fn, arg);
}

loop_timer_t *
loop_every(loop_t *self, int64_t ms, loop_fn fn, void *arg)
{
    int64_t every_ms = ms > 0 ? ms : 1;
    return timers_add(self->timers, clock_mono_ms() + every_ms, every_ms, fn, arg);
}

void
loop_cancel(loop_timer_t **timer_p)
{
    timers_cancel(timer_p);
}

static int
sleep_ms(const loop_t *self)
{
    int64_t due_ms = timers_due_ms(self->timers);
    int64_t now_ms = clock_mono_ms();
    if (due_ms <= now_ms)
        return 0;
    return due_ms - now_ms < SLEEP_MS_MOST ? (int)(due_ms - now_ms) : SLEEP_MS_MOST;
}

/* Posts and turns */

/* Nothing but write(2) and an atomic: also for signal handlers. */
static void
wake(loop_t *self)
{
    int saved_errno = errno;
    uint64_t one = 1;
    ssize_t written = write(self->wake_fd, &one, sizeof one);
    (void)written; /* it fails only when the counter is full: then the loop is awake anyway */
    errno = saved_errno;
}

void
loop_post(loop_t *self, loop_fn fn, void *arg)
{
    post_t *post = mem_new(sizeof *post);
    post->fn = fn;
    post->arg = arg;

    pthread_mutex_lock(&self->posts_lock);
    bool first = !self->posts;
    *self->posts_end = post;
    self->posts_end = &post->next;
    if (first)
        wake(self); /* under the lock: who took the post may destroy the loop */
    pthread_mutex_unlock(&self->posts_lock);
}

/* Run the posts that are there; what they post waits for the next turn. */
static void
run_posts(loop_t *self)
{
    uint64_t ignored = 0;
    ssize_t size = read(self->wake_fd, &ignored, sizeof ignored);
    (void)size; /* read before taking: a post that comes between wakes us once too often */

    pthread_mutex_lock(&self->posts_lock);
    post_t *posts = take(self->posts);
    self->posts_end = &self->posts;
    pthread_mutex_unlock(&self->posts_lock);

    while (posts) {
        post_t *post = posts;
        posts = post->next;
        loop_fn fn = post->fn;
        void *arg = post->arg;
        free(post);
        fn(arg);
    }
}

void
loop_before_sleep(loop_t *self, bool (*fn)(void *arg), void *arg)
{
    self->hooks = mem_grow(self->hooks, (self->hook_count + 1) * sizeof *self->hooks);
    self->hooks[self->hook_count++] = (hook_t){ .fn = fn, .arg = arg };
}

static bool
run_hooks(loop_t *self)
{
    bool more = false;
    for (size_t i = 0; i < self->hook_count; i++) {
        hook_t hook = self->hooks[i];
        if (hook.fn(hook.arg))
            more = true;
    }
    return more;
}

static bool
turn(loop_t *self, int wait_ms, err_t *err)
{
    struct epoll_event events[EVENTS_PER_TURN];
    int count = epoll_wait(self->poll_fd, events, EVENTS_PER_TURN, wait_ms);
    if (count < 0 && errno != EINTR)
        return err_set(err, ERR_INTERNAL, "the event loop cannot wait: %s", strerror(errno));
    atomic_store(&self->last_turn_ms, clock_mono_ms());

    for (int i = 0; i < count; i++) {
        if (events[i].data.ptr)
            serve_watch(events[i].data.ptr, events[i].events);
        else
            run_posts(self);
    }
    timers_run(self->timers, clock_mono_ms());
    return true;
}

bool
loop_run(loop_t *self, err_t *err)
{
    bool more = run_hooks(self); /* what came before the loop ran wants its turn, too */
    while (!atomic_load(&self->stopped)) {
        if (!turn(self, more ? 0 : sleep_ms(self), err))
            return false;
        more = run_hooks(self);
        free_dead(self);
    }
    atomic_store(&self->stopped, false);
    return true;
}

void
loop_stop(loop_t *self)
{
    atomic_store(&self->stopped, true);
    wake(self);
}

int64_t
loop_last_turn_ms(const loop_t *self)
{
    return atomic_load(&self->last_turn_ms);
}
