/* failpoint.h - moments at which a test may stop a program.
 *
 * Programs that ship have none: FAILPOINT() is nothing. In those that are built with
 * MILLRACE_FAILPOINTS the environment names one, MILLRACE_FAILPOINT="name" or "name:N": when it is
 * met (for the Nth time) the process stops itself, as SIGSTOP does, and whoever tests it may kill
 * it, or let it go on. The names are those of executor/failpoints.def. One thread.
 */
#ifndef COMMON_FAILPOINT_H
#define COMMON_FAILPOINT_H

#ifdef MILLRACE_FAILPOINTS

enum {
#define POINT(name, when) FAILPOINT_##name,
#include "executor/failpoints.def"
#undef POINT
    FAILPOINTS
};

/* The process was at this point. */
void failpoint_met(int point);

#define FAILPOINT(name) failpoint_met(FAILPOINT_##name)
#else
#define FAILPOINT(name) ((void)0)
#endif

#endif
