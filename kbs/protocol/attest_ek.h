/* SPDX-License-Identifier: MIT */
/* What of an attestation is about endorsement keys: the certificates that a CONFIRM brings back.
 * Inside kbs/protocol only. docs/ek-certificates.md. */
#ifndef SNPVTPM_KBS_PROTOCOL_ATTEST_EK_H
#define SNPVTPM_KBS_PROTOCOL_ATTEST_EK_H

#include "kbs/protocol/refusal.h"
#include "kbs/store/authorities.h"

#define EK_DETAIL_MAX 512

struct attestation;
struct outcome;

struct ek_given {
    uint8_t serial[CERTIFICATE_SERIAL_SIZE];
    size_t size;
    uint8_t der[EK_CERTIFICATE_MAX];
};

/* The certificates for the keys of a request. */
struct ek_turn {
    bool applies; /* there are some */
    bool stored;  /* and the store has them */
    bool sent;    /* the TPM has others: the answer brings these */
    uint8_t authority[SIGNING_KEY_ID_SIZE];
    struct ek_given given[EK_KINDS];
    char detail[EK_DETAIL_MAX]; /* for the audit log */
};

/*
 * Finds the certificates for the keys of a request whose state will be confirmed, or makes them, so
 * that the answer can be sealed beforehand. False, with the refusal, for what are no endorsement
 * keys.
 */
MUST_CHECK bool attestation_foresee_ek(struct attestation *attestation);

/*
 * A part of the unit of work that concludes the attestation, when the lease was applied: stores
 * what was made, or makes the reply anew with what another server stored meanwhile. The volume's
 * certificates for other keys are revoked. *refusal is as in outcome_decision.
 */
MUST_CHECK enum store_status attestation_apply_ek(struct attestation *attestation,
                                                  struct store_unit *unit, struct outcome *outcome,
                                                  struct refusal *refusal);

/* Writes the certificates as they travel (lib/ek/keys.h); returns the size, 0 when the answer
 * brings none. */
size_t attestation_ek_payload(const struct attestation *attestation,
                              uint8_t out[EK_CERTIFICATES_MAX]);

#endif
