/* SPDX-License-Identifier: MIT */
/*
 * The administrators' side: a JSON API below /admin/v1, the metrics, and the status page for an
 * auditor's browser. Everything but /healthz wants a token, in "Authorization: Bearer TOKEN" or as
 * the password of HTTP Basic authentication.
 */
#ifndef SNPVTPM_KBS_ADMIN_ADMIN_H
#define SNPVTPM_KBS_ADMIN_ADMIN_H

#include "kbs/http/message.h"
#include "kbs/kbs.h"
#include "lib/base/must_check.h"

#define ADMIN_BODY_MAX (8u << 20) /* bytes: an image's pages in base64 */

/* Whether a valid token comes with the request, asked before its body is read. Neither a refusal
 * nor a line in the audit log: admin_answer does both. */
MUST_CHECK bool admin_knows_sender(const struct kbs *kbs, const struct http_request *request);

/* An http_handler; context is a struct kbs. */
void admin_answer(void *context, const struct http_request *request, struct http_reply *reply);

#endif
