#include "tests/bench/gauge.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

int64_t
gauge_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

double
gauge_cpu_us(void)
{
    struct rusage use;
    getrusage(RUSAGE_SELF, &use);
    return (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) * 1e6
           + (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec);
}

long
gauge_switches(void)
{
    struct rusage use;
    getrusage(RUSAGE_SELF, &use);
    return use.ru_nvcsw + use.ru_nivcsw;
}

static int
by_size(const void *left, const void *right)
{
    double a = *(const double *)left;
    double b = *(const double *)right;
    return (a > b) - (a < b);
}

void
gauge_sort(double *times, size_t count)
{
    if (count > 0)
        qsort(times, count, sizeof *times, by_size);
}

double
gauge_quantile(const double *times, size_t count, double share)
{
    return count > 0 ? times[(size_t)(share * (double)(count - 1))] : 0;
}

void
gauge_clean(char *text)
{
    for (char *at = text; *at; at++)
        if (*at == '"' || *at == '\\' || (unsigned char)*at < ' ')
            *at = '\'';
}

bool
gauge_address(const char *url, struct sockaddr_in *address, const char **host)
{
    *host = strncmp(url, "http://", 7) == 0 ? url + 7 : url;
    const char *colon = strchr(*host, ':');
    char name[INET_ADDRSTRLEN] = "";
    if (colon && (size_t)(colon - *host) < sizeof name)
        memcpy(name, *host, (size_t)(colon - *host));
    *address = (struct sockaddr_in){ .sin_family = AF_INET };
    if (!*name || inet_pton(AF_INET, name, &address->sin_addr) != 1) {
        fprintf(stderr, "%s: must be http://ADDRESS:PORT, an IPv4 address\n", url);
        return false;
    }
    address->sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10));
    return true;
}
