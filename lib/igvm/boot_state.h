/* SPDX-License-Identifier: MIT */
/* The register states in which a launched processor may start. */
#ifndef SNPVTPM_LIB_IGVM_BOOT_STATE_H
#define SNPVTPM_LIB_IGVM_BOOT_STATE_H

#include "lib/snp/vmsa.h"

/*
 * 32-bit protected mode without paging, flat segments, interrupts off: entry in EIP, argument in
 * ESI. With paging off all memory accesses of an SNP guest are private.
 */
struct vmsa boot_state_protected_mode(uint32_t entry, uint32_t argument, uint64_t sev_features);

/*
 * A processor after reset, at F000:FFF0. signature is what reset leaves in EDX: CPUID Fn1 EAX of
 * the CPU model.
 */
struct vmsa boot_state_reset(uint32_t signature, uint64_t sev_features);

/* The same with CR0.NE, for the first processor of an image of plain firmware: others' measuring
 * tools demand it, and KVM takes both. */
struct vmsa boot_state_firmware(uint32_t signature, uint64_t sev_features);

#endif
