/* stack.h - what a thread's stack keeps of its deepest call.
 *
 * Pages of a stack that were touched once stay resident. Hundreds of workers that each served a
 * request once would keep more than all that is served at a time.
 */
#ifndef API_STACK_H
#define API_STACK_H

/* Give back what lies deeper than a few frames below the caller's. For threads that are not the
 * first one; costs a system call. */
void stack_trim(void);

#endif
