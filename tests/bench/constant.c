/* constant.c - civetweb answering a constant to every request: the ceiling of an HTTP exchange.
 *
 * The same settings as an API node's listener, and no work behind it. Prints its port, serves until
 * its standard input ends.
 */
#include <civetweb.h>
#include <stdio.h>
#include <string.h>

static const char answer[] =
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 277\r\n\r\n"
    "{\"id\":\"0190a5c7-0000-7000-8000-000000000000\",\"jobState\":\"COMPLETED\","
    "\"startedAt\":\"2000-01-01T00:00:00Z\",\"statusAt\":\"2000-01-01T00:00:00Z\",\"state\":"
    "\"done\","
    "\"createdAt\":\"2000-01-01T00:00:00Z\",\"endedAt\":\"2000-01-01T00:00:00Z\",\"attempt\":1,"
    "\"rows\":1,\"error\":null,\"pad\":\"............\"}\r\n";

static int
answer_constant(struct mg_connection *connection, void *data)
{
    (void)data;
    mg_write(connection, answer, sizeof answer - 1);
    return 200;
}

int
main(void)
{
    const char *options[] = { "listening_ports",
                              "127.0.0.1:0",
                              "num_threads",
                              "64",
                              "enable_keep_alive",
                              "yes",
                              "keep_alive_timeout_ms",
                              "2000",
                              "request_timeout_ms",
                              "10000",
                              "tcp_nodelay",
                              "1",
                              "enable_directory_listing",
                              "no",
                              NULL };
    mg_init_library(0);
    struct mg_context *server = mg_start(NULL, NULL, options);
    struct mg_server_port port = { 0 };
    if (!server || mg_get_server_ports(server, 1, &port) != 1)
        return 1;
    mg_set_request_handler(server, "**", answer_constant, NULL);
    printf("%d\n", port.port);
    fflush(stdout);
    while (getchar() != EOF)
        continue;
    mg_stop(server);
    return 0;
}
