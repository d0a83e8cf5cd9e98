/* SPDX-License-Identifier: MIT */
/*
 * What the volume keeps of the TPM's endorsement keys beside libtpms' state: the keys, so that
 * nobody need make them again, and their certificates. It is an object of its own, "tpm2-ek":
 *
 *   "EKR1" || struct ek_keys || certificates, as they travel (lib/ek/keys.h)
 */
#ifndef SNPVTPM_SERVICES_TPM_EK_RECORD_H
#define SNPVTPM_SERVICES_TPM_EK_RECORD_H

#include "lib/base/must_check.h"
#include "lib/ek/keys.h"

#include <stdbool.h>
#include <stddef.h>

struct ek_record {
    bool known; /* the keys are */
    struct ek_keys keys;
    size_t certificates_size; /* 0: there are none */
    uint8_t certificates[EK_CERTIFICATES_MAX];
};

#define EK_RECORD_MAX (4 + sizeof(struct ek_keys) + EK_CERTIFICATES_MAX)

/* Returns the size. */
size_t ek_record_write(const struct ek_record *record, uint8_t out[EK_RECORD_MAX]);

/* False, with nothing known, for what is none. */
MUST_CHECK bool ek_record_read(const uint8_t *bytes, size_t size, struct ek_record *record);

/* One certificate of those that travel together. */
struct ek_certificate {
    const uint8_t *der;
    size_t size;
};

/*
 * Takes certificates apart. False unless there is one of each kind, in its place, and each holds
 * the key that it is about.
 */
MUST_CHECK bool ek_certificates_read(const uint8_t *bytes, size_t size, const struct ek_keys *keys,
                                     struct ek_certificate certificates[EK_KINDS]);

#endif
