/* SPDX-License-Identifier: MIT */
/*
 * What QEMU and KVM demand of an SNP launch image beyond the file format, and what has to hold for
 * the digest computed from the file to be the one of the real launch (QEMU 10.2 and after
 * backends/igvm.c, target/i386/sev.c; Linux 7.3 arch/x86/kvm/svm/sev.c).
 */
#ifndef SNPVTPM_LIB_IGVM_KVM_RULES_H
#define SNPVTPM_LIB_IGVM_KVM_RULES_H

#include "lib/igvm/image.h"
#include "lib/snp/vmsa.h"

/* The first rule that the initial register state breaks, in words; NULL if it keeps all. */
const char *kvm_rule_broken_by_vmsa(const struct vmsa *vmsa);

/*
 * The first rule that an image breaks for the platform with this mask bit, in words; NULL if it
 * keeps all. Includes the rules for its VMSA.
 */
const char *kvm_rule_broken(const struct image *image, uint32_t platform_mask);

#endif
