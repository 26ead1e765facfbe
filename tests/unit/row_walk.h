/* row_walk.h - rows read one at a time, for tests of what reads them. */
#ifndef TESTS_UNIT_ROW_WALK_H
#define TESTS_UNIT_ROW_WALK_H

#include "api/engine.h"

/* The next row's first cell; false at the end (ERR_NONE) or on failure. */
static inline bool
row_walk(rows_t *rows, cell_t *cell, err_t *err)
{
    run_t run;
    page_reader_t in;
    uint32_t cells = 0;
    if (!rows_run(rows, 1, &run, err))
        return false;
    page_reader_init(&in, run.data, run.size);
    return page_reader_row(&in, &cells, err) && page_reader_cell(&in, cell, err);
}

#endif
