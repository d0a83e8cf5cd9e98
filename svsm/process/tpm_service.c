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
    switch (how) {
    case SERVICE_STATE_OPENED:
        log_info("tpm: state opened");
        break;
    case SERVICE_MANUFACTURED:
        log_info("tpm: the volume was blank, a new TPM was manufactured");
        break;
    case SERVICE_EPHEMERAL:
        log_warning("tpm: THE KEY DOES NOT OPEN THE VOLUME; THIS TPM IS EPHEMERAL, nothing sealed "
                    "before will unseal and nothing will be kept");
        break;
    default:
        panic("tpm: the service does not say how it opened the volume");
    }
}

/* docs/service-abi.md, OPEN. The service's own line before says more. */
static const char *opening_failure(uint32_t code)
{
    switch (code) {
    case SERVICE_VOLUME_FAILED:
        return "the state volume failed";
    case SERVICE_VOLUME_DAMAGED:
        return "the state volume is damaged; it was not changed";
    case SERVICE_STATE_REFUSED:
        return "the TPM's libtpms refuses the state in the volume, which is intact; it was not "
               "changed";
    case SERVICE_STATE_TOO_NEW:
        return "a newer libtpms wrote the state in the volume, which is intact; it was not changed";
    case SERVICE_NOT_COMMITTED:
        return "the state volume is not the one that the KBS's record admits; it was not changed";
    default:
        return "the service cannot open the state volume";
    }
}

size_t tpm_service_open(struct service *service, uint8_t *state, size_t room)
{
    struct writer request = service_request(service, SERVICE_OPEN);
    struct reader response;
    uint32_t code, how;
    enum status status = service_call(service, &request, &code, &response);

    if (status != STATUS_OK)
        panic("tpm: %s", status_text(status));
    if (code != 0)
        panic("tpm: %s", opening_failure(code));
    if (!reader_le32(&response, &how) || response.left > room)
        panic("tpm: malformed response");
    report_opening(how);
    room = response.left;
    CHECK(reader_copy(&response, state, room));
    return room;
}

void tpm_service_confirmed(struct service *service, struct reader certificates)
{
    struct writer request = service_request(service, SERVICE_CONFIRMED);
    struct reader response;
    uint32_t code;
    bool fits = writer_put(&request, certificates.next, certificates.left);

    if (!fits || service_call(service, &request, &code, &response) != STATUS_OK || code != 0)
        panic("tpm: the service does not take the confirmation of its state");
}

static enum status call_command(struct service *service, uint8_t locality, const uint8_t *command,
                                size_t size, struct reader *response)
{
    struct writer request = service_request(service, SERVICE_COMMAND);
    uint32_t code;
    enum status status;

    if (!writer_u8(&request, locality) || !writer_put(&request, command, size))
        return STATUS_OUT_OF_RANGE;
    status = service_call(service, &request, &code, response);
    return status == STATUS_OK && code != 0 ? STATUS_IO_ERROR : status;
}

size_t tpm_service_command(struct service *service, uint8_t locality, const uint8_t *command,
                           size_t size, uint8_t *out, size_t room)
{
    struct reader response;
    size_t response_size;
    enum status status = call_command(service, locality, command, size, &response);

    if (status == STATUS_OK && response.left <= room) {
        response_size = response.left;
        if (reader_copy(&response, out, response_size))
            return response_size;
    }
    log_error("tpm: command failed: %s", status_text(status));
    memcpy(out, tpm_rc_failure, sizeof(tpm_rc_failure));
    return sizeof(tpm_rc_failure);
}

enum status tpm_service_ek_public(struct service *service, uint8_t *out, size_t room, size_t *size)
{
    struct writer request = service_request(service, SERVICE_EK_PUBLIC);
    struct reader response;
    uint32_t code;
    enum status status = service_call(service, &request, &code, &response);

    if (status != STATUS_OK)
        return status;
    *size = response.left;
    if (code != 0)
        return STATUS_IO_ERROR;
    return *size <= room && reader_copy(&response, out, *size) ? STATUS_OK : STATUS_OUT_OF_RANGE;
}
