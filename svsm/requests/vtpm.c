/* SPDX-License-Identifier: MIT */
/* The vTPM protocol (58019, chapter 8), served by the TPM service. */
#include "lib/abi/tpm_service.h"
#include "lib/base/bytes.h"
#include "svsm/guest/access.h"
#include "svsm/process/tpm_service.h"
#include "svsm/requests/call.h"
#include "svsm/requests/vtpm_request.h"

static_assert(sizeof(((struct guest *)0)->vtpm.request) == SVSM_VTPM_BUFFER_SIZE, "vTPM buffer");

static_assert(SVSM_VTPM_REQUEST_HEADER + SERVICE_TPM_BUFFER_SIZE == SVSM_VTPM_BUFFER_SIZE &&
                  SVSM_VTPM_RESPONSE_HEADER + SERVICE_TPM_BUFFER_SIZE <= SVSM_VTPM_BUFFER_SIZE,
              "what the TPM tells the guest");

/* Under the TPM's lock, and no other while the TPM works. */
static uint64_t execute(struct guest *guest, gpa_t buffer)
{
    uint8_t *response = guest->vtpm.response;
    struct vtpm_request request;
    size_t size;

    if (guest_read(&guest->ranges, guest->vtpm.request, buffer, sizeof(guest->vtpm.request)) !=
            STATUS_OK ||
        vtpm_request_decode(guest->vtpm.request, &request) != STATUS_OK)
        return SVSM_ERR_INVALID_PARAMETER;

    size = tpm_service_command(guest->tpm, request.locality, request.command, request.size,
                               response + SVSM_VTPM_RESPONSE_HEADER, SERVICE_TPM_BUFFER_SIZE);
    put_le32(response, (uint32_t)size);
    if (guest_write(&guest->ranges, buffer, response, SVSM_VTPM_RESPONSE_HEADER + size) !=
        STATUS_OK)
        return SVSM_ERR_INVALID_ADDRESS;
    return SVSM_SUCCESS;
}

/* While another vCPU's command is executed, this one is told to come again, and runs meanwhile. */
static uint64_t send_command(struct guest *guest, gpa_t buffer)
{
    uint64_t result;

    if (!lock_try(&guest->vtpm.lock))
        return SVSM_ERR_BUSY;
    result = execute(guest, buffer);
    lock_release(&guest->vtpm.lock);
    return result;
}

uint64_t vtpm_protocol(struct guest *guest, struct svsm_call *call)
{
    switch (call->call) {
    case SVSM_VTPM_QUERY:
        call->rcx = 1ull << SVSM_VTPM_SEND_COMMAND;
        call->rdx = 0;
        return SVSM_SUCCESS;
    case SVSM_VTPM_CMD:
        return send_command(guest, gpa(call->rcx));
    default:
        return SVSM_ERR_UNSUPPORTED_CALL;
    }
}
