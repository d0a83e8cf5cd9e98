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
    ATTEST_ANCHOR = 4,
    ATTEST_RENEW = 5,
    ATTEST_RELEASE = 6,
    ATTEST_COMPLAIN = 7,
};

#define ATTEST_NONCE_SIZE 64

/* Status values of the channel, with the kernel's words for them; from 10 on, exit statuses of the
 * native front-end. */
#define ATTEST_FAILURES(F)                                                                         \
    F(MALFORMED_REQUEST, 1, "malformed request")                                                   \
    F(PROXY_SILENT, 2, "the proxy does not answer")                                                \
    F(PROTOCOL, 3, "the proxy or the KBS broke the protocol")                                      \
    F(KBS_REFUSED, 4, "the KBS refused")                                                           \
    F(KBS_UNREACHABLE, 5, "the proxy could not reach the KBS")                                     \
    F(AMD_SP, 6, "the AMD-SP refused")                                                             \
    F(SECRET_SIZE, 7, "the released secret is no 64-byte key")                                     \
    F(DECRYPT, 8, "the reply did not decrypt")                                                     \
    F(INTERNAL, 9, "it failed itself")                                                             \
    F(UNSIGNED, 10, "the key is not from a KBS that this image trusts")                            \
    F(KBS_BUSY, 11, "the KBS is busy")                                                             \
    F(KBS_ERROR, 12, "the KBS failed")                                                             \
    F(KBS_GATEWAY, 13, "a gateway does not reach the KBS")                                         \
    F(KBS_REDIRECT, 14, "the KBS's address redirects elsewhere")                                   \
    F(VERSION, 15, "no common version of a protocol")                                              \
    F(UNEXPLAINED, 16, "the proxy brings no key and does not say why")                             \
    F(PENDING, 17, "the same request goes on")                                                     \
    F(LEASE_LOST, 18, "the volume's lease was lost")

enum attest_status {
    ATTEST_STATUS_DONE = CHANNEL_STATUS_DONE,
#define F(name, value, words) ATTEST_STATUS_##name = (value),
    ATTEST_FAILURES(F)
#undef F
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
