/* SPDX-License-Identifier: MIT */
/*
 * Replays the launch of an image as the AMD secure processor sees it (SNP firmware ABI 56860,
 * SNP_LAUNCH_UPDATE), to compute the launch digest.
 */
#ifndef SNPVTPM_IGVM_LAUNCH_H
#define SNPVTPM_IGVM_LAUNCH_H

#include <stdio.h>

#include "igvm/tool.h"
#include "lib/igvm/image.h"
#include "lib/igvm/launch_pages.h"

struct launch_options {
    uint32_t platform_mask;
    /*
     * Processors whose VMSA the host measures. 1, the boot processor, is what a host with SVSM
     * support does; mainline KVM measures all that the VM has, in reset state.
     */
    uint32_t vcpus;
    uint32_t cpu_signature; /* of those others: CPUID Fn1 EAX */
};

/* The pages in the order in which they are measured. Complains on failure. The caller frees *pages
 * in any case. */
MUST_CHECK enum tool_status launch_list(const struct image *image,
                                        const struct launch_options *options,
                                        struct launch_pages *pages);

/*
 * Their launch digest. listing takes one line for each page with the digest after it, or is NULL.
 * Complains if the digest cannot be computed.
 */
MUST_CHECK enum tool_status launch_measure(const struct launch_pages *pages, FILE *listing,
                                           struct launch_digest *digest);

#endif
