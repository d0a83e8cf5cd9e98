/* SPDX-License-Identifier: MIT */
/*
 * What tells the TPM of one lease from a copy of it under another one (docs/clones.md). The SVSM
 * attests it as the manifest of a service, and the TPM has it at an NV index. Integers are
 * big-endian:
 *
 *   "SVSMVOL1" || u8 volume_id[16] || u64 epoch || u64 generation || u8 ek_digest[48]
 */
#ifndef SNPVTPM_SERVICES_TPM_VOLUME_MANIFEST_H
#define SNPVTPM_SERVICES_TPM_VOLUME_MANIFEST_H

#include "services/tpm/engine_type.h"

#define VOLUME_MANIFEST_SIZE 88

/*
 * Of the range that TCG's Registry of Reserved TPM 2.0 Handles and Localities leaves to a TPM's
 * manufacturer, 0x01000000 to 0x013fffff: the TPM itself says this, and neither platform nor owner.
 * The last two bytes are "SV".
 */
#define VOLUME_MANIFEST_NV 0x01005356

/* Notes the lease under which the volume is open. */
void volume_manifest_take(struct engine *engine, const struct state_grant *grant);

/* False when there is no lease, or the endorsement keys are not known. */
MUST_CHECK bool volume_manifest_write(const struct engine *engine,
                                      uint8_t out[VOLUME_MANIFEST_SIZE]);

/* Sees to it that the NV index has it, as nv_index_install() does; or, without one, that it is not
 * there. */
void volume_manifest_install(struct engine *engine);

#endif
