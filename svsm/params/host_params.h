/* SPDX-License-Identifier: MIT */
/* Reading the two parameter pages that the host fills in: copied once, then checked. */
#ifndef SNPVTPM_SVSM_PARAMS_HOST_PARAMS_H
#define SNPVTPM_SVSM_PARAMS_HOST_PARAMS_H

#include <stdbool.h>

#include "lib/boot/boot_params.h"
#include "svsm/params/memory_map.h"

struct host_params {
    uint32_t vp_count; /* 1 to CPUS_MAX; for the guest's firmware only, nothing here relies on it */
    bool memory_is_shared; /* pages have to be made private before they are validated */
    struct memory_map memory;
};

/* Panics, with words, on a host whose answers the VM cannot start with. */
void host_params_read(struct host_params *host, const struct boot_params *params);

#endif
