/* SPDX-License-Identifier: MIT */
/*
 * Release records: what an SVSM asks of the KBS behind the advert in its challenge ("SVXQ"), and
 * the KBS's signed answer in the protected header of the JWE ("SVXR", member "svsm-rel").
 *
 * Both are TLVs: type u16be, length u16be, value; types strictly ascending, none twice; unknown
 * types from 0x8000 on are refused, others passed over. docs/release-records.md lays them out.
 */
#ifndef SNPVTPM_LIB_RELEASE_RECORD_H
#define SNPVTPM_LIB_RELEASE_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/types.h>

#include "lib/base/must_check.h"
#include "lib/release/advert.h"
#include "lib/release/pin.h"

#define RELEASE_VOLUME_ID_SIZE 16
#define RELEASE_DIGEST_SIZE    48 /* SHA-384 */
#define RELEASE_STATE_SIZE     56 /* counter u64be, root[48] */
#define RELEASE_SIGNATURE_SIZE 96 /* r, s of ECDSA P-384, big-endian */
#define RELEASE_RECORD_MAX     1024
#define RELEASE_EK_KEYS_SIZE   424 /* lib/ek/keys.h */

/* What each one does to the lease of a volume is in docs/anchoring.md. */
enum release_op {
    RELEASE_OP_PROBE = 0,    /* status only, no key */
    RELEASE_OP_ACQUIRE = 1,  /* the key; and the lease, for a request with a sequence number */
    RELEASE_OP_CONFIRM = 2,  /* a first state under this lease is on the disk */
    RELEASE_OP_ANCHOR = 3,   /* a further one is */
    RELEASE_OP_RENEW = 4,    /* the lease is still in use */
    RELEASE_OP_RELEASE = 5,  /* it is not in use any more */
    RELEASE_OP_COMPLAIN = 6, /* the disk does not show the committed state */
};

#define RELEASE_LEASE_SIZE     16
#define RELEASE_REPORT_ID_SIZE 32

/* Bits of a record's policy flags: one of the first three, and any of the others. */
#define RELEASE_FLAG_STRICT     0x01 /* each change of the state is anchored before its answer */
#define RELEASE_FLAG_CLASSED    0x02 /* those that matter are, others in batches */
#define RELEASE_FLAG_BOOT       0x04 /* the first state of each boot is, and the last */
#define RELEASE_FLAG_REKEY      0x08 /* there are two keys: change over to the second */
#define RELEASE_FLAG_SAME_EPOCH 0x10 /* a later state of the committed one's epoch opens, too */
#define RELEASE_FLAG_MANUFACTURE                                                                   \
    0x20                        /* a blank disk gets a new TPM, as nothing is committed yet        \
                                 */
#define RELEASE_FLAG_ADOPT 0x40 /* the state on the disk is taken, as nothing is committed */
#define RELEASE_FLAG_EPHEMERAL                                                                     \
    0x80 /* where the volume does not open, the guest has a TPM without */

enum release_status {
    RELEASE_STATUS_OK = 0,
    RELEASE_STATUS_BUSY = 1,
    RELEASE_STATUS_SUPERSEDED = 2,
    RELEASE_STATUS_STALE = 3,
    RELEASE_STATUS_DENIED = 4,
    RELEASE_STATUS_FROZEN = 5,
    RELEASE_STATUS_RETRY = 6,
    RELEASE_STATUS_UNKNOWN_VOLUME = 7,
};

/* What behind the advert an SVSM asks. */
struct release_request {
    uint8_t op;
    bool has_volume; /* else the KBS takes the one volume of the image */
    uint8_t volume[RELEASE_VOLUME_ID_SIZE];
    bool has_kid; /* the key to sign with, when the advertised one is not pinned */
    uint8_t kid[RELEASE_KID_SIZE];
    /* Of a VM that keeps leases. Sequence numbers rise from request to request. */
    bool has_sequence, has_epoch, has_lease, has_from, has_to, has_ek_digest, has_key_version;
    uint64_t sequence, epoch;
    uint8_t lease[RELEASE_LEASE_SIZE];
    uint8_t from[RELEASE_STATE_SIZE], to[RELEASE_STATE_SIZE];
    uint8_t ek_digest[RELEASE_DIGEST_SIZE];
    uint32_t key_version; /* of the key under which "to" is */
    /* With CONFIRM: the TPM's endorsement keys (struct ek_keys), whose certificates are wanted
     * unless they are those with this digest. */
    bool has_ek_keys, has_ek_certificates;
    uint8_t ek_keys[RELEASE_EK_KEYS_SIZE];
    uint8_t ek_certificates[RELEASE_DIGEST_SIZE];
};

/* What the KBS signs. Optional fields are absent unless their has_ is set. */
struct release_record {
    uint8_t op;
    bool has_volume;
    uint8_t volume[RELEASE_VOLUME_ID_SIZE];
    uint8_t status;
    bool has_epoch, has_lease, has_ttl, has_committed, has_key_version, has_flags;
    bool has_retry_after, has_generation, has_cek_commit;
    uint64_t epoch;
    uint8_t lease[RELEASE_LEASE_SIZE];
    uint32_t ttl; /* seconds */
    uint8_t committed[RELEASE_STATE_SIZE];
    uint8_t random[RELEASE_RANDOM_SIZE];        /* of the advert */
    uint8_t report_digest[RELEASE_DIGEST_SIZE]; /* SHA-384 of the report's signed part */
    uint8_t key_digest[RELEASE_DIGEST_SIZE];    /* SHA-384 of x || y of the SVSM's key */
    uint8_t cek_commit[RELEASE_DIGEST_SIZE];
    uint32_t key_version, flags;
    uint32_t retry_after; /* seconds */
    uint64_t generation;
    /* With a committed state: its epoch, when states of that epoch may open, too. */
    bool has_committed_epoch;
    uint64_t committed_epoch;
    /* With BUSY: who has the lease, and for how many seconds. */
    bool has_holder, has_held_for;
    uint8_t holder[RELEASE_REPORT_ID_SIZE];
    uint32_t held_for;
};

/* Writes advert-as-received || "SVXQ" || length || TLVs: the challenge that the SVSM binds and
 * sends. out has room for RELEASE_CHALLENGE_MAX. Returns the size. */
size_t release_request_write(const uint8_t advert[RELEASE_ADVERT_SIZE],
                             const struct release_request *request, uint8_t *out);

/* Parses what follows the advert in a challenge; false when anything is not as it must be. */
MUST_CHECK bool release_request_parse(const uint8_t *bytes, size_t size,
                                      struct release_request *request);

/* Encodes and signs; out has room for RELEASE_RECORD_MAX. False when OpenSSL fails or key is not a
 * P-384 key pair. */
MUST_CHECK bool release_record_sign(EVP_PKEY *key, const struct release_record *record,
                                    uint8_t *out, size_t *size);

enum release_open_status {
    RELEASE_OPEN_OK,
    RELEASE_OPEN_MALFORMED,
    RELEASE_OPEN_UNTRUSTED, /* no pinned key signed it */
    RELEASE_OPEN_FAILED,    /* OpenSSL could not work */
};

/* Verifies the signature under one of the pins, then parses. */
MUST_CHECK enum release_open_status release_record_open(const struct release_pin *pins,
                                                        size_t count, const uint8_t *bytes,
                                                        size_t size, struct release_record *record);

/* SHA-384("SVSM-KBS-CEK-V1" || 0 || CEK of 32 bytes). */
MUST_CHECK bool release_cek_commit(const uint8_t cek[32], uint8_t commit[RELEASE_DIGEST_SIZE]);

#endif
