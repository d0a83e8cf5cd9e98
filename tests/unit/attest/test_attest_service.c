/* SPDX-License-Identifier: MIT */
#include <openssl/evp.h>
#include <string.h>
#include <unistd.h>

#include "services/attest/attest_service.h"
#include "services/attest/fetch_key.h"
#include "services/common/channel.h"
#include "tests/unit/attest/fake_amd_sp.h"
#include "tests/unit/attest/fake_proxy.h"
#include "tests/unit/registered.h"

static struct fake_amd_sp sp;
static struct fake_proxy proxy;
static struct attest_service service;
static int key_pipe[2];
static uint8_t request[CHANNEL_MESSAGE_MAX], response[CHANNEL_MESSAGE_MAX];
static struct writer out;

static int start(void **state)
{
    (void)state;
    fake_amd_sp_init(&sp);
    guest_requester_init(&service.requester, fake_amd_sp_interface(&sp), sp.vmpck0);
    fake_proxy_init(&proxy, &service.proxy);
    assert_int_equal(pipe(key_pipe), 0);
    service.state_key = key_pipe[1];
    service.timeout = 20000;
    out = writer_over(request, sizeof(request));
    return 0;
}

static int end(void **state)
{
    (void)state;
    fake_proxy_release(&proxy);
    close(service.proxy);
    close(key_pipe[0]);
    close(key_pipe[1]);
    return 0;
}

/* Sends what was put into out; returns the size of the response. */
static size_t ask(void)
{
    return channel_answer(attest_service_handle, &service, request, out.used, response);
}

static void put_report_request(size_t manifest_size, uint32_t want_certificates)
{
    static const uint8_t zeros[CHANNEL_MESSAGE_MAX];

    out = writer_over(request, sizeof(request));
    assert_true(writer_le32(&out, ATTEST_REPORT));
    assert_true(writer_put(&out, zeros, 64));
    assert_true(writer_le32(&out, (uint32_t)manifest_size));
    assert_true(writer_put(&out, zeros, manifest_size));
    assert_true(writer_le32(&out, want_certificates));
}

static void assert_response_is_status(enum attest_status status)
{
    assert_int_equal(ask(), 4);
    assert_int_equal(get_le32(response), status);
}

TEST_FIXTURE(fetch_key_hands_over_the_key_before_it_answers, start, end)
{
    uint8_t key[STATE_KEY_SIZE];

    assert_true(writer_le32(&out, ATTEST_FETCH_KEY));
    fake_proxy_start(&proxy);
    assert_response_is_status(ATTEST_STATUS_DONE);
    fake_proxy_join(&proxy);
    assert_int_equal(read(key_pipe[0], key, sizeof(key)), sizeof(key));
    assert_memory_equal(key, proxy.secret, sizeof(key));
}

TEST_FIXTURE(fetch_key_that_fails_hands_over_nothing, start, end)
{
    uint8_t byte;

    assert_true(writer_le32(&out, ATTEST_FETCH_KEY));
    proxy.attestation = "{\"success\":false,\"reason\":\"kbs-refused\"}";
    fake_proxy_start(&proxy);
    assert_response_is_status(ATTEST_STATUS_KBS_REFUSED);
    fake_proxy_join(&proxy);
    close(key_pipe[1]);
    assert_int_equal(read(key_pipe[0], &byte, 1), 0);
}

TEST_FIXTURE(a_key_that_nobody_takes_is_a_failure, start, end)
{
    assert_true(writer_le32(&out, ATTEST_FETCH_KEY));
    service.state_key = -1;
    fake_proxy_start(&proxy);
    assert_response_is_status(ATTEST_STATUS_INTERNAL);
    fake_proxy_join(&proxy);
}

TEST_FIXTURE(a_report_binds_nonce_then_manifest, start, end)
{
    uint8_t hashed[64 + 300] = {0}, digest[64];
    struct snp_report report;

    put_report_request(300, 0);
    assert_int_equal(ask(), 4 + 4 + REPORT_SIZE + 4);
    assert_int_equal(get_le32(response), ATTEST_STATUS_DONE);
    assert_int_equal(get_le32(response + 4), REPORT_SIZE);
    assert_int_equal(get_le32(response + 8 + REPORT_SIZE), 0);
    memcpy(&report, response + 8, sizeof(report));
    assert_int_equal(EVP_Digest(hashed, sizeof(hashed), digest, NULL, EVP_sha512(), NULL), 1);
    assert_memory_equal(report.report_data, digest, sizeof(digest));
    assert_int_equal(report.vmpl, 0);
}

TEST_FIXTURE(a_report_comes_with_certificates_when_asked_for, start, end)
{
    fake_certificate_table(sp.certificates, 4000);
    put_report_request(1, 1);
    assert_int_equal(ask(), 4 + 4 + REPORT_SIZE + 4 + 4048);
    assert_int_equal(get_le32(response + 8 + REPORT_SIZE), 4048);
    assert_memory_equal(response + 8 + REPORT_SIZE + 4, sp.certificates, 4048);

    put_report_request(1, 0);
    assert_int_equal(ask(), 4 + 4 + REPORT_SIZE + 4);
}

TEST_FIXTURE(certificates_that_do_not_fit_in_a_response_are_left_out, start, end)
{
    uint32_t most = CHANNEL_MESSAGE_MAX - (4 + 4 + REPORT_SIZE + 4) - 48;

    fake_certificate_table(sp.certificates, most);
    put_report_request(1, 1);
    assert_int_equal(ask(), CHANNEL_MESSAGE_MAX);
    fake_certificate_table(sp.certificates, most + 1);
    put_report_request(1, 1);
    assert_int_equal(ask(), 4 + 4 + REPORT_SIZE + 4);
}

TEST_FIXTURE(a_failed_amd_sp_is_a_status, start, end)
{
    sp.report_status = SNP_INVALID_PARAM;
    put_report_request(1, 0);
    assert_response_is_status(ATTEST_STATUS_AMD_SP);
}

TEST_FIXTURE(a_malformed_request_is_refused_before_anything_is_done, start, end)
{
    static const uint32_t unknown[] = {0, 3, 0xFFFFFFFF};

    for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
        out = writer_over(request, sizeof(request));
        assert_true(writer_le32(&out, unknown[i]));
        assert_response_is_status(ATTEST_STATUS_MALFORMED_REQUEST);
    }
    put_report_request(0, 0); /* the manifest must not be empty */
    assert_response_is_status(ATTEST_STATUS_MALFORMED_REQUEST);
    put_report_request(10, 2);
    assert_response_is_status(ATTEST_STATUS_MALFORMED_REQUEST);
    put_report_request(10, 0);
    for (out.used--; out.used > 0; out.used--)
        assert_response_is_status(ATTEST_STATUS_MALFORMED_REQUEST);
    put_report_request(10, 0);
    out.used++;
    assert_response_is_status(ATTEST_STATUS_MALFORMED_REQUEST);
    put_report_request(10, 0);
    put_le32(request + 4 + 64, UINT32_MAX);
    assert_response_is_status(ATTEST_STATUS_MALFORMED_REQUEST);
    out.used = 8;
    put_le32(request, ATTEST_FETCH_KEY); /* takes no arguments */
    assert_response_is_status(ATTEST_STATUS_MALFORMED_REQUEST);
    assert_int_equal(sp.exchanges, 0);
}
