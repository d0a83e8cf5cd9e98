/* SPDX-License-Identifier: MIT */
/*
 * The way to the AMD-SP: one page out, one page and the host's certificates back.
 *
 * The host carries the pages, so nothing that comes back is trusted here; guest_request.h checks
 * it.
 */
#ifndef SNPVTPM_SERVICES_ATTEST_AMD_SP_H
#define SNPVTPM_SERVICES_ATTEST_AMD_SP_H

#include <stdbool.h>

#include "lib/abi/attest_service.h"

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
