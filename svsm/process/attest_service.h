/* SPDX-License-Identifier: MIT */
/* The attestation service's operations (docs/service-abi.md). */
#ifndef SNPVTPM_SVSM_PROCESS_ATTEST_SERVICE_H
#define SNPVTPM_SVSM_PROCESS_ATTEST_SERVICE_H

#include "svsm/process/files.h"
#include "svsm/process/service.h"

/*
 * Starts the service with the proxy's UART, the AMD-SP, VMPCK0, the place for the state key, and
 * what the image says of the KBS (struct boot_kbs). It keeps them all for as long as it runs.
 */
MUST_CHECK enum status attest_service_start(struct service *service,
                                            const struct boot_service *image, struct uart *proxy,
                                            struct amd_sp *amd_sp, struct key_relay *key,
                                            struct constant *kbs);

/* Gets the state key released, or panics: no attestation, no state. */
void attest_service_fetch_key(struct service *service);

/* A report at VMPL0; both parts lie in the service's channel until its next call. */
struct attest_report {
    const uint8_t *report, *certificates;
    uint32_t report_size, certificates_size;
};

/* nonce: 64 bytes. REPORT_DATA of the report is SHA-512(nonce, manifest). */
MUST_CHECK enum status attest_service_report(struct service *service, const uint8_t *nonce,
                                             const uint8_t *manifest, size_t manifest_size,
                                             bool want_certificates, struct attest_report *report);

#endif
