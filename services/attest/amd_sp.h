/* SPDX-License-Identifier: MIT */
/*
 * The way to the AMD-SP: one page out, one page and the host's certificates back.
 *
 * The host carries the pages, so nothing that comes back is trusted here; guest_request.h checks
 * it.
 */
#ifndef SNPVTPM_SERVICES_ATTEST_AMD_SP_H
#define SNPVTPM_SERVICES_ATTEST_AMD_SP_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/snp/guest_message.h"

#define AMD_SP_CERTIFICATE_PAGES 4
#define AMD_SP_CERTIFICATES_SIZE (AMD_SP_CERTIFICATE_PAGES * 4096)

enum amd_sp_kind {
    AMD_SP_GUEST_REQUEST = 0,
    AMD_SP_EXT_GUEST_REQUEST = 1, /* with certificates */
};

/* What the descriptor is written, then read, as docs/service-abi.md lays it out. */
struct amd_sp_request {
    uint32_t kind;
    uint32_t certificate_pages;
    uint8_t message[GUEST_MESSAGE_SIZE];
};

struct amd_sp_answer {
    uint64_t exitinfo2; /* SW_EXITINFO2 of the GHCB; the rest means something only when it is 0 */
    uint64_t rbx;
    uint8_t message[GUEST_MESSAGE_SIZE];
    uint8_t certificates[AMD_SP_CERTIFICATES_SIZE]; /* as many pages as were offered */
};

static_assert(sizeof(struct amd_sp_request) == 8 + 4096, "AMD-SP descriptor");
static_assert(offsetof(struct amd_sp_answer, certificates) == 16 + 4096, "AMD-SP descriptor");

/* exchange() returns false when the AMD-SP cannot be reached; pause() waits between two retries. */
struct amd_sp {
    bool (*exchange)(void *context, const struct amd_sp_request *request,
                     struct amd_sp_answer *answer);
    void (*pause)(void *context);
    void *context;
};

/* The AMD-SP behind a descriptor, which the caller keeps open and *fd alive. */
struct amd_sp amd_sp_on_descriptor(int *fd);

#endif
