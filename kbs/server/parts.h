/* SPDX-License-Identifier: MIT */
/* All that a serving KBS consists of, put together as its configuration says. */
#ifndef SNPVTPM_KBS_SERVER_PARTS_H
#define SNPVTPM_KBS_SERVER_PARTS_H

#include "kbs/collateral/collateral.h"
#include "kbs/evidence/evidence.h"
#include "kbs/evidence/trust.h"
#include "kbs/needs/needs.h"
#include "kbs/server/backing.h"
#include "kbs/server/front.h"
#include "kbs/server/tls_files.h"

struct parts {
    struct backing backing;
    struct keyring *keyring;
    struct trust trust;
    struct collateral *collateral;
    struct verifier verifier;
    struct needs needs; /* as it began */
    /* NULL when only checked */
    struct audit *audit;
    struct sessions *sessions;
    struct policy_cache *policies;
    struct rate_limit *session_rate, *refusal_rate, *failure_rate;
    /* For clients in the clear, and over TLS */
    struct kbs kbs[2];
    struct front front[2];
    /* NULL for a listener in the clear */
    struct tls_files *tls[CONFIG_LISTENERS_MAX], *admin_tls[CONFIG_LISTENERS_MAX];
};

/* Opens and checks everything but sockets; with serve, starts what serving needs. Says what is
 * wrong. Returns an exit status; parts_close in any case. */
MUST_CHECK int parts_open(const char *config_path, bool serve, struct parts *parts);

void parts_close(struct parts *parts);

/* Loads the certificates again, and says how it went. */
void parts_reload(struct parts *parts);

#endif
