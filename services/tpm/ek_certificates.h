/* SPDX-License-Identifier: MIT */
/* Certificates of the endorsement keys at the TCG's NV indices, where TPM tools look for them. */
#ifndef SNPVTPM_SERVICES_TPM_EK_CERTIFICATES_H
#define SNPVTPM_SERVICES_TPM_EK_CERTIFICATES_H

#include "lib/base/writer.h"
#include "services/tpm/engine_type.h"

/* Writes a struct ek_request, where the keys are known. */
MUST_CHECK bool ek_request_write(const struct ek_record *ek, struct writer *w);

/*
 * Keeps the certificates that a KBS gave. False, having said so, for what are none of this
 * TPM's; then those that were there before stay.
 */
MUST_CHECK bool ek_certificates_keep(struct engine *engine, const uint8_t *bytes, size_t size);

/* Sees to it that the indices have the certificates that are kept, as nv_index_install() does. */
void ek_certificates_install(struct engine *engine);

#endif
