/* SPDX-License-Identifier: MIT */
/* The secrets page that the AMD-SP gave this VM: the keys for messages to the AMD-SP. */
#ifndef SNPVTPM_SVSM_SEV_SECRETS_H
#define SNPVTPM_SVSM_SEV_SECRETS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/snp/secrets_page.h"
#include "svsm/base/address.h"

/* What the guest's copy says about its SVSM. */
struct secrets_svsm {
    uint64_t base, size; /* the SVSM's region */
    uint64_t caa;        /* calling area of the first vCPU */
    uint8_t guest_vmpl;
};

/* Remembers where the page is; it stays there, in the SVSM's own memory. */
void secrets_init(gpa_t page);

/* Hands VMPCK0 out, once: the second call finds it wiped and returns false. */
bool secrets_take_vmpck0(uint8_t key[VMPCK_SIZE]);

/* Fills in the guest's copy: without the keys of the VMPLs below its own (58019, section 5). */
void secrets_copy_for_guest(struct secrets_page *copy, const struct secrets_svsm *svsm);

/* Wipes the page. */
void secrets_wipe(void);

#endif
