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
#define F(name, value, words) [value] = (words),
        ATTEST_FAILURES(F)
#undef F
    };

    return code > 0 && code < sizeof(words) / sizeof(words[0]) ? words[code] : "unknown reason";
}

void attest_service_fetch_key(struct service *service)
{
    struct writer request = service_request(service, ATTEST_FETCH_KEY);
    struct reader response;
    uint32_t code;
    enum status status = service_call(service, &request, &code, &response);

    if (status != STATUS_OK)
        panic("attest: %s: no attestation, no state", status_text(status));
    if (code != 0)
        panic("attest: %s: no attestation, no state", reason(code));
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
