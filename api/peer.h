/* peer.h - the sockets of our own connections, which civetweb keeps to itself.
 *
 * They are found among the process's descriptors by their two ends: the peer's address and port,
 * and the local port that is listened on. A connection's two ends are its own, so what is found is
 * right for as long as the connection is known to be open; one that its client has reset has no
 * ends any more. A search reads /proc/self/fd: tens of microseconds, so it is done when it is
 * needed, and remembered. Any thread.
 */
#ifndef API_PEER_H
#define API_PEER_H

/* What peer_find() may answer beside a descriptor. */
enum {
    PEER_NONE = -1,   /* there is no such connection: it was reset */
    PEER_UNSURE = -2, /* descriptors cannot be looked at just now */
};

/* The descriptor of the connection from `address` (numeric) and `port` to `local_port`. */
int peer_find(const char *address, int port, int local_port);

/* Shut every socket of `local_port`, those that listen too: their readers wake and find the end. */
void peer_shut(int local_port);

#endif
