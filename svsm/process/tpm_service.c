/* SPDX-License-Identifier: MIT */
#include "svsm/process/tpm_service.h"

#include "lib/abi/tpm_service.h"
#include "lib/freestanding/string.h"
#include "svsm/base/panic.h"
#include "svsm/console/log.h"

/* TPM 2.0 library, part 1: a response without sessions, and the code of a TPM in failure mode. */
static const uint8_t tpm_rc_failure[] = {0x80, 0x01, 0, 0, 0, 10, 0, 0, 0x01, 0x01};

enum status tpm_service_start(struct service *service, const struct boot_service *image,
                              struct block_device *volume, struct key_relay *key)
{
    enum status status = service_create(service, image);

    if (status != STATUS_OK)
        return status;
    service->process.files[SERVICE_DISK_FD] = file_block(volume);
    service->process.files[SERVICE_KEY_FD] = file_key_source(key);
    return service_start(service);
}

static void report_opening(uint32_t how)
{
    if (how > SERVICE_EPHEMERAL)
        panic("tpm: the service does not say how it opened the volume");
    if (how == SERVICE_EPHEMERAL)
        log_warning("tpm: THE KEY DOES NOT OPEN THE VOLUME; THIS TPM IS EPHEMERAL, nothing sealed "
                    "before will unseal and nothing will be kept");
    else
        log_info("tpm: %s", how == SERVICE_STATE_OPENED
                                ? "state opened"
                                : "the volume was blank, a new TPM was manufactured");
}

/* docs/service-abi.md, OPEN. The service's own line before says more. */
static const char *opening_failure(uint32_t code)
{
    static const char *const words[] = {
#define F(name, value, words) [value] = (words),
        SERVICE_FAILURES(F)
#undef F
    };
    const char *known = code < sizeof(words) / sizeof(words[0]) ? words[code] : NULL;

    return known ? known : "the service cannot open the state volume";
}

#define NO_ANSWER UINT32_MAX /* no status of either service's */

static uint32_t call(struct service *service, const struct writer *request, struct reader *response)
{
    uint32_t code;

    *response = reader_over(NULL, 0);
    return service_call(service, request, &code, response) == STATUS_OK ? code : NO_ANSWER;
}

uint32_t tpm_service_pass_on(struct service *service, struct service *attest)
{
    struct writer request = service_request(service, SERVICE_DUE);
    struct reader message;
    uint32_t code = call(service, &request, &message);

    if (code != 0 || message.left == 0)
        return code != 0 ? code : SERVICE_WAITS;
    request = writer_over(attest->channel.request, sizeof(attest->channel.request));
    CHECK(writer_put(&request, message.next, message.left));
    code = call(attest, &request, &message);
    request = service_request(service, SERVICE_TOLD);
    CHECK(writer_le32(&request, code));
    return writer_put(&request, message.next, message.left) ? call(service, &request, &message)
                                                            : NO_ANSWER;
}

bool tpm_service_open(struct service *service, struct service *attest, uint32_t pcr_banks)
{
    struct writer request = service_request(service, SERVICE_OPEN);
    struct reader response;
    uint32_t code, how;
    enum status status;
    bool unconfirmed;

    CHECK(writer_le32(&request, pcr_banks));
    status = service_call(service, &request, &code, &response);
    if (status != STATUS_OK)
        panic("tpm: %s", status_text(status));
    if (code != 0) {
        tpm_service_pass_on(service, attest);
        panic("tpm: %s", opening_failure(code));
    }
    if (!reader_le32(&response, &how))
        panic("tpm: malformed response");
    report_opening(how);
    unconfirmed = response.left != 0;
    code = tpm_service_pass_on(service, attest);
    if (unconfirmed && code != 0)
        panic("tpm: the KBS does not confirm the TPM's state, and the guest does not start");
    return unconfirmed;
}

static enum status call_command(struct service *service, uint8_t locality, const uint8_t *command,
                                size_t size, uint32_t *code, struct reader *response)
{
    struct writer request = service_request(service, SERVICE_COMMAND);

    if (!writer_u8(&request, locality) || !writer_put(&request, command, size))
        return STATUS_OUT_OF_RANGE;
    return service_call(service, &request, code, response);
}

size_t tpm_service_command(struct service *service, struct service *attest, uint8_t locality,
                           const uint8_t *command, size_t size, uint8_t *out, size_t room)
{
    struct reader response = {0};
    size_t response_size;
    uint32_t code;
    enum status status = call_command(service, locality, command, size, &code, &response);

    while (status == STATUS_OK && code == SERVICE_WAITS) {
        if (tpm_service_pass_on(service, attest) != 0)
            return 0;
        status = call_command(service, locality, command, size, &code, &response);
    }
    response_size = response.left;
    if (status == STATUS_OK && code == 0 && response_size <= room &&
        reader_copy(&response, out, response_size))
        return response_size;
    log_error("tpm: command failed: %s", status_text(status));
    memcpy(out, tpm_rc_failure, sizeof(tpm_rc_failure));
    return sizeof(tpm_rc_failure);
}

enum status tpm_service_manifest(struct service *service, const uint8_t *which, size_t which_size,
                                 uint8_t *out, size_t room, size_t *size)
{
    struct writer request = service_request(service, SERVICE_MANIFEST);
    struct reader response;
    uint32_t code;

    CHECK(writer_put(&request, which, which_size));
    code = call(service, &request, &response);
    if (code != 0)
        return code == SERVICE_MALFORMED ? STATUS_BAD_FORMAT : STATUS_IO_ERROR;
    *size = response.left;
    return *size <= room && reader_copy(&response, out, *size) ? STATUS_OK : STATUS_OUT_OF_RANGE;
}
