/* SPDX-License-Identifier: MIT */
#include "svsm/sev/msr_protocol.h"

#include "lib/snp/vmsa.h"
#include "svsm/arch/cpu.h"

#define VERSION                2
#define SEV_INFO_MAX_SHIFT     48
#define SEV_INFO_MIN_SHIFT     32
#define PSC_OPERATION_SHIFT    52
#define RUN_VMPL_SHIFT         32
#define RESPONSE_ERROR_SHIFT   32
#define TERMINATE_REASON_SHIFT 16
#define DATA_SHIFT             12

static bool is_response(uint64_t response, enum ghcb_msr code)
{
    return (response & GHCB_MSR_INFO_MASK) == (uint64_t)code;
}

void msr_protocol_negotiate(void)
{
    uint64_t info = vmgexit(GHCB_MSR_SEV_INFO_REQ);
    uint16_t max = (uint16_t)(info >> SEV_INFO_MAX_SHIFT);
    uint16_t min = (uint16_t)(info >> SEV_INFO_MIN_SHIFT);

    if (!is_response(info, GHCB_MSR_SEV_INFO_RESP))
        msr_protocol_terminate(TERMINATE_GENERAL);
    if (min > VERSION || max < VERSION)
        msr_protocol_terminate(TERMINATE_PROTOCOL_RANGE);
}

enum status msr_protocol_host_features(uint64_t *features)
{
    uint64_t response = vmgexit(GHCB_MSR_HV_FEATURES_REQ);

    *features = response >> DATA_SHIFT;
    return is_response(response, GHCB_MSR_HV_FEATURES_RESP) ? STATUS_OK
                                                            : STATUS_HOST_BROKE_PROTOCOL;
}

enum status msr_protocol_register_ghcb(gpa_t page)
{
    uint64_t response = vmgexit(page.v | GHCB_MSR_REGISTER_GPA_REQ);

    return response == (page.v | GHCB_MSR_REGISTER_GPA_RESP) ? STATUS_OK : STATUS_HOST_REFUSED;
}

void msr_protocol_page_state(gpa_t page, enum psc_operation operation)
{
    uint64_t response =
        vmgexit(page.v | (uint64_t)operation << PSC_OPERATION_SHIFT | GHCB_MSR_PSC_REQ);

    if (!is_response(response, GHCB_MSR_PSC_RESP) || response >> DATA_SHIFT != 0)
        msr_protocol_terminate(TERMINATE_GENERAL);
}

enum status msr_protocol_run_vmpl(unsigned vmpl)
{
    uint64_t response = vmgexit((uint64_t)vmpl << RUN_VMPL_SHIFT | GHCB_MSR_RUN_VMPL_REQ);

    if (!is_response(response, GHCB_MSR_RUN_VMPL_RESP))
        return STATUS_HOST_BROKE_PROTOCOL;
    return response >> RESPONSE_ERROR_SHIFT == 0 ? STATUS_OK : STATUS_HOST_REFUSED;
}

void msr_protocol_terminate(enum terminate_reason reason)
{
    vmgexit((uint64_t)reason << TERMINATE_REASON_SHIFT | GHCB_MSR_TERM_REQ);
    cpu_halt_forever();
}
