#include "api/peer.h"

#include <ctype.h>
#include <dirent.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

typedef struct {
    struct sockaddr_storage name;
    socklen_t size;
} end_t;

static int
end_port(const end_t *end)
{
    uint16_t port = 0; /* copied: the storage is no sockaddr_in to the compiler */
    if (end->name.ss_family == AF_INET)
        memcpy(&port, (const char *)&end->name + offsetof(struct sockaddr_in, sin_port), 2);
    else if (end->name.ss_family == AF_INET6)
        memcpy(&port, (const char *)&end->name + offsetof(struct sockaddr_in6, sin6_port), 2);
    return ntohs(port);
}

static bool
is_local(int fd, int local_port)
{
    end_t end = { .size = sizeof end.name };
    return getsockname(fd, (struct sockaddr *)&end.name, &end.size) == 0
           && end_port(&end) == local_port;
}

static bool
is_peer(int fd, const char *address, int port)
{
    end_t end = { .size = sizeof end.name };
    if (getpeername(fd, (struct sockaddr *)&end.name, &end.size) != 0 || end_port(&end) != port)
        return false;
    char text[NI_MAXHOST] = "";
    getnameinfo((struct sockaddr *)&end.name, end.size, text, sizeof text, NULL, 0, NI_NUMERICHOST);
    return strcmp(text, address) == 0;
}

/* The next descriptor of this process, or PEER_NONE. */
static int
next_descriptor(DIR *folder)
{
    for (;;) {
        const struct dirent *entry = readdir(folder);
        if (!entry)
            return PEER_NONE;
        if (isdigit((unsigned char)entry->d_name[0]))
            return (int)strtol(entry->d_name, NULL, 10);
    }
}

int
peer_find(const char *address, int port, int local_port)
{
    DIR *folder = opendir("/proc/self/fd");
    if (!folder)
        return PEER_UNSURE;
    int fd = next_descriptor(folder);
    while (fd >= 0 && !(is_local(fd, local_port) && is_peer(fd, address, port)))
        fd = next_descriptor(folder);
    closedir(folder);
    return fd;
}

void
peer_shut(int local_port)
{
    DIR *folder = opendir("/proc/self/fd");
    if (!folder)
        return;
    for (int fd = next_descriptor(folder); fd >= 0; fd = next_descriptor(folder)) {
        if (is_local(fd, local_port))
            shutdown(fd, SHUT_RDWR);
    }
    closedir(folder);
}
