/* SPDX-License-Identifier: MIT */
/*
 * What the SVSM attests of its services for the guest (58019, chapters 7 and 8.3): a manifest of
 * each, and the table of them all. The SVSM reads none of it. docs/service-abi.md has the bytes.
 *
 * There are two services, the vTPM and, on a volume with a lease, that volume.
 */
#ifndef SNPVTPM_SERVICES_TPM_MANIFESTS_H
#define SNPVTPM_SERVICES_TPM_MANIFESTS_H

#include "lib/base/reader.h"
#include "lib/base/writer.h"
#include "services/tpm/engine_type.h"

enum manifest_status {
    MANIFEST_DONE,
    MANIFEST_UNKNOWN, /* no such service, or no such version of its manifest */
    MANIFEST_FAILED,  /* the TPM did not give what goes into it; logged */
};

/*
 * Writes what the SVSM asks for. request is empty for the table, or u8 guid[16] and u32 version,
 * which the guest chose. What is known of endorsement keys is as for ek_public().
 */
MUST_CHECK enum manifest_status manifests_answer(struct engine *engine, struct reader *request,
                                                 struct writer *body);

#endif
