/* gauge.h - what the bench's clients measure, and how they say it. */
#ifndef BENCH_GAUGE_H
#define BENCH_GAUGE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The monotonic clock. */
int64_t gauge_now_ns(void);

/* CPU time of this process so far, and its context switches. */
double gauge_cpu_us(void);
long gauge_switches(void);

/* Sort times, then find the one that a share of them (0 to 1) does not exceed; 0 of none. */
void gauge_sort(double *times, size_t count);
double gauge_quantile(const double *times, size_t count, double share);

/* Make a text fit to stand in a JSON string, in place. */
void gauge_clean(char *text);

/* Where http://ADDRESS:PORT is; *host is its ADDRESS:PORT and points into url. Says on stderr what
 * is wrong with it. */
bool gauge_address(const char *url, struct sockaddr_in *address, const char **host);

#endif
