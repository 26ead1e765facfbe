/* jobid.h - the id of a job: a UUID of RFC 9562 version 7 shape.
 *
 * 48 bits of milliseconds (the store's clock), 4 bits version, 12 bits cell, 2 bits variant, 62
 * random bits. Ids sort by creation time, the store's day partitions are cut by them, and the cell
 * says which (broker, store) pair made it. Ids are no secrets: every read checks the tenant.
 */
#ifndef COMMON_JOBID_H
#define COMMON_JOBID_H

#include <stdbool.h>
#include <stdint.h>

#include "common/mem.h"

enum { JOBID_SIZE = 16, JOBID_TEXT_SIZE = 37 };

typedef struct {
    uint8_t bytes[JOBID_SIZE];
} jobid_t;

/* A fresh id. `ms` is the store's time; `cell` below 4096. Random bits from libsodium. */
jobid_t jobid_make(int64_t ms, uint16_t cell);

/* An id of the same time and cell, a random little way behind `id`. False: there is none. */
bool jobid_after(const jobid_t *id, jobid_t *next) MUST_USE;

/* A key for a name, to be looked up as ids are: its BLAKE2b hash, so that no two names meet. */
jobid_t jobid_named(const char *name);

/* Read the 36-character text form, hex digits in either case. False when it is no UUID (any
 * version is taken: a stranger's UUID is merely unknown). */
bool jobid_parse(const char *text, jobid_t *id) MUST_USE;

/* Lower-case text form into `text`; returns it. */
const char *jobid_text(const jobid_t *id, char text[JOBID_TEXT_SIZE]);

/* The milliseconds inside. */
int64_t jobid_ms(const jobid_t *id);

bool jobid_equal(const jobid_t *a, const jobid_t *b);

/* <0, 0, >0 as memcmp: the order of creation. */
int jobid_compare(const jobid_t *a, const jobid_t *b);

#endif
