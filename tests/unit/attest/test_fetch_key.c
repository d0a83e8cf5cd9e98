/* SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/bytes.h"
#include "services/attest/fetch_key.h"
#include "services/attest/proxy_stream.h"
#include "tests/unit/attest/fake_amd_sp.h"
#include "tests/unit/attest/fake_proxy.h"
#include "tests/unit/attest/unsigned.h"
#include "tests/unit/registered.h"

#define SOON 300 /* milliseconds */

static struct fake_amd_sp sp;
static struct guest_requester requester;
static struct fake_proxy proxy;
static int client;
static uint8_t key[STATE_KEY_SIZE];

static int start(void **state)
{
    (void)state;
    fake_amd_sp_init(&sp);
    guest_requester_init(&requester, fake_amd_sp_interface(&sp), sp.vmpck0);
    fake_proxy_init(&proxy, &client);
    memset(key, 0xEE, sizeof(key));
    return 0;
}

static int end(void **state)
{
    (void)state;
    fake_proxy_release(&proxy);
    close(client);
    return 0;
}

/* One exchange with the proxy thread. */
static enum attest_error fetch(void)
{
    enum attest_error error;

    fake_proxy_start(&proxy);
    error = fetch_key(client, 20000, &requester, &unsigned_terms, key);
    shutdown(client, SHUT_WR);
    fake_proxy_join(&proxy);
    return error;
}

static void assert_key_is_untouched(void)
{
    for (size_t i = 0; i < sizeof(key); i++)
        assert_int_equal(key[i], 0xEE);
}

TEST_FIXTURE(a_released_key_arrives, start, end)
{
    assert_int_equal(fetch(), ATTEST_OK);
    assert_memory_equal(key, proxy.secret, sizeof(key));
    assert_true(fake_proxy_saw_bound_key(&proxy));
    assert_int_equal(sp.reports, 1);
}

TEST_FIXTURE(certificates_of_the_host_are_part_of_the_evidence, start, end)
{
    const json_t *evidence;

    fake_certificate_table(sp.certificates, 3000);
    assert_int_equal(fetch(), ATTEST_OK);
    evidence = json_object_get(json_object_get(proxy.attestation_request, "evidence"), "Snp");
    assert_int_equal(json_string_length(json_object_get(evidence, "certs_buf")), 3048 / 3 * 4);
}

TEST_FIXTURE(each_exchange_has_a_fresh_key, start, end)
{
    json_t *first;

    assert_int_equal(fetch(), ATTEST_OK);
    first = json_incref(json_object_get(proxy.attestation_request, "key"));
    end(state);
    fake_proxy_init(&proxy, &client);
    assert_int_equal(fetch(), ATTEST_OK);
    assert_false(json_equal(first, json_object_get(proxy.attestation_request, "key")));
    json_decref(first);
}

TEST_FIXTURE(bytes_left_on_the_line_are_thrown_away, start, end)
{
    uint8_t noise[5000];

    memset(noise, '{', sizeof(noise));
    assert_int_equal(write(proxy.fd, noise, sizeof(noise)), sizeof(noise));
    assert_int_equal(fetch(), ATTEST_OK);
}

TEST_FIXTURE(another_recipe_stops_before_a_report_is_asked_for, start, end)
{
#define NONCE "\"challenge\":\"oKGio6SlpqeoqaqrrK2ur7CxsrO0tba3uLm6u7y9vr8=\""
    static const char *const negotiations[] = {
        "{" NONCE ",\"params\":[\"Challenge\"]}",
        "{" NONCE ",\"params\":[\"Challenge\",\"EcPublicKeyBytes\"]}",
        "{" NONCE ",\"params\":[\"EcPublicKeyBytes\",\"Challenge\",\"Challenge\"]}",
        "{" NONCE ",\"params\":[\"EcPublicKeyBytes\",\"EcPublicKeyBytes\"]}",
        "{" NONCE ",\"params\":[\"EcPublicKeyBytes\",\"Other\"]}",
        "{" NONCE "}",
        /* 132 bytes of a foreign key, then a nonce */
        "{\"challenge\":"
        "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
        "AA"
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\","
        "\"params\":[\"EcPublicKeyBytes\",\"Challenge\"]}",
        "{\"challenge\":\"AAAA\",\"params\":[\"EcPublicKeyBytes\",\"Challenge\"]}",
        "garbage",
    };

    for (size_t i = 0; i < sizeof(negotiations) / sizeof(negotiations[0]); i++) {
        proxy.negotiation = negotiations[i];
        assert_int_equal(attest_error_status(fetch()), ATTEST_STATUS_PROTOCOL);
        assert_int_equal(sp.exchanges, 0);
        assert_null(proxy.attestation_request);
        assert_key_is_untouched();
        end(state);
        fake_proxy_init(&proxy, &client);
    }
}

TEST_FIXTURE(an_unreachable_kbs_is_told_from_one_that_refuses, start, end)
{
    proxy.negotiation = "{\"challenge\":\"\",\"params\":[\"EcPublicKeyBytes\",\"Challenge\"],"
                        "\"reason\":\"kbs-unreachable\"}";
    assert_int_equal(attest_error_status(fetch()), ATTEST_STATUS_KBS_UNREACHABLE);
    assert_int_equal(sp.exchanges, 0);

    end(state);
    start(state);
    proxy.attestation = "{\"success\":false,\"decryption\":null,\"token\":null,"
                        "\"reason\":\"kbs-refused\"}";
    assert_int_equal(attest_error_status(fetch()), ATTEST_STATUS_KBS_REFUSED);
    assert_key_is_untouched();
}

TEST_FIXTURE(a_secret_that_is_no_state_key_is_refused, start, end)
{
    proxy.secret_size = 32;
    assert_int_equal(attest_error_status(fetch()), ATTEST_STATUS_SECRET_SIZE);
    assert_key_is_untouched();
}

TEST_FIXTURE(a_proxy_that_goes_away_is_reported_at_every_step, start, end)
{
    proxy.negotiation = NULL;
    assert_int_equal(fetch(), ATTEST_ERR_PROXY_CLOSED);
    end(state);
    start(state);
    proxy.close_before_reply = true;
    assert_int_equal(fetch(), ATTEST_ERR_PROXY_CLOSED);
    end(state);
    start(state);
    shutdown(proxy.fd, SHUT_RDWR);
    assert_int_equal(fetch_key(client, SOON, &requester, &unsigned_terms, key),
                     ATTEST_ERR_PROXY_CLOSED);
}

TEST_FIXTURE(an_amd_sp_failure_is_reported_and_nothing_sent, start, end)
{
    sp.exitinfo2 = SNP_INVALID_GUEST_STATE;
    assert_int_equal(fetch(), ATTEST_ERR_AMD_SP_FAILED);
    assert_null(proxy.attestation_request);
    assert_key_is_untouched();
}

static uint64_t milliseconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

TEST_FIXTURE(a_silent_proxy_is_given_up_at_the_deadline, start, end)
{
    uint64_t begin = milliseconds();

    assert_int_equal(fetch_key(client, SOON, &requester, &unsigned_terms, key),
                     ATTEST_ERR_PROXY_SILENT);
    assert_in_range(milliseconds() - begin, SOON, 10 * SOON);
}

TEST_FIXTURE(a_trickling_proxy_is_given_up_at_the_same_deadline, start, end)
{
    static const uint8_t frame[1024] = {0x00, 0x80}; /* says 32768 bytes, has fewer */
    uint64_t begin = milliseconds();

    proxy.raw = frame;
    proxy.raw_size = sizeof(frame);
    proxy.trickle = true;
    fake_proxy_start(&proxy);
    assert_int_equal(fetch_key(client, SOON, &requester, &unsigned_terms, key),
                     ATTEST_ERR_PROXY_SILENT);
    assert_in_range(milliseconds() - begin, SOON, 10 * SOON);
    shutdown(client, SHUT_WR);
    fake_proxy_join(&proxy);
}

TEST_FIXTURE(a_proxy_that_reads_nothing_is_given_up_at_the_deadline, start, end)
{
    struct proxy_stream stream = proxy_stream_begin(client, SOON);
    static char json[4 * 1024 * 1024];

    memset(json, ' ', sizeof(json) - 1);
    assert_int_equal(proxy_stream_send(&stream, json), ATTEST_ERR_PROXY_SILENT);
}

TEST_FIXTURE(a_frame_has_1_to_65536_bytes, start, end)
{
    static const uint64_t lengths[] = {0, PROXY_FRAME_MAX + 1, 1ull << 32, 1ull << 63, UINT64_MAX};
    uint8_t prefix[8];

    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        put_le64(prefix, lengths[i]);
        proxy.raw = prefix;
        proxy.raw_size = sizeof(prefix);
        assert_int_equal(fetch(), ATTEST_ERR_FRAME_SIZE);
        end(state);
        start(state);
    }
}

TEST_FIXTURE(the_largest_frame_is_received_whole, start, end)
{
    struct proxy_stream stream = proxy_stream_begin(client, 20000);
    static char frame[8 + PROXY_FRAME_MAX];
    char *json;
    size_t size;

    put_le64(frame, PROXY_FRAME_MAX);
    memset(frame + 8, 'x', PROXY_FRAME_MAX);
    assert_int_equal(write(proxy.fd, frame, sizeof(frame)), sizeof(frame));
    assert_int_equal(proxy_stream_receive(&stream, &json, &size), ATTEST_OK);
    assert_int_equal(size, PROXY_FRAME_MAX);
    assert_memory_equal(json, frame + 8, size);
    free(json);
}

static void *flood(void *fd)
{
    static const uint8_t bytes[8192];

    while (send(*(const int *)fd, bytes, sizeof(bytes), MSG_NOSIGNAL) > 0)
        ;
    return NULL;
}

TEST_FIXTURE(a_flood_in_place_of_silence_is_not_drained_for_ever, start, end)
{
    pthread_t thread;

    assert_int_equal(pthread_create(&thread, NULL, flood, &proxy.fd), 0);
    assert_int_equal(attest_error_status(fetch_key(client, 5000, &requester, &unsigned_terms, key)),
                     ATTEST_STATUS_PROTOCOL);
    assert_int_equal(sp.exchanges, 0);
    shutdown(client, SHUT_RDWR);
    pthread_join(thread, NULL);
}

int main(void)
{
    /* The client is told of a closed stream by write(), as inside the SVSM. */
    signal(SIGPIPE, SIG_IGN);
    return tests_run();
}
