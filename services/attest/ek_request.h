/* SPDX-License-Identifier: MIT */
/* Asking the KBS for certificates of the TPM's endorsement keys: docs/ek-certificates.md. */
#ifndef SNPVTPM_SERVICES_ATTEST_EK_REQUEST_H
#define SNPVTPM_SERVICES_ATTEST_EK_REQUEST_H

#include "lib/base/must_check.h"
#include "lib/ek/keys.h"
#include "lib/release/record.h"

/* Adds the TPM's keys, the digest that names it, and that of the certificates that it has. False
 * when OpenSSL fails. */
MUST_CHECK bool ek_request_add(const struct ek_request *ek, struct release_request *request);

#endif
