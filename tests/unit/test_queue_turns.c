/* test_queue_turns.c - lines over a small store of our own, with messages that get lost, runners
 * that die and reports that are old when they come: every job gets its turn, and when nothing goes
 * wrong no claim is refused. */
#include "tests/unit/queue_lines.h"

enum {
    LINES = 5,
    JOBS = 400,
    RUNNERS = 4,
    AGE_MS = 30, /* of a report, when it comes */
};

typedef enum { STORED_NOT, STORED_PENDING, STORED_RUNNING, STORED_LOST, STORED_OVER } stored_t;

typedef struct {
    uint32_t seed;
    int faults;    /* per cent of messages that are lost, and more of the like */
    uint32_t rush; /* fewer than so many jobs come in at a time */
    queue_t *queue;
    int64_t now_ms;
    stored_t state[JOBS + 1];
    bool tried[JOBS + 1];
    uint32_t runner[JOBS + 1];
    uint32_t sent[JOBS + 1]; /* dispatched to this runner and not claimed yet; 0: no */
    uint32_t first_run[LINES];
    uint32_t refused;
    uint32_t over;
} story_t;

static uint32_t
dice(story_t *self, uint32_t sides)
{
    self->seed = self->seed * 1103515245 + 12345;
    return (self->seed >> 8) % sides;
}

static bool
lost(story_t *self)
{
    return dice(self, 100) < (uint32_t)self->faults;
}

static const char *
key_of(uint32_t n)
{
    static const char *const keys[LINES] = { "p", "q", "r", "s", "t" };
    return keys[n % LINES];
}

static waiting_t
job_of(uint32_t n)
{
    return a_job_in(key_of(n), n);
}

static bool
is_live(const story_t *self, uint32_t n)
{
    return self->state[n] != STORED_NOT && self->state[n] != STORED_OVER;
}

/* --- the store --- */

/* Whose turn is it in this line? 0: there is nobody. */
static uint32_t
front_of(const story_t *self, uint32_t line)
{
    uint32_t front = 0;
    for (uint32_t n = JOBS; n > 0; n--) {
        if (n % LINES != line || !is_live(self, n))
            continue;
        front = n;
        if (self->tried[n])
            return n;
    }
    return front;
}

static void
claim(story_t *self, uint32_t n)
{
    uint32_t runner = self->sent[n];
    self->sent[n] = 0;
    bool free = self->state[n] == STORED_PENDING || self->state[n] == STORED_LOST;
    if (free && front_of(self, n % LINES) == n) {
        self->state[n] = STORED_RUNNING;
        self->tried[n] = true;
        self->runner[n] = runner;
        return;
    }
    self->refused++;
    queue_release_t release = { .job = job_of(n).id, .verdict = RELEASE_LINE };
    if (!lost(self))
        queue_release(self->queue, &release, self->now_ms);
}

static void
finish(story_t *self, uint32_t n)
{
    queue_release_t release = { .job = job_of(n).id, .verdict = RELEASE_FINISHED };
    if (!lost(self))
        queue_release(self->queue, &release, self->now_ms);
    self->state[n] = STORED_OVER;
    self->over++;
    if (!lost(self))
        queue_over(self->queue, &release.job, self->now_ms);
}

static void
hand_back(story_t *self, uint32_t n)
{
    queue_release_t release = { .job = job_of(n).id,
                                .verdict = RELEASE_LATER,
                                .later_ms = 1 + dice(self, 200) };
    self->state[n] = STORED_PENDING;
    if (!lost(self))
        queue_release(self->queue, &release, self->now_ms);
}

static void
die(story_t *self, uint32_t runner)
{
    for (uint32_t n = 1; n <= JOBS; n++) {
        if (self->sent[n] == runner)
            self->sent[n] = 0;
        if (self->state[n] == STORED_RUNNING && self->runner[n] == runner)
            self->state[n] = STORED_LOST;
    }
    queue_runner_gone(self->queue, runner);
}

/* --- reports, old when they come --- */

typedef struct {
    waiting_t jobs[QUEUE_LINE_MOST + 1];
    line_name_t name;
    line_report_t report;
} paper_t;

static void
write_down(const story_t *self, uint32_t line, uint32_t each, paper_t *paper)
{
    paper->name = (line_name_t){ .tenant = "a" };
    snprintf(paper->name.queue_key, sizeof paper->name.queue_key, "%s", key_of(line));
    paper->report = (line_report_t){ .name = &paper->name, .jobs = paper->jobs };
    uint32_t front = front_of(self, line);
    if (front == 0)
        return;
    paper->report.runs = self->state[front] == STORED_RUNNING;
    paper->jobs[paper->report.count++] = job_of(front);
    paper->jobs[0].recovering = self->state[front] == STORED_LOST;
    for (uint32_t n = 1; n <= JOBS; n++) {
        if (n % LINES != line || n == front || !is_live(self, n))
            continue;
        if (paper->report.count <= each)
            paper->jobs[paper->report.count++] = job_of(n);
        else
            paper->report.more = true;
    }
}

/* --- a run --- */

static void
act(story_t *self, uint32_t n)
{
    uint32_t what = dice(self, 100);
    bool troubled = what < (uint32_t)self->faults;
    if (self->sent[n] > 0)
        claim(self, n);
    else if (self->state[n] == STORED_RUNNING && troubled && what % 2 == 0)
        hand_back(self, n);
    else if (self->state[n] == STORED_RUNNING && troubled)
        die(self, self->runner[n]);
    else if (self->state[n] == STORED_RUNNING)
        finish(self, n);
    else if (self->state[n] == STORED_PENDING && troubled && what == 1) { /* cancelled */
        self->state[n] = STORED_OVER;
        self->over++;
    }
}

static void
come_in(story_t *self, uint32_t n)
{
    self->state[n] = STORED_PENDING;
    waiting_t job = job_of(n);
    if (!lost(self))
        queue_offer_fresh(self->queue, &job, self->now_ms);
}

static void
dispatch(story_t *self)
{
    const waiting_t *job = NULL;
    while ((job = queue_head(self->queue, self->now_ms))) {
        uint32_t n = number(job);
        uint32_t runner = 1 + dice(self, RUNNERS);
        queue_take(self->queue, runner, self->now_ms);
        if (!lost(self))
            self->sent[n] = runner;
    }
}

/* Lines that are wanted, and, now and then, all. */
static uint32_t
ask(story_t *self, paper_t papers[2 * LINES])
{
    uint32_t count = 0;
    queue_line_t lines[LINES];
    uint32_t asked = queue_lines_wanted(self->queue, lines, LINES);
    for (uint32_t i = 0; i < asked; i++)
        write_down(self, (uint32_t)(lines[i].queue_key[0] - 'p'), QUEUE_LINE_MOST,
                   &papers[count++]);
    for (uint32_t line = 0; line < LINES && self->now_ms % 1000 == 0; line++)
        write_down(self, line, 1, &papers[count++]);
    return count;
}

static void
run(story_t *self)
{
    static paper_t papers[2 * LINES];
    uint32_t next = 1;
    self->queue = a_queue(1000, 1000, 0);
    for (self->now_ms = T0; self->over < JOBS && self->now_ms < T0 + 3000000;) {
        uint32_t count = ask(self, papers);
        for (int i = 0; i < AGE_MS / 10; i++, self->now_ms += 10) {
            for (uint32_t more = dice(self, self->rush); next <= JOBS && more > 0; more--) {
                uint32_t late = lost(self) && next < JOBS ? 1 : 0;
                come_in(self, next + late);
                if (late)
                    come_in(self, next);
                next += 1 + late;
            }
            dispatch(self);
            for (uint32_t n = 1; n < next; n++)
                act(self, n);
        }
        for (uint32_t i = 0; i < count; i++)
            queue_line(self->queue, &papers[i].report, self->now_ms);
    }
    queue_destroy(&self->queue);
}

static void
every_job_gets_its_turn_whatever_goes_wrong(void **state)
{
    (void)state;
    static story_t story;
    for (uint32_t seed = 1; seed <= 40; seed++) {
        story = (story_t){ .seed = seed, .faults = (int)(seed % 4) * 8, .rush = 2 + seed % 60 };
        run(&story);
        if (story.over < JOBS)
            fail_msg("seed %u: %u of %d jobs are over", (unsigned)seed, (unsigned)story.over, JOBS);
    }
}

static void
no_claim_is_refused_when_nothing_goes_wrong(void **state)
{
    (void)state;
    static story_t story;
    for (uint32_t seed = 1; seed <= 10; seed++) {
        story = (story_t){ .seed = seed, .rush = 2 + 9 * seed };
        run(&story);
        assert_int_equal(story.over, JOBS);
        assert_int_equal(story.refused, 0);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_job_gets_its_turn_whatever_goes_wrong),
        cmocka_unit_test(no_claim_is_refused_when_nothing_goes_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
