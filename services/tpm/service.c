/* SPDX-License-Identifier: MIT */
#include "services/tpm/service.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "lib/file/io.h"
#include "services/common/log.h"
#include "services/tpm/banks.h"
#include "services/tpm/command.h"
#include "services/tpm/disk.h"
#include "services/tpm/manifests.h"

static enum engine_opening open_engine(struct service *service)
{
    struct volume_storage storage = disk_storage(&service->disk_fd);
    struct state_grant grant;
    enum engine_opening opening;

    if (!io_read_secret(service->key_fd, (uint8_t *)&grant, sizeof(grant))) {
        log_error("no state key, with what belongs to it, was handed to the TPM: %s",
                  strerror(errno));
        return ENGINE_FAILED;
    }
    opening = grant.flags & STATE_GRANT_LEASED
                  ? engine_open_leased(&service->engine, &storage, &grant)
                  : engine_open(&service->engine, &storage, grant.key);
    if (grant.flags & STATE_GRANT_LEASED)
        leased_begin(&service->leased, &service->engine, opening, grant.flags);
    OPENSSL_cleanse(&grant, sizeof(grant));
    if (!engine_is_open(opening))
        engine_close(&service->engine);
    return opening;
}

static bool is_unconfirmed(const struct service *service)
{
    return service->leased.phase == LEASED_UNCONFIRMED;
}

/*
 * A TPM that is open already is one whose machine was reset, which is no resume: the key was for
 * the first time only.
 */
static enum engine_opening reopen_engine(struct service *service)
{
    if (is_unconfirmed(service)) {
        log_error("the SVSM opens the TPM again before the KBS confirmed its state");
        return ENGINE_FAILED;
    }
    service->engine.resumable = false;
    if (!engine_power_cycle(&service->engine))
        return ENGINE_FAILED;
    return service->opening == ENGINE_MANUFACTURED ? ENGINE_OPENED : service->opening;
}

/* How it was opened, and the state that the KBS has to confirm, if there is one. */
static uint32_t answer_open(const struct service *service, enum engine_opening opening,
                            struct writer *body)
{
    struct state_name state;

    if (!writer_le32(body, opening))
        return SERVICE_TPM_FAILED;
    if (!is_unconfirmed(service))
        return SERVICE_DONE;
    state = state_name(&service->engine.state);
    return writer_put(body, &state, sizeof(state)) ? SERVICE_DONE : SERVICE_TPM_FAILED;
}

static uint32_t handle_open(struct service *service, struct reader *arguments, struct writer *body)
{
    enum engine_opening opening;
    uint32_t banks;

    if (!reader_le32(arguments, &banks) || arguments->left != 0 || !banks_are_valid(banks))
        return SERVICE_MALFORMED;
    opening = service->open ? reopen_engine(service) : open_engine(service);
    service->engine.banks = banks;
    switch (opening) {
    case ENGINE_OPENED:
    case ENGINE_MANUFACTURED:
    case ENGINE_EPHEMERAL:
        service->open = true;
        service->opening = opening;
        return answer_open(service, opening, body);
    case ENGINE_DAMAGED:
        return SERVICE_VOLUME_DAMAGED;
    case ENGINE_REFUSED:
        return SERVICE_STATE_REFUSED;
    case ENGINE_TOO_NEW:
        return SERVICE_STATE_TOO_NEW;
    case ENGINE_NOT_COMMITTED:
        return SERVICE_NOT_COMMITTED;
    case ENGINE_FAILED:
        break;
    }
    return SERVICE_VOLUME_FAILED;
}

static uint32_t handle_due(struct service *service, struct writer *body)
{
    return leased_due(&service->leased, &service->engine, body) ? SERVICE_DONE : SERVICE_TPM_FAILED;
}

static uint32_t handle_told(struct service *service, struct reader *arguments)
{
    switch (leased_told(&service->leased, &service->engine, arguments)) {
    case LEASED_TOLD:
        return SERVICE_DONE;
    case LEASED_TOLD_PENDING:
        return SERVICE_WAITS;
    case LEASED_TOLD_FAILED:
        return SERVICE_TPM_FAILED;
    case LEASED_TOLD_NOTHING:
        break;
    }
    return SERVICE_MALFORMED;
}

static uint32_t handle_command(struct service *service, struct reader *arguments,
                               struct writer *body)
{
    size_t used = body->used;
    uint8_t *response;
    uint8_t locality;
    size_t size;

    if (!reader_u8(arguments, &locality))
        return SERVICE_MALFORMED;
    if (!writer_reserve(body, &response, TPM_RESPONSE_MAX))
        return SERVICE_TPM_FAILED;
    size = leased_execute(&service->leased, &service->engine, locality, arguments->next,
                          arguments->left, response);
    if (size == 0)
        return SERVICE_WAITS;
    body->used = used + size;
    body->room += TPM_RESPONSE_MAX - size;
    return SERVICE_DONE;
}

static uint32_t handle_manifest(struct service *service, struct reader *arguments,
                                struct writer *body)
{
    if (is_unconfirmed(service)) {
        log_error("the SVSM asks for a manifest before the KBS confirmed the TPM's state");
        return SERVICE_TPM_FAILED;
    }
    switch (manifests_answer(&service->engine, arguments, body)) {
    case MANIFEST_DONE:
        return SERVICE_DONE;
    case MANIFEST_UNKNOWN:
        return SERVICE_MALFORMED;
    case MANIFEST_FAILED:
        break;
    }
    return SERVICE_TPM_FAILED;
}

uint32_t service_handle(void *context, uint32_t operation, struct reader *arguments,
                        struct writer *body)
{
    struct service *service = context;

    switch (operation) {
    case SERVICE_OPEN:
        return handle_open(service, arguments, body);
    case SERVICE_COMMAND:
        return handle_command(service, arguments, body);
    case SERVICE_MANIFEST:
        return handle_manifest(service, arguments, body);
    case SERVICE_DUE:
        return handle_due(service, body);
    case SERVICE_TOLD:
        return handle_told(service, arguments);
    }
    log_error("the SVSM asked for an unknown operation, %u", (unsigned)operation);
    return SERVICE_MALFORMED;
}

int service_run(int channel_fd, int disk_fd, int key_fd)
{
    struct service service = {.disk_fd = disk_fd, .key_fd = key_fd};
    enum channel_end end = channel_serve(channel_fd, service_handle, &service);
    int reason = errno;

    if (service.open) {
        if (!is_unconfirmed(&service))
            engine_shut_down(&service.engine);
        engine_close(&service.engine);
    }
    if (end == CHANNEL_CLOSED)
        return EXIT_SUCCESS;
    log_error("the channel to the SVSM failed: %s", strerror(reason));
    return EXIT_FAILURE;
}
