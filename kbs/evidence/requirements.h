/* SPDX-License-Identifier: MIT */
/*
 * What evidence has to fulfil beside being genuine. A zeroed struct with requirements_strict() is
 * the default of everything.
 */
#ifndef SNPVTPM_KBS_EVIDENCE_REQUIREMENTS_H
#define SNPVTPM_KBS_EVIDENCE_REQUIREMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kbs/evidence/product.h"
#include "lib/snp/report.h"

#define CSP_ID_MAX   63 /* characters */
#define CSP_IDS_MAX  16
#define CHIP_IDS_MAX 1024

enum crl_mode {
    CRL_REQUIRED, /* a valid CRL must be had, from the source or the cache up to its nextUpdate */
    CRL_OFF,
};

/* An optional value that must be equal. */
struct wanted_bytes {
    bool set;
    uint8_t bytes[48];
};

struct mask64 {
    uint64_t must_be_set, must_be_clear;
};

struct requirements {
    uint32_t version_min, version_max; /* of the report: 3 to 5; 2 only when an owner says so */

    bool vcek, vlek; /* which keys may have signed */
    size_t csp_id_count;
    char csp_ids[CSP_IDS_MAX][CSP_ID_MAX + 1]; /* of a VLEK; at least one when vlek */
    enum crl_mode crl;
    bool masked_chip_id; /* a report whose CHIP_ID is masked may pass */

    bool product_allowed[PRODUCT_COUNT];
    struct tcb tcb_min[PRODUCT_COUNT]; /* of reported, committed, current and launch TCB */
    size_t chip_id_count;              /* 0: every chip */
    uint8_t (*chip_ids)[CHIP_ID_SIZE]; /* owned */

    bool debug, migration;      /* whether a guest policy may allow them */
    struct mask64 guest_policy; /* bits of POLICY */
    uint8_t abi_major_min, abi_minor_min;
    struct mask64 platform_info;
    struct mask64
        mitigations; /* of both mitigation vectors, which older reports than 5 lack: as 0 */
    bool provisional_firmware; /* committed TCB below the current one may pass */

    uint32_t guest_svn_min;
    struct wanted_bytes host_data; /* 32 bytes, as the next two 16 */
    struct wanted_bytes family_id, image_id;
    struct wanted_bytes id_key_digest, author_key_digest; /* 48 bytes */
};

/* Versions 3 to 5, VCEK only, CRL required, every product, no debugging, no migration. */
void requirements_strict(struct requirements *requirements);

void requirements_free(struct requirements *requirements);

#endif
