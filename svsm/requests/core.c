/* SPDX-License-Identifier: MIT */
/* The core protocol (58019, chapter 7). */
#include "svsm/arch/memory.h"
#include "svsm/requests/call.h"

#define PROTOCOL_VERSION 1 /* of every protocol offered here */

#define VTOM_QUERY (1ull << 0)

/* Under the guest's lock, to write. */
static uint64_t move_ca(const struct guest_ranges *guest, struct guest_vcpu *vcpu, gpa_t caa)
{
    static const uint8_t zeros[CAA_PROTECTED_SIZE];

    if (caa.v == vcpu->caa.v)
        return SVSM_SUCCESS;
    if (caa.v != vcpu->launch_caa.v && !guest_pages_ok(guest, caa, PAGE_SIZE))
        return SVSM_ERR_INVALID_ADDRESS;
    if (guarded_write(caa, zeros, sizeof(zeros)) != STATUS_OK)
        return SVSM_ERR_INVALID_ADDRESS;
    vcpu->caa = caa;
    return SVSM_SUCCESS;
}

static uint64_t remap_ca(struct guest *guest, struct svsm_call *call)
{
    gpa_t caa = gpa(call->rcx);
    uint64_t result;

    if (!is_aligned(caa.v, PAGE_SIZE))
        return SVSM_ERR_INVALID_PARAMETER;
    lock_write(&guest->ranges.lock);
    result = move_ca(&guest->ranges, call->caller, caa);
    lock_write_release(&guest->ranges.lock);
    return result;
}

static uint64_t query_protocol(struct svsm_call *call)
{
    uint32_t protocol = (uint32_t)(call->rcx >> 32);
    uint32_t version = (uint32_t)call->rcx;
    bool known = protocol == SVSM_PROTOCOL_CORE || protocol == SVSM_PROTOCOL_ATTEST ||
                 protocol == SVSM_PROTOCOL_VTPM;

    call->rcx = known && version == PROTOCOL_VERSION
                    ? (uint64_t)PROTOCOL_VERSION << 32 | PROTOCOL_VERSION
                    : 0;
    return SVSM_SUCCESS;
}

static uint64_t configure_vtom(struct svsm_call *call)
{
    if (!(call->rcx & VTOM_QUERY))
        return SVSM_ERR_INVALID_REQUEST;
    call->rcx = 0;
    return SVSM_SUCCESS;
}

uint64_t core_protocol(struct guest *guest, struct svsm_call *call)
{
    switch (call->call) {
    case SVSM_CORE_REMAP_CA:
        return remap_ca(guest, call);
    case SVSM_CORE_PVALIDATE:
        return core_pvalidate(guest, gpa(call->rcx));
    case SVSM_CORE_CREATE_VCPU:
        return core_create_vcpu(guest, call);
    case SVSM_CORE_DELETE_VCPU:
        return core_delete_vcpu(guest, call);
    case SVSM_CORE_QUERY_PROTOCOL:
        return query_protocol(call);
    case SVSM_CORE_CONFIGURE_VTOM:
        return configure_vtom(call);
    default:
        return SVSM_ERR_UNSUPPORTED_CALL;
    }
}
