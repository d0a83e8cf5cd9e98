/* SPDX-License-Identifier: MIT */
/*
 * What stands between the HTTP server and the handlers of the protocol and of administration: rate
 * limits, the bounds of bodies, and /healthz.
 */
#ifndef SNPVTPM_KBS_SERVER_FRONT_H
#define SNPVTPM_KBS_SERVER_FRONT_H

#include "kbs/kbs.h"
#include "kbs/server/http_server.h"
#include "kbs/server/rate_limit.h"

/* Borrowed; a context of the functions below. */
struct front {
    struct kbs *kbs;
    struct rate_limit *sessions; /* on opening sessions */
    struct rate_limit *refusals; /* on being refused by the protocol */
    struct rate_limit *failures; /* on failing to authenticate as an administrator */
};

http_gate front_public_gate, front_admin_gate;
http_handler front_public_answer, front_admin_answer;
http_refuser front_public_refuse, front_admin_refuse;

#endif
