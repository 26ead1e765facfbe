/* failpoint.c - stop here, if the environment says so. */
#include "common/failpoint.h"

#ifdef MILLRACE_FAILPOINTS

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"

static const char *const names[] = {
#define POINT(name, when) #name,
#include "executor/failpoints.def"
#undef POINT
};

void
failpoint_met(int point)
{
    static unsigned long met;
    const char *wanted = getenv("MILLRACE_FAILPOINT");
    size_t size = strlen(names[point]);
    if (!wanted || strncmp(wanted, names[point], size) != 0
        || (wanted[size] != '\0' && wanted[size] != ':'))
        return;
    unsigned long nth = wanted[size] == ':' ? strtoul(wanted + size + 1, NULL, 10) : 1;
    if (++met != nth)
        return;
    log_info("failpoint", "name=%s", names[point]);
    raise(SIGSTOP);
}

#else
typedef int no_failpoints_t;
#endif
