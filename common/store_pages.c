/* store_pages.c - pages out. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/store_inner.h"

enum { PAGE_PARTITION_SIZE = 32 };

static pg_params_t *
key_params(store_t *self, const page_key_t *key)
{
    pg_params_t *params = store_params(self);
    pg_param_time(params, key->bucket_us);
    pg_param_uuid(params, &key->job);
    pg_param_int2(params, (int16_t)key->step);
    pg_param_int4(params, key->attempt);
    pg_param_int2(params, (int16_t)key->result);
    return params;
}

/* --- one page --- */

/* Columns of page_get and page_next. */
enum { FIRST_ROW, PAGE_ROWS, RAW_BYTES, HASH, SIZE, DATA, BEFORE };

static bool
read_hash(const pg_result_t *result, int row, int column, uint8_t hash[PAGE_HASH_SIZE])
{
    view_t bytes = pg_get_bytes(result, row, column);
    if (bytes.size == PAGE_HASH_SIZE)
        memcpy(hash, bytes.data, PAGE_HASH_SIZE);
    return bytes.size == PAGE_HASH_SIZE;
}

static bool
read_data(const pg_result_t *result, int row, page_t *page, err_t *err)
{
    view_t data = pg_get_bytes(result, row, DATA);
    page->data = (uint8_t *)mem_try(data.size ? data.size : 1);
    if (!page->data)
        return err_set(err, ERR_LIMIT, "no memory for a page of %u bytes", data.size);
    memcpy(page->data, data.data, data.size);
    return true;
}

/* All but the hash before it. */
static page_t *
read_page(const pg_result_t *result, int row, err_t *err)
{
    own(page) page = (page_t *)mem_new(sizeof *page);
    page->first_row = pg_get_int8(result, row, FIRST_ROW);
    page->rows = (uint32_t)pg_get_int4(result, row, PAGE_ROWS);
    page->raw_bytes = (uint32_t)pg_get_int4(result, row, RAW_BYTES);
    page->size = (uint32_t)pg_get_int4(result, row, SIZE);
    if (!pg_is_null(result, row, DATA) && !read_data(result, row, page, err))
        return NULL;
    if (read_hash(result, row, HASH, page->hash))
        return take(page);
    (void)err_set(err, ERR_INTERNAL, "a stored page has no hash");
    return NULL;
}

/* The partition that holds a bucket, as partitions_ahead() and page_partition() name them. */
static bool
partition_of(int64_t bucket_us, char name[PAGE_PARTITION_SIZE])
{
    time_t at = (time_t)(bucket_us / 1000000);
    struct tm utc;
    if (bucket_us == INT64_MAX)
        (void)snprintf(name, PAGE_PARTITION_SIZE, "page_forever");
    else if (bucket_us <= 0 || !gmtime_r(&at, &utc))
        return false;
    else
        (void)strftime(name, PAGE_PARTITION_SIZE, "page_%Y%m%d%H", &utc);
    return true;
}

/* In its partition; where none is of that name the table knows what became of it. */
static bool
ask_page(store_t *self, int64_t bucket_us, pg_result_t **result, err_t *err)
{
    char name[PAGE_PARTITION_SIZE];
    if (!partition_of(bucket_us, name))
        return store_run(self, SQL_page_get, result, err);
    return pg_run_in(self->pg, SQL_page_get, "page", name, self->params, result, err)
           || (strcmp(err->sqlstate, "42P01") == 0 && store_run(self, SQL_page_get, result, err));
}

page_t *
store_page(store_t *self, const page_key_t *key, int64_t row, uint32_t most, err_t *err)
{
    pg_params_t *params = key_params(self, key);
    pg_param_int8(params, row);
    pg_param_int4(params, most > INT32_MAX ? INT32_MAX : (int32_t)most);
    own(pg_result) result = NULL;
    if (!ask_page(self, key->bucket_us, &result, err))
        return NULL;
    bool holds =
        pg_rows(result) && row < pg_get_int8(result, 0, 0) + (int64_t)pg_get_int4(result, 0, 1);
    /* A result without rows is one empty page. */
    if (!holds && !(pg_rows(result) && row == 0)) {
        (void)err_set(err, ERR_NOT_FOUND, "no stored page holds this row");
        return NULL;
    }
    own(page) page = read_page(result, 0, err);
    if (page && !pg_is_null(result, 0, BEFORE) && !read_hash(result, 0, BEFORE, page->before)) {
        (void)err_set(err, ERR_INTERNAL, "a stored page has no hash");
        return NULL;
    }
    return take(page);
}

/* --- those that come next --- */

bool
store_pages_ask(store_t *self, const page_key_t *key, int64_t row, uint32_t most, uint32_t count,
                err_t *err)
{
    char name[PAGE_PARTITION_SIZE];
    if (!partition_of(key->bucket_us, name))
        return err_set(err, ERR_NOT_FOUND, "no partition is known to hold the pages");
    pg_params_t *params = key_params(self, key);
    pg_param_int8(params, row);
    pg_param_int4(params, most > INT32_MAX ? INT32_MAX : (int32_t)most);
    pg_param_int8(params, count);
    return pg_ask_in(self->pg, SQL_page_next, "page", name, params, err);
}

uint32_t
store_pages_take(store_t *self, const uint8_t before[PAGE_HASH_SIZE], page_t **pages,
                 uint32_t count)
{
    own(pg_result) result = NULL;
    uint32_t taken = 0;
    err_t err;
    if (!pg_answer(self->pg, &result, &err))
        return 0;
    for (; taken < count && (int)taken < pg_rows(result); taken++) {
        page_t *page = read_page(result, (int)taken, &err);
        if (!page)
            break;
        memcpy(page->before, before, PAGE_HASH_SIZE);
        before = page->hash;
        pages[taken] = page;
    }
    return taken;
}

/* --- the list of them --- */

static bool
read_entry(const pg_result_t *result, int row, page_entry_t *entry)
{
    view_t hash = pg_get_bytes(result, row, 4);
    if (hash.size != PAGE_HASH_SIZE)
        return false;
    memcpy(entry->hash, hash.data, PAGE_HASH_SIZE);
    entry->first_row = pg_get_int8(result, row, 0);
    entry->rows = (uint32_t)pg_get_int4(result, row, 1);
    entry->raw_bytes = (uint32_t)pg_get_int4(result, row, 2);
    entry->size = (uint32_t)pg_get_int4(result, row, 3);
    return true;
}

bool
store_page_list(store_t *self, const page_key_t *key, int64_t first_row, uint32_t most,
                page_entry_t *entries, uint32_t *count, err_t *err)
{
    pg_params_t *params = key_params(self, key);
    pg_param_int8(params, first_row);
    pg_param_int8(params, most);
    own(pg_result) result = NULL;
    if (!store_run(self, SQL_page_list, &result, err))
        return false;
    *count = (uint32_t)pg_rows(result);
    for (uint32_t i = 0; i < *count; i++) {
        if (!read_entry(result, (int)i, &entries[i]))
            return err_set(err, ERR_INTERNAL, "a stored page has no hash");
    }
    return true;
}

/* --- drafts --- */

/* A row of page_drafts. */
static bool
draft_read(const pg_result_t *result, int row, const job_t *job, manifest_t *into, err_t *err)
{
    view_t data = pg_get_bytes(result, row, 0);
    view_t hash = pg_get_bytes(result, row, 2);
    own(manifest) draft = manifest_unpack(data.data, data.size, err);
    if (!draft)
        return false;
    if (draft->count != 1 || hash.size != PAGE_HASH_SIZE)
        return err_set(err, ERR_INTERNAL, "a stored draft is damaged");
    result_t *known = &draft->results[0];
    known->rows = pg_get_int8(result, row, 1);
    known->pages = 1;
    known->attempt = job->attempt;
    memcpy(known->hash, hash.data, PAGE_HASH_SIZE);
    manifest_join(into, draft);
    return true;
}

manifest_t *
store_partial(store_t *self, const job_t *job, uint32_t step, err_t *err)
{
    own(manifest) manifest = manifest_new();
    if (job->bucket_us == 0)
        return take(manifest);
    pg_params_t *params = store_params(self);
    pg_param_time(params, job->bucket_us);
    pg_param_uuid(params, &job->id);
    pg_param_int2(params, (int16_t)step);
    pg_param_int4(params, job->attempt);
    own(pg_result) result = NULL;
    if (!store_repeat(self, SQL_page_drafts, &result, err))
        return NULL;
    for (int row = 0; row < pg_rows(result); row++) {
        if (!draft_read(result, row, job, manifest, err))
            return NULL;
    }
    return take(manifest);
}
