/* SPDX-License-Identifier: MIT */
#include "svsm/process/attest_service.h"

#include "lib/abi/attest_service.h"
#include "svsm/base/panic.h"
#include "svsm/console/log.h"

enum status attest_service_start(struct service *service, const struct boot_service *image,
                                 struct uart *proxy, struct amd_sp *amd_sp, struct key_relay *key,
                                 struct constant *kbs)
{
    enum status status = service_create(service, image);

    if (status == STATUS_OK)
        status = amd_sp_open(amd_sp, &service->process.files[ATTEST_FD_AMD_SP]);
    if (status != STATUS_OK)
        return status;
    service->process.files[ATTEST_FD_PROXY] = file_serial(proxy);
    service->process.files[ATTEST_FD_VMPCK0] = file_vmpck0();
    service->process.files[ATTEST_FD_STATE_KEY] = file_key_sink(key);
    service->process.files[ATTEST_FD_KBS] = file_constant(kbs);
    return service_start(service);
}

/* The words for a response's status. */
static const char *reason(uint32_t code)
{
    static const char *const words[] = {
        [ATTEST_STATUS_MALFORMED_REQUEST] = "malformed request",
        [ATTEST_STATUS_PROXY_SILENT] = "the proxy does not answer",
        [ATTEST_STATUS_PROTOCOL] = "the proxy or the KBS broke the protocol",
        [ATTEST_STATUS_KBS_REFUSED] = "the KBS refused",
        [ATTEST_STATUS_KBS_UNREACHABLE] = "the proxy could not reach the KBS",
        [ATTEST_STATUS_AMD_SP] = "the AMD-SP refused",
        [ATTEST_STATUS_SECRET_SIZE] = "the released secret is no 64-byte key",
        [ATTEST_STATUS_DECRYPT] = "the reply did not decrypt",
        [ATTEST_STATUS_INTERNAL] = "it failed itself",
        [ATTEST_STATUS_UNSIGNED] = "the key is not from a KBS that this image trusts",
        [ATTEST_STATUS_KBS_BUSY] = "the KBS is busy",
        [ATTEST_STATUS_KBS_ERROR] = "the KBS failed",
        [ATTEST_STATUS_KBS_GATEWAY] = "a gateway does not reach the KBS",
        [ATTEST_STATUS_KBS_REDIRECT] = "the KBS's address redirects elsewhere",
        [ATTEST_STATUS_VERSION] = "no common version of a protocol",
        [ATTEST_STATUS_UNEXPLAINED] = "the proxy brings no key and does not say why",
    };

    return code > 0 && code < sizeof(words) / sizeof(words[0]) ? words[code] : "unknown reason";
}

/* What has to succeed, or the VM ends. */
static struct reader demand(struct service *service, const struct writer *request,
                            const char *otherwise)
{
    struct reader response;
    uint32_t code;
    enum status status = service_call(service, request, &code, &response);

    if (status != STATUS_OK)
        panic("attest: %s: %s", status_text(status), otherwise);
    if (code != 0)
        panic("attest: %s: %s", reason(code), otherwise);
    return response;
}

void attest_service_fetch_key(struct service *service)
{
    struct writer request = service_request(service, ATTEST_FETCH_KEY);

    demand(service, &request, "no attestation, no state");
}

struct reader attest_service_confirm(struct service *service, const uint8_t *state, size_t size)
{
    struct writer request = service_request(service, ATTEST_CONFIRM);

    CHECK(writer_put(&request, state, size));
    return demand(service, &request,
                  "the TPM's state is not confirmed, and the guest does not start");
}

static bool read_report(struct reader *r, struct attest_report *report)
{
    return reader_le32(r, &report->report_size) &&
           reader_borrow(r, &report->report, report->report_size) &&
           reader_le32(r, &report->certificates_size) &&
           reader_borrow(r, &report->certificates, report->certificates_size);
}

enum status attest_service_report(struct service *service, const uint8_t *nonce,
                                  const uint8_t *manifest, size_t manifest_size,
                                  bool want_certificates, struct attest_report *report)
{
    struct writer request = service_request(service, ATTEST_REPORT);
    struct reader response;
    uint32_t code;
    enum status status;

    if (!writer_put(&request, nonce, ATTEST_NONCE_SIZE) ||
        !writer_le32(&request, (uint32_t)manifest_size) ||
        !writer_put(&request, manifest, manifest_size) || !writer_le32(&request, want_certificates))
        return STATUS_OUT_OF_RANGE;
    status = service_call(service, &request, &code, &response);
    if (status != STATUS_OK)
        return status;
    if (code != 0) {
        log_warning("attest: no report for the guest: %s", reason(code));
        return STATUS_IO_ERROR;
    }
    return read_report(&response, report) ? STATUS_OK : STATUS_BAD_FORMAT;
}
