/* SPDX-License-Identifier: MIT */
#include "services/attest/guest_request.h"

#include <openssl/crypto.h>
#include <string.h>

#include "lib/base/reader.h"
#include "services/attest/certificate_table.h"
#include "services/attest/guest_message.h"

#define KEY_SEL_VCEK 1

void guest_requester_init(struct guest_requester *requester, struct amd_sp amd_sp,
                          const uint8_t vmpck0[VMPCK_SIZE])
{
    memset(requester, 0, sizeof(*requester));
    requester->amd_sp = amd_sp;
    memcpy(requester->vmpck0, vmpck0, VMPCK_SIZE);
    requester->next_seqno = 1;
}

void guest_requester_disable(struct guest_requester *requester)
{
    OPENSSL_cleanse(requester->vmpck0, sizeof(requester->vmpck0));
    requester->next_seqno = 0;
}

/* Has the sealed request carried, identical each time, until the host is no longer busy. */
static enum attest_error exchange(struct guest_requester *requester, enum amd_sp_kind kind)
{
    const struct amd_sp *amd_sp = &requester->amd_sp;
    struct amd_sp_request *request = &requester->request;
    struct amd_sp_answer *answer = &requester->answer;

    request->kind = kind;
    request->certificate_pages = kind == AMD_SP_EXT_GUEST_REQUEST ? AMD_SP_CERTIFICATE_PAGES : 0;
    for (unsigned int tries = 0; tries <= GUEST_REQUEST_BUSY_RETRIES; tries++) {
        memset(answer, 0, sizeof(*answer));
        if (!amd_sp->exchange(amd_sp->context, request, answer))
            return ATTEST_ERR_AMD_SP_FAILED;
        if (answer->exitinfo2 == 0)
            return ATTEST_OK;
        switch (answer->exitinfo2 >> GUEST_REQUEST_VMM_ERROR_SHIFT) {
        case GUEST_REQUEST_BUSY:
            amd_sp->pause(amd_sp->context);
            break;
        case GUEST_REQUEST_INVALID_LEN:
            return ATTEST_ERR_AMD_SP_INVALID_LEN;
        default:
            return ATTEST_ERR_AMD_SP_FAILED;
        }
    }
    return ATTEST_ERR_AMD_SP_BUSY;
}

/* One request and its response. Whatever goes wrong, VMPCK0 does not seal another message. */
static enum attest_error request(struct guest_requester *requester, enum amd_sp_kind kind,
                                 enum guest_message_type type, const void *payload, size_t size,
                                 void *response, size_t room, size_t *response_size)
{
    enum attest_error error;

    if (requester->next_seqno == 0)
        return ATTEST_ERR_AMD_SP_DISABLED;
    error = guest_message_seal(requester->request.message, requester->vmpck0, requester->next_seqno,
                               type, payload, size);
    if (!error)
        error = exchange(requester, kind);
    /* The AMD-SP has not seen the message, and its sequence number must be used up: go without. */
    if (error == ATTEST_ERR_AMD_SP_INVALID_LEN && kind == AMD_SP_EXT_GUEST_REQUEST)
        error = exchange(requester, AMD_SP_GUEST_REQUEST);
    if (!error)
        error = guest_message_open(requester->answer.message, requester->vmpck0,
                                   requester->next_seqno, type, response, room, response_size);
    if (error)
        guest_requester_disable(requester);
    else
        requester->next_seqno += 2;
    return error;
}

/*
 * MSG_REPORT_RSP. It is authentic, so that a report which is not about this very request means a
 * fault, not an attack; it would only make the KBS refuse later, with less clear words.
 */
static enum attest_error read_report_response(const struct msg_report_rsp *response, size_t size,
                                              const uint8_t *report_data, uint8_t *report)
{
    struct reader in = reader_over(response, size);
    struct snp_report fields;
    uint32_t status, report_size;

    if (!reader_le32(&in, &status))
        return ATTEST_ERR_AMD_SP_REPORT;
    if (status != SNP_SUCCESS)
        return ATTEST_ERR_AMD_SP_REFUSED;
    if (!reader_le32(&in, &report_size) || report_size != REPORT_SIZE ||
        !reader_skip(&in, sizeof(response->reserved)) ||
        !reader_copy(&in, &fields, sizeof(fields)) || fields.vmpl != 0 ||
        memcmp(fields.report_data, report_data, REPORT_DATA_SIZE) != 0)
        return ATTEST_ERR_AMD_SP_REPORT;
    memcpy(report, &fields, REPORT_SIZE);
    return ATTEST_OK;
}

enum attest_error guest_requester_get_report(struct guest_requester *requester,
                                             const uint8_t report_data[REPORT_DATA_SIZE],
                                             bool with_certificates,
                                             struct attestation_evidence *evidence)
{
    struct msg_report_req req = {.vmpl = 0, .key_sel = KEY_SEL_VCEK};
    struct msg_report_rsp rsp;
    size_t rsp_size;
    enum attest_error error;

    memset(evidence, 0, sizeof(*evidence));
    memcpy(req.report_data, report_data, REPORT_DATA_SIZE);
    error = request(requester, with_certificates ? AMD_SP_EXT_GUEST_REQUEST : AMD_SP_GUEST_REQUEST,
                    MSG_REPORT_REQ, &req, sizeof(req), &rsp, sizeof(rsp), &rsp_size);
    if (!error)
        error = read_report_response(&rsp, rsp_size, report_data, evidence->report);
    if (error || !with_certificates)
        return error;

    evidence->certificates_size = certificate_table_size(requester->answer.certificates,
                                                         sizeof(requester->answer.certificates));
    memcpy(evidence->certificates, requester->answer.certificates, evidence->certificates_size);
    return ATTEST_OK;
}
