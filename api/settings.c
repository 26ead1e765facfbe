#include "api/settings.h"

const setting_t api_settings[] = {
    { "http_host", CONF_TEXT, "127.0.0.1", 0, 0, "", "Address that HTTP is served on." },
    { "http_port", CONF_INT, "8080", 0, 65535, "", "Port of HTTP; 0: the kernel chooses." },
    { "http_threads", CONF_INT, "512", 1, 8192, "",
      "HTTP worker threads: an open connection owns one." },
    { "body_bytes", CONF_INT, "1048576", 1024, 1 << 30, "bytes",
      "Largest request body that is read." },
    { "request_ms", CONF_INT, "10000", 100, 600000, "ms",
      "Time for a request's head, and for its whole body." },
    { "wait_cap_ms", CONF_INT, "60000", 0, 600000, "ms", "Longest time that a request may wait." },
    { "reread_ms", CONF_INT, "2000", 100, 60000, "ms",
      "How often a waiting request looks into the store by itself." },
    { "retention_s", CONF_INT, "86400", 1, 2592000, "s",
      "How long results are kept; at most what the brokers make partitions for (page_days)." },
    { "deadline_ms", CONF_INT, "86400000", 1000, 604800000, "ms",
      "When a job that has no deadline of its own must be over, after it was submitted; the same "
      "as the brokers' and executors'." },
    { "deadline_most_ms", CONF_INT, "604800000", 1000, 604800000, "ms",
      "The latest deadline that a job may have; never more than a week, since a ledger must "
      "outlive it." },
    { "key_cache_ms", CONF_INT, "1000", 0, 60000, "ms",
      "How long an API key, and a tenant's terms, are believed without asking the store." },
    { "page_readers", CONF_INT, "4", 1, 64, "",
      "Store connections that read result pages, and threads that do so ahead of time." },
    { "page_cache_mib", CONF_INT, "3", 0, 65536, "MiB",
      "Result pages that are kept in memory, inflated, for those who read them next." },
    { "large_pages_mib", CONF_INT, "128", 1, 65536, "MiB",
      "Pages of more than 1 MiB that are read at one time, inflated; who would exceed it waits." },
    { "cell", CONF_INT, "0", 0, 4095, "", "Number of this cluster in the ids it makes." },
    { 0 },
};
