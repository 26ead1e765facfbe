/* program.h - what the three node programs' main() have in common.
 *
 * Stop signals (SIGTERM, SIGINT) are blocked before the first thread starts, so that no thread is
 * ever interrupted by one; they are read from a descriptor instead. SIGPIPE is ignored.
 */
#ifndef COMMON_PROGRAM_H
#define COMMON_PROGRAM_H

#include "common/conf.h"

/* Serve until told to stop. `signals` is a descriptor, non-blocking, readable when a stop signal
 * came; program_signalled() reads it. */
typedef bool (*program_fn)(const conf_t *conf, int signals, err_t *err);

/* Read settings (conf_node_settings and `settings`), set the log level and the bus up, then serve.
 * Says in the log how it ended. Returns the exit code of the process. */
int program_run(const char *program, const setting_t *settings, program_fn serve, int argc,
                char **argv) MUST_USE;

/* How many stop signals have come since the last call. Does not wait. */
int program_signalled(int signals);

#endif
