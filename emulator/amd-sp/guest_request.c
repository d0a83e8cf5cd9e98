/* SPDX-License-Identifier: MIT */
#include "emulator/amd-sp/guest_request.h"

#include <string.h>

#include <openssl/crypto.h>

#include "emulator/amd-sp/attestation_report.h"
#include "emulator/amd-sp/derived_key.h"
#include "emulator/amd-sp/message_crypto.h"
#include "emulator/amd-sp/tcb.h"
#include "lib/base/writer.h"
#include "lib/snp/page.h"

#define GUEST_MESSAGE_GRANULARITY 16

#define KEY_SEL_VLEK     2u
#define KEY_SEL_RESERVED 3u

#define KEY_REQ_KEY_SEL_SHIFT 1
#define KEY_REQ_SELECT_MASK   7u

#define TSC_INFO_SIZE 128

/* Who sent a message, by the key that sealed it. */
struct requester {
    const struct chip *chip;
    const struct guest_context *guest;
    uint8_t vmpck;
};

/*
 * Writes the response to a payload. Errors of the request go into the response's STATUS; false
 * means that the AMD-SP itself failed.
 */
typedef bool (*message_handler)(const struct requester *from, struct reader payload,
                                struct writer *response);

/* A guest may ask for the VMPL it has the key of, or a less privileged one. */
MUST_CHECK static bool may_ask_for_vmpl(const struct requester *from, uint32_t vmpl)
{
    return vmpl >= from->vmpck && vmpl < VMPL_COUNT;
}

/* KEY_SEL, for a chip without VLEK. */
static enum snp_status check_key_sel(uint32_t key_sel)
{
    if (key_sel >= KEY_SEL_RESERVED)
        return SNP_INVALID_PARAM;
    return key_sel == KEY_SEL_VLEK ? SNP_INVALID_KEY : SNP_SUCCESS;
}

static enum snp_status check_report_request(const struct requester *from,
                                            const struct msg_report_req *request)
{
    if (!may_ask_for_vmpl(from, request->vmpl) ||
        !bytes_are_zero(request->reserved, sizeof(request->reserved)))
        return SNP_INVALID_PARAM;
    return check_key_sel(request->key_sel);
}

MUST_CHECK static bool answer_report(const struct requester *from, struct reader payload,
                                     struct writer *response)
{
    struct msg_report_req request;
    struct snp_report report = {0};
    struct msg_report_rsp answer = {.status = SNP_INVALID_PARAM};

    if (reader_copy(&payload, &request, sizeof(request)) && reader_at_end(&payload))
        answer.status = check_report_request(from, &request);
    if (answer.status == SNP_SUCCESS) {
        if (!attestation_report_make(from->chip, from->guest, &request, &report))
            return false;
        answer.report_size = sizeof(report);
        memcpy(answer.report, &report, sizeof(report));
    }
    return writer_put(response, &answer, sizeof(answer));
}

static enum snp_status check_key_request(const struct requester *from,
                                         const struct msg_key_req *request)
{
    if ((request->root_key_select & ~KEY_REQ_SELECT_MASK) != 0 || request->reserved != 0 ||
        (request->guest_field_select & ~(uint64_t)FIELD_ALL) != 0 ||
        !may_ask_for_vmpl(from, request->vmpl) ||
        request->guest_svn > from->guest->identity.guest_svn ||
        tcb_exceeds(request->tcb_version, from->chip->tcb))
        return SNP_INVALID_PARAM;
    if ((request->root_key_select & KEY_REQ_ROOT_VMRK) != 0)
        return SNP_SUCCESS;
    return check_key_sel(request->root_key_select >> KEY_REQ_KEY_SEL_SHIFT);
}

MUST_CHECK static bool answer_key(const struct requester *from, struct reader payload,
                                  struct writer *response)
{
    struct msg_key_req request;
    struct msg_key_rsp answer = {.status = SNP_INVALID_PARAM};
    bool answered;

    if (reader_copy(&payload, &request, sizeof(request)) && reader_at_end(&payload))
        answer.status = check_key_request(from, &request);
    answered = (answer.status != SNP_SUCCESS ||
                derived_key(from->chip, from->guest, &request, answer.key)) &&
               writer_put(response, &answer, sizeof(answer));
    OPENSSL_cleanse(&answer, sizeof(answer));
    return answered;
}

MUST_CHECK static bool answer_tsc_info(const struct requester *from, struct reader payload,
                                       struct writer *response)
{
    bool valid = reader_zeros(&payload, TSC_INFO_SIZE) && reader_at_end(&payload);

    (void)from;
    return writer_le32(response, valid ? SNP_SUCCESS : SNP_INVALID_PARAM) &&
           writer_zeros(response, TSC_INFO_SIZE - sizeof(uint32_t));
}

/* The handler of a message, or NULL for a type or version that is not served. */
MUST_CHECK static message_handler find_handler(const struct guest_message_header *header)
{
    if (header->msg_version != GUEST_MESSAGE_VERSION)
        return NULL;
    switch (header->msg_type) {
    case MSG_REPORT_REQ:
        return answer_report;
    case MSG_KEY_REQ:
        return answer_key;
    case MSG_TSC_INFO_REQ:
        return answer_tsc_info;
    default:
        return NULL;
    }
}

MUST_CHECK static bool header_is_valid(const struct guest_message_header *header)
{
    return header->hdr_version == GUEST_MESSAGE_HEADER_VERSION &&
           header->hdr_size == GUEST_MESSAGE_HEADER &&
           header->algo == GUEST_MESSAGE_ALGO_AES_256_GCM && header->msg_size != 0 &&
           header->msg_size % GUEST_MESSAGE_GRANULARITY == 0 &&
           header->msg_size <= GUEST_MESSAGE_PAYLOAD && header->msg_vmpck < VMPCK_COUNT;
}

/* The sequence number must be the next one, and leave room for its response and a successor. */
MUST_CHECK static bool sequence_number_is_next(uint64_t seqno, uint64_t count)
{
    return count < UINT64_MAX - 2 && seqno == count + 1;
}

/* Seals a response of size bytes (a multiple of 16) into the response page. */
MUST_CHECK static bool seal_response(const struct guest_message_header *request,
                                     const uint8_t vmpck[VMPCK_SIZE], const uint8_t *payload,
                                     size_t size, uint8_t response[GUEST_MESSAGE_SIZE])
{
    uint8_t page[GUEST_MESSAGE_SIZE] = {0};
    struct guest_message_header header = {
        .msg_seqno = request->msg_seqno + 1,
        .algo = GUEST_MESSAGE_ALGO_AES_256_GCM,
        .hdr_version = GUEST_MESSAGE_HEADER_VERSION,
        .hdr_size = GUEST_MESSAGE_HEADER,
        .msg_type = (uint8_t)(request->msg_type + 1),
        .msg_version = request->msg_version,
        .msg_size = (uint16_t)size,
        .msg_vmpck = request->msg_vmpck,
    };

    if (!message_seal(vmpck, &header, payload, page + sizeof(header)))
        return false;
    memcpy(page, &header, sizeof(header));
    memcpy(response, page, sizeof(page));
    return true;
}

/* Steps 5 to 9 of the firmware's processing; the header has been checked. plaintext is scratch. */
static enum snp_status serve_message(const struct chip *chip, struct guest_context *guest,
                                     const struct guest_message_header *header,
                                     const uint8_t *ciphertext,
                                     uint8_t plaintext[GUEST_MESSAGE_PAYLOAD],
                                     uint8_t response[GUEST_MESSAGE_SIZE])
{
    struct requester from = {chip, guest, header->msg_vmpck};
    const uint8_t *vmpck = guest->vmpck[header->msg_vmpck];
    uint64_t *count = &guest->message_count[header->msg_vmpck];
    uint8_t answer[GUEST_MESSAGE_PAYLOAD];
    struct writer w = writer_over(answer, sizeof(answer));
    message_handler handler;
    bool answered;

    if (!message_open(vmpck, header, ciphertext, plaintext))
        return SNP_BAD_MEASUREMENT;
    if (!sequence_number_is_next(header->msg_seqno, *count))
        return SNP_AEAD_OFLOW;
    handler = find_handler(header);
    if (!handler)
        return SNP_INVALID_PARAM;
    answered = handler(&from, reader_over(plaintext, header->msg_size), &w) &&
               seal_response(header, vmpck, answer, w.used, response);
    OPENSSL_cleanse(answer, sizeof(answer));
    if (!answered)
        return SNP_INVALID_PLATFORM_STATE;
    *count += 2;
    return SNP_SUCCESS;
}

enum snp_status guest_request_serve(const struct chip *chip, struct guest_context *guest,
                                    const uint8_t request[GUEST_MESSAGE_SIZE],
                                    uint8_t response[GUEST_MESSAGE_SIZE])
{
    struct reader r = reader_over(request, GUEST_MESSAGE_SIZE);
    struct guest_message_header header;
    uint8_t plaintext[GUEST_MESSAGE_PAYLOAD];
    enum snp_status status;

    if (guest->state != GUEST_RUNNING)
        return SNP_INVALID_GUEST_STATE;
    if (!reader_copy(&r, &header, sizeof(header)) || !header_is_valid(&header))
        return SNP_INVALID_PARAM;
    status = serve_message(chip, guest, &header, r.next, plaintext, response);
    OPENSSL_cleanse(plaintext, sizeof(plaintext));
    return status;
}
