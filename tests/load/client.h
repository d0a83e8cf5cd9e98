/* SPDX-License-Identifier: MIT */
/* One client of a load: it attests again and again, and looks whether it gets its own secret. */
#ifndef SNPVTPM_TESTS_LOAD_CLIENT_H
#define SNPVTPM_TESTS_LOAD_CLIENT_H

#include "tests/load/exchange.h"
#include "tests/load/proof.h"

enum client_result {
    CLIENT_OK,
    CLIENT_FAILED,  /* nothing came, or not what should */
    CLIENT_CROSSED, /* it got a secret that is not its own */
};

struct client {
    struct prover prover;
    struct exchange *exchange; /* owned */
    bool check;                /* decrypt what comes */
    double latency;            /* of the last attestation's three requests, in seconds */
    char problem[256];         /* of the last one that was not CLIENT_OK */
};

/* One attestation, from a new session to its secret. */
MUST_CHECK enum client_result client_attest(struct client *client);

/* With DIALECT_SIGNED: prover.request, from a new session to its answer, which must be OK. */
MUST_CHECK enum client_result client_ask(struct client *client, struct release_record *answer);

#endif
