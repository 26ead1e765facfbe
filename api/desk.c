#include "api/desk.h"

#include <pthread.h>
#include <stdlib.h>

struct desks {
    pace_t *pace;
    pthread_mutex_t lock;
    desk_t *free; /* guarded by lock: that nobody sits at, the one used last first */
};

desks_t *
desks_new(pace_t *pace)
{
    desks_t *self = mem_new(sizeof *self);
    self->pace = pace;
    pthread_mutex_init(&self->lock, NULL);
    return self;
}

void
desks_destroy(desks_t **self_p)
{
    desks_t *self = take(*self_p);
    if (!self)
        return;
    for (desk_t *desk = self->free, *next = NULL; desk; desk = next) {
        next = desk->next;
        pace_leave(self->pace, &desk->body.pace);
        reply_clear(&desk->reply);
        free(desk->body.data);
        free(desk);
    }
    pthread_mutex_destroy(&self->lock);
    free(self);
}

desk_t *
desk_take(desks_t *self)
{
    pthread_mutex_lock(&self->lock);
    desk_t *desk = self->free;
    if (desk)
        self->free = desk->next;
    pthread_mutex_unlock(&self->lock);
    if (desk)
        return desk;
    desk = mem_new(sizeof *desk);
    pace_join(self->pace, &desk->body.pace);
    return desk;
}

void
desk_leave(desks_t *self, desk_t **desk_p)
{
    desk_t *desk = take(*desk_p);
    pthread_mutex_lock(&self->lock);
    desk->next = self->free;
    self->free = desk;
    pthread_mutex_unlock(&self->lock);
}
