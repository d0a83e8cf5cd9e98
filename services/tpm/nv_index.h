/* SPDX-License-Identifier: MIT */
/*
 * NV indices that this service puts into the TPM for everybody to read. The platform makes them, so
 * the TPM's owner can neither change nor remove them, and TPM2_Clear leaves them.
 *
 * All of this is for the time after a TPM2_Startup, while the platform's authorization is still
 * empty.
 */
#ifndef SNPVTPM_SERVICES_TPM_NV_INDEX_H
#define SNPVTPM_SERVICES_TPM_NV_INDEX_H

#include "services/tpm/engine_type.h"

#define NV_INDEX_DATA_MAX 1024 /* bytes */

/*
 * Sees to it that an index has these bytes, and cannot be written any more. What was there, under
 * anybody's authorization, has to go. What fails is logged; engine->failed may be set.
 */
void nv_index_install(struct engine *engine, uint32_t index, const uint8_t *bytes, size_t size);

/* Removes an index that the platform made; another one is its owner's, and stays. */
void nv_index_remove(struct engine *engine, uint32_t index);

/* TPMA_NV of an index, from a TPMS_NV_PUBLIC (part 2, 13.6). False: there is none. */
MUST_CHECK bool nv_index_attributes(struct engine *engine, uint32_t index, uint32_t *attributes);

#endif
