/* SPDX-License-Identifier: MIT */
/* One request to /attest on its way from a nonce to a grant. Used by attest.c and the files
 * that do a part of it. */
#ifndef SNPVTPM_KBS_PROTOCOL_ATTESTATION_H
#define SNPVTPM_KBS_PROTOCOL_ATTESTATION_H

#include "kbs/http/message.h"
#include "kbs/kbs.h"
#include "kbs/protocol/attest_ek.h"
#include "kbs/protocol/attest_lease.h"
#include "kbs/protocol/attest_request.h"
#include "kbs/protocol/grant.h"
#include "kbs/protocol/permit.h"
#include "kbs/protocol/refusal.h"
#include "kbs/protocol/rules.h"
#include "kbs/protocol/session.h"
#include "lib/release/record.h"

struct attestation {
    const struct kbs *kbs;
    const struct http_request *request;

    struct session_nonce nonce; /* the session's */
    struct attest_request sent;
    struct release_advert advert; /* of the nonce, as the next two for DIALECT_SIGNED only */
    struct release_request asked;
    EVP_PKEY *signer;

    bool has_volume; /* that the session is about */
    struct volume volume;
    enum refusal_kind volume_problem; /* why its key may not be released by these rules */
    struct rules rules;

    struct finding finding;
    struct refusal denial; /* by the rules; the signed record tells; code is NULL when it is not */
    struct lease_turn lease;
    struct ek_turn ek;
    struct grant grant;

    const char *session;    /* id of the one that gets the grant */
    char *token;            /* for who attested; owned */
    struct permit permit;   /* at the end, when all that takes its time is done */
    struct refusal refusal; /* why it ends here; code is NULL as long as it does not */
    bool recorded;          /* the audit log has it, or cannot have it */
    char detail[sizeof(struct policy_error)];
};

/* Ends the attestation with a refusal; returns false. detail is as of printf, or NULL. */
__attribute__((format(printf, 3, 4))) bool attestation_refuse(struct attestation *attestation,
                                                              struct refusal refusal,
                                                              const char *detail, ...);

/* attest_volume.c: picks the volume that a session of the first two dialects is about. */
MUST_CHECK bool attestation_pick_volume(struct attestation *attestation, struct store_unit *unit);

/* attest_volume.c: makes the reply that such a session gets for its resource. Keys are read in the
 * unit, or in one of its own when that is NULL. */
MUST_CHECK bool attestation_make_reply(struct attestation *attestation, struct store_unit *unit);

#endif
