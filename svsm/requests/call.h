/* SPDX-License-Identifier: MIT */
/*
 * A call of the guest (58019, section 5): registers copied from the caller's VMSA, copied back
 * afterwards. The handlers return the value for RAX (enum svsm_result).
 */
#ifndef SNPVTPM_SVSM_REQUESTS_CALL_H
#define SNPVTPM_SVSM_REQUESTS_CALL_H

#include <stdint.h>

#include "lib/snp/svsm_abi.h"
#include "svsm/arch/rmp.h"
#include "svsm/guest/ranges.h"
#include "svsm/process/cpu.h"
#include "svsm/process/service.h"

/* All that the guest is and may use. */
struct guest {
    struct guest_ranges ranges;
    unsigned vmpl;
    struct service *attest, *tpm;
    struct uart *proxy; /* of the attestation service */
    /* Each with what it has of its own. */
    struct {
        struct lock lock;
        uint8_t request[PAGE_SIZE], response[PAGE_SIZE];
        uint64_t lease_kept; /* when it was looked at last */
    } vtpm;
    struct {
        struct lock lock;
        uint8_t manifest[PAGE_SIZE];
    } attestation;
    struct cpu *cpus;              /* CPUS_MAX; the first one runs */
    void (*enter)(void *argument); /* where another one starts, with its struct cpu */
};

/* Sets the locks up; the rest is for the caller to fill in. */
void guest_init(struct guest *guest);

struct svsm_call {
    uint32_t protocol, call;
    uint64_t rcx, rdx, r8;
    struct guest_vcpu *caller;
};

uint64_t core_protocol(struct guest *guest, struct svsm_call *call);
uint64_t attest_protocol(struct guest *guest, struct svsm_call *call);
uint64_t vtpm_protocol(struct guest *guest, struct svsm_call *call);

/* Does what is due for the volume's lease, if it is long enough since the last time. */
void vtpm_keep_lease(struct guest *guest, const struct clock *clock);

/* Calls of single subjects, for core_protocol(). */
uint64_t core_pvalidate(struct guest *guest, gpa_t list);
uint64_t core_create_vcpu(struct guest *guest, const struct svsm_call *call);
uint64_t core_delete_vcpu(struct guest *guest, const struct svsm_call *call);

/* The result for a PVALIDATE or RMPADJUST: an instruction that faulted says that the page is bad.
 */
static inline uint64_t svsm_rmp_result(enum rmp_result result)
{
    switch (result) {
    case RMP_DONE:
        return SVSM_SUCCESS;
    case RMP_FAULTED:
        return SVSM_ERR_INVALID_ADDRESS;
    default:
        return SVSM_ERR_PROTOCOL + (uint64_t)result;
    }
}

#endif
