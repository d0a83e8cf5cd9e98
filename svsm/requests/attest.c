/* SPDX-License-Identifier: MIT */
/* The attestation protocol (58019, chapter 9): reports that bind the guest's nonce to manifests. */
#include "lib/freestanding/string.h"
#include "svsm/arch/memory.h"
#include "svsm/process/attest_service.h"
#include "svsm/process/tpm_service.h"
#include "svsm/requests/attest_request.h"
#include "svsm/requests/call.h"

#define MANIFEST_MAX PAGE_SIZE

static bool buffer_ok(const struct guest *guest, const struct guest_buffer *buffer)
{
    return buffer->size == 0 || guest_range_ok(&guest->ranges, buffer->at, buffer->size);
}

/* The manifest of all services, or that of the single one asked for. */
static enum status make_manifest(struct guest *guest, bool single, uint8_t *manifest, size_t *size)
{
    uint8_t *ek = guest->request;
    size_t ek_size;
    enum status status = tpm_service_ek_public(guest->tpm, ek, MANIFEST_MAX / 2, &ek_size);

    if (status != STATUS_OK)
        return status;
    if (!single)
        return attest_write_services(manifest, MANIFEST_MAX, ek, ek_size, size);
    memcpy(manifest, ek, ek_size);
    *size = ek_size;
    return STATUS_OK;
}

/* Reads the operation and checks every address in it. */
static uint64_t decode(const struct guest *guest, gpa_t operation, bool single,
                       struct attest_request *request, uint8_t *nonce)
{
    uint8_t bytes[ATTEST_SINGLE_SIZE];
    size_t size = single ? ATTEST_SINGLE_SIZE : ATTEST_SERVICES_SIZE;

    if (!guest_range_ok(&guest->ranges, operation, size) ||
        guarded_read(bytes, operation, size) != STATUS_OK ||
        attest_request_decode(bytes, single, request) != STATUS_OK)
        return SVSM_ERR_INVALID_PARAMETER;
    if (single && memcmp(request->service, attest_vtpm_guid, ATTEST_GUID_SIZE) != 0)
        return SVSM_ERR_INVALID_PARAMETER;
    if (!guest_range_ok(&guest->ranges, request->nonce, ATTEST_NONCE_SIZE) ||
        !buffer_ok(guest, &request->report) || !buffer_ok(guest, &request->manifest) ||
        !buffer_ok(guest, &request->certificates) ||
        guarded_read(nonce, request->nonce, ATTEST_NONCE_SIZE) != STATUS_OK)
        return SVSM_ERR_INVALID_ADDRESS;
    return SVSM_SUCCESS;
}

static enum status put_buffer(const struct guest_buffer *to, const uint8_t *from, size_t size)
{
    return guarded_write(to->at, from, size);
}

/* Tells the sizes in any case; copies only when all three fit. */
static uint64_t deliver(struct svsm_call *call, const struct attest_request *request,
                        const uint8_t *manifest, size_t manifest_size,
                        const struct attest_report *report)
{
    call->rcx = manifest_size;
    call->rdx = report->certificates_size;
    call->r8 = report->report_size;
    if (manifest_size > request->manifest.size || report->report_size > request->report.size ||
        report->certificates_size > request->certificates.size)
        return SVSM_ERR_INVALID_PARAMETER;
    if (put_buffer(&request->manifest, manifest, manifest_size) != STATUS_OK ||
        put_buffer(&request->report, report->report, report->report_size) != STATUS_OK ||
        put_buffer(&request->certificates, report->certificates, report->certificates_size) !=
            STATUS_OK)
        return SVSM_ERR_INVALID_ADDRESS;
    return SVSM_SUCCESS;
}

static uint64_t attest(struct guest *guest, struct svsm_call *call, bool single)
{
    uint8_t *manifest = guest->response;
    uint8_t nonce[ATTEST_NONCE_SIZE];
    struct attest_request request;
    struct attest_report report;
    size_t manifest_size;
    uint64_t result = decode(guest, gpa(call->rcx), single, &request, nonce);

    if (result != SVSM_SUCCESS)
        return result;
    if (make_manifest(guest, single, manifest, &manifest_size) != STATUS_OK ||
        attest_service_report(guest->attest, nonce, manifest, manifest_size,
                              request.certificates.size != 0, &report) != STATUS_OK)
        return SVSM_ERR_INVALID_REQUEST;
    return deliver(call, &request, manifest, manifest_size, &report);
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
