/* page_press.h - raw bytes of pages into zstd frames.
 *
 * All writers of a thread share one compressor, whose tables are larger than a page: who takes it
 * releases it on the same thread. Rows differ in what suits them: digits that repeat by chance are
 * pressed sooner, and better, with a small table, words that return after a while with a large one.
 * A frame ends with a checksum of its raw bytes. A result's first whole page is pressed both ways,
 * and its other pages as suited this one.
 */
#ifndef COMMON_PAGE_PRESS_H
#define COMMON_PAGE_PRESS_H

#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

typedef enum {
    PRESS_UNTOLD, /* no whole page has told yet */
    PRESS_FEW,
    PRESS_MANY,
} press_way_t;

/* From now until press_release() this thread presses, without asking for memory but the frame's as
 * long as what is pressed is at most `bytes`. */
void press_take(uint32_t bytes);
void press_release(void);

/* The frame of `size` raw bytes. NULL: no memory for it. Caller owns the result: free() or
 * own(mem). */
uint8_t *press(const void *raw, size_t size, press_way_t way, size_t *frame_size) MUST_USE;

/* The same of a first whole page, which finds out the way. */
uint8_t *press_first(const void *raw, size_t size, press_way_t *way, size_t *frame_size) MUST_USE;

#endif
