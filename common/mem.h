/* mem.h - ownership of memory, said in signatures.
 *
 * `T **` takes, `T *` borrows, a returned `T *` is the caller's. A local declared with own() is
 * destroyed when its block ends, on every path out of it; take() hands it on. Running out of
 * memory stops the program with a message: small allocations have no error path. What may be large
 * at a stranger's wish is asked for with mem_try(), which can say no.
 *
 * Works with gcc and clang only (the cleanup attribute). Any thread may call anything here.
 */
#ifndef COMMON_MEM_H
#define COMMON_MEM_H

#include <stddef.h>

#define MUST_USE __attribute__((warn_unused_result))
#define PRINTF_LIKE(text, first) __attribute__((format(printf, text, first)))

/* A local that owns its object: T_destroy(&local) runs when the block ends. Works for every class
 * whose destructor is T_destroy(T_t **), czmq's and ours. */
#define own(T) __attribute__((cleanup(T##_destroy))) T##_t *

/* Hand the object on: yields the pointer and leaves NULL behind. */
#define take(p)                                                                                    \
    __extension__({                                                                                \
        __typeof__(p) taken_ = (p);                                                                \
        (p) = NULL;                                                                                \
        taken_;                                                                                    \
    })

/* A block of plain bytes or text that own(mem) frees: `own(mem) text = (mem_t *)...` is clumsy, so
 * the type is a plain char. */
typedef char mem_t;

/* Free *self_p and set it to NULL. NULL is fine. */
void mem_destroy(mem_t **self_p);

/* `size` zeroed bytes; stops the program when there are none. Caller owns the result: free(). */
void *mem_new(size_t size) MUST_USE;

/* `count` zeroed items of `size` bytes; stops the program when there are none or when the product
 * does not fit. Caller owns the result: free(). */
void *mem_array(size_t count, size_t size) MUST_USE;

/* Resize `block` (NULL is fine) to `size` bytes; new bytes are not zeroed; stops the program when
 * there are none. Caller owns the result: free(). */
void *mem_grow(void *block, size_t size) MUST_USE;

/* `size` bytes, not zeroed, or NULL when there are none. Caller owns the result: free(). */
void *mem_try(size_t size) MUST_USE;

/* Copies `text`; NULL gives NULL. Caller owns the result: free() or own(mem). */
char *mem_text(const char *text) MUST_USE;

/* Copies `size` bytes and adds a NUL behind them. Caller owns the result. */
char *mem_copy(const void *bytes, size_t size) MUST_USE;

/* How many of the first `size` bytes of UTF-8 `text` to keep so that its last character is not cut
 * in half: `size`, or up to three less. */
size_t mem_whole(const char *text, size_t size) MUST_USE;

/* printf into fresh memory. Caller owns the result. */
char *mem_format(const char *format, ...) PRINTF_LIKE(1, 2) MUST_USE;

#endif
