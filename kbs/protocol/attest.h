/* SPDX-License-Identifier: MIT */
/* POST /kbs/v0/attest: evidence over a session's nonce, held against the owner's rules. */
#ifndef SNPVTPM_KBS_PROTOCOL_ATTEST_H
#define SNPVTPM_KBS_PROTOCOL_ATTEST_H

#include "kbs/http/message.h"
#include "kbs/kbs.h"

#define SESSION_COOKIE "kbs-session-id"

void attest_answer(const struct kbs *kbs, const struct http_request *request,
                   struct http_reply *reply);

#endif
