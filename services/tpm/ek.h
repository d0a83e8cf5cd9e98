/* SPDX-License-Identifier: MIT */
/*
 * The endorsement keys by which this TPM is identified: templates L-1, L-2 and H-3 of the TCG EK
 * Credential Profile 2.5, appendix B.
 *
 * They follow from the TPM's endorsement seed, so they are made once, and the volume keeps their
 * public halves (ek_record.h). Making them needs the endorsement hierarchy's password, a free slot
 * and a started TPM; on a copy of the state that nobody uses, none of this is in the way.
 */
#ifndef SNPVTPM_SERVICES_TPM_EK_H
#define SNPVTPM_SERVICES_TPM_EK_H

#include "lib/base/writer.h"
#include "services/tpm/engine_type.h"

/* Takes the keys from the volume. False when it has none. */
MUST_CHECK bool ek_load(struct engine *engine);

/* Makes the keys on a copy of the state, and saves them. libtpms must not run. If that fails, which
 * is logged, they are not known. */
void ek_make(struct engine *engine);

/* Has the volume keep engine->ek from the next state on that is stored. */
void ek_save(struct engine *engine);

/* Forgets the keys, and has the volume forget them with the next state: that of another seed. */
void ek_forget(struct engine *engine);

/*
 * Writes a key's TPMT_PUBLIC, at most EK_PUBLIC_MAX bytes, and returns TPM_RC_SUCCESS or the TPM's
 * code. Where the keys are not known, that takes a TPM2_CreatePrimary the first time: the TPM must
 * have been started up, have a free transient slot and an endorsement hierarchy whose authorization
 * is empty.
 */
MUST_CHECK uint32_t ek_public(struct engine *engine, enum ek_kind kind, struct writer *w);

/* The same as a TPM2B_PUBLIC, whose size is two bytes more. */
MUST_CHECK uint32_t ek_public_sized(struct engine *engine, enum ek_kind kind, struct writer *w);

#endif
