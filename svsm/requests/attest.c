/* SPDX-License-Identifier: MIT */
/* The attestation protocol (58019, chapter 9): reports that bind the guest's nonce to manifests. */
#include "svsm/guest/access.h"
#include "svsm/process/attest_service.h"
#include "svsm/process/tpm_service.h"
#include "svsm/requests/attest_request.h"
#include "svsm/requests/call.h"

static bool buffer_ok(struct guest *guest, const struct guest_buffer *buffer)
{
    return buffer->size == 0 || guest_owns(&guest->ranges, buffer->at, buffer->size);
}

/* The TPM service makes it, under the TPM's lock, which is not waited for. */
static uint64_t make_manifest(struct guest *guest, const struct attest_request *request,
                              size_t *size)
{
    enum status status;

    if (!lock_try(&guest->vtpm.lock))
        return SVSM_ERR_BUSY;
    status = tpm_service_manifest(guest->tpm, request->which, request->which_size,
                                  guest->attestation.manifest, sizeof(guest->attestation.manifest),
                                  size);
    lock_release(&guest->vtpm.lock);
    if (status == STATUS_BAD_FORMAT)
        return SVSM_ERR_INVALID_PARAMETER;
    return status == STATUS_OK ? SVSM_SUCCESS : SVSM_ERR_INVALID_REQUEST;
}

/* Reads the operation and checks every address in it. */
static uint64_t decode(struct guest *guest, gpa_t operation, bool single,
                       struct attest_request *request, uint8_t *nonce)
{
    uint8_t bytes[ATTEST_SINGLE_SIZE];
    size_t size = single ? ATTEST_SINGLE_SIZE : ATTEST_SERVICES_SIZE;

    if (guest_read(&guest->ranges, bytes, operation, size) != STATUS_OK ||
        attest_request_decode(bytes, single, request) != STATUS_OK)
        return SVSM_ERR_INVALID_PARAMETER;
    if (!buffer_ok(guest, &request->report) || !buffer_ok(guest, &request->manifest) ||
        !buffer_ok(guest, &request->certificates) ||
        guest_read(&guest->ranges, nonce, request->nonce, ATTEST_NONCE_SIZE) != STATUS_OK)
        return SVSM_ERR_INVALID_ADDRESS;
    return SVSM_SUCCESS;
}

static enum status put_buffer(struct guest *guest, const struct guest_buffer *to,
                              const uint8_t *from, size_t size)
{
    return size == 0 ? STATUS_OK : guest_write(&guest->ranges, to->at, from, size);
}

/* Tells the sizes in any case; copies only when all three fit. */
static uint64_t deliver(struct guest *guest, struct svsm_call *call,
                        const struct attest_request *request, size_t manifest_size,
                        const struct attest_report *report)
{
    call->rcx = manifest_size;
    call->rdx = report->certificates_size;
    call->r8 = report->report_size;
    if (manifest_size > request->manifest.size || report->report_size > request->report.size ||
        report->certificates_size > request->certificates.size)
        return SVSM_ERR_INVALID_PARAMETER;
    if (put_buffer(guest, &request->manifest, guest->attestation.manifest, manifest_size) !=
            STATUS_OK ||
        put_buffer(guest, &request->report, report->report, report->report_size) != STATUS_OK ||
        put_buffer(guest, &request->certificates, report->certificates,
                   report->certificates_size) != STATUS_OK)
        return SVSM_ERR_INVALID_ADDRESS;
    return SVSM_SUCCESS;
}

/* Under the attestation service's lock: the report lies in its channel until it is delivered. */
static uint64_t make_report(struct guest *guest, struct svsm_call *call, bool single)
{
    uint8_t nonce[ATTEST_NONCE_SIZE];
    struct attest_request request;
    struct attest_report report;
    size_t manifest_size;
    uint64_t result = decode(guest, gpa(call->rcx), single, &request, nonce);

    if (result == SVSM_SUCCESS)
        result = make_manifest(guest, &request, &manifest_size);
    if (result != SVSM_SUCCESS)
        return result;
    if (attest_service_report(guest->attest, nonce, guest->attestation.manifest, manifest_size,
                              request.certificates.size != 0, &report) != STATUS_OK)
        return SVSM_ERR_INVALID_REQUEST;
    return deliver(guest, call, &request, manifest_size, &report);
}

static uint64_t attest(struct guest *guest, struct svsm_call *call, bool single)
{
    uint64_t result;

    if (!lock_try(&guest->attestation.lock))
        return SVSM_ERR_BUSY;
    result = make_report(guest, call, single);
    lock_release(&guest->attestation.lock);
    return result;
}

uint64_t attest_protocol(struct guest *guest, struct svsm_call *call)
{
    switch (call->call) {
    case SVSM_ATTEST_SERVICES:
        return attest(guest, call, false);
    case SVSM_ATTEST_SINGLE_SERVICE:
        return attest(guest, call, true);
    default:
        return SVSM_ERR_UNSUPPORTED_CALL;
    }
}
