/* SPDX-License-Identifier: MIT */
/* The attestation service as kernel and service see it (docs/service-abi.md). */
#ifndef SNPVTPM_LIB_ABI_ATTEST_SERVICE_H
#define SNPVTPM_LIB_ABI_ATTEST_SERVICE_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/abi/channel.h"
#include "lib/snp/guest_message.h"

enum attest_descriptor {
    ATTEST_FD_PROXY = 4,
    ATTEST_FD_AMD_SP = 5,
    ATTEST_FD_VMPCK0 = 6,
    ATTEST_FD_STATE_KEY = 7,
    ATTEST_FD_KBS = 8,
};

enum attest_operation {
    ATTEST_FETCH_KEY = 1,
    ATTEST_REPORT = 2,
    ATTEST_CONFIRM = 3,
};

#define ATTEST_NONCE_SIZE 64

/* Status values of the channel and, from 10 on, exit statuses of the native front-end. */
enum attest_status {
    ATTEST_STATUS_DONE = CHANNEL_STATUS_DONE,
    ATTEST_STATUS_MALFORMED_REQUEST = 1,
    ATTEST_STATUS_PROXY_SILENT = 2,
    ATTEST_STATUS_PROTOCOL = 3,
    ATTEST_STATUS_KBS_REFUSED = 4,
    ATTEST_STATUS_KBS_UNREACHABLE = 5,
    ATTEST_STATUS_AMD_SP = 6,
    ATTEST_STATUS_SECRET_SIZE = 7,
    ATTEST_STATUS_DECRYPT = 8,
    ATTEST_STATUS_INTERNAL = 9,
    ATTEST_STATUS_UNSIGNED = 10,
    ATTEST_STATUS_KBS_BUSY = 11,
    ATTEST_STATUS_KBS_ERROR = 12,
    ATTEST_STATUS_KBS_GATEWAY = 13,
    ATTEST_STATUS_KBS_REDIRECT = 14,
    ATTEST_STATUS_VERSION = 15,
    ATTEST_STATUS_UNEXPLAINED = 16,
};

#define AMD_SP_CERTIFICATE_PAGES 4
#define AMD_SP_CERTIFICATES_SIZE (AMD_SP_CERTIFICATE_PAGES * 4096)

enum amd_sp_kind {
    AMD_SP_GUEST_REQUEST = 0,
    AMD_SP_EXT_GUEST_REQUEST = 1, /* with certificates */
};

/* What the AMD-SP's descriptor is written, then read. */
struct amd_sp_request {
    uint32_t kind;
    uint32_t certificate_pages;
    uint8_t message[GUEST_MESSAGE_SIZE];
};

struct amd_sp_answer {
    uint64_t exitinfo2; /* SW_EXITINFO2 of the GHCB; the rest means something only when it is 0 */
    uint64_t rbx;
    uint8_t message[GUEST_MESSAGE_SIZE];
    uint8_t certificates[AMD_SP_CERTIFICATES_SIZE]; /* as many pages as were offered */
};

static_assert(sizeof(struct amd_sp_request) == 8 + 4096, "AMD-SP descriptor");
static_assert(offsetof(struct amd_sp_answer, certificates) == 16 + 4096, "AMD-SP descriptor");

#endif
