/* rows.h - the rows of a result, from wherever its pages are.
 *
 * The engine's inside of engine_rows(): the reader that dialects know as rows_t, made over any
 * source of pages.
 */
#ifndef API_ROWS_H
#define API_ROWS_H

#include "api/engine.h"
#include "api/inflaters.h"

typedef struct {
    /* The page that holds `row`, as store_page(). */
    page_t *(*page)(void *arg, const page_key_t *key, int64_t row, uint32_t most, err_t *err);
    /* Ask for those that come next, and take them later, as readers_ask() and readers_take(). NULL:
     * that is not possible. */
    store_t *(*ask)(void *arg, const page_key_t *key, int64_t row, uint32_t most, uint32_t count);
    uint32_t (*answer)(void *arg, store_t **asked, const uint8_t before[PAGE_HASH_SIZE],
                       page_t **pages, uint32_t count);
    /* Inflate pages that will be needed soon, as inflaters_send(). NULL: that is not possible. */
    bool (*inflate)(void *arg, errand_t *errands);
    /* Is the time of the job's pages over by now? */
    bool (*expired)(void *arg, const job_t *job);
    /* In which bucket are the job's pages by now? They may be moved while they are read. Fails with
     * ERR_GONE when the job has expired, or is not there any more. */
    bool (*where)(void *arg, const job_t *job, int64_t *bucket_us, err_t *err);
    shelf_t *shelf;
    room_t *room; /* for large pages */
    void *arg;
} page_source_t;

/* As engine_rows(). Each page is held against the manifest: it begins where the one before it
 * ended, its hash continues that one's, and the last one's hash is the result's; a page that is not
 * what the manifest promises ends the reading with ERR_INTERNAL. Copies `source`, keeps job and
 * result, which must outlive it. Caller owns the result. */
rows_t *rows_new(const page_source_t *source, const job_t *job, const result_t *result,
                 int64_t offset, bool stored, err_t *err) MUST_USE;

/* Where the pages of a result are, as far as the job says. */
page_key_t page_key_of(const job_t *job, const result_t *result);

#endif
