/* dispatch.h - which executor a job goes to.
 *
 * One that has credit; a warm one if there is any (it has lately had a job of the same tenant and
 * source, and so may have a session), and of those the one with most credit. The search is bounded,
 * and goes on where it ended, so that among many all have their turn. No IO, one thread.
 */
#ifndef BROKER_DISPATCH_H
#define BROKER_DISPATCH_H

#include "broker/members.h"

/* The executor for a job, which uses up one credit and gets the job into its next message; NULL
 * when none has credit. `look` is where the search goes on, the caller's to keep. */
member_t *dispatch_job(members_t *members, uint32_t *look, const waiting_t *job);

#endif
