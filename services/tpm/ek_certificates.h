/* SPDX-License-Identifier: MIT */
/*
 * Certificates of the endorsement keys at the TCG's NV indices, where TPM tools look for them. The
 * platform makes these indices, so the TPM's owner can neither change nor remove them.
 */
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

/*
 * Sees to it that the indices have the certificates that are kept, after a TPM2_Startup, while the
 * platform's authorization is still empty. What fails is logged; engine->failed may be set.
 */
void ek_certificates_install(struct engine *engine);

#endif
