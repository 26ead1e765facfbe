/* lane_inner.h - what the files of the lane room share: lane.c has the queue, the connection and
 * the life of a batch; lane_sql.c makes a flight's queries, lane_answer.c reads their answers.
 *
 * A batch is what was taken from the queue together. A flight is the part of it that one pipeline
 * carries: all of it, or a single member once the store has refused the whole.
 */
#ifndef COMMON_LANE_INNER_H
#define COMMON_LANE_INNER_H

#include "common/lane.h"
#include "common/pg.h"

/* One write of the batch. */
typedef struct {
    write_t *write; /* NULL: answered to its owner, or forgotten by it */
    bool settled;   /* its row was in an answer of this flight */
    bool unfit;     /* it cannot be sent at all: write->err */
} member_t;

/* What an answer of the pipeline belongs to. */
typedef enum {
    STEP_PLAIN, /* nothing to be learned but that it went well */
    STEP_HOLD,
    STEP_CLAIM,
    STEP_UNCLAIM,
    STEP_FINISH, /* finish_found too */
    STEP_ROW,    /* member: a row says that it is done */
    STEP_LOOK,
    STEP_LOOK_STEPS,
    STEP_CANCELS,
    STEP_LOGIN,
} step_kind_t;

typedef struct {
    step_kind_t kind;
    uint32_t member;
} step_t;

typedef enum {
    LANE_IDLE,
    LANE_WRITING,
    LANE_CHECKING, /* whether finishes that gave no row took effect before */
} lane_phase_t;

struct lane {
    loop_t *loop;
    lane_options_t options;
    char *node;
    char *who;

    /* The connection. */
    pg_t *pg;
    loop_watch_t *watch;
    loop_timer_t *timer; /* until the next try, or until patience ends */
    bool connected;
    uint32_t losses; /* since the last answer */
    int64_t sent_ms;

    /* Writes that wait. */
    write_t *first;
    write_t *last;
    uint32_t load;
    uint64_t gathered;    /* raw bytes of pages that could wait, since the last batch */
    bool hurried;         /* what waits goes as soon as the lane is idle */
    loop_timer_t *gather; /* until that is so anyway; where something waits, one of both holds */

    /* The batch, and its members [from, to) that fly. */
    lane_phase_t phase;
    member_t *batch;
    uint32_t count;
    uint32_t from;
    uint32_t to;

    /* The flight. */
    pg_params_t *params;
    step_t *steps;
    uint32_t step_count;
    uint32_t step_next;
    member_t **sorted; /* members of one kind, by id */
    uint32_t cursor;   /* where the last one was found */
    int64_t number;    /* of the flight, ever higher: see node_hold */
    bool failed;
    bool deposed;
    err_t err;
};

/* Is there a write of this kind that can be sent and was not forgotten? */
bool member_flies(const member_t *member, write_kind_t kind);

/* Read a proof's word; one that nobody knows proves nothing. */
proof_t proof_parse(const char *word);

/* Queue the pipeline of the flight, or of the check behind it, and end it with a Sync. Fails with
 * ERR_LIMIT when a member is too large, else with ERR_UNAVAILABLE. */
bool flight_launch(lane_t *self, err_t *err) MUST_USE;

/* Take the next answer of the flight. */
void flight_answer(lane_t *self, const pg_result_t *result);

/* Is there a finish in the flight that no answer told of? */
bool flight_doubtful(const lane_t *self);

#endif
