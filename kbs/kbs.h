/* SPDX-License-Identifier: MIT */
/* What requests are answered from. Everything is borrowed, and safe for several threads. */
#ifndef SNPVTPM_KBS_KBS_H
#define SNPVTPM_KBS_KBS_H

#include <stdbool.h>

struct kbs {
    struct store *store;
    struct audit *audit;
    struct audit_watch *watch; /* kbs/audit/audit_watch.h; only the admin side asks it */
    struct keyring *keyring;
    struct sessions *sessions;     /* kbs/protocol/session.h */
    struct policy_cache *policies; /* kbs/protocol/policy_cache.h */
    const struct verifier *verifier;
    const char
        *attestation_policy; /* name of the policy for /attest where no volume is asked for */
    bool tls;                /* clients come over TLS: cookies say that they are to stay there */
};

#endif
