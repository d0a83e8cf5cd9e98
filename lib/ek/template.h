/* SPDX-License-Identifier: MIT */
/* The templates by which endorsement keys are made, of the TCG EK Credential Profile 2.5,
 * appendix B: TPMT_PUBLIC of each kind. */
#ifndef SNPVTPM_LIB_EK_TEMPLATE_H
#define SNPVTPM_LIB_EK_TEMPLATE_H

#include "lib/base/writer.h"
#include "lib/ek/keys.h"

#define EK_PUBLIC_MAX 512 /* bytes of a TPMT_PUBLIC */

/* The template that TPM2_CreatePrimary takes. */
MUST_CHECK bool ek_template_write(struct writer *w, enum ek_kind kind);

/* The TPMT_PUBLIC of a kind's key. */
MUST_CHECK bool ek_public_write(struct writer *w, enum ek_kind kind, const struct ek_keys *keys);

/*
 * Reads the key out of a TPMT_PUBLIC, to its place in *keys. False when it is not of this kind's
 * template, in which nothing but the key is free.
 */
MUST_CHECK bool ek_public_read(const uint8_t *bytes, size_t size, enum ek_kind kind,
                               struct ek_keys *keys);

#endif
