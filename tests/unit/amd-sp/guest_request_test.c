/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "emulator/amd-sp/guest_request.h"
#include "emulator/amd-sp/tcb.h"
#include "tests/unit/amd-sp/guest.h"
#include "tests/unit/registered.h"

#define VMPCK_OF_TESTS 1

static struct chip chip;
static char vcek_path[4096];

static struct guest_context guest;
static uint8_t request[GUEST_MESSAGE_SIZE], response[GUEST_MESSAGE_SIZE];
static struct guest_message_header header; /* of the last message sent */

static int begin(void **state)
{
    (void)state;
    guest = (struct guest_context){
        .state = GUEST_RUNNING,
        .policy = SNP_POLICY_DEFAULT,
        .fms = 0x00A10F11,
        .identity.guest_svn = 3,
    };
    memset(guest.vmpck, 0x5A, sizeof(guest.vmpck));
    memset(guest.digest.ld, 0xD1, sizeof(guest.digest.ld));
    memset(guest.host_data, 0x77, sizeof(guest.host_data));
    return 0;
}

static enum snp_status serve(void)
{
    return guest_request_serve(&chip, &guest, request, response);
}

/* Sends a message that is well-formed, next in sequence, and under VMPCK_OF_TESTS. */
static enum snp_status send(uint8_t type, const void *payload, uint16_t size)
{
    header = guest_header(type, VMPCK_OF_TESTS, guest.message_count[VMPCK_OF_TESTS] + 1, size);
    guest_seal(guest.vmpck[VMPCK_OF_TESTS], header, payload, request);
    return serve();
}

static void receive(void *payload, uint16_t size)
{
    guest_open(guest.vmpck[VMPCK_OF_TESTS], &header, response, payload, size);
}

static struct msg_report_rsp ask_report(const struct msg_report_req *wish)
{
    struct msg_report_rsp answer;

    assert_int_equal(send(MSG_REPORT_REQ, wish, sizeof(*wish)), SNP_SUCCESS);
    receive(&answer, sizeof(answer));
    return answer;
}

static struct msg_key_rsp ask_key(const struct msg_key_req *wish)
{
    struct msg_key_rsp answer;

    assert_int_equal(send(MSG_KEY_REQ, wish, sizeof(*wish)), SNP_SUCCESS);
    receive(&answer, sizeof(answer));
    return answer;
}

TEST_SETUP(a_report_states_the_guest_and_is_signed_by_the_vcek, begin)
{
    struct msg_report_req wish = {.vmpl = 2};
    struct msg_report_rsp answer;
    struct snp_report report;

    memset(wish.report_data, 0xAB, sizeof(wish.report_data));
    answer = ask_report(&wish);
    assert_int_equal(answer.status, SNP_SUCCESS);
    assert_int_equal(answer.report_size, REPORT_SIZE);
    memcpy(&report, answer.report, sizeof(report));

    assert_int_equal(report.version, 3);
    assert_int_equal(report.guest_svn, 3);
    assert_int_equal(report.policy, SNP_POLICY_DEFAULT);
    assert_int_equal(report.vmpl, 2);
    assert_int_equal(report.signature_algo, 1);
    assert_int_equal(report.reported_tcb, EMULATED_TCB);
    assert_int_equal(report.cpuid_fam_id, 0x19);
    assert_int_equal(report.cpuid_mod_id, 0x11);
    assert_int_equal(report.cpuid_step, 1);
    assert_memory_equal(report.report_data, wish.report_data, sizeof(wish.report_data));
    assert_memory_equal(report.measurement, guest.digest.ld, sizeof(report.measurement));
    assert_memory_equal(report.host_data, guest.host_data, sizeof(report.host_data));
    assert_memory_equal(report.chip_id, chip.chip_id, sizeof(report.chip_id));
    assert_true(report_is_signed_by(&report, vcek_path));
    report.measurement[0] ^= 1;
    assert_false(report_is_signed_by(&report, vcek_path));
}

TEST_SETUP(a_guest_may_not_name_a_more_privileged_vmpl, begin)
{
    struct msg_report_req wish = {.vmpl = VMPCK_OF_TESTS - 1};
    struct msg_key_req key_wish = {.vmpl = VMPCK_OF_TESTS - 1};

    assert_int_equal(ask_report(&wish).status, SNP_INVALID_PARAM);
    assert_int_equal(ask_key(&key_wish).status, SNP_INVALID_PARAM);
    wish.vmpl = 4;
    assert_int_equal(ask_report(&wish).status, SNP_INVALID_PARAM);
}

TEST_SETUP(a_malformed_request_is_answered_by_a_status_in_the_sealed_response, begin)
{
    struct msg_report_req reserved_set = {.vmpl = 1, .reserved = {[23] = 1}};
    struct msg_report_req reserved_key = {.vmpl = 1, .key_sel = 3};
    struct msg_report_req no_vlek = {.vmpl = 1, .key_sel = 2};
    const uint8_t zeros[GUEST_MESSAGE_PAYLOAD] = {0};
    struct msg_report_rsp answer;

    assert_int_equal(ask_report(&reserved_set).status, SNP_INVALID_PARAM);
    assert_int_equal(ask_report(&reserved_key).status, SNP_INVALID_PARAM);
    assert_int_equal(ask_report(&no_vlek).status, SNP_INVALID_KEY);
    for (uint16_t size = 16; size <= GUEST_MESSAGE_PAYLOAD; size += 16) {
        if (size == sizeof(struct msg_report_req))
            continue;
        assert_int_equal(send(MSG_REPORT_REQ, zeros, size), SNP_SUCCESS);
        receive(&answer, sizeof(answer));
        assert_int_equal(answer.status, SNP_INVALID_PARAM);
        assert_int_equal(answer.report_size, 0);
    }
}

TEST_SETUP(a_key_request_is_limited_by_svn_and_tcb, begin)
{
    struct msg_key_req good = {.vmpl = 1, .guest_svn = 3, .tcb_version = EMULATED_TCB};
    struct msg_key_req wish;

    assert_int_equal(ask_key(&good).status, SNP_SUCCESS);
    wish = good;
    wish.guest_svn = 4;
    assert_int_equal(ask_key(&wish).status, SNP_INVALID_PARAM);
    /* Less as an integer, yet one component exceeds the committed one. */
    wish = good;
    wish.tcb_version = TCB_COMPONENT(0xFF, TCB_BOOT_LOADER_BYTE);
    assert_int_equal(ask_key(&wish).status, SNP_INVALID_PARAM);
    wish = good;
    wish.guest_field_select = 1u << 6;
    assert_int_equal(ask_key(&wish).status, SNP_INVALID_PARAM);
    wish = good;
    wish.root_key_select = 2u << 1;
    assert_int_equal(ask_key(&wish).status, SNP_INVALID_KEY);
    wish = good;
    wish.root_key_select = 1u << 3;
    assert_int_equal(ask_key(&wish).status, SNP_INVALID_PARAM);
}

TEST_SETUP(tsc_information_is_all_zero, begin)
{
    uint8_t wish[128] = {0}, answer[128];
    const uint8_t zeros[128] = {0};

    assert_int_equal(send(MSG_TSC_INFO_REQ, wish, sizeof(wish)), SNP_SUCCESS);
    receive(answer, sizeof(answer));
    assert_memory_equal(answer, zeros, sizeof(zeros));
    wish[127] = 1;
    assert_int_equal(send(MSG_TSC_INFO_REQ, wish, sizeof(wish)), SNP_SUCCESS);
    receive(answer, sizeof(answer));
    assert_int_equal(answer[0], SNP_INVALID_PARAM);
}

TEST_SETUP(a_replayed_message_is_refused_and_the_counter_stays, begin)
{
    struct msg_report_req wish = {.vmpl = 1};

    ask_report(&wish);
    assert_int_equal(guest.message_count[VMPCK_OF_TESTS], 2);
    assert_int_equal(serve(), SNP_AEAD_OFLOW);
    assert_int_equal(guest.message_count[VMPCK_OF_TESTS], 2);
    assert_int_equal(ask_report(&wish).status, SNP_SUCCESS);
}

TEST_SETUP(a_message_from_the_future_or_beyond_the_last_is_refused, begin)
{
    struct msg_report_req wish = {.vmpl = 1};

    header = guest_header(MSG_REPORT_REQ, VMPCK_OF_TESTS, 3, sizeof(wish));
    guest_seal(guest.vmpck[VMPCK_OF_TESTS], header, &wish, request);
    assert_int_equal(serve(), SNP_AEAD_OFLOW);
    guest.message_count[VMPCK_OF_TESTS] = UINT64_MAX - 1;
    assert_int_equal(send(MSG_REPORT_REQ, &wish, sizeof(wish)), SNP_AEAD_OFLOW);
}

TEST_SETUP(a_forged_message_is_refused_before_its_sequence_number_is_looked_at, begin)
{
    struct msg_report_req wish = {.vmpl = 1};

    header = guest_header(MSG_REPORT_REQ, VMPCK_OF_TESTS, 99, sizeof(wish));
    guest_seal(guest.vmpck[VMPCK_OF_TESTS], header, &wish, request);
    request[GUEST_MESSAGE_HEADER] ^= 1;
    assert_int_equal(serve(), SNP_BAD_MEASUREMENT);
    assert_int_equal(guest.message_count[VMPCK_OF_TESTS], 0);
}

TEST_SETUP(each_vmpck_counts_its_own_messages, begin)
{
    struct msg_report_req wish = {.vmpl = 3};

    for (uint8_t vmpck = 0; vmpck < VMPCK_COUNT; vmpck++) {
        guest_seal(guest.vmpck[vmpck], guest_header(MSG_REPORT_REQ, vmpck, 1, sizeof(wish)), &wish,
                   request);
        assert_int_equal(serve(), SNP_SUCCESS);
        assert_int_equal(guest.message_count[vmpck], 2);
    }
}

TEST_SETUP(a_header_out_of_range_is_refused, begin)
{
    struct guest_message_header *h = (struct guest_message_header *)(void *)request;
    const uint8_t payload[GUEST_MESSAGE_PAYLOAD] = {0};
    struct guest_message_header good = guest_header(MSG_REPORT_REQ, 0, 1, 96);

    guest_seal(guest.vmpck[0], good, payload, request);
    for (unsigned size = 0; size <= UINT16_MAX; size++) {
        if (size != 0 && size % 16 == 0 && size <= GUEST_MESSAGE_PAYLOAD)
            continue;
        h->msg_size = (uint16_t)size;
        assert_int_equal(serve(), SNP_INVALID_PARAM);
    }
    h->msg_size = good.msg_size;
    h->hdr_version = 2;
    assert_int_equal(serve(), SNP_INVALID_PARAM);
    h->hdr_version = good.hdr_version;
    h->hdr_size++;
    assert_int_equal(serve(), SNP_INVALID_PARAM);
    h->hdr_size = good.hdr_size;
    h->algo = 0;
    assert_int_equal(serve(), SNP_INVALID_PARAM);
    h->algo = good.algo;
    h->msg_vmpck = VMPCK_COUNT;
    assert_int_equal(serve(), SNP_INVALID_PARAM);
}

TEST_SETUP(an_unknown_type_or_version_is_refused_and_the_counter_stays, begin)
{
    const uint8_t payload[16] = {0};

    for (unsigned type = 0; type <= UINT8_MAX; type++) {
        if (type == MSG_REPORT_REQ || type == MSG_KEY_REQ || type == MSG_TSC_INFO_REQ)
            continue;
        assert_int_equal(send((uint8_t)type, payload, sizeof(payload)), SNP_INVALID_PARAM);
    }
    header = guest_header(MSG_REPORT_REQ, 0, 1, sizeof(payload));
    header.msg_version = 0;
    guest_seal(guest.vmpck[0], header, payload, request);
    assert_int_equal(serve(), SNP_INVALID_PARAM);
    header.msg_version = 2;
    guest_seal(guest.vmpck[0], header, payload, request);
    assert_int_equal(serve(), SNP_INVALID_PARAM);
    assert_int_equal(guest.message_count[0], 0);
}

TEST_SETUP(a_guest_that_does_not_run_yet_has_no_messages, begin)
{
    struct msg_report_req wish = {.vmpl = 1};

    guest.state = GUEST_LAUNCH;
    assert_int_equal(send(MSG_REPORT_REQ, &wish, sizeof(wish)), SNP_INVALID_GUEST_STATE);
}

int main(int argc, char **argv)
{
    int failed;

    if (argc != 2 || chip_open(&chip, argv[1]) != CHIP_OK)
        return 1;
    snprintf(vcek_path, sizeof(vcek_path), "%s/vcek.pem", argv[1]);
    failed = tests_run();
    chip_close(&chip);
    return failed;
}
