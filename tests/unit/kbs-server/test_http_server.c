/* SPDX-License-Identifier: MIT */
/* Requests as they come over a socket, well-formed and not. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kbs/metrics.h"
#include "tests/unit/kbs-server/net.h"
#include "tests/unit/kbs-server/served.h"
#include "tests/unit/registered.h"

static struct served served;

static int start(void **state)
{
    struct connection_limits limits = served_limits();

    (void)state;
    served = served_start(&limits, NULL);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    served_stop(&served);
    return 0;
}

static void assert_starts_with(const char *text, const char *start_of_it)
{
    assert_non_null(text);
    if (strncmp(text, start_of_it, strlen(start_of_it)) != 0)
        fail_msg("expected %s, found %.200s", start_of_it, text);
}

static void assert_has(const char *text, const char *part)
{
    assert_non_null(text);
    if (!strstr(text, part))
        fail_msg("expected %s in %.500s", part, text);
}

TEST(a_body_reaches_the_handler_and_its_reply_the_client)
{
    const char *reply = net_converse(served.port, "POST /echo HTTP/1.1\r\nHost: x\r\n"
                                                  "Connection: close\r\nContent-Length: 5\r\n"
                                                  "\r\nhello");

    assert_starts_with(reply, "HTTP/1.1 200 ");
    assert_has(reply, "Content-Type: application/octet-stream\r\n");
    assert_has(reply, "Cache-Control: no-store\r\n");
    assert_has(reply, "\r\n\r\nhello");
}

TEST(path_arguments_headers_and_cookies_are_told_apart)
{
    assert_has(net_converse(served.port, "GET /path/%41%2fb?a=1%202 HTTP/1.1\r\nHost: x\r\n"
                                         "Connection: close\r\nx-TEST: yes\r\n"
                                         "Cookie: b=1; c=crumb\r\n\r\n"),
               "GET /path/A/b a=1 2 X-Test=yes c=crumb");
    assert_has(
        net_converse(served.port, "GET /path/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
        "GET /path/ a=none X-Test=none c=none");
}

TEST(headers_of_the_reply_are_sent)
{
    const char *reply =
        net_converse(served.port, "GET /other HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");

    assert_starts_with(reply, "HTTP/1.1 404 ");
    assert_has(reply, "X-First: 1\r\n");
    assert_has(reply, "X-Second: two\r\n");
}

TEST(the_peer_is_the_clients_address)
{
    assert_has(
        net_converse(served.port, "GET /peer HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
        "\r\n\r\n127.0.0.1");
}

TEST(a_reply_without_memory_for_its_body_is_an_error)
{
    assert_starts_with(net_converse(served.port, "GET /nothing HTTP/1.1\r\nHost: x\r\n"
                                                 "Connection: close\r\n\r\n"),
                       "HTTP/1.1 500 ");
}

/* On one connection, where a body that was sent all the same would be taken for the next reply. */
TEST(head_is_answered_as_get_is_without_the_body)
{
    const char *reply = net_converse(served.port, "HEAD /path/x?a=1 HTTP/1.1\r\nHost: x\r\n\r\n"
                                                  "HEAD /other HTTP/1.1\r\nHost: x\r\n\r\n"
                                                  "GET /path/x?a=1 HTTP/1.1\r\nHost: x\r\n"
                                                  "Connection: close\r\n\r\n");
    const char *of_other = strstr(reply, "\r\n\r\nHTTP/1.1 404 "),
               *of_get = strstr(reply, "\r\n\r\nHTTP/1.1 200 ");

    assert_starts_with(reply, "HTTP/1.1 200 ");
    assert_has(reply, "Content-Length: 34\r\n");
    assert_true(of_other && of_get && of_other < of_get);
    assert_has(of_other, "X-First: 1\r\n");
    assert_has(of_get, "Content-Length: 34\r\n");
    assert_has(of_get + 4, "\r\n\r\nGET /path/x a=1 X-Test=none c=none");
}

TEST(a_connection_serves_one_request_after_the_other)
{
    int fd = net_connect(served.port);

    for (int i = 0; i < 20; i++) {
        assert_true(net_send(fd, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"));
        assert_has(net_read_reply(fd), "\r\n\r\nabc");
    }
    close(fd);
}

TEST(pipelined_requests_are_answered_in_order)
{
    const char *reply =
        net_converse(served.port, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\none"
                                  "GET /closed HTTP/1.1\r\nHost: x\r\n\r\n"
                                  "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n"
                                  "Connection: close\r\n\r\nthree");
    const char *one = strstr(reply, "\r\n\r\none"), *two = strstr(reply, "HTTP/1.1 429 "),
               *three = strstr(reply, "\r\n\r\nthree");

    assert_true(one && two && three && one < two && two < three);
}

TEST(the_longest_body_passes)
{
    static char text[BODY_MAX + 256];
    int head = snprintf(text, sizeof(text),
                        "POST /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                        "Content-Length: %d\r\n\r\n",
                        BODY_MAX);

    memset(text + head, 'x', BODY_MAX);
    text[head + BODY_MAX] = '\0';
    assert_starts_with(net_converse(served.port, text), "HTTP/1.1 200 ");
}

TEST(a_body_announced_too_long_is_refused_before_it_comes)
{
    uint64_t refused = metric_get(METRIC_REQUESTS_REFUSED);
    const char *reply = net_converse(served.port, "POST /echo HTTP/1.1\r\nHost: x\r\n"
                                                  "Content-Length: 65537\r\n\r\n");

    assert_starts_with(reply, "HTTP/1.1 413 ");
    assert_has(reply, "body-too-large");
    assert_starts_with(net_converse(served.port, "POST /echo HTTP/1.1\r\nHost: x\r\n"
                                                 "Content-Length: 99999999999999999999\r\n\r\n"),
                       "HTTP/1.1 4");
    assert_true(metric_get(METRIC_REQUESTS_REFUSED) > refused);
}

TEST(a_body_that_grows_too_long_is_cut_off)
{
    static const char head[] = "POST /echo HTTP/1.1\r\nHost: x\r\n"
                               "Transfer-Encoding: chunked\r\n\r\n";
    char chunk[6 + 4096 + 2 + 1] = "1000\r\n";
    int fd = net_connect(served.port), chunks = 0;

    memset(chunk + 6, 'x', 4096);
    strcpy(chunk + 6 + 4096, "\r\n");
    assert_true(net_send(fd, head));
    while (chunks < 4096 && net_send(fd, chunk))
        chunks++;
    assert_true(chunks < 4096);
    close(fd);
}

TEST(a_chunked_body_is_put_together)
{
    assert_has(net_converse(served.port, "POST /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                                         "Transfer-Encoding: chunked\r\n\r\n"
                                         "3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n"),
               "\r\n\r\nabcdefg");
}

TEST(what_the_gate_refuses_never_reaches_the_handler)
{
    const char *reply = net_converse(served.port, "POST /closed HTTP/1.1\r\nHost: x\r\n"
                                                  "Connection: close\r\n"
                                                  "Content-Length: 3\r\n\r\nabc");

    assert_starts_with(reply, "HTTP/1.1 429 ");
    assert_has(reply, "\r\n\r\nclosed");
}

TEST(an_oversized_header_is_refused)
{
    static char text[70000];
    int head = snprintf(text, sizeof(text), "GET /peer HTTP/1.1\r\nHost: x\r\nX-Long: ");

    memset(text + head, 'a', 65000);
    strcpy(text + head + 65000, "\r\n\r\n");
    assert_null(strstr(net_converse(served.port, text), "127.0.0.1"));
}

TEST(many_headers_are_refused)
{
    static char text[200000];
    int used = snprintf(text, sizeof(text), "GET /peer HTTP/1.1\r\nHost: x\r\n");

    for (int i = 0; i < 10000; i++)
        used += snprintf(text + used, sizeof(text) - (size_t)used, "X-%d: 1\r\n", i);
    strcpy(text + used, "\r\n");
    assert_null(strstr(net_converse(served.port, text), "127.0.0.1"));
}

TEST(what_is_not_http_harms_nobody)
{
    static const char *const garbage[] = {
        "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        "\r\n\r\n\r\n\r\n",
        "GET\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        "GET /peer HTTP/1.1\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3x\r\n\r\nabc",
        "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "\xff\xfe\xfd /\xff HTTP/1.1\r\n\xff: \xff\r\n\r\n",
    };

    for (size_t i = 0; i < sizeof(garbage) / sizeof(garbage[0]); i++) {
        int fd = net_connect(served.port);

        assert_true(fd >= 0);
        (void)net_send(fd, garbage[i]);
        close(fd);
    }
    assert_has(
        net_converse(served.port, "GET /peer HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
        "127.0.0.1");
}

static void *ask_and_wait(void *heard)
{
    *(bool *)heard = strstr(net_converse(served.port, "GET /wait HTTP/1.1\r\nHost: x\r\n"
                                                      "Connection: close\r\n\r\n"),
                            "waited") != NULL;
    return NULL;
}

TEST(a_handler_that_waits_keeps_nobody_else_waiting)
{
    pthread_t threads[16];
    bool heard[16] = {0};

    for (size_t i = 0; i < 16; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask_and_wait, &heard[i]), 0);
    assert_true(served_wait_for_waiting(16));
    assert_has(
        net_converse(served.port, "GET /peer HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
        "127.0.0.1");
    served_release();
    for (size_t i = 0; i < 16; i++) {
        pthread_join(threads[i], NULL);
        assert_true(heard[i]);
    }
}

TEST_GROUP(start, stop)
