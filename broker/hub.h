/* hub.h - the broker as a node: its socket, its row in the store and its threads, on one loop.
 *
 * Here the parts meet, and only here: the bus feeds the exchange, the leader row decides whether it
 * leads, the sweep fills its queue, the keeper keeps the node's row. Four threads beside the loop
 * may wait for the store, each on a connection of its own; a fifth, the bus's handshake thread,
 * asks the store who a new peer is.
 */
#ifndef BROKER_HUB_H
#define BROKER_HUB_H

#include "common/conf.h"
#include "common/loop.h"

typedef struct hub hub_t;

/* The broker's own settings. Static, ends with a row without a name. */
extern const setting_t hub_settings[];

/* Bind, enter the node and begin to beat; waits for a store that is away. Work begins when the loop
 * turns. Keeps conf and loop; both must outlive it. Caller owns the result. */
hub_t *hub_new(const conf_t *conf, loop_t *loop, err_t *err) MUST_USE;

/* Step down, tell everybody, leave. When the loop has stopped turning. */
void hub_destroy(hub_t **self_p);

#endif
