/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "services/attest/guest_message.h"
#include "tests/unit/attest/fake_amd_sp.h"
#include "tests/unit/kbs/hex.h"
#include "tests/unit/registered.h"

static struct fake_amd_sp sp; /* for its key only */

static int use_vector_key(void **state)
{
    (void)state;
    fake_amd_sp_init(&sp);
    return 0;
}

TEST(a_report_request_is_sealed_as_the_vector_says)
{
    struct msg_report_req request = {.vmpl = 0, .key_sel = 0};
    uint8_t message[GUEST_MESSAGE_SIZE];
    uint8_t tag[16], start[16], end[16], aad[48] = {1, 1, 0x60, 0, 5, 1, 0x60, 0};

    for (unsigned int i = 0; i < REPORT_DATA_SIZE; i++)
        request.report_data[i] = (uint8_t)i;
    bytes_of_hex("0f354f26b13f7433d3674d8eebcaf847", tag, sizeof(tag));
    bytes_of_hex("e22d803ca0aaea00420d0fc830cc86c4", start, sizeof(start));
    bytes_of_hex("b5f3e8b761e80896f353185b4abd740d", end, sizeof(end));

    assert_int_equal(
        guest_message_seal(message, sp.vmpck0, 1, MSG_REPORT_REQ, &request, sizeof(request)),
        ATTEST_OK);
    assert_memory_equal(message, tag, sizeof(tag));
    assert_memory_equal(message + 0x30, aad, sizeof(aad));
    assert_memory_equal(message + 0x60, start, sizeof(start));
    assert_memory_equal(message + 0x60 + 0x50, end, sizeof(end));
    for (size_t i = 0x60 + 0x60; i < sizeof(message); i++)
        assert_int_equal(message[i], 0);
}

TEST(a_payload_that_does_not_fit_is_not_sealed)
{
    uint8_t message[GUEST_MESSAGE_SIZE], payload[GUEST_MESSAGE_PAYLOAD + 1] = {0};

    assert_int_equal(
        guest_message_seal(message, sp.vmpck0, 1, MSG_REPORT_REQ, payload, sizeof(payload)),
        ATTEST_ERR_INTERNAL);
    assert_int_equal(guest_message_seal(message, sp.vmpck0, 1, MSG_REPORT_REQ, payload, 0),
                     ATTEST_ERR_INTERNAL);
}

static const struct guest_message_header good_response = {.msg_seqno = 8,
                                                          .algo = 1,
                                                          .hdr_version = 1,
                                                          .hdr_size = 0x60,
                                                          .msg_type = MSG_REPORT_RSP,
                                                          .msg_version = 1,
                                                          .msg_size = 0x4C0};

/* Opens the answer to request 7 that has this header, authentic, and room for room bytes. */
static enum attest_error open_response(const struct guest_message_header *header, size_t room)
{
    static const struct msg_report_rsp payload = {.report_size = REPORT_SIZE};
    uint8_t message[GUEST_MESSAGE_SIZE], out[sizeof(payload)];
    enum attest_error error;
    size_t size;

    fake_seal(sp.vmpck0, header, &payload, message);
    error = guest_message_open(message, sp.vmpck0, 7, MSG_REPORT_REQ, out, room, &size);
    if (!error) {
        assert_int_equal(size, header->msg_size);
        assert_memory_equal(out, &payload, size);
    }
    return error;
}

TEST(an_authentic_answer_is_opened)
{
    assert_int_equal(open_response(&good_response, 0x4C0), ATTEST_OK);
}

TEST(an_authentic_message_that_does_not_answer_the_request_is_refused)
{
    struct guest_message_header wrong[] = {
        good_response, good_response, good_response, good_response, good_response, good_response,
        good_response, good_response, good_response, good_response, good_response,
    };

    wrong[0].msg_seqno = 7; /* our own number */
    wrong[1].msg_seqno = 6; /* an earlier answer */
    wrong[2].msg_seqno = 10;
    wrong[3].msg_type = MSG_REPORT_REQ;
    wrong[4].msg_type = MSG_KEY_RSP;
    wrong[5].msg_version = 2;
    wrong[6].msg_size = 0;
    wrong[7].msg_size = 0x4C1; /* more than there is room for */
    wrong[8].algo = 0;
    wrong[9].hdr_version = 2;
    wrong[10].hdr_size = 0x50;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(open_response(&wrong[i], 0x4C0), ATTEST_ERR_AMD_SP_RESPONSE);
}

TEST(a_size_beyond_the_page_is_refused_whatever_the_room)
{
    struct guest_message_header header = good_response;
    uint8_t message[GUEST_MESSAGE_SIZE], out[0x10000];
    size_t size;

    header.msg_size = 0xFFF0;
    memset(message, 0, sizeof(message));
    memcpy(message, &header, sizeof(header));
    assert_int_equal(
        guest_message_open(message, sp.vmpck0, 7, MSG_REPORT_REQ, out, sizeof(out), &size),
        ATTEST_ERR_AMD_SP_RESPONSE);
}

TEST(any_altered_byte_is_refused_and_leaves_no_plaintext)
{
    static const struct msg_report_rsp payload = {.report_size = REPORT_SIZE};
    static const uint8_t wiped[sizeof(payload)];
    uint8_t message[GUEST_MESSAGE_SIZE], out[sizeof(payload)] = {0};
    size_t size;

    fake_seal(sp.vmpck0, &good_response, &payload, message);
    for (size_t i = 0; i < 0x60 + sizeof(payload); i++) {
        /* The upper half of AUTHTAG and the field after the number are not part of anything. */
        if ((i >= 0x10 && i < 0x20) || (i >= 0x28 && i < 0x30))
            continue;
        message[i] ^= 0x80;
        assert_int_equal(
            guest_message_open(message, sp.vmpck0, 7, MSG_REPORT_REQ, out, sizeof(out), &size),
            ATTEST_ERR_AMD_SP_RESPONSE);
        assert_memory_equal(out, wiped, sizeof(out));
        message[i] ^= 0x80;
    }
}

TEST_GROUP(use_vector_key, NULL)
