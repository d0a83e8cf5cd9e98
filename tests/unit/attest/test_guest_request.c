/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "lib/base/bytes.h"
#include "services/attest/certificate_table.h"
#include "services/attest/guest_request.h"
#include "tests/unit/attest/fake_amd_sp.h"
#include "tests/unit/registered.h"

static struct fake_amd_sp sp;
static struct guest_requester requester;
static struct attestation_evidence evidence;
static const uint8_t report_data[REPORT_DATA_SIZE] = {0xDA, 0x7A};

static int start(void **state)
{
    (void)state;
    fake_amd_sp_init(&sp);
    guest_requester_init(&requester, fake_amd_sp_interface(&sp), sp.vmpck0);
    return 0;
}

static enum attest_error get_report(bool with_certificates)
{
    return guest_requester_get_report(&requester, report_data, with_certificates, &evidence);
}

static void assert_vmpck0_is_wiped(void)
{
    static const uint8_t wiped[VMPCK_SIZE];
    unsigned int exchanges = sp.exchanges;

    assert_memory_equal(requester.vmpck0, wiped, sizeof(wiped));
    assert_int_equal(get_report(false), ATTEST_ERR_AMD_SP_DISABLED);
    assert_int_equal(sp.exchanges, exchanges);
}

TEST_SETUP(the_report_is_asked_for_at_vmpl_0_from_the_vcek, start)
{
    const struct snp_report *report = (const struct snp_report *)evidence.report;

    assert_int_equal(get_report(false), ATTEST_OK);
    assert_int_equal(sp.last_kind, AMD_SP_GUEST_REQUEST);
    assert_int_equal(sp.last_request.vmpl, 0);
    assert_int_equal(sp.last_request.key_sel, 1);
    assert_memory_equal(sp.last_request.report_data, report_data, sizeof(report_data));
    assert_memory_equal(report->report_data, report_data, sizeof(report_data));
    assert_int_equal(evidence.certificates_size, 0);
}

TEST_SETUP(sequence_numbers_advance_by_two, start)
{
    for (unsigned int i = 1; i <= 5; i++) {
        assert_int_equal(get_report(i % 2), ATTEST_OK);
        assert_int_equal(sp.count, 2 * i);
    }
}

TEST_SETUP(certificates_of_the_host_come_along, start)
{
    fake_certificate_table(sp.certificates, 1000);
    assert_int_equal(get_report(true), ATTEST_OK);
    assert_int_equal(sp.last_kind, AMD_SP_EXT_GUEST_REQUEST);
    assert_int_equal(evidence.certificates_size, 1048);
    assert_memory_equal(evidence.certificates, sp.certificates, 1048);
}

TEST_SETUP(a_host_without_certificates_is_no_failure, start)
{
    assert_int_equal(get_report(true), ATTEST_OK);
    assert_int_equal(evidence.certificates_size, 0);
}

TEST_SETUP(too_many_certificates_are_left_out_and_the_same_message_goes_again, start)
{
    fake_certificate_table(sp.certificates, 1000);
    sp.certificates_do_not_fit = true;
    assert_int_equal(get_report(true), ATTEST_OK);
    assert_int_equal(sp.exchanges, 2);
    assert_int_equal(sp.last_kind, AMD_SP_GUEST_REQUEST);
    assert_true(sp.resent_identical);
    assert_int_equal(evidence.certificates_size, 0);
    assert_int_equal(get_report(false), ATTEST_OK);
    assert_int_equal(sp.count, 4);
}

TEST_SETUP(a_busy_host_gets_the_identical_message_again, start)
{
    sp.busy = GUEST_REQUEST_BUSY_RETRIES;
    assert_int_equal(get_report(false), ATTEST_OK);
    assert_int_equal(sp.exchanges, GUEST_REQUEST_BUSY_RETRIES + 1);
    assert_int_equal(sp.pauses, GUEST_REQUEST_BUSY_RETRIES);
    assert_true(sp.resent_identical);
}

TEST_SETUP(a_host_that_stays_busy_is_given_up, start)
{
    sp.busy = GUEST_REQUEST_BUSY_RETRIES + 1;
    assert_int_equal(get_report(false), ATTEST_ERR_AMD_SP_BUSY);
    assert_vmpck0_is_wiped();
}

TEST_SETUP(a_vmm_or_firmware_failure_wipes_vmpck0, start)
{
    static const uint64_t failures[] = {
        (uint64_t)GUEST_REQUEST_GENERIC << 32,
        SNP_AEAD_OFLOW,
        SNP_INVALID_PARAM,
        0x3ull << 32,
        ~0ull,
    };

    for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
        start(state);
        sp.exitinfo2 = failures[i];
        assert_int_equal(get_report(i % 2), ATTEST_ERR_AMD_SP_FAILED);
        assert_vmpck0_is_wiped();
    }
}

TEST_SETUP(invalid_len_for_a_plain_request_wipes_vmpck0, start)
{
    sp.exitinfo2 = (uint64_t)GUEST_REQUEST_INVALID_LEN << 32;
    assert_int_equal(get_report(false), ATTEST_ERR_AMD_SP_INVALID_LEN);
    assert_vmpck0_is_wiped();

    start(state);
    sp.exitinfo2 = (uint64_t)GUEST_REQUEST_INVALID_LEN << 32;
    assert_int_equal(get_report(true), ATTEST_ERR_AMD_SP_INVALID_LEN);
    assert_int_equal(sp.exchanges, 2);
    assert_vmpck0_is_wiped();
}

TEST_SETUP(an_unreachable_amd_sp_wipes_vmpck0, start)
{
    sp.gone = true;
    assert_int_equal(get_report(false), ATTEST_ERR_AMD_SP_FAILED);
    assert_vmpck0_is_wiped();
}

static struct amd_sp_answer recorded;

static void record(struct amd_sp_answer *answer)
{
    recorded = *answer;
}

static void replay(struct amd_sp_answer *answer)
{
    *answer = recorded;
}

TEST_SETUP(a_replayed_response_wipes_vmpck0, start)
{
    sp.tamper = record;
    assert_int_equal(get_report(false), ATTEST_OK);
    sp.tamper = replay;
    assert_int_equal(get_report(false), ATTEST_ERR_AMD_SP_RESPONSE);
    assert_vmpck0_is_wiped();
}

static void reflect(struct amd_sp_answer *answer)
{
    memcpy(answer->message, requester.request.message, GUEST_MESSAGE_SIZE);
}

static void alter(struct amd_sp_answer *answer)
{
    answer->message[0x60] ^= 1;
}

static void empty(struct amd_sp_answer *answer)
{
    memset(answer, 0, sizeof(*answer));
}

TEST_SETUP(a_response_the_host_made_up_wipes_vmpck0, start)
{
    static void (*const tampers[])(struct amd_sp_answer *) = {reflect, alter, empty};

    for (size_t i = 0; i < sizeof(tampers) / sizeof(tampers[0]); i++) {
        start(state);
        sp.tamper = tampers[i];
        assert_int_equal(get_report(false), ATTEST_ERR_AMD_SP_RESPONSE);
        assert_vmpck0_is_wiped();
    }
}

TEST_SETUP(an_authentic_refusal_keeps_vmpck0, start)
{
    sp.report_status = SNP_INVALID_KEY;
    assert_int_equal(get_report(false), ATTEST_ERR_AMD_SP_REFUSED);
    sp.report_status = SNP_SUCCESS;
    assert_int_equal(get_report(false), ATTEST_OK);
}

static void short_status(struct guest_message_header *header, struct msg_report_rsp *payload)
{
    (void)payload;
    header->msg_size = 2;
}

static void cut_report(struct guest_message_header *header, struct msg_report_rsp *payload)
{
    (void)payload;
    header->msg_size = 0x4B0;
}

static void other_report_size(struct guest_message_header *header, struct msg_report_rsp *payload)
{
    (void)header;
    payload->report_size = REPORT_SIZE - 1;
}

static void other_vmpl(struct guest_message_header *header, struct msg_report_rsp *payload)
{
    (void)header;
    payload->report[offsetof(struct snp_report, vmpl)] = 2;
}

static void other_report_data(struct guest_message_header *header, struct msg_report_rsp *payload)
{
    (void)header;
    payload->report[offsetof(struct snp_report, report_data)] ^= 1;
}

TEST_SETUP(a_report_about_something_else_is_not_taken, start)
{
    static void (*const forgeries[])(struct guest_message_header *, struct msg_report_rsp *) = {
        short_status, cut_report, other_report_size, other_vmpl, other_report_data,
    };

    for (size_t i = 0; i < sizeof(forgeries) / sizeof(forgeries[0]); i++) {
        start(state);
        sp.forge = forgeries[i];
        assert_int_equal(get_report(false), ATTEST_ERR_AMD_SP_REPORT);
    }
}

TEST(a_malformed_certificate_table_counts_as_none)
{
    uint8_t pages[AMD_SP_CERTIFICATES_SIZE];

    fake_certificate_table(pages, 1000);
    assert_int_equal(certificate_table_size(pages, sizeof(pages)), 1048);

    put_le32(pages + 20, sizeof(pages) - 47); /* one byte beyond the pages */
    assert_int_equal(certificate_table_size(pages, sizeof(pages)), 0);
    put_le32(pages + 16, UINT32_MAX);
    put_le32(pages + 20, UINT32_MAX);
    assert_int_equal(certificate_table_size(pages, sizeof(pages)), 0);

    memset(pages, 0x01, sizeof(pages)); /* never ends, points far away */
    assert_int_equal(certificate_table_size(pages, sizeof(pages)), 0);
    for (size_t i = 0; i < sizeof(pages); i += CERTIFICATE_TABLE_ENTRY_SIZE)
        memset(pages + i + 16, 0, i + 24 <= sizeof(pages) ? 8 : 0); /* never ends, empty blobs */
    assert_int_equal(certificate_table_size(pages, sizeof(pages)), 0);

    memset(pages, 0, sizeof(pages));
    assert_int_equal(certificate_table_size(pages, sizeof(pages)), 0);
    assert_int_equal(certificate_table_size(pages, 23), 0);
}
