/* SPDX-License-Identifier: MIT */
/* One VM, the proxy's side of the conversation, and a KBS that may do anything. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy/exchange.h"
#include "proxy/frame.h"
#include "tests/unit/proxy/fake_kbs.h"
#include "tests/unit/proxy/frames.h"
#include "tests/unit/proxy/vm.h"
#include "tests/unit/registered.h"

#define OK_HEADER "HTTP/1.1 200 OK\r\nConnection: close\r\n"
#define COOKIE    "Set-Cookie: kbs-session-id=0123abcd; Path=/kbs/v0; HttpOnly\r\n"
#define REFUSAL                                                                                    \
    "HTTP/1.1 401 Unauthorized\r\nConnection: close\r\n\r\n"                                       \
    "{\"type\":\"" KBS_ERROR_TYPE "PolicyDeny\",\"detail\":\"measurement-unknown\"}"

static const char good_auth[] = OK_HEADER COOKIE "\r\n" CHALLENGE_REPLY;
static const char good_attest[] = OK_HEADER "\r\n" TOKEN_REPLY;
static const char good_resource[] = OK_HEADER "\r\n" RESOURCE_REPLY;

struct world {
    struct fake_kbs kbs;
    struct exchange_options options;
    struct exchange_peer peer;
    int vm, proxy, stop;
    pthread_t thread;
};

static const struct peers_limits limits = {.total = 1, .per_peer = 1, .rate = 1000000};

static void *serve(void *context)
{
    struct world *world = context;

    exchange_serve(&(struct line){.fd = world->proxy, .stop = world->stop}, &world->options,
                   &world->peer);
    close(world->proxy);
    return NULL;
}

static void start(struct world *world)
{
    static const struct peer peer = {.kind = PEER_PROCESS, .name = "test"};
    int ends[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    world->vm = ends[0];
    world->proxy = ends[1];
    world->stop = eventfd(0, 0);
    world->peer.peers = peers_new(&limits);
    assert_int_equal(peers_enter(world->peer.peers, &peer, &world->peer.account), PEERS_ADMITTED);
    if (!world->options.kbs.url) {
        fake_kbs_start(&world->kbs);
        world->options.kbs.url = world->kbs.url;
    }
    if (!world->options.resource)
        world->options.resource = RESOURCE_DEFAULT;
    if (world->options.timeout_s == 0)
        world->options.timeout_s = 1;
    world->peer.turns = turns_new(1);
    assert_int_equal(pthread_create(&world->thread, NULL, serve, world), 0);
}

static void join(struct world *world)
{
    pthread_join(world->thread, NULL);
    peers_free(world->peer.peers);
    turns_free(world->peer.turns);
    close(world->stop);
    if (world->options.kbs.url == world->kbs.url)
        fake_kbs_stop(&world->kbs);
}

static void stop(struct world *world)
{
    close(world->vm);
    join(world);
}

TEST(carries_a_whole_attestation)
{
    static struct world world = {.kbs.answers = {good_auth, good_attest, good_resource}};
    const struct fake_kbs *kbs = &world.kbs;

    start(&world);
    vm_asks(world.vm, NEGOTIATION_REQUEST, NEGOTIATION_RESPONSE);
    vm_asks(world.vm, ATTESTATION_REQUEST, ATTESTATION_RESPONSE);
    stop(&world);

    assert_int_equal(kbs->count, 3);
    assert_non_null(strstr(kbs->requests[0], "POST /kbs/v0/auth HTTP/1.1\r\n"));
    assert_non_null(strstr(kbs->requests[0], "Content-Type: application/json\r\n"));
    assert_non_null(strstr(kbs->requests[1], "POST /kbs/v0/attest HTTP/1.1\r\n"));
    assert_non_null(strstr(kbs->requests[1], "Cookie: kbs-session-id=0123abcd\r\n"));
    assert_non_null(strstr(kbs->requests[1], "\r\n\r\n" ATTEST_BODY));
    assert_non_null(
        strstr(kbs->requests[2], "GET /kbs/v0/resource/default/sample/test HTTP/1.1\r\n"));
    assert_non_null(strstr(kbs->requests[2], "Cookie: kbs-session-id=0123abcd\r\n"));
}

TEST(a_rebooted_vm_starts_over_on_the_same_line)
{
    static struct world world = {
        .kbs.answers = {good_auth, good_auth, good_attest, good_resource, good_auth}};

    start(&world);
    vm_asks(world.vm, NEGOTIATION_REQUEST, NEGOTIATION_RESPONSE);
    vm_asks(world.vm, NEGOTIATION_REQUEST, NEGOTIATION_RESPONSE); /* reset before it attested */
    vm_asks(world.vm, ATTESTATION_REQUEST, ATTESTATION_RESPONSE);
    vm_asks(world.vm, NEGOTIATION_REQUEST, NEGOTIATION_RESPONSE);
    stop(&world);
    assert_null(strstr(world.kbs.requests[1], "Cookie:")); /* a new session each time */
    assert_null(strstr(world.kbs.requests[4], "Cookie:"));
}

TEST(an_unreachable_kbs_is_reported_at_the_deadline)
{
    static struct world world = {.options.kbs.url = "http://127.0.0.1:1"};

    start(&world);
    vm_asks(world.vm, NEGOTIATION_REQUEST, NEGOTIATION_FAILURE("kbs-unreachable"));
    vm_asks(world.vm, ATTESTATION_REQUEST, FAILURE_OF_VM);
    stop(&world);
}

/* The KBS answers /auth with this. */
static void assert_negotiation_fails(const char *answer, bool endless, const char *expected)
{
    struct world *world = calloc(1, sizeof(*world));

    world->kbs.answers[0] = answer;
    world->kbs.endless = endless;
    start(world);
    vm_asks(world->vm, NEGOTIATION_REQUEST, expected);
    stop(world);
    free(world);
}

TEST(a_misbehaving_kbs_fails_the_negotiation)
{
    assert_negotiation_fails(REFUSAL, false, NEGOTIATION_FAILURE("kbs-version"));
    assert_negotiation_fails(OK_HEADER "\r\n", false, NEGOTIATION_FAILURE("kbs-protocol"));
    assert_negotiation_fails(OK_HEADER "\r\n[1,2", false, NEGOTIATION_FAILURE("kbs-protocol"));
    assert_negotiation_fails(OK_HEADER "\r\n[]", false, NEGOTIATION_FAILURE("kbs-protocol"));
    assert_negotiation_fails(OK_HEADER "\r\n{\"nonce\":5}", false,
                             NEGOTIATION_FAILURE("kbs-protocol"));
    assert_negotiation_fails(OK_HEADER "\r\n", true, NEGOTIATION_FAILURE("kbs-protocol"));
    assert_negotiation_fails(NULL, false, NEGOTIATION_FAILURE("kbs-unreachable")); /* hangs */
}

/* The KBS answers /attest and the request for the resource with these. */
static void assert_attestation_fails(const char *attest, const char *resource, const char *expected)
{
    struct world *world = calloc(1, sizeof(*world));

    world->kbs.answers[0] = good_auth;
    world->kbs.answers[1] = attest;
    world->kbs.answers[2] = resource;
    start(world);
    vm_asks(world->vm, NEGOTIATION_REQUEST, NEGOTIATION_RESPONSE);
    vm_asks(world->vm, ATTESTATION_REQUEST, expected);
    vm_asks(world->vm, ATTESTATION_REQUEST, FAILURE_OF_VM); /* its challenge is used up */
    stop(world);
    free(world);
}

TEST(a_misbehaving_kbs_fails_the_attestation)
{
    assert_attestation_fails(REFUSAL, NULL, FAILURE("kbs-refused"));
    assert_attestation_fails(OK_HEADER "\r\nnull", NULL, FAILURE("kbs-protocol"));
    assert_attestation_fails(NULL, NULL, FAILURE("kbs-unreachable"));
    assert_attestation_fails(good_attest, REFUSAL, FAILURE("kbs-refused"));
    assert_attestation_fails(good_attest, OK_HEADER "\r\n{}", FAILURE("kbs-protocol"));
    assert_attestation_fails(good_attest, NULL, FAILURE("kbs-unreachable"));
    assert_attestation_fails(OK_HEADER "\r\n{}", good_resource, FAILURE("kbs-protocol"));
}

TEST(a_misbehaving_vm_gets_failures_and_may_go_on)
{
    static struct world world = {.kbs.answers = {good_auth, good_attest, good_resource}};

    start(&world);
    vm_asks(world.vm, ATTESTATION_REQUEST, FAILURE_OF_VM); /* before any challenge */
    vm_asks(world.vm, "not JSON", FAILURE_OF_VM);
    vm_asks(world.vm, "{\"version\":[9,9,9],\"tee\":\"snp\"}",
            NEGOTIATION_FAILURE("protocol-version"));
    vm_sends_bytes(world.vm, "line noise, not a frame", 23);
    vm_receives(world.vm, FAILURE_OF_VM);
    vm_asks(world.vm, NEGOTIATION_REQUEST, NEGOTIATION_RESPONSE);
    vm_asks(world.vm, ATTESTATION_REQUEST, ATTESTATION_RESPONSE);
    stop(&world);
}

TEST(each_status_is_told_by_its_own_reason)
{
#define EMPTY "\r\nConnection: close\r\n\r\n"
    static const struct {
        const char *answer, *negotiation, *attestation;
    } cases[] = {
#define CASE(answer, reason) {"HTTP/1.1 " answer, NEGOTIATION_FAILURE(reason), FAILURE(reason)}
        CASE("500 Oops" EMPTY "<html>", "kbs-error"),
        CASE("502 Bad Gateway" EMPTY "<html>", "kbs-gateway"),
        CASE("504 Gateway Timeout" EMPTY, "kbs-gateway"),
        CASE("302 Found\r\nLocation: http://127.0.0.1:1/" EMPTY, "kbs-redirect"),
        CASE("503 Service Unavailable" EMPTY, "kbs-busy"),
        CASE("404 Not Found" EMPTY "<html>", "kbs-protocol"),
        /* What an unmodified kbs-test answers when it refuses. */
        {"HTTP/1.1 417 Expectation Failed" EMPTY, NEGOTIATION_FAILURE("kbs-version"),
         FAILURE("kbs-refused")},
        {REFUSAL, NEGOTIATION_FAILURE("kbs-version"), FAILURE("kbs-refused")},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_negotiation_fails(cases[i].answer, false, cases[i].negotiation);
        assert_attestation_fails(cases[i].answer, NULL, cases[i].attestation);
        assert_attestation_fails(good_attest, cases[i].answer, cases[i].attestation);
    }
}

/* As our KBS does where there are too many of something. */
#define LATER(seconds)                                                                             \
    "HTTP/1.1 429 Too Many Requests\r\nRetry-After: " seconds EMPTY "{\"type\":\"" KBS_ERROR_TYPE  \
    "RequestRefused\",\"detail\":\"too-many-requests\"}"

/* The VM does not even see it. */
TEST(whoever_is_asked_to_come_later_does)
{
    static struct world world = {
        .kbs.answers = {LATER("1"), good_auth, LATER("1"), LATER("1"), good_attest, LATER("1"),
                        good_resource},
        .options.timeout_s = 20,
    };
    const struct fake_kbs *kbs = &world.kbs;

    start(&world);
    vm_attests(world.vm);
    stop(&world);
    assert_int_equal(kbs->count, 7);
    for (int i = 2; i < 7; i++) /* the session outlives the connections */
        assert_non_null(strstr(kbs->requests[i], "Cookie: kbs-session-id=0123abcd\r\n"));
    assert_string_equal(kbs->requests[2], kbs->requests[4]);
}

/* A date is long over, or far ahead, on a clock that is wrong. */
TEST(a_kbs_that_says_nothing_of_use_is_asked_again_after_a_second)
{
    static const char *const odd[] = {
        "HTTP/1.1 429 Too Many Requests" EMPTY, LATER("0"), LATER("-5"), LATER("soon"),
        LATER("Thu, 01 Jan 1970 00:00:00 GMT"),
    };

    for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
        struct world *world = calloc(1, sizeof(*world));

        world->kbs.answers[0] = odd[i];
        world->kbs.answers[1] = good_auth;
        world->options.timeout_s = 20;
        start(world);
        vm_asks(world->vm, NEGOTIATION_REQUEST, NEGOTIATION_RESPONSE);
        stop(world);
        free(world);
    }
}

TEST(a_kbs_that_is_busy_for_too_long_is_told_at_once)
{
    static const char *const lasting[] = {LATER("20"), LATER("Fri, 01 Jan 2100 00:00:00 GMT")};

    for (size_t i = 0; i < sizeof(lasting) / sizeof(lasting[0]); i++) {
        struct world *world = calloc(1, sizeof(*world));

        world->kbs.answers[0] = lasting[i];
        world->options.timeout_s = 15; /* less than VM_PATIENCE_MS */
        start(world);
        vm_asks(world->vm, NEGOTIATION_REQUEST, NEGOTIATION_FAILURE("kbs-busy"));
        assert_int_equal(world->kbs.count, 1);
        vm_asks(world->vm, NEGOTIATION_REQUEST, NEGOTIATION_FAILURE("kbs-busy"));
        assert_int_equal(world->kbs.count, 1); /* it is left alone meanwhile */
        stop(world);
        free(world);
    }
}

TEST(a_challenge_of_kbs_test_is_shorter_and_its_session_has_no_path)
{
    static const char auth[] =
        OK_HEADER "Set-Cookie: kbs-session-id=01234567-89ab-cdef-0123-456789abcdef\r\n\r\n"
                  "{\"nonce\":\"oKGio6SlpqeoqaqrrK2urw==\",\"extra-params\":\"\"}";
    static struct world world = {.kbs.answers = {auth, good_attest, good_resource}};

    start(&world);
    vm_asks(world.vm, NEGOTIATION_REQUEST,
            "{\"challenge\":\"oKGio6SlpqeoqaqrrK2urw==\",\"params\":[\"EcPublicKeyBytes\","
            "\"Challenge\"]}");
    vm_asks(world.vm, ATTESTATION_REQUEST, ATTESTATION_RESPONSE);
    stop(&world);
    for (int i = 1; i < 3; i++)
        assert_non_null(strstr(world.kbs.requests[i],
                               "Cookie: kbs-session-id=01234567-89ab-cdef-0123-456789abcdef\r\n"));
}

TEST(another_resource_can_be_asked_for)
{
    static struct world world = {
        .kbs.answers = {good_auth, good_attest, good_resource},
        .options.resource = "one/two/three",
    };

    start(&world);
    vm_attests(world.vm);
    stop(&world);
    assert_non_null(strstr(world.kbs.requests[2], "GET /kbs/v0/resource/one/two/three HTTP/1.1"));
}

/* An answer with as many bytes of headers. */
TEST(headers_are_bounded)
{
    static char answer[200000];
    size_t length = (size_t)sprintf(answer, OK_HEADER);

    while (length < 100000)
        length += (size_t)sprintf(answer + length, "X-%zu: y\r\n", length);
    strcpy(answer + length, "\r\n" CHALLENGE_REPLY);
    assert_negotiation_fails(answer, false, NEGOTIATION_FAILURE("kbs-protocol"));
}

TEST(nesting_in_a_reply_is_bounded)
{
    static char answer[200000];
    size_t length = (size_t)sprintf(answer, OK_HEADER "\r\n{\"extra-params\":\"\",\"nonce\":");

    memset(answer + length, '[', 100000);
    answer[length + 100000] = '\0';
    assert_negotiation_fails(answer, false, NEGOTIATION_FAILURE("kbs-protocol"));
}

TEST(a_secret_that_fits_no_frame_is_not_sent)
{
    static char answer[200000];
    size_t length = (size_t)sprintf(answer, OK_HEADER "\r\n{\"token\":\"");

    memset(answer + length, 't', FRAME_MAX);
    strcpy(answer + length + FRAME_MAX, "\"}");
    assert_attestation_fails(answer, good_resource, FAILURE("kbs-protocol"));
}

/* One deadline holds for /attest and the resource together. */
TEST(a_kbs_that_is_slow_twice_gets_no_time_twice)
{
    static struct world world = {
        .kbs.answers = {good_auth, good_attest, good_resource},
        .kbs.delay_ms = 700,
    };

    start(&world);
    vm_asks(world.vm, NEGOTIATION_REQUEST, NEGOTIATION_RESPONSE);
    vm_asks(world.vm, ATTESTATION_REQUEST, FAILURE("kbs-unreachable"));
    stop(&world);
}

TEST(a_conversation_in_progress_outlives_the_order_to_end)
{
    static struct world world = {.kbs.answers = {good_auth, good_attest, good_resource}};

    start(&world);
    vm_asks(world.vm, NEGOTIATION_REQUEST, NEGOTIATION_RESPONSE);
    assert_int_equal(eventfd_write(world.stop, 1), 0);
    vm_asks(world.vm, ATTESTATION_REQUEST, ATTESTATION_RESPONSE);
    vm_is_left(world.vm);
    join(&world);
    close(world.vm);
}

TEST(a_vm_that_vanishes_ends_only_its_own_conversation)
{
    static struct world world = {.kbs.answers = {good_auth}};

    start(&world);
    vm_sends(world.vm, NEGOTIATION_REQUEST);
    stop(&world); /* closes at once; joins the thread */
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    return tests_run();
}
