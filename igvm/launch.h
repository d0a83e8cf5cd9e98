/* SPDX-License-Identifier: MIT */
/*
 * Replays the launch of an image as the AMD secure processor sees it (SNP firmware ABI 56860,
 * SNP_LAUNCH_UPDATE), to compute the launch digest.
 */
#ifndef SNPVTPM_IGVM_LAUNCH_H
#define SNPVTPM_IGVM_LAUNCH_H

#include <stdio.h>

#include "igvm/image.h"
#include "lib/snp/launch_digest.h"

struct launch_options {
    uint32_t platform_mask;
    /*
     * Processors whose VMSA the host measures. 1, the boot processor, is what a host with SVSM
     * support does; mainline KVM measures all that the VM has, in reset state.
     */
    uint32_t vcpus;
    uint32_t cpu_signature; /* of those others: CPUID Fn1 EAX */
    FILE *listing;          /* one line for each page, or NULL */
};

/* Complains if the digest cannot be computed. */
MUST_CHECK enum tool_status launch_measure(const struct image *image,
                                           const struct launch_options *options,
                                           struct launch_digest *digest);

#endif
