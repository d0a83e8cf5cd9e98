/* SPDX-License-Identifier: MIT */
/* The secrets page (SNP firmware ABI 56860, SNP_LAUNCH_UPDATE; SVSM 58019, section 5). */
#ifndef SNPVTPM_LIB_SNP_SECRETS_PAGE_H
#define SNPVTPM_LIB_SNP_SECRETS_PAGE_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#define VMPCK_SIZE  32
#define VMPCK_COUNT 4

struct secrets_page {
    uint32_t version;
    uint32_t flags; /* bit 0 IMI_EN */
    uint32_t fms;   /* CPUID Fn1 EAX */
    uint32_t reserved_00c;
    uint8_t gosvw[16];
    uint8_t vmpck[VMPCK_COUNT][VMPCK_SIZE];
    uint8_t guest_area[96];
    uint8_t vmsa_tweak_bitmap[64];
    /* Written by the SVSM into its guest's copy. */
    uint64_t svsm_base;
    uint64_t svsm_size; /* 0: no SVSM */
    uint64_t svsm_caa;
    uint32_t svsm_max_version;
    uint8_t svsm_guest_vmpl;
    uint8_t reserved_15d[3];
    uint32_t tsc_factor;
    uint8_t reserved_164[0x1000 - 0x164];
};

static_assert(offsetof(struct secrets_page, vmpck) == 0x020, "secrets page");
static_assert(offsetof(struct secrets_page, guest_area) == 0x0A0, "secrets page");
static_assert(offsetof(struct secrets_page, svsm_base) == 0x140, "secrets page");
static_assert(offsetof(struct secrets_page, tsc_factor) == 0x160, "secrets page");
static_assert(sizeof(struct secrets_page) == 0x1000, "secrets page");

#endif
