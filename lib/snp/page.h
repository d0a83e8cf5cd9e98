/* SPDX-License-Identifier: MIT */
/* Pages, launch page types, VMPL permissions of SEV-SNP (ABI 56860; APM vol. 2, 15.36). */
#ifndef SNPVTPM_LIB_SNP_PAGE_H
#define SNPVTPM_LIB_SNP_PAGE_H

#include <stdint.h>

#define PAGE_SHIFT       12
#define PAGE_SIZE        0x1000ul
#define PAGE_MASK        (~(PAGE_SIZE - 1))
#define LARGE_PAGE_SHIFT 21
#define LARGE_PAGE_SIZE  0x200000ul
#define LARGE_PAGE_MASK  (~(LARGE_PAGE_SIZE - 1))

/* The GPA at which KVM has VMSAs measured; it exists in no memory map. */
#define VMSA_LAUNCH_GPA 0xFFFFFFFFF000ull

#define VMPL_COUNT 4

/* SNP_LAUNCH_UPDATE page types, also PAGE_INFO.PAGE_TYPE (56860, SNP_LAUNCH_UPDATE). */
enum snp_page_type {
    SNP_PAGE_NORMAL = 1,
    SNP_PAGE_VMSA = 2,
    SNP_PAGE_ZERO = 3,
    SNP_PAGE_UNMEASURED = 4,
    SNP_PAGE_SECRETS = 5,
    SNP_PAGE_CPUID = 6,
};

/* RMP permission mask, RMPADJUST RDX[15:8] (APM vol. 3, RMPADJUST). */
enum rmp_permission {
    RMP_READ = 1u << 0,
    RMP_WRITE = 1u << 1,
    RMP_EXECUTE_USER = 1u << 2,
    RMP_EXECUTE_SUPERVISOR = 1u << 3,
    RMP_ALL = 0xF,
};

/* RMPADJUST RDX: target VMPL [7:0], permission mask [15:8], VMSA [16]. */
#define RMPADJUST_PERMISSIONS_SHIFT 8
#define RMPADJUST_VMSA              (1ull << 16)

/* Return codes of PVALIDATE, RMPADJUST and RMPQUERY in EAX. */
enum rmp_status {
    RMP_SUCCESS = 0,
    RMP_FAIL_INPUT = 1,
    RMP_FAIL_PERMISSION = 2,
    RMP_FAIL_SIZEMISMATCH = 6,
};

#endif
