/* SPDX-License-Identifier: MIT */
/* What requests are answered from. Everything is borrowed, and safe for several threads. */
#ifndef SNPVTPM_KBS_KBS_H
#define SNPVTPM_KBS_KBS_H

struct kbs {
    struct store *store;
    struct audit *audit;
    struct keyring *keyring;
    struct sessions *sessions; /* kbs/protocol/session.h */
    const struct verifier *verifier;
    const char *attestation_policy; /* name of the policy for /attest where no volume is asked for */
};

#endif
