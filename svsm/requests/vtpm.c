/* SPDX-License-Identifier: MIT */
/* The vTPM protocol (58019, chapter 8), served by the TPM service. */
#include "lib/abi/tpm_service.h"
#include "lib/base/bytes.h"
#include "svsm/console/uart.h"
#include "svsm/guest/access.h"
#include "svsm/process/tpm_service.h"
#include "svsm/requests/call.h"
#include "svsm/requests/vtpm_request.h"

static_assert(sizeof(((struct guest *)0)->vtpm.request) == SVSM_VTPM_BUFFER_SIZE, "vTPM buffer");

static_assert(SVSM_VTPM_REQUEST_HEADER + SERVICE_TPM_BUFFER_SIZE == SVSM_VTPM_BUFFER_SIZE &&
                  SVSM_VTPM_RESPONSE_HEADER + SERVICE_TPM_BUFFER_SIZE <= SVSM_VTPM_BUFFER_SIZE,
              "what the TPM tells the guest");

#define KEEP_LEASE_EVERY ((int64_t)NANOSECONDS / 10)

/* The TPM's lock, and the other service's, which some commands need; nobody waits for them. */
static bool begin(struct guest *guest)
{
    if (!lock_try(&guest->attestation.lock))
        return false;
    if (lock_try(&guest->vtpm.lock))
        return true;
    lock_release(&guest->attestation.lock);
    return false;
}

static void end(struct guest *guest)
{
    uart_quiet(guest->proxy);
    lock_release(&guest->vtpm.lock);
    lock_release(&guest->attestation.lock);
}

static uint64_t execute(struct guest *guest, gpa_t buffer)
{
    uint8_t *response = guest->vtpm.response;
    struct vtpm_request request;
    size_t size;

    if (guest_read(&guest->ranges, guest->vtpm.request, buffer, sizeof(guest->vtpm.request)) !=
            STATUS_OK ||
        vtpm_request_decode(guest->vtpm.request, &request) != STATUS_OK)
        return SVSM_ERR_INVALID_PARAMETER;

    size = tpm_service_command(guest->tpm, guest->attest, request.locality, request.command,
                               request.size, response + SVSM_VTPM_RESPONSE_HEADER,
                               SERVICE_TPM_BUFFER_SIZE);
    if (size == 0)
        return SVSM_ERR_BUSY;
    put_le32(response, (uint32_t)size);
    if (guest_write(&guest->ranges, buffer, response, SVSM_VTPM_RESPONSE_HEADER + size) !=
        STATUS_OK)
        return SVSM_ERR_INVALID_ADDRESS;
    return SVSM_SUCCESS;
}

/*
 * While another vCPU's command is executed, or the KBS's answer to it has not arrived, this one is
 * told to come again, and runs meanwhile.
 */
static uint64_t send_command(struct guest *guest, gpa_t buffer)
{
    uint64_t result;

    if (!begin(guest))
        return SVSM_ERR_BUSY;
    result = execute(guest, buffer);
    end(guest);
    return result;
}

void vtpm_keep_lease(struct guest *guest, const struct clock *clock)
{
    uint64_t now = clock_now(clock);
    uint64_t since = now - __atomic_load_n(&guest->vtpm.lease_kept, __ATOMIC_RELAXED);

    if ((int64_t)since < KEEP_LEASE_EVERY || !begin(guest))
        return;
    __atomic_store_n(&guest->vtpm.lease_kept, now, __ATOMIC_RELAXED);
    tpm_service_pass_on(guest->tpm, guest->attest);
    end(guest);
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
