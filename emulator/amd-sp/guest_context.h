/* SPDX-License-Identifier: MIT */
/*
 * What the AMD-SP knows about one guest (SNP firmware ABI 56860, "Guest context"). It holds the
 * guest's keys: wipe it with guest_context_wipe().
 */
#ifndef SNPVTPM_EMULATOR_AMD_SP_GUEST_CONTEXT_H
#define SNPVTPM_EMULATOR_AMD_SP_GUEST_CONTEXT_H

#include <stdint.h>

#include <openssl/crypto.h>

#include "lib/snp/launch_digest.h"
#include "lib/snp/report.h"
#include "lib/snp/secrets_page.h"

#define VMRK_SIZE       32
#define REPORT_ID_SIZE  32
#define HOST_DATA_SIZE  32
#define KEY_DIGEST_SIZE 48

enum guest_state {
    GUEST_INIT,    /* created */
    GUEST_LAUNCH,  /* started: pages may be loaded */
    GUEST_RUNNING, /* finished: guest messages are served */
};

/* IDBLOCK_KEY_SELECT of a derived key: whose digest is mixed in. */
enum identity_signer {
    IDENTITY_NONE = 0,
    IDENTITY_ID_KEY = 1,
    IDENTITY_AUTHOR_KEY = 2,
};

/* What the ID block and its authentication said; all zero without one. */
struct guest_identity {
    uint8_t family_id[16];
    uint8_t image_id[16];
    uint32_t guest_svn;
    enum identity_signer signer;
    uint8_t id_key_digest[KEY_DIGEST_SIZE];
    uint8_t author_key_digest[KEY_DIGEST_SIZE]; /* zero unless signer is the author key */
};

struct guest_context {
    enum guest_state state;
    uint64_t policy;
    uint32_t fms; /* CPUID Fn1 EAX of the machine */
    struct launch_digest digest;
    uint8_t vmpck[VMPCK_COUNT][VMPCK_SIZE];
    uint64_t message_count[VMPCK_COUNT]; /* sequence number of the last message, either way */
    uint8_t vmrk[VMRK_SIZE];
    uint8_t report_id[REPORT_ID_SIZE];
    uint8_t host_data[HOST_DATA_SIZE];
    struct guest_identity identity;
};

static inline void guest_context_wipe(struct guest_context *guest)
{
    OPENSSL_cleanse(guest, sizeof(*guest));
}

#endif
