/* test_fill.c - values in templates stay values. */
#include "common/fill.h"
#include "common/sqltext.h"
#include "tests/unit/unit.h"

static void
assert_filled(const char *template, const char *message, const char *expected)
{
    fill_values_t values = { .job_id = "j-1", .error_message = message };
    own(mem) text = fill_template(template, &values);
    assert_string_equal(text, expected);
}

/* Whatever the message is, the filled text has as many statements as the template. */
static void
assert_whole(const char *template, const char *message)
{
    fill_values_t values = { .job_id = "j-1", .error_message = message };
    err_t err = { .kind = ERR_NONE };
    own(mem) text = fill_template(template, &values);
    own(statements) before = statements_split(template, &err);
    own(statements) after = statements_split(text, &err);
    if (!before || !after || before->count != after->count)
        fail_msg("%s: %s", text, err.text);
}

static void
a_text_without_placeholders_stays_as_it_is(void **unused)
{
    (void)unused;
    assert_filled("", "m", "");
    assert_filled("SELECT '<% job_id %>', $a$ <%=$a$, E'\\' <%= job', <", "m",
                  "SELECT '<% job_id %>', $a$ <%=$a$, E'\\' <%= job', <");
}

static void
unknown_placeholders_stay_as_they_are(void **unused)
{
    (void)unused;
    assert_filled("SELECT '<%= name %>', <%= job_idx %>, <%= JOB_ID %>, '<%= job_id'", "m",
                  "SELECT '<%= name %>', <%= job_idx %>, <%= JOB_ID %>, '<%= job_id'");
}

static void
spaces_in_a_placeholder_do_not_matter(void **unused)
{
    (void)unused;
    assert_filled("'<%=job_id%>' '<%=   job_id  %>' '<%= job_id%><%= job_id %>'", "m",
                  "'j-1' 'j-1' 'j-1j-1'");
}

static void
in_a_quoted_text_quotes_are_doubled(void **unused)
{
    (void)unused;
    assert_filled("'a <%= error_message %> b'", "it's \\ \"x\"", "'a it''s \\ \"x\" b'");
    assert_filled("'''<%= error_message %>'''", "'", "''''''''");
}

static void
in_an_e_text_backslashes_are_doubled_too(void **unused)
{
    (void)unused;
    assert_filled("E'<%= error_message %>'", "a\\'b", "E'a\\\\''b'");
    assert_filled("E'x'\n'<%= error_message %>'", "\\'", "E'x'\n'\\\\'''");
    assert_filled("U&'<%= error_message %>'", "\\0061'", "U&'\\\\0061'''");
}

static void
what_a_backslash_hides_is_no_placeholder(void **unused)
{
    (void)unused;
    assert_filled("E'\\<%= job_id %>'", "m", "E'\\<%= job_id %>'");
    assert_filled("E'\\\\<%= job_id %>'", "m", "E'\\\\j-1'");
}

static void
in_a_quoted_name_double_quotes_are_doubled(void **unused)
{
    (void)unused;
    assert_filled("\"t_<%= error_message %>\"", "a\"b'c", "\"t_a\"\"b'c\"");
}

static void
in_a_dollar_quote_it_stands_as_it_is(void **unused)
{
    (void)unused;
    assert_filled("$$<%= error_message %>$$", "it's \\ $1", "$$it's \\ $1$$");
    assert_filled("$a$<%= error_message %>$a$", "$$ $b$ $A$", "$a$$$ $b$ $A$$a$");
}

static void
in_a_routine_s_body_it_stays_a_value(void **unused)
{
    (void)unused;
    assert_filled("DO $$ BEGIN PERFORM f('<%= error_message %>', <%= error_message %>); END $$",
                  "it's; DROP TABLE t",
                  "DO $$ BEGIN PERFORM f('it''s; DROP TABLE t', 'it''s; DROP TABLE t'); END $$");
    assert_filled("do language plpgsql $b$ x <%= error_message %> $b$", "m",
                  "do language plpgsql $b$ x 'm' $b$");
    assert_filled("CREATE FUNCTION f() AS $f$ EXECUTE $q$ '<%= error_message %>' $q$ $f$", "'",
                  "CREATE FUNCTION f() AS $f$ EXECUTE $q$ '''' $q$ $f$");
    assert_filled("DO $b$ <%= error_message %> $b$", "$b$; SELECT 1", "DO $b$ '; SELECT 1' $b$");
}

static void
in_a_body_that_is_a_quoted_text_it_stays_a_value_too(void **unused)
{
    (void)unused;
    static const char evil[] = "'); DROP TABLE t; END --";
    assert_filled("DO 'BEGIN f(''<%= error_message %>''); END'", evil,
                  "DO 'BEGIN f(''''''); DROP TABLE t; END --''); END'");
    assert_filled("DO 'BEGIN f(<%= error_message %>); END'", evil,
                  "DO 'BEGIN f(''''''); DROP TABLE t; END --''); END'");
    assert_filled("DO LANGUAGE 'plpgsql' '/* <%= error_message %> */ f(<%= job_id %>)'", "*/",
                  "DO LANGUAGE 'plpgsql' '/* <%= error_message %> */ f(''j-1'')'");
    assert_filled("DO $$ EXECUTE 'SELECT ''<%= error_message %>''' $$", "'||f()||'",
                  "DO $$ EXECUTE 'SELECT ''''''||f()||''''''' $$");
    assert_filled("DO 'EXECUTE ''f(''''<%= error_message %>'''')'''", "'",
                  "DO 'EXECUTE ''f('''''''''''''''')'''");
    /* as it is where nobody can tell what it would become */
    static const char *const kept[] = {
        "DO E'f(\\'<%= error_message %>\\')'",
        "DO U&'f(''<%= error_message %>'')'",
        "DO 'f(''a'\n'<%= error_message %>'')'",
        "DO 'f(''a' -- b\n 'b' \n '<%= error_message %>'')'",
    };
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        assert_filled(kept[i], evil, kept[i]);
    assert_filled("DO 'a'; SELECT '<%= error_message %>'", "'", "DO 'a'; SELECT ''''");
    assert_filled("DO 'it''s' '", "", "DO 'it''s' '");
}

static void
in_a_dollar_quote_the_closing_tag_is_left_out(void **unused)
{
    (void)unused;
    assert_filled("$a$<%= error_message %>$a$", "x$a$y", "$a$xy$a$");
    assert_filled("$$<%= error_message %>$$", "x$$y$$$$z", "$$xyz$$");
    assert_filled("$a$<%= error_message %>$a$", "$a$a$b", "$a$a$b$a$");
    assert_filled("$a$<%= error_message %>$a$", "$$a$a$x", "$a$x$a$");
}

static void
no_tag_comes_about_where_value_and_template_meet(void **unused)
{
    (void)unused;
    assert_filled("$a$ $<%= error_message %>$ $a$", "a", "$a$  $a$");
    assert_filled("$a$ x<%= error_message %>$a$", "$a", "$a$ x$a$");
    assert_filled("$$ x<%= error_message %>$$", "$", "$$ x$$");
    assert_filled("$$<%= error_message %><%= error_message %>$$", "$", "$$$$");
    assert_filled("$a$ $<%= error_message %>a$b $a$", "", "$a$ b $a$");
}

static void
outside_of_quotes_it_becomes_a_text(void **unused)
{
    (void)unused;
    assert_filled("SELECT <%= job_id %>, f(<%=error_message%>)", "a'b\\",
                  "SELECT 'j-1', f('a''b\\')");
    assert_filled("<%= error_message %>", "", "''");
}

static void
outside_of_quotes_it_does_not_join_what_is_before_it(void **unused)
{
    (void)unused;
    assert_filled("SELECT E<%= job_id %>", "", "SELECT E 'j-1'");
    assert_filled("SELECT U&<%= job_id %>", "", "SELECT U& 'j-1'");
    assert_filled("SELECT 'a'<%= job_id %>", "", "SELECT 'a' 'j-1'");
    assert_filled("SELECT <%= job_id %><%= job_id %>", "", "SELECT 'j-1' 'j-1'");
    assert_filled("SELECT E'a'\n<%= job_id %>", "", "SELECT E'a'\n/**/'j-1'");
    assert_filled("SELECT E'a'<%= job_id %>", "", "SELECT E'a'/**/'j-1'");
}

static void
a_quote_that_does_not_end_is_not_closed(void **unused)
{
    (void)unused;
    assert_filled("$a$ x$a", "m", "$a$ x$a");
    assert_filled("$a$ <%= error_message %>", "$a$", "$a$ ");
    assert_filled("'<%= error_message %>", "'", "'''");
}

static void
in_comments_nothing_is_filled_in(void **unused)
{
    (void)unused;
    assert_filled("-- <%= job_id %>\n/* <%= job_id %> /* */ <%= job_id %> */ <%= job_id %>", "m",
                  "-- <%= job_id %>\n/* <%= job_id %> /* */ <%= job_id %> */ 'j-1'");
}

static void
no_value_adds_or_hides_a_statement(void **unused)
{
    (void)unused;
    static const char *const templates[] = {
        "a; SELECT '<%= error_message %>'; b",
        "a; SELECT E'<%= error_message %>'; b",
        "a; SELECT E'x'\n'<%= error_message %>'; b",
        "a; SELECT E'x' -- y\n<%= error_message %>; b",
        "a; SELECT \"<%= error_message %>\"; b",
        "a; SELECT U&\"<%= error_message %>\"; b",
        "a; SELECT $a$<%= error_message %>$a$; b",
        "a; SELECT $$<%= error_message %>$$; b",
        "a; SELECT $$$<%= error_message %>$ <%= error_message %>$$; b",
        "a; SELECT <%= error_message %>; b",
        "a; SELECT e<%= error_message %>; b",
        "a; SELECT <%= error_message %>\n'\\'; b",
        "a; SELECT /* <%= error_message %> */ 1; b",
        "a; SELECT 1 -- <%= error_message %>\n; b",
    };
    static const char *const messages[] = {
        "'; DROP TABLE t; --",
        "\\'; x; --",
        "\"; x; --",
        "$a$; x; --",
        "$$; x; --",
        "$",
        "$a",
        "a$",
        "\\",
        "'",
        "''",
        "\n; x",
        "*/; x /*",
        "\\\\'; x",
        "$$a$a$; x",
        ";",
        "<%= error_message %>",
    };
    for (size_t i = 0; i < sizeof templates / sizeof templates[0]; i++)
        for (size_t k = 0; k < sizeof messages / sizeof messages[0]; k++)
            assert_whole(templates[i], messages[k]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_without_placeholders_stays_as_it_is),
        cmocka_unit_test(unknown_placeholders_stay_as_they_are),
        cmocka_unit_test(spaces_in_a_placeholder_do_not_matter),
        cmocka_unit_test(in_a_quoted_text_quotes_are_doubled),
        cmocka_unit_test(in_an_e_text_backslashes_are_doubled_too),
        cmocka_unit_test(what_a_backslash_hides_is_no_placeholder),
        cmocka_unit_test(in_a_quoted_name_double_quotes_are_doubled),
        cmocka_unit_test(in_a_dollar_quote_it_stands_as_it_is),
        cmocka_unit_test(in_a_routine_s_body_it_stays_a_value),
        cmocka_unit_test(in_a_body_that_is_a_quoted_text_it_stays_a_value_too),
        cmocka_unit_test(in_a_dollar_quote_the_closing_tag_is_left_out),
        cmocka_unit_test(no_tag_comes_about_where_value_and_template_meet),
        cmocka_unit_test(outside_of_quotes_it_becomes_a_text),
        cmocka_unit_test(outside_of_quotes_it_does_not_join_what_is_before_it),
        cmocka_unit_test(a_quote_that_does_not_end_is_not_closed),
        cmocka_unit_test(in_comments_nothing_is_filled_in),
        cmocka_unit_test(no_value_adds_or_hides_a_statement),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
