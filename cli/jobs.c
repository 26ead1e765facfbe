/* jobs.c - jobs over HTTP: submit, status, rows, cancel, renew, remove. */
#include <curl/curl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

enum {
    ANSWER_MOST = 64 << 20,
    PAGE_ROWS = 1000,
    HTTP_TIMEOUT_S = 120,
    RETENTION_MOST_S = 30 * 86400
};

/* What the server said. */
typedef struct {
    char *bytes;
    size_t size;
    long status;
} answer_t;

static size_t
answer_take(char *data, size_t one, size_t count, void *arg)
{
    answer_t *answer = arg;
    size_t size = one * count;
    if (answer->size + size > ANSWER_MOST)
        return 0;
    answer->bytes = mem_grow(answer->bytes, answer->size + size + 1);
    memcpy(answer->bytes + answer->size, data, size);
    answer->size += size;
    answer->bytes[answer->size] = '\0';
    return size;
}

/* One exchange; `body` may be NULL. `path` begins with a slash. */
static bool
exchange(const cli_t *cli, const char *method, const char *path, const char *body, answer_t *answer,
         err_t *err)
{
    if (!cli->url || !*cli->url || !cli->key || !*cli->key)
        return err_set(err, ERR_INVALID,
                       "whom to ask? give --url and --key, or set MILLRACE_URL and "
                       "MILLRACE_KEY");
    own(mem) url = mem_format("%s%s", cli->url, path);
    own(mem) bearer = mem_format("Authorization: Bearer %s", cli->key);
    struct curl_slist *headers = curl_slist_append(NULL, bearer);
    if (body)
        headers = curl_slist_append(headers, "Content-Type: application/json");
    CURL *curl = curl_easy_init();
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, answer_take);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)HTTP_TIMEOUT_S);
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
    if (body)
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
    CURLcode code = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer->status);
    curl_easy_cleanup(curl);
    curl_slist_free_all(headers);
    if (code != CURLE_OK)
        return err_set(err, ERR_UNAVAILABLE, "%s: %s", cli->url, curl_easy_strerror(code));
    return true;
}

/* The answer as JSON; an error answer becomes an error with the server's own words. */
static json_t *
exchange_json(const cli_t *cli, const char *method, const char *path, const char *body, err_t *err)
{
    answer_t answer = { 0 };
    json_t *json = NULL;
    if (exchange(cli, method, path, body, &answer, err)) {
        json = json_loadb(answer.bytes ? answer.bytes : "", answer.size, 0, NULL);
        const char *why =
            json_string_value(json_object_get(json_object_get(json, "error"), "message"));
        if (answer.status >= 400 || !json) {
            err_set(err, ERR_CONFLICT, "%ld: %s", answer.status,
                    why ? why : "not a Millrace answer");
            json_decref(json);
            json = NULL;
        }
    }
    free(answer.bytes);
    return json;
}

static bool
submit(const cli_t *cli, err_t *err)
{
    json_t *order = json_pack("{s:s}", "sql", cli->words[0]);
    if (!order)
        return err_set(err, ERR_INVALID, "the SQL is not UTF-8");
    char *body = json_dumps(order, 0);
    json_t *answer = exchange_json(cli, "POST", "/api/v1/job", body, err);
    if (answer)
        printf("%s\n", json_string_value(json_object_get(answer, "id")));
    bool done = answer != NULL;
    json_decref(answer);
    json_decref(order);
    free(body);
    return done;
}

static bool
status(const cli_t *cli, err_t *err)
{
    int64_t wait_s = 0;
    if (cli->wait && !cli_number(cli->wait, "--wait", 3600, &wait_s, err))
        return false;
    own(mem) path = mem_format("/api/v1/job/%s?wait=%lld", cli->words[0], (long long)wait_s);
    json_t *answer = exchange_json(cli, "GET", path, NULL, err);
    if (!answer)
        return false;
    if (cli->json) {
        json_dumpf(answer, stdout, JSON_INDENT(2));
        putchar('\n');
    } else {
        json_t *error = json_object_get(answer, "error");
        printf("%s\t%s", cli->words[0], json_string_value(json_object_get(answer, "state")));
        if (json_is_object(error))
            printf("\t%s", json_string_value(json_object_get(error, "message")));
        putchar('\n');
    }
    json_decref(answer);
    return true;
}

/* A value as a cell of a tab-separated table: tabs and newlines in it become spaces. */
static void
cell_print(const json_t *value)
{
    if (json_is_null(value))
        return;
    char *text = json_is_string(value) ? mem_text(json_string_value(value))
                                       : json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    for (char *c = text; c && *c; c++)
        if (*c == '\t' || *c == '\n' || *c == '\r')
            *c = ' ';
    fputs(text ? text : "", stdout);
    free(text);
}

static void
rows_print(const json_t *answer, bool head)
{
    json_t *schema = json_object_get(answer, "schema");
    size_t i;
    json_t *column;
    if (head && json_array_size(schema) > 0) {
        json_array_foreach(schema, i, column)
            printf("%s%s", i > 0 ? "\t" : "", json_string_value(json_object_get(column, "name")));
        putchar('\n');
    }
    size_t r;
    json_t *row;
    json_array_foreach(json_object_get(answer, "rows"), r, row)
    {
        json_array_foreach(schema, i, column)
        {
            if (i > 0)
                putchar('\t');
            cell_print(json_object_get(row, json_string_value(json_object_get(column, "name"))));
        }
        putchar('\n');
    }
}

/* Print rows from --offset on, at most --limit of them (all of them when it is not given). */
static bool
rows(const cli_t *cli, err_t *err)
{
    int64_t offset = 0;
    int64_t left = INT64_MAX;
    if ((cli->offset && !cli_number(cli->offset, "--offset", INT64_MAX, &offset, err))
        || (cli->limit && !cli_number(cli->limit, "--limit", INT64_MAX, &left, err)))
        return false;
    for (bool head = true, complete = false; !complete && (left > 0 || head); head = false) {
        int64_t limit = left < PAGE_ROWS ? left : PAGE_ROWS;
        own(mem) path = mem_format("/api/v1/job/%s/results?offset=%lld&limit=%lld", cli->words[0],
                                   (long long)offset, (long long)limit);
        json_t *answer = exchange_json(cli, "GET", path, NULL, err);
        if (!answer)
            return false;
        rows_print(answer, head);
        complete = json_is_true(json_object_get(answer, "complete"))
                   || json_array_size(json_object_get(answer, "rows")) == 0;
        offset += limit;
        left -= limit;
        json_decref(answer);
    }
    return true;
}

/* Stop a job, and say what won. */
static bool
cancel(const cli_t *cli, err_t *err)
{
    own(mem) path = mem_format("/api/v1/job/%s/cancel", cli->words[0]);
    json_t *answer = exchange_json(cli, "POST", path, "", err);
    if (!answer)
        return false;
    printf("%s\t%s\t%s\n", cli->words[0], json_string_value(json_object_get(answer, "state")),
           json_string_value(json_object_get(answer, "outcome")));
    json_decref(answer);
    return true;
}

/* Keep a job's results for longer. */
static bool
renew(const cli_t *cli, err_t *err)
{
    int64_t retention_s = -1;
    if (!cli_option(cli->retention, "--retention", RETENTION_MOST_S, &retention_s, err))
        return false;
    own(mem) path = mem_format("/api/v1/job/%s/renew", cli->words[0]);
    own(mem) body = retention_s < 0 ? mem_text("{}")
                                    : mem_format("{\"retention_s\": %lld}", (long long)retention_s);
    json_t *answer = exchange_json(cli, "POST", path, body, err);
    if (!answer)
        return false;
    printf("%s\t%s\n", cli->words[0], json_string_value(json_object_get(answer, "expiresAt")));
    json_decref(answer);
    return true;
}

/* Remove a finished job and its results. */
static bool
remove_job(const cli_t *cli, err_t *err)
{
    own(mem) path = mem_format("/api/v1/job/%s", cli->words[0]);
    json_t *answer = exchange_json(cli, "DELETE", path, NULL, err);
    bool done = answer != NULL;
    json_decref(answer);
    return done;
}

const command_t job_commands[] = {
    { "submit", NULL, 1, 1, submit, "submit SQL" },
    { "status", NULL, 1, 1, status, "status ID [--wait SECONDS] [--json]" },
    { "rows", NULL, 1, 1, rows, "rows ID [--offset N] [--limit N]" },
    { "cancel", NULL, 1, 1, cancel, "cancel ID" },
    { "renew", NULL, 1, 1, renew, "renew ID [--retention SECONDS]" },
    { "remove", NULL, 1, 1, remove_job, "remove ID" },
    { NULL, NULL, 0, 0, NULL, NULL },
};
