/* SPDX-License-Identifier: MIT */
/* Keys that a guest derives from the chip or from its own root (SNP firmware ABI 56860,
 * MSG_KEY_REQ). */
#ifndef SNPVTPM_EMULATOR_AMD_SP_DERIVED_KEY_H
#define SNPVTPM_EMULATOR_AMD_SP_DERIVED_KEY_H

#include <stdint.h>

#include "emulator/amd-sp/chip.h"
#include "emulator/amd-sp/guest_context.h"
#include "lib/snp/guest_message.h"

#define DERIVED_KEY_SIZE 32

/* root_key_select of the request. */
#define KEY_REQ_ROOT_VMRK (1u << 0)

/* GUEST_FIELD_SELECT. */
enum guest_field {
    FIELD_POLICY = 1u << 0,
    FIELD_IMAGE_ID = 1u << 1,
    FIELD_FAMILY_ID = 1u << 2,
    FIELD_MEASUREMENT = 1u << 3,
    FIELD_GUEST_SVN = 1u << 4,
    FIELD_TCB_VERSION = 1u << 5,
    FIELD_ALL = (1u << 6) - 1,
};

/* Derives the key of a request that has been checked. Returns false when libcrypto fails. */
MUST_CHECK bool derived_key(const struct chip *chip, const struct guest_context *guest,
                            const struct msg_key_req *request, uint8_t key[DERIVED_KEY_SIZE]);

#endif
