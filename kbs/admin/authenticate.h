/* SPDX-License-Identifier: MIT */
/* Who asks: the token in "Authorization: Bearer TOKEN", or the password of HTTP Basic. */
#ifndef SNPVTPM_KBS_ADMIN_AUTHENTICATE_H
#define SNPVTPM_KBS_ADMIN_AUTHENTICATE_H

#include "kbs/admin/call.h"

#define TOKEN_MISSING "token-missing" /* the code when none came at all */

/* Fills in call->actor, or refuses: with 401 and a challenge for browsers in the reply's headers
 * when no valid token came. */
MUST_CHECK bool authenticate(struct call *call);

/* As admin_knows_sender(). */
MUST_CHECK bool authenticate_knows_sender(const struct kbs *kbs,
                                          const struct http_request *request);

/* Whether the token is still valid in call->unit, in which something is done for who sent it; or
 * refuses. */
MUST_CHECK bool authenticate_again(struct call *call);

#endif
