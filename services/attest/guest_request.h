/* SPDX-License-Identifier: MIT */
/*
 * Guest requests to the AMD-SP under VMPCK0 (SNP firmware ABI 56860 chapter 7, GHCB 56421 4.1.7).
 *
 * AES-GCM is broken when one IV seals two plaintexts, and the sequence number is the IV. So a
 * message is sealed once, and resent byte for byte. When it is unclear whether the AMD-SP consumed
 * it, VMPCK0 is wiped and never used again. Certificates come from the host, and are not trusted.
 */
#ifndef SNPVTPM_SERVICES_ATTEST_GUEST_REQUEST_H
#define SNPVTPM_SERVICES_ATTEST_GUEST_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/must_check.h"
#include "lib/snp/report.h"
#include "lib/snp/secrets_page.h"
#include "services/attest/amd_sp.h"
#include "services/attest/attest_error.h"

#define GUEST_REQUEST_BUSY_RETRIES 100

struct guest_requester {
    struct amd_sp amd_sp;
    uint8_t vmpck0[VMPCK_SIZE];
    uint64_t next_seqno; /* of the next request: odd; 0 when VMPCK0 is wiped */
    struct amd_sp_request request;
    struct amd_sp_answer answer;
};

/* What a report request yields. The certificate table is raw, size 0 when the host gave none. */
struct attestation_evidence {
    uint8_t report[REPORT_SIZE];
    uint8_t certificates[AMD_SP_CERTIFICATES_SIZE];
    size_t certificates_size;
};

/* Copies vmpck0; the caller wipes its own. */
void guest_requester_init(struct guest_requester *requester, struct amd_sp amd_sp,
                          const uint8_t vmpck0[VMPCK_SIZE]);

/* Wipes VMPCK0: every later request fails with ATTEST_ERR_AMD_SP_DISABLED. */
void guest_requester_disable(struct guest_requester *requester);

/*
 * MSG_REPORT_REQ at VMPL 0, signed by the VCEK; with_certificates asks the host for them as well,
 * and goes on without when it has none or they do not fit. evidence holds nothing on error.
 */
MUST_CHECK enum attest_error guest_requester_get_report(struct guest_requester *requester,
                                                        const uint8_t report_data[REPORT_DATA_SIZE],
                                                        bool with_certificates,
                                                        struct attestation_evidence *evidence);

#endif
