/* SPDX-License-Identifier: MIT */
/*
 * What an HTTP answer from the KBS's address means. Only what the KBS says in its own words is a
 * refusal: other statuses come from trouble of its own, from what stands before it, or from what is
 * no KBS, and say nothing about the VM. A pure function.
 */
#ifndef SNPVTPM_PROXY_KBS_ANSWER_H
#define SNPVTPM_PROXY_KBS_ANSWER_H

#include <jansson.h>

#include "lib/base/reader.h"

enum kbs_status {
    KBS_OK,
    KBS_UNREACHABLE, /* no connection, or no answer in time */
    KBS_NOT_TRUSTED, /* who answers is not the KBS, by its certificate */
    KBS_BUSY,        /* 429, or 503 that is not in the KBS's words */
    KBS_REFUSED,     /* an error in the KBS's words, once it had the evidence */
    KBS_VERSION,     /* the same before: it does not speak this protocol, or not for SEV-SNP */
    KBS_ERROR,       /* 5xx: trouble of the KBS itself */
    KBS_GATEWAY,     /* 502, 504: what stands before the KBS does not reach it */
    KBS_REDIRECT,    /* 3xx, which is not followed */
    KBS_PROTOCOL,    /* any other answer that is not what the protocol says */
};

/* "kbs-refused" and so on: the reason that the SVSM is told. */
const char *kbs_status_reason(enum kbs_status status);

/* What the KBS was asked. */
enum kbs_step {
    KBS_STEP_AUTH,
    KBS_STEP_ATTEST,
    KBS_STEP_RESOURCE,
};

/* Words for the log. */
struct kbs_problem {
    char text[256];
};

/*
 * Judges an answer with this HTTP status and body. With KBS_OK *reply is a JSON object that the
 * caller releases, otherwise *problem says what was wrong: the status and, if the KBS gave one, its
 * code, and nothing else of the answer.
 */
MUST_CHECK enum kbs_status kbs_answer_judge(enum kbs_step step, long http_status,
                                            struct reader body, json_t **reply,
                                            struct kbs_problem *problem);

#endif
