/* SPDX-License-Identifier: MIT */
/*
 * What a client of a load sends to /attest, in each dialect, and how it opens the reply. It is its
 * own chip too: the reports are signed here with the VCEK of an emulated one, over any measurement.
 */
#ifndef SNPVTPM_TESTS_LOAD_PROOF_H
#define SNPVTPM_TESTS_LOAD_PROOF_H

#include <jansson.h>

#include "emulator/amd-sp/chip.h"
#include "services/attest/release_reply.h"
#include "tests/load/identity.h"

enum dialect {
    DIALECT_COCONUT, /* as COCONUT-SVSM's proxy asks */
    DIALECT_SIGNED,  /* the same, for a signed release record */
    DIALECT_COCO,    /* as Trustee's clients ask */
};

/* What a client has for its lifetime. Borrows chip and terms. */
struct prover {
    const struct chip *chip;
    const struct release_terms *terms; /* with the pinned key for DIALECT_SIGNED, else with none */
    enum dialect dialect;
    struct identity identity;
    EVP_PKEY *key; /* on P-521; as an owner's TEE key it would be new each time */
    struct p521_point point;
    uint8_t report_id[RELEASE_REPORT_ID_SIZE]; /* which VM of that image it is */
    struct release_request request;            /* with DIALECT_SIGNED: what it asks for */
};

/* What it has for one attestation. */
struct proof {
    struct release_context release;
    struct snp_report report;
};

/* Makes a key, and asks for the volume's; false when OpenSSL fails. prover_end in any case. */
MUST_CHECK bool prover_start(struct prover *prover, unsigned number);
void prover_end(struct prover *prover);

/* The body of /attest over the base64 nonce, which the caller frees; NULL when the nonce is not
 * one of this dialect, or OpenSSL or the memory fails. */
MUST_CHECK char *prover_attestation(const struct prover *prover, const char *nonce,
                                    struct proof *proof);

/* Decrypts a flattened JWE to the prover's key, with the checks that an SVSM makes. */
MUST_CHECK bool proof_open(const struct proof *proof, const json_t *jwe,
                           uint8_t secret[IDENTITY_SECRET_SIZE]);

/* With DIALECT_SIGNED the record, too, whatever its status; ATTEST_OK when the secret came. */
MUST_CHECK enum attest_error proof_read(const struct proof *proof, const json_t *jwe,
                                        struct release_record *record,
                                        uint8_t secret[IDENTITY_SECRET_SIZE]);

#endif
