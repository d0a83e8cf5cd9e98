/* SPDX-License-Identifier: MIT */
/*
 * The GHCB page (56421, section 2.6): one exchange with the host at a time.
 *
 *     ghcb_begin(link);
 *     GHCB_SET(link, rax, value);
 *     status = ghcb_exchange(link, code, info1, info2);
 *     if (status == STATUS_OK)
 *         status = GHCB_GET(link, rax, &value);
 *
 * The page is hostile memory: each answer is read once, after its valid bit was found set in the
 * copy of the bitmap that ghcb_exchange() took.
 */
#ifndef SNPVTPM_SVSM_SEV_GHCB_H
#define SNPVTPM_SVSM_SEV_GHCB_H

#include <stddef.h>
#include <stdint.h>

#include "lib/snp/ghcb.h"
#include "svsm/base/address.h"
#include "svsm/base/status.h"
#include "svsm/sev/shared_memory.h"

/* A vCPU's line to the host. */
struct ghcb_link {
    struct shared_pages page;
    uint8_t valid_bitmap[sizeof(((struct ghcb *)0)->valid_bitmap)]; /* the host's, copied */
};

/* Shares a page of private memory and registers it for this vCPU. */
MUST_CHECK enum status ghcb_init(struct ghcb_link *link, gpa_t page);

/* Registers a page that is shared already for this vCPU. */
MUST_CHECK enum status ghcb_use(struct ghcb_link *link);

/* The line of the vCPU that executes this, for devices, which every vCPU may have to drive. */
struct ghcb_link *ghcb_own(void);

/* Forgets the fields of the last exchange. */
void ghcb_begin(struct ghcb_link *link);

/* Gives the host a field of the save area. */
void ghcb_set(struct ghcb_link *link, size_t offset, uint64_t value);
#define GHCB_SET(link, field, value) ghcb_set(link, offsetof(struct ghcb, field), value)

/* Puts bytes into the shared buffer and points SW_SCRATCH there;
 * size <= GHCB_SHARED_BUFFER_SIZE. */
void ghcb_set_buffer(struct ghcb_link *link, const void *bytes, size_t size);

/*
 * Exits to the host. STATUS_HOST_REFUSED when it answers with an exception or an error,
 * STATUS_HOST_BROKE_PROTOCOL when its answer makes no sense.
 */
MUST_CHECK enum status ghcb_exchange(struct ghcb_link *link, uint64_t code, uint64_t info1,
                                     uint64_t info2);

/* An answer; STATUS_HOST_BROKE_PROTOCOL when the host did not mark it valid. */
MUST_CHECK enum status ghcb_get(struct ghcb_link *link, size_t offset, uint64_t *value);
#define GHCB_GET(link, field, value) ghcb_get(link, offsetof(struct ghcb, field), value)

/* Copies the start of the shared buffer. */
void ghcb_get_buffer(struct ghcb_link *link, void *bytes, size_t size);

#endif
