/* scribe_inner.h - what the two files of the scribe share: scribe.c has the records and their ends,
 * scribe_pages.c their pages. */
#ifndef EXECUTOR_SCRIBE_INNER_H
#define EXECUTOR_SCRIBE_INNER_H

#include "executor/scribe.h"

struct scribe {
    scribe_options_t options;
    record_t *records;
    uint32_t used;
    jobid_t *held;
    wire_change_t *changes;
    uint32_t change_count;
    bool changes_read; /* by scribe_changes(): the next one begins a new list */
};

/* Send the end of this record, for the first time or again. */
void scribe_put_end(record_t *self);

#endif
