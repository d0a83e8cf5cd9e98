/* SPDX-License-Identifier: MIT */
/*
 * The launch digest that the AMD-SP builds while a guest is loaded, and that attestation reports
 * state as MEASUREMENT (SNP firmware ABI 56860, SNP_LAUNCH_UPDATE, PAGE_INFO).
 *
 * The emulated AMD-SP and the IGVM tools both compute it here. Host code only (libcrypto).
 */
#ifndef SNPVTPM_LIB_SNP_LAUNCH_DIGEST_H
#define SNPVTPM_LIB_SNP_LAUNCH_DIGEST_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/must_check.h"
#include "lib/snp/page.h"
#include "lib/snp/report.h"

/* The digest so far. A launch begins with all zeros; after the last page this is MEASUREMENT. */
struct launch_digest {
    uint8_t ld[LAUNCH_DIGEST_SIZE];
};

/*
 * Permission masks (enum rmp_permission) that a launched page grants to VMPL1 to VMPL3, as
 * launch_digest_update() takes them. KVM always passes 0.
 */
#define LAUNCH_PERMISSIONS(vmpl1, vmpl2, vmpl3)                                                    \
    ((uint32_t)(vmpl1) | (uint32_t)(vmpl2) << 8 | (uint32_t)(vmpl3) << 16)

/*
 * CONTENTS of PAGE_INFO for a page of this type: the digest of its PAGE_SIZE bytes of plaintext, or
 * zeros for the types whose contents are not measured (all but NORMAL and VMSA), for which page may
 * be NULL; it is borrowed only. Returns false for an unknown type, a missing page, or when
 * libcrypto fails.
 */
MUST_CHECK bool launch_digest_contents(enum snp_page_type type, const uint8_t *page,
                                       uint8_t contents[LAUNCH_DIGEST_SIZE]);

/*
 * Adds one 4 KiB page at gpa, of which CONTENTS is known. vmpl_permissions is made by
 * LAUNCH_PERMISSIONS(). Returns false, and leaves the digest as it was, for a gpa that is no
 * page's, masks beyond bit 23, or when libcrypto fails.
 */
MUST_CHECK bool launch_digest_extend(struct launch_digest *digest, enum snp_page_type type,
                                     uint64_t gpa, const uint8_t contents[LAUNCH_DIGEST_SIZE],
                                     uint32_t vmpl_permissions);

/* Both: adds one page, or returns false and leaves the digest as it was. */
MUST_CHECK bool launch_digest_update(struct launch_digest *digest, enum snp_page_type type,
                                     uint64_t gpa, const uint8_t *page, uint32_t vmpl_permissions);

#endif
