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
};

/* Appends a line about it; returns when it is durable, together with what also does (may be NULL).
 */
MUST_CHECK enum store_status outcome_record(const struct kbs *kbs,
                                            const struct http_request *request,
                                            const struct outcome *outcome, audit_also *also,
                                            void *context);

/* Records outcome as refused for that reason, and answers with it. */
void outcome_refuse(const struct kbs *kbs, const struct http_request *request,
                    struct http_reply *reply, const struct refusal *refusal,
                    struct outcome *outcome);

/* "AMD SEV-SNP", or "EMULATED: NOT CONFIDENTIAL". */
const char *outcome_platform(enum platform platform);

#endif
