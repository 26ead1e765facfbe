#include "tests/unit/unit.h"

#include <pthread.h>
#include <semaphore.h>

#include "api/gather.h"

enum { ANSWERED = 1, BATCHES_MOST = 64 };

/* A store of numbers: doubles them. Each call first says that it began, then waits to be let in. */
typedef struct {
    sem_t began;
    sem_t let_in;
    bool open; /* nobody has to be let in */
    uint32_t calls;
    uint32_t sizes[BATCHES_MOST];
    err_kind_t fails; /* of the whole call */
} fake_t;

typedef struct {
    int64_t number;
    gather_ask_t ask;
    latch_t latch;
} request_t;

static bool
run(void *arg, gather_ask_t *const *asks, uint32_t count, err_t *err)
{
    fake_t *fake = arg;
    if (!fake->open) {
        sem_post(&fake->began);
        sem_wait(&fake->let_in);
    }
    fake->sizes[fake->calls++ % BATCHES_MOST] = count;
    if (fake->fails != ERR_NONE)
        return err_set(err, fake->fails, "no");
    for (uint32_t i = 0; i < count; i++) {
        int64_t *number = asks[i]->item;
        if (*number < 0)
            err_set(&asks[i]->err, ERR_INVALID, "negative");
        else
            *number *= 2;
    }
    return true;
}

static gather_t *
a_gather(fake_t *fake, int64_t away_ms)
{
    sem_init(&fake->began, 0, 0);
    sem_init(&fake->let_in, 0, 0);
    gather_options_t options = { .name = "test", .run = run, .away_ms = away_ms, .arg = fake };
    err_t err;
    gather_t *gather = gather_new(&options, &err);
    assert_non_null(gather);
    return gather;
}

static void
put(gather_t *gather, request_t *request, int64_t number)
{
    request->number = number;
    latch_init(&request->latch);
    request->ask = (gather_ask_t){ .item = &request->number,
                                   .latch = &request->latch,
                                   .flag = ANSWERED,
                                   .quiet = request->ask.quiet };
    gather_put(gather, &request->ask);
}

static void
wait_for(request_t *request)
{
    assert_int_equal(latch_wait(&request->latch, ANSWERED, 10000), ANSWERED);
}

static void
what_arrives_during_a_call_is_the_next_call(void **unused)
{
    (void)unused;
    fake_t fake = { 0 };
    own(gather) gather = a_gather(&fake, 0);
    request_t first = { 0 };
    request_t rest[10] = { 0 };
    put(gather, &first, 1);
    sem_wait(&fake.began);
    for (int i = 0; i < 10; i++)
        put(gather, &rest[i], i);
    sem_post(&fake.let_in);
    wait_for(&first);
    sem_wait(&fake.began);
    sem_post(&fake.let_in);
    for (int i = 0; i < 10; i++) {
        wait_for(&rest[i]);
        assert_int_equal(rest[i].number, 2 * i);
    }
    assert_int_equal(fake.calls, 2);
    assert_int_equal(fake.sizes[0], 1);
    assert_int_equal(fake.sizes[1], 10);
}

static void
a_call_takes_a_bounded_number(void **unused)
{
    (void)unused;
    fake_t fake = { 0 };
    own(gather) gather = a_gather(&fake, 0);
    static request_t first;
    static request_t rest[GATHER_MOST + 7];
    put(gather, &first, 1);
    sem_wait(&fake.began);
    for (int i = 0; i < GATHER_MOST + 7; i++)
        put(gather, &rest[i], i);
    for (int i = 0; i < 3; i++)
        sem_post(&fake.let_in);
    for (int i = 0; i < GATHER_MOST + 7; i++)
        wait_for(&rest[i]);
    assert_int_equal(fake.calls, 3);
    assert_int_equal(fake.sizes[1], GATHER_MOST);
    assert_int_equal(fake.sizes[2], 7);
}

static void
only_the_guilty_one_sees_its_error(void **unused)
{
    (void)unused;
    fake_t fake = { 0 };
    own(gather) gather = a_gather(&fake, 0);
    request_t first = { 0 };
    request_t good = { 0 };
    request_t bad = { 0 };
    put(gather, &first, 1);
    sem_wait(&fake.began);
    put(gather, &good, 4);
    put(gather, &bad, -1);
    sem_post(&fake.let_in);
    sem_post(&fake.let_in);
    wait_for(&good);
    wait_for(&bad);
    assert_int_equal(good.ask.err.kind, ERR_NONE);
    assert_int_equal(good.number, 8);
    assert_int_equal(bad.ask.err.kind, ERR_INVALID);
    assert_string_equal(bad.ask.err.text, "negative");
}

static void
a_call_that_fails_is_everybodys_failure(void **unused)
{
    (void)unused;
    fake_t fake = { .open = true, .fails = ERR_INTERNAL };
    own(gather) gather = a_gather(&fake, 60000);
    int64_t number = 1;
    err_t err;
    assert_false(gather_call(gather, &number, &err));
    assert_int_equal(err.kind, ERR_INTERNAL);
    assert_false(gather_call(gather, &number, &err)); /* and is tried again: nothing is away */
    assert_int_equal(fake.calls, 2);
    assert_true(gather_up(gather));
}

static void
all_that_wait_are_answered_when_the_store_is_away(void **unused)
{
    (void)unused;
    fake_t fake = { .fails = ERR_UNAVAILABLE };
    own(gather) gather = a_gather(&fake, 60000);
    static request_t first;
    static request_t rest[2 * GATHER_MOST];
    put(gather, &first, 1);
    sem_wait(&fake.began);
    for (int i = 0; i < 2 * GATHER_MOST; i++)
        put(gather, &rest[i], i);
    sem_post(&fake.let_in);
    for (int i = 0; i < 2 * GATHER_MOST; i++) {
        wait_for(&rest[i]);
        assert_int_equal(rest[i].ask.err.kind, ERR_UNAVAILABLE);
    }
    assert_int_equal(fake.calls, 1);
}

static void
an_away_store_is_not_tried_again_at_once(void **unused)
{
    (void)unused;
    fake_t fake = { .open = true, .fails = ERR_UNAVAILABLE };
    own(gather) gather = a_gather(&fake, 60000);
    int64_t number = 1;
    err_t err;
    for (int i = 0; i < 5; i++) {
        assert_false(gather_call(gather, &number, &err));
        assert_int_equal(err.kind, ERR_UNAVAILABLE);
    }
    assert_int_equal(fake.calls, 1);
    assert_false(gather_up(gather));
}

static void
a_store_that_is_back_is_used_again(void **unused)
{
    (void)unused;
    fake_t fake = { .open = true, .fails = ERR_UNAVAILABLE };
    own(gather) gather = a_gather(&fake, 0);
    int64_t number = 1;
    err_t err;
    assert_false(gather_call(gather, &number, &err));
    assert_false(gather_up(gather));
    fake.fails = ERR_NONE;
    assert_true(gather_call(gather, &number, &err));
    assert_int_equal(number, 2);
    assert_true(gather_up(gather));
}

static void
a_quiet_asker_is_woken_for_a_failure(void **unused)
{
    (void)unused;
    fake_t fake = { .open = true };
    own(gather) gather = a_gather(&fake, 0);
    request_t bad = { .ask.quiet = true };
    put(gather, &bad, -1);
    wait_for(&bad);
    assert_int_equal(bad.ask.err.kind, ERR_INVALID);
}

static void
a_quiet_success_can_be_seen(void **unused)
{
    (void)unused;
    fake_t fake = { .open = true };
    own(gather) gather = a_gather(&fake, 0);
    request_t good = { .ask.quiet = true };
    put(gather, &good, 3);
    int64_t later = 1;
    err_t err;
    assert_true(gather_call(gather, &later, &err));
    assert_int_equal(latch_look(&good.latch, ANSWERED), ANSWERED);
    assert_int_equal(good.number, 6);
}

typedef struct {
    gather_t *gather;
    int64_t from;
    int wrong;
} worker_t;

static void *
work(void *arg)
{
    worker_t *worker = arg;
    for (int64_t i = worker->from; i < worker->from + 500; i++) {
        int64_t number = i;
        err_t err;
        if (!gather_call(worker->gather, &number, &err) || number != 2 * i)
            worker->wrong++;
    }
    return NULL;
}

static void
many_threads_each_get_their_own_answers(void **unused)
{
    (void)unused;
    fake_t fake = { .open = true };
    own(gather) gather = a_gather(&fake, 0);
    worker_t workers[8];
    pthread_t threads[8];
    for (int i = 0; i < 8; i++) {
        workers[i] = (worker_t){ gather, i * 1000, 0 };
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
    for (int i = 0; i < 8; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(workers[i].wrong, 0);
    }
}

typedef struct {
    fake_t fake;
    sem_t ticked;
    int fails;
} clock_fake_t;

static bool
tick(void *arg, err_t *err)
{
    clock_fake_t *self = arg;
    bool good = self->fails-- <= 0;
    sem_post(&self->ticked);
    return good ? true : err_set(err, ERR_UNAVAILABLE, "away");
}

static void
a_failed_tick_is_repeated_soon(void **unused)
{
    (void)unused;
    clock_fake_t self = { .fake.open = true, .fails = 1 };
    sem_init(&self.ticked, 0, 0);
    gather_options_t options = {
        .name = "test", .run = run, .tick = tick, .tick_ms = 3600 * 1000, .away_ms = 0, .arg = &self
    };
    err_t err;
    own(gather) gather = gather_new(&options, &err);
    assert_non_null(gather);
    sem_wait(&self.ticked);
    sem_wait(&self.ticked);
    int64_t number = 21;
    assert_true(gather_call(gather, &number, &err));
    assert_int_equal(number, 42);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_arrives_during_a_call_is_the_next_call),
        cmocka_unit_test(a_call_takes_a_bounded_number),
        cmocka_unit_test(only_the_guilty_one_sees_its_error),
        cmocka_unit_test(a_call_that_fails_is_everybodys_failure),
        cmocka_unit_test(all_that_wait_are_answered_when_the_store_is_away),
        cmocka_unit_test(an_away_store_is_not_tried_again_at_once),
        cmocka_unit_test(a_store_that_is_back_is_used_again),
        cmocka_unit_test(a_quiet_asker_is_woken_for_a_failure),
        cmocka_unit_test(a_quiet_success_can_be_seen),
        cmocka_unit_test(many_threads_each_get_their_own_answers),
        cmocka_unit_test(a_failed_tick_is_repeated_soon),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
