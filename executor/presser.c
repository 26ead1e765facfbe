/* presser.c - two lists, one of rows and one of pages, and the thread between them. */
#include "executor/presser.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

enum {
    STACK_BYTES = 512 << 10, /* counts as memory of the process, used or not */
};

struct pressing {
    uint32_t chain;
    page_raw_t raw;
    page_t *page; /* once it is pressed; NULL: err */
    err_t err;
    pressed_fn done; /* NULL: forgotten; the loop's thread's own */
    void *user;
    pressing_t *next;
};

typedef struct {
    pressing_t *first;
    pressing_t **end;
} list_t;

struct presser {
    loop_t *loop;
    uint32_t page_bytes;
    page_chain_t *chains; /* the thread's own */
    pthread_t thread;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t changed;
    list_t waiting;
    list_t pressed;
    bool ready;
    bool ending;
};

/* --- lists --- */

static void
append(list_t *self, pressing_t *pressing)
{
    pressing->next = NULL;
    *self->end = pressing;
    self->end = &pressing->next;
}

static pressing_t *
take_all(list_t *self)
{
    self->end = &self->first;
    return take(self->first);
}

/* True: it was in the list, and is not any more. */
static bool
pull(list_t *self, const pressing_t *pressing)
{
    pressing_t **at = &self->first;
    while (*at && *at != pressing)
        at = &(*at)->next;
    if (!*at)
        return false;
    *at = pressing->next;
    if (!*at)
        self->end = at;
    return true;
}

static void
free_one(pressing_t *self)
{
    free(self->raw.data);
    page_destroy(&self->page);
    free(self);
}

static void
free_all(list_t *self)
{
    for (pressing_t *each = take_all(self), *next; each; each = next) {
        next = each->next;
        free_one(each);
    }
}

/* --- the thread --- */

static void
say_ready(presser_t *self)
{
    pthread_mutex_lock(&self->lock);
    self->ready = true;
    pthread_cond_broadcast(&self->changed);
    pthread_mutex_unlock(&self->lock);
}

/* What waited longest; NULL: it is time to end. */
static pressing_t *
next_one(presser_t *self)
{
    pthread_mutex_lock(&self->lock);
    while (!self->waiting.first && !self->ending)
        pthread_cond_wait(&self->changed, &self->lock);
    pressing_t *pressing = self->ending ? NULL : self->waiting.first;
    if (pressing)
        (void)pull(&self->waiting, pressing);
    pthread_mutex_unlock(&self->lock);
    return pressing;
}

static void
press_one(presser_t *self, pressing_t *pressing)
{
    page_chain_t *chain = &self->chains[pressing->chain];
    if (pressing->raw.first_row == 0)
        *chain = (page_chain_t){ 0 };
    pressing->page = page_press(&pressing->raw, chain, &pressing->err);
    free(take(pressing->raw.data));
}

static void on_pressed(void *presser);

/* The loop is woken once for all that it has not fetched. */
static void
hand_over(presser_t *self, pressing_t *pressing)
{
    pthread_mutex_lock(&self->lock);
    bool first = !self->pressed.first;
    append(&self->pressed, pressing);
    if (first)
        loop_post(self->loop, on_pressed, self);
    pthread_mutex_unlock(&self->lock);
}

static void *
work(void *arg)
{
    presser_t *self = arg;
    press_take(self->page_bytes);
    say_ready(self);
    pressing_t *pressing = next_one(self);
    while (pressing) {
        press_one(self, pressing);
        hand_over(self, pressing);
        pressing = next_one(self);
    }
    press_release();
    return NULL;
}

/* --- the loop's thread --- */

static void
start(presser_t *self)
{
    pthread_attr_t attr;
    pthread_attr_init(&attr);
#ifndef MILLRACE_SANITIZED
    pthread_attr_setstacksize(&attr, STACK_BYTES);
#endif
    int rc = pthread_create(&self->thread, &attr, work, self);
    assert(rc == 0); /* a process that cannot have a thread at its start has no business running */
    pthread_attr_destroy(&attr);
    pthread_setname_np(self->thread, "presser");
    pthread_mutex_lock(&self->lock);
    while (!self->ready)
        pthread_cond_wait(&self->changed, &self->lock);
    pthread_mutex_unlock(&self->lock);
}

presser_t *
presser_new(const presser_options_t *options)
{
    presser_t *self = mem_new(sizeof *self);
    self->loop = options->loop;
    self->page_bytes = options->page_bytes;
    self->chains = mem_array(options->chains, sizeof *self->chains);
    self->waiting.end = &self->waiting.first;
    self->pressed.end = &self->pressed.first;
    pthread_mutex_init(&self->lock, NULL);
    pthread_cond_init(&self->changed, NULL);
    start(self);
    return self;
}

void
presser_destroy(presser_t **self_p)
{
    presser_t *self = *self_p;
    if (!self)
        return;
    pthread_mutex_lock(&self->lock);
    self->ending = true;
    pthread_cond_signal(&self->changed);
    pthread_mutex_unlock(&self->lock);
    pthread_join(self->thread, NULL);
    free_all(&self->waiting);
    free_all(&self->pressed);
    pthread_cond_destroy(&self->changed);
    pthread_mutex_destroy(&self->lock);
    free(self->chains);
    free(self);
    *self_p = NULL;
}

pressing_t *
presser_put(presser_t *self, uint32_t chain, const page_raw_t *raw, pressed_fn done, void *user)
{
    pressing_t *pressing = mem_new(sizeof *pressing);
    pressing->chain = chain;
    pressing->raw = *raw;
    pressing->done = done;
    pressing->user = user;
    pthread_mutex_lock(&self->lock);
    append(&self->waiting, pressing);
    pthread_cond_signal(&self->changed);
    pthread_mutex_unlock(&self->lock);
    return pressing;
}

void
presser_forget(presser_t *self, pressing_t **pressing_p)
{
    pressing_t *pressing = take(*pressing_p);
    if (!pressing)
        return;
    pthread_mutex_lock(&self->lock);
    bool waited = pull(&self->waiting, pressing);
    pthread_mutex_unlock(&self->lock);
    if (waited)
        free_one(pressing);
    else
        pressing->done = NULL; /* freed when it comes back */
}

static void
on_pressed(void *presser)
{
    presser_t *self = presser;
    pthread_mutex_lock(&self->lock);
    pressing_t *each = take_all(&self->pressed);
    pthread_mutex_unlock(&self->lock);
    while (each) {
        pressing_t *pressing = each;
        each = pressing->next;
        if (pressing->done)
            pressing->done(pressing->user, take(pressing->page), &pressing->err);
        free_one(pressing);
    }
}
