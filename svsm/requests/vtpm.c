/* SPDX-License-Identifier: MIT */
/* The vTPM protocol (58019, chapter 8), served by the TPM service. */
#include "lib/abi/tpm_service.h"
#include "lib/base/bytes.h"
#include "svsm/arch/memory.h"
#include "svsm/process/tpm_service.h"
#include "svsm/requests/call.h"
#include "svsm/requests/vtpm_request.h"

static_assert(sizeof(((struct guest *)0)->request) == SVSM_VTPM_BUFFER_SIZE, "vTPM buffer");

static_assert(SVSM_VTPM_REQUEST_HEADER + SERVICE_TPM_BUFFER_SIZE == SVSM_VTPM_BUFFER_SIZE &&
                  SVSM_VTPM_RESPONSE_HEADER + SERVICE_TPM_BUFFER_SIZE <= SVSM_VTPM_BUFFER_SIZE,
              "what the TPM tells the guest");

static uint64_t send_command(struct guest *guest, gpa_t buffer)
{
    struct vtpm_request request;
    size_t size;

    if (!guest_range_ok(&guest->ranges, buffer, sizeof(guest->request)) ||
        guarded_read(guest->request, buffer, sizeof(guest->request)) != STATUS_OK ||
        vtpm_request_decode(guest->request, &request) != STATUS_OK)
        return SVSM_ERR_INVALID_PARAMETER;

    size =
        tpm_service_command(guest->tpm, request.locality, request.command, request.size,
                            guest->response + SVSM_VTPM_RESPONSE_HEADER, SERVICE_TPM_BUFFER_SIZE);
    put_le32(guest->response, (uint32_t)size);
    if (guarded_write(buffer, guest->response, SVSM_VTPM_RESPONSE_HEADER + size) != STATUS_OK)
        return SVSM_ERR_INVALID_ADDRESS;
    return SVSM_SUCCESS;
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
