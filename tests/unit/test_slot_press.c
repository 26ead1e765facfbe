/* test_slot_press.c - pages of a slot's results that are still rows, at the presser. */
#include "tests/unit/slot_fake.h"

/* A page's rows go to the presser, and stay there. */
static void
give_page(void)
{
    fake.press_later = true;
    give_rows(2);
    turn(TURN_FULL);
}

static void
rows_at_the_presser_are_pages_under_way(void **unused)
{
    (void)unused;
    start_running();
    for (int i = 0; i < RECORD_PAGES_MOST; i++)
        give_page();
    assert_string_equal(source.story, "claim run pause");
    for (int i = 0; i < RECORD_PAGES_MOST; i++)
        press_oldest(true);
    assert_string_equal(source.story, "claim run pause page page page page");
    answer(WRITE_PAGE, WRITE_DONE);
    assert_string_equal(source.story, "claim run pause page page page page resume");
}

static void
what_wrote_is_not_committed_before_its_rows_are_stored_pages(void **unused)
{
    (void)unused;
    source.xid = 77;
    source.marked = true;
    start_running();
    give_page();
    turn(TURN_RAN);
    assert_int_equal(fake.slot.stage, STAGE_STORE);
    press_oldest(true);
    assert_string_equal(source.story, "claim run page");
    answer(WRITE_PAGE, WRITE_DONE);
    assert_string_equal(source.story, "claim run page outcome");
    answer(WRITE_OUTCOME, WRITE_DONE);
    turn(TURN_COMMITTED);
    answer(WRITE_FINISH, WRITE_DONE);
}

static void
the_end_waits_for_rows_that_are_still_to_be_pages(void **unused)
{
    (void)unused;
    start_running();
    give_page();
    give_rows(1);
    result_over();
    turn(TURN_RAN);
    turn(TURN_COMMITTED);
    assert_true(fake.freed);
    press_oldest(true);
    answer(WRITE_PAGE, WRITE_DONE);
    assert_string_equal(source.story, "claim run COMMIT put page");
    press_oldest(true);
    answer(WRITE_PAGE, WRITE_DONE);
    assert_string_equal(source.story, "claim run COMMIT put page page finish");
    const ending_t *ending = assert_ending(JOB_DONE);
    assert_int_equal(ending->rows, 3);
    assert_int_equal(ending->pages, 2);
    answer(WRITE_FINISH, WRITE_DONE);
}

static void
pages_count_in_their_own_result_when_later_ones_have_begun(void **unused)
{
    (void)unused;
    fake.sql = "a;b;c;d;e;f;g;h;i";
    start_running();
    give_page();
    give_rows(1);
    result_over();
    give_page(); /* of the second */
    for (int i = 0; i < 6; i++) {
        result_over();
        give_rows(0); /* the list of results grows, and moves */
    }
    while (fake.pressings)
        press_oldest(true);
    const result_t *results = source.manifest->results;
    assert_int_equal(results[0].rows, 3);
    assert_int_equal(results[0].pages, 2);
    assert_int_equal(results[1].rows, 2);
    assert_int_equal(results[1].pages, 1);
    assert_int_equal(fake.waiting_count, 3);
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(fake.waiting[i]->in.page.result, i == 2 ? 1 : 0);
    assert_memory_equal(results[0].hash, fake.waiting[1]->in.page.page->hash, PAGE_HASH_SIZE);
    assert_memory_equal(results[1].hash, fake.waiting[2]->in.page.page->hash, PAGE_HASH_SIZE);
    assert_memory_equal(fake.waiting[1]->in.page.page->before, fake.waiting[0]->in.page.page->hash,
                        PAGE_HASH_SIZE);
}

static void
a_result_of_one_page_does_not_pass_the_presser(void **unused)
{
    (void)unused;
    fake.press_later = true;
    start_running();
    give_rows(1);
    result_over();
    assert_null(fake.pressings);
    assert_string_equal(source.story, "claim run page");
}

/* --- no memory --- */

static void
rows_that_there_is_no_memory_to_press_fail_the_job(void **unused)
{
    (void)unused;
    start_running();
    give_page();
    press_oldest(false);
    assert_string_equal(source.story, "claim run finish close");
    const ending_t *ending = assert_ending(JOB_FAILED);
    assert_string_equal(ending->sqlstate, "54000");
    assert_non_null(strstr(ending->error, "no memory for a page of 40"));
    answer(WRITE_FINISH, WRITE_DONE);
}

static void
what_wrote_and_cannot_have_its_page_is_never_committed(void **unused)
{
    (void)unused;
    source.xid = 77;
    source.marked = true;
    start_running();
    give_page();
    give_page();
    turn(TURN_RAN);
    press_oldest(false);
    assert_null(fake.pressings); /* the page behind it is nobody's */
    assert_string_equal(source.story, "claim run finish close");
    (void)assert_ending(JOB_FAILED);
}

static void
a_read_that_cannot_have_its_page_fails_although_it_is_committed(void **unused)
{
    (void)unused;
    start_running();
    give_page();
    turn(TURN_RAN);
    turn(TURN_COMMITTED);
    press_oldest(false);
    assert_string_equal(assert_ending(JOB_FAILED)->sqlstate, "54000");
    answer(WRITE_FINISH, WRITE_DONE);
}

static void
alone_what_cannot_have_its_page_is_unknown(void **unused)
{
    (void)unused;
    fake.claim.autocommit = AUTOCOMMIT_ALWAYS;
    start();
    answer_claim(1, 1);
    answer(WRITE_OUTCOME, WRITE_DONE);
    give_page();
    press_oldest(false);
    (void)assert_ending(JOB_UNKNOWN);
}

/* --- large rows --- */

static void
give_large_page(void)
{
    static char text[3 << 20];
    memset(text, 'x', sizeof text);
    fake.press_later = true;
    give_rows(0);
    page_row_open(source.rows, 1);
    page_cell_text(source.rows, text, sizeof text);
    assert_true(page_row_close(source.rows));
    turn(TURN_FULL);
}

static void
run_large(void)
{
    page_writer_destroy(&fake.slot.writer);
    fake.slot.writer = page_writer_new(4096, 2, 4 << 20);
    start_running();
}

static void
large_rows_at_the_presser_stop_the_reading_until_they_are_a_page(void **unused)
{
    (void)unused;
    run_large();
    give_large_page();
    assert_string_equal(source.story, "claim run pause");
    press_oldest(true);
    assert_string_equal(source.story, "claim run pause page resume");
}

static void
a_stored_page_does_not_resume_the_reading_while_large_rows_wait(void **unused)
{
    (void)unused;
    run_large();
    give_page();
    press_oldest(true);
    give_large_page();
    answer(WRITE_PAGE, WRITE_DONE);
    assert_string_equal(source.story, "claim run page pause");
    press_oldest(true);
    assert_string_equal(source.story, "claim run page pause page resume");
}

/* --- forgotten --- */

static void
a_dropped_job_s_rows_are_forgotten(void **unused)
{
    (void)unused;
    start_running();
    give_page();
    press_oldest(true);
    give_page();
    give_page();
    answer(WRITE_PAGE, WRITE_FENCED);
    assert_null(fake.pressings);
    assert_int_equal(scribe_used(fake.kit.scribe), 0);
}

static void
a_deposed_slot_forgets_its_rows(void **unused)
{
    (void)unused;
    start_running();
    give_page();
    slot_depose(&fake.slot);
    assert_null(fake.pressings);
}

static void
records_without_a_slot_forget_their_rows_when_all_are_dropped(void **unused)
{
    (void)unused;
    start_running();
    give_page();
    turn(TURN_RAN);
    turn(TURN_COMMITTED);
    assert_int_equal(scribe_used(fake.kit.scribe), 1);
    scribe_clear(fake.kit.scribe);
    assert_null(fake.pressings);
}

static void
a_job_that_is_handed_back_forgets_its_rows(void **unused)
{
    (void)unused;
    start_running();
    give_page();
    slot_leave(&fake.slot);
    assert_null(fake.pressings);
    answer(WRITE_UNCLAIM, WRITE_DONE);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        SLOT_TEST(rows_at_the_presser_are_pages_under_way),
        SLOT_TEST(what_wrote_is_not_committed_before_its_rows_are_stored_pages),
        SLOT_TEST(the_end_waits_for_rows_that_are_still_to_be_pages),
        SLOT_TEST(pages_count_in_their_own_result_when_later_ones_have_begun),
        SLOT_TEST(a_result_of_one_page_does_not_pass_the_presser),
        SLOT_TEST(rows_that_there_is_no_memory_to_press_fail_the_job),
        SLOT_TEST(what_wrote_and_cannot_have_its_page_is_never_committed),
        SLOT_TEST(a_read_that_cannot_have_its_page_fails_although_it_is_committed),
        SLOT_TEST(alone_what_cannot_have_its_page_is_unknown),
        SLOT_TEST(large_rows_at_the_presser_stop_the_reading_until_they_are_a_page),
        SLOT_TEST(a_stored_page_does_not_resume_the_reading_while_large_rows_wait),
        SLOT_TEST(a_dropped_job_s_rows_are_forgotten),
        SLOT_TEST(a_deposed_slot_forgets_its_rows),
        SLOT_TEST(records_without_a_slot_forget_their_rows_when_all_are_dropped),
        SLOT_TEST(a_job_that_is_handed_back_forgets_its_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
