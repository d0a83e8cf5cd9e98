/* SPDX-License-Identifier: MIT */
/*
 * How a request ended: the line about it in the audit log, and the answer to the client, who learns
 * no more than a code.
 */
#ifndef SNPVTPM_KBS_PROTOCOL_OUTCOME_H
#define SNPVTPM_KBS_PROTOCOL_OUTCOME_H

#include "kbs/audit/audit.h"
#include "kbs/evidence/evidence.h"
#include "kbs/http/message.h"
#include "kbs/kbs.h"
#include "kbs/lease/lease.h"
#include "kbs/protocol/refusal.h"
#include "kbs/store/volumes.h"

/* What there is to tell; NULL for what there is not. Never a key, token, nonce or session. */
struct outcome {
    const char *event;  /* "auth", "attest", "release" */
    const char *result; /* "accepted", "refused", "released" */
    const char *reason; /* the code */
    const char *text;   /* what the code means */
    const char *detail; /* expected and found values */
    const char *profile;
    const char *operation; /* of a release request */
    const struct attested *attested;
    const char *policy, *image, *resource;
    const struct volume *volume;
    const struct lease_record *lease; /* after the request */
};

/*
 * Decides in a unit of work what becomes of a request: whether it is refused (*refusal, whose
 * status is 200 when not), and what more there is to tell in the outcome. It may also change what
 * goes with the decision. Anything but STORE_OK is the store's failure. It is called in the thread
 * of the audit log's writer, and again if that unit of work could not be committed.
 */
typedef enum store_status outcome_decision(struct store_unit *unit, void *context,
                                           struct refusal *refusal);

/*
 * Has decide decide, and appends the line that tells the decision, in one unit of work: what it
 * looked at cannot change before that is durable, and changes of the owner's are in the log either
 * before the line and known to it, or behind it. Returns when it is durable; the refusal is the
 * decision, or why there is none. outcome->result is what it is unless it is refused.
 */
MUST_CHECK struct refusal outcome_decide(const struct kbs *kbs, const struct http_request *request,
                                         struct outcome *outcome, outcome_decision *decide,
                                         void *context);

/* Answers with a refusal that is in the log already, or cannot be. */
void outcome_reply(struct http_reply *reply, const struct refusal *refusal);

/* Records outcome as refused for that reason, and answers with it. */
void outcome_refuse(const struct kbs *kbs, const struct http_request *request,
                    struct http_reply *reply, const struct refusal *refusal,
                    struct outcome *outcome);

/* "AMD SEV-SNP", or "EMULATED: NOT CONFIDENTIAL". */
const char *outcome_platform(enum platform platform);

#endif
