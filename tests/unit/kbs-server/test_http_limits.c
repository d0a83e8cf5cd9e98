/* SPDX-License-Identifier: MIT */
/* Clients that are many, slow, or never satisfied; and a server that is told to stop. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kbs/metrics.h"
#include "kbs/server/clock.h"
#include "tests/unit/kbs-server/net.h"
#include "tests/unit/kbs-server/served.h"
#include "tests/unit/registered.h"

#define WHO "GET /peer HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

static void assert_serves(const struct served *served)
{
    assert_non_null(strstr(net_converse(served->port, WHO), "127.0.0.1"));
}

/* Until the threads of connections that were closed are gone. */
static void assert_serves_soon(const struct served *served)
{
    for (int i = 0; i < 200; i++) {
        if (strstr(net_converse(served->port, WHO), "127.0.0.1"))
            return;
        usleep(10000);
    }
    fail_msg("nothing is served any more");
}

/* Sends bytes of text one at a time, until it is cut off; the ms it took. */
static uint64_t trickle(int fd, const char *text, unsigned pause_ms)
{
    uint64_t begun = clock_ms();

    while (clock_ms() - begun < 20000 && !net_is_closed_within(fd, (int)pause_ms))
        if (send(fd, text, 1, MSG_NOSIGNAL) != 1)
            break;
    return clock_ms() - begun;
}

TEST(a_header_that_trickles_is_cut_off)
{
    struct connection_limits limits = served_limits();
    uint64_t overdue = metric_get(METRIC_OVERDUE);
    struct served served;
    uint64_t took;
    int fd;

    limits.idle_ms = 1000;
    served = served_start(&limits, NULL);
    fd = net_connect(served.port);
    assert_true(net_send(fd, "GET /peer HTTP/1.1\r\nHost: x\r\nX-Slow: "));
    took = trickle(fd, "a", 50);
    assert_in_range(took, 900, 3000);
    assert_true(metric_get(METRIC_OVERDUE) > overdue);
    close(fd);
    assert_serves(&served);
    served_stop(&served);
}

TEST(a_client_that_says_nothing_is_cut_off)
{
    struct connection_limits limits = served_limits();
    struct served served;
    int fd;

    limits.idle_ms = 1000;
    served = served_start(&limits, NULL);
    fd = net_connect(served.port);
    assert_false(net_is_closed_within(fd, 700));
    assert_true(net_is_closed_within(fd, 2500));
    close(fd);
    served_stop(&served);
}

TEST(a_body_that_trickles_is_cut_off)
{
    struct connection_limits limits = served_limits();
    struct served served;
    int fd;

    limits.request_ms = 1000;
    served = served_start(&limits, NULL);
    fd = net_connect(served.port);
    assert_true(net_send(fd, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n"));
    assert_in_range(trickle(fd, "a", 50), 900, 3000);
    close(fd);
    assert_serves(&served);
    served_stop(&served);
}

/* Reads a byte now and then, so that the connection is never idle. */
TEST(a_reply_that_is_not_read_is_given_up)
{
    struct connection_limits limits = served_limits();
    int little = 4096;
    struct served served;
    uint64_t begun;
    char byte;
    int fd;

    limits.request_ms = 1000;
    served = served_start(&limits, NULL);
    fd = net_connect(served.port);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &little, sizeof(little));
    assert_true(net_send(fd, "GET /big HTTP/1.1\r\nHost: x\r\n\r\n"));
    begun = clock_ms();
    while (clock_ms() - begun < 3000) {
        if (recv(fd, &byte, 1, 0) <= 0)
            break;
        usleep(20000);
    }
    /* What was sent before the end is still to be read; the rest never comes. */
    shutdown(fd, SHUT_WR);
    assert_true(strlen(net_read_all(fd)) < BIG_BODY);
    close(fd);
    assert_int_equal(http_server_drain(served.server, 10000), 0);
    served_stop(&served);
}

TEST(slow_clients_keep_nobody_else_waiting)
{
    struct connection_limits limits = served_limits();
    struct served served;
    int slow[48];
    uint64_t begun;

    served = served_start(&limits, NULL);
    for (size_t i = 0; i < 48; i++) {
        slow[i] = net_connect(served.port);
        assert_true(net_send(slow[i], i % 2 ? "GET /peer HT"
                                            : "POST /echo HTTP/1.1\r\nHost: x\r\n"
                                              "Content-Length: 9\r\n\r\na"));
    }
    begun = clock_ms();
    for (int i = 0; i < 20; i++)
        assert_serves(&served);
    assert_true(clock_ms() - begun < 2000);
    for (size_t i = 0; i < 48; i++)
        close(slow[i]);
    served_stop(&served);
}

TEST(connections_over_the_limit_are_closed_and_the_others_served)
{
    struct connection_limits limits = served_limits();
    uint64_t refused = metric_get(METRIC_CONNECTIONS_REFUSED);
    struct served served = served_start(&limits, NULL);
    int fds[300], alive = 0;

    for (size_t i = 0; i < 300; i++) {
        fds[i] = net_connect(served.port);
        assert_true(fds[i] >= 0);
    }
    for (size_t i = 0; i < 300; i++)
        if (net_send(fds[i], "GET /peer HTTP/1.1\r\nHost: x\r\n\r\n") &&
            strstr(net_read_reply(fds[i]), "127.0.0.1"))
            alive++;
    assert_int_equal(alive, 64);
    assert_int_equal(metric_get(METRIC_CONNECTIONS_REFUSED) - refused, 300 - 64);
    for (size_t i = 0; i < 300; i++)
        close(fds[i]);
    assert_serves_soon(&served);
    served_stop(&served);
}

TEST(one_address_gets_no_more_than_its_share)
{
    struct connection_limits limits = served_limits();
    struct served served;
    int fds[4];

    limits.connections_per_client = 4;
    served = served_start(&limits, NULL);
    for (size_t i = 0; i < 4; i++) {
        fds[i] = net_connect(served.port);
        assert_true(net_send(fds[i], "GET /peer HTTP/1.1\r\nHost: x\r\n\r\n"));
        assert_non_null(strstr(net_read_reply(fds[i]), "127.0.0.1"));
    }
    assert_string_equal(net_converse(served.port, WHO), "");
    close(fds[0]);
    assert_serves_soon(&served);
    for (size_t i = 1; i < 4; i++)
        close(fds[i]);
    served_stop(&served);
}

static void *ask_and_wait(void *port)
{
    static _Thread_local char kept[256];

    strncpy(kept, net_converse(*(unsigned *)port, "GET /wait HTTP/1.1\r\nHost: x\r\n\r\n"),
            sizeof(kept) - 1);
    return strstr(kept, "waited") && strstr(kept, "Connection: close") ? port : NULL;
}

static void *drain(void *server)
{
    static unsigned left;

    left = http_server_drain(server, 10000);
    return &left;
}

TEST(a_request_under_way_is_finished_before_the_server_stops)
{
    struct connection_limits limits = served_limits();
    struct served served = served_start(&limits, NULL);
    pthread_t asking, draining;
    void *answered, *left;
    int idle = net_connect(served.port);

    assert_int_equal(pthread_create(&asking, NULL, ask_and_wait, &served.port), 0);
    assert_true(served_wait_for_waiting(1));
    assert_int_equal(pthread_create(&draining, NULL, drain, served.server), 0);
    assert_true(net_is_closed_within(idle, 5000));
    served_release();
    pthread_join(asking, &answered);
    pthread_join(draining, &left);
    assert_non_null(answered);
    assert_int_equal(*(unsigned *)left, 0);
    close(idle);
    served_stop(&served);
}

TEST(draining_gives_up_in_time)
{
    struct connection_limits limits = served_limits();
    struct served served = served_start(&limits, NULL);
    pthread_t asking;
    uint64_t begun;

    assert_int_equal(pthread_create(&asking, NULL, ask_and_wait, &served.port), 0);
    assert_true(served_wait_for_waiting(1));
    begun = clock_ms();
    assert_int_equal(http_server_drain(served.server, 300), 1);
    assert_in_range(clock_ms() - begun, 290, 3000);
    served_release();
    pthread_join(asking, NULL);
    served_stop(&served);
}
