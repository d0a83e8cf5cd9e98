/* SPDX-License-Identifier: MIT */
/* Requests as they come over a socket, well-formed and not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kbs/http_server.h"
#include "kbs/listener.h"
#include "tests/unit/kbs/scratch.h"

#define HELLO        "{\"version\":\"0.4.0\",\"tee\":\"snp\",\"extra-params\":\"\"}"
#define HELLO_LENGTH "49"

static struct listener listener;
static struct trust trust;
static struct api api;
static struct http_server *server;

static int start(void **state)
{
    char path[PATH_MAX];

    if (scratch_make(state) != 0 ||
        store_open(scratch_path("db", path), true, &api.store) != STORE_OK ||
        listener_open("127.0.0.1:0", &listener) != LISTENER_OK)
        return -1;
    api.sessions = sessions_new(4);
    api.trust = &trust;
    server = http_server_start(&api, listener.fd);
    return server ? 0 : -1;
}

static int stop(void **state)
{
    http_server_stop(server);
    sessions_free(api.sessions);
    store_close(api.store);
    return scratch_remove(state);
}

static int connect_to_server(void)
{
    const struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons(listener.port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

/* Sends text and reads until the server closes, which the request must ask for. */
static const char *converse(const char *text)
{
    static char reply[65536];
    size_t used = 0;
    ssize_t got;
    int fd = connect_to_server();

    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
    while ((got = recv(fd, reply + used, sizeof(reply) - 1 - used, 0)) > 0)
        used += (size_t)got;
    reply[used] = '\0';
    close(fd);
    return reply;
}

static void assert_starts_with(const char *text, const char *start)
{
    if (strncmp(text, start, strlen(start)) != 0)
        fail_msg("expected %s, found %.200s", start, text);
}

static void auth_sets_the_session_cookie(void **state)
{
    const char *reply = converse("POST /kbs/v0/auth HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                                 "Content-Type: application/json\r\n"
                                 "Content-Length: " HELLO_LENGTH "\r\n\r\n" HELLO);
    const char *cookie = strstr(reply, "Set-Cookie: kbs-session-id=");

    (void)state;
    assert_starts_with(reply, "HTTP/1.1 200 ");
    assert_non_null(cookie);
    assert_non_null(strstr(cookie, "; Path=/kbs/v0; "));
    assert_non_null(strstr(cookie, "HttpOnly"));
    assert_null(strstr(cookie, "Secure")); /* clients would not return it over plain HTTP */
    assert_non_null(strstr(reply, "Content-Type: application/json"));
}

static void the_cookie_leads_to_its_session(void **state)
{
    struct session *session = sessions_open(api.sessions, time(NULL));
    char text[512];

    (void)state;
    snprintf(text, sizeof(text),
             "POST /kbs/v0/attest HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
             "Cookie: kbs-session-id=%s\r\nContent-Length: 2\r\n\r\n{}",
             session->id);
    assert_non_null(strstr(converse(text), "\"request-malformed\""));
    assert_non_null(strstr(converse(text), "\"nonce-spent\""));
}

static void refuses_a_request_without_cookie(void **state)
{
    const char *reply = converse("POST /kbs/v0/attest HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                                 "Content-Length: 2\r\n\r\n{}");

    (void)state;
    assert_starts_with(reply, "HTTP/1.1 401 ");
    assert_non_null(strstr(reply, "\"session-unknown\""));
}

static void refuses_a_body_that_is_announced_too_long(void **state)
{
    const char *reply = converse("POST /kbs/v0/attest HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                                 "Content-Length: 65537\r\n\r\n");

    (void)state;
    assert_starts_with(reply, "HTTP/1.1 413 ");
    assert_non_null(strstr(reply, "\"body-too-large\""));
}

static void cuts_off_a_body_that_grows_too_long(void **state)
{
    static const char head[] = "POST /kbs/v0/attest HTTP/1.1\r\nHost: x\r\n"
                               "Transfer-Encoding: chunked\r\n\r\n";
    char chunk[6 + 4096 + 2], byte;
    int fd = connect_to_server(), chunks = 0;

    (void)state;
    memcpy(chunk, "1000\r\n", 6);
    memset(chunk + 6, 'a', 4096);
    memcpy(chunk + 6 + 4096, "\r\n", 2);
    send(fd, head, sizeof(head) - 1, MSG_NOSIGNAL);
    while (chunks < 10000 && send(fd, chunk, sizeof(chunk), MSG_NOSIGNAL) > 0)
        chunks++;
    assert_true(chunks < 10000);
    assert_true(recv(fd, &byte, 1, 0) <= 0); /* no answer */
    close(fd);
    refuses_a_request_without_cookie(state); /* and it still serves */
}

static void survives_what_is_not_http(void **state)
{
    (void)state;
    converse("\x16\x03\x01 hello\r\n\r\n");
    converse("POST\r\n\r\n");
    refuses_a_request_without_cookie(state);
}

static void listens_on_loopback_only(void **state)
{
    struct listener other;
    char address[32];

    (void)state;
    assert_int_equal(listener_open("0.0.0.0:0", &other), LISTENER_NOT_LOOPBACK);
    assert_int_equal(listener_open("192.0.2.1:80", &other), LISTENER_NOT_LOOPBACK);
    assert_int_equal(listener_open("localhost:80", &other), LISTENER_BAD_ADDRESS);
    assert_int_equal(listener_open("127.0.0.1", &other), LISTENER_BAD_ADDRESS);
    assert_int_equal(listener_open("127.0.0.1:", &other), LISTENER_BAD_ADDRESS);
    assert_int_equal(listener_open(":80", &other), LISTENER_BAD_ADDRESS);
    assert_int_equal(listener_open("::1:80", &other), LISTENER_BAD_ADDRESS);
    snprintf(address, sizeof(address), "127.0.0.1:%u", listener.port);
    assert_int_equal(listener_open(address, &other), LISTENER_IN_USE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(auth_sets_the_session_cookie),
        cmocka_unit_test(the_cookie_leads_to_its_session),
        cmocka_unit_test(refuses_a_request_without_cookie),
        cmocka_unit_test(refuses_a_body_that_is_announced_too_long),
        cmocka_unit_test(cuts_off_a_body_that_grows_too_long),
        cmocka_unit_test(survives_what_is_not_http),
        cmocka_unit_test(listens_on_loopback_only),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
