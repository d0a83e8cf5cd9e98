/* SPDX-License-Identifier: MIT */
/* What the kernel asks the host for (56421, section 4.1), one function an event. */
#ifndef SNPVTPM_SVSM_SEV_GHCB_CALLS_H
#define SNPVTPM_SVSM_SEV_GHCB_CALLS_H

#include <stddef.h>
#include <stdint.h>

#include "svsm/sev/ghcb.h"

/* Port I/O; size 1, 2 or 4 bytes. */
MUST_CHECK enum status ghcb_io_in(struct ghcb_link *link, uint16_t port, unsigned size,
                                  uint32_t *value);
MUST_CHECK enum status ghcb_io_out(struct ghcb_link *link, uint16_t port, unsigned size,
                                   uint32_t value);

/* count bytes to or from one port in one exit; count <= GHCB_SHARED_BUFFER_SIZE. */
MUST_CHECK enum status ghcb_io_out_bytes(struct ghcb_link *link, uint16_t port, const void *bytes,
                                         size_t count);
MUST_CHECK enum status ghcb_io_in_bytes(struct ghcb_link *link, uint16_t port, void *bytes,
                                        size_t count);

/* 32-bit access to a device register. */
MUST_CHECK enum status ghcb_mmio_read(struct ghcb_link *link, gpa_t address, uint32_t *value);
MUST_CHECK enum status ghcb_mmio_write(struct ghcb_link *link, gpa_t address, uint32_t value);

/*
 * Asks for a state change of count pages. Success means only that the host says so: PVALIDATE and
 * the first access decide.
 */
MUST_CHECK enum status ghcb_page_state(struct ghcb_link *link, gpa_t start, size_t count,
                                       enum psc_operation operation);

/* A guest request: pages are shared. */
struct ghcb_guest_request {
    gpa_t request, response;
    bool extended; /* also ask for certificates */
    gpa_t certificates;
    uint64_t certificate_pages;
    uint64_t exitinfo2; /* out: firmware status, VMM error */
    uint64_t rbx;       /* out: pages that certificates need */
};

MUST_CHECK enum status ghcb_guest_request(struct ghcb_link *link,
                                          struct ghcb_guest_request *request);

/* Names the VMSA that the host runs at vmpl on the vCPU of apic_id. */
enum ap_creation {
    AP_CREATE_ON_INIT = 0, /* from its next INIT or run on */
    AP_CREATE = 1,         /* at once */
};
MUST_CHECK enum status ghcb_ap_creation(struct ghcb_link *link, enum ap_creation when, gpa_t vmsa,
                                        unsigned vmpl, uint32_t apic_id, uint64_t sev_features);

#endif
