/* SPDX-License-Identifier: MIT */
/*
 * What a VM asks about a lease, of a real KBS: an exchange that a liar on the way may begin and not
 * deliver, deliver later, or deliver again.
 */
#ifndef SNPVTPM_TESTS_LOAD_LEASE_TALK_H
#define SNPVTPM_TESTS_LOAD_LEASE_TALK_H

#include "tests/load/exchange.h"
#include "tests/load/proof.h"

/* Beside enum release_status. */
#define TALK_NO_ANSWER (-1) /* the KBS is gone, or cannot answer now */
#define TALK_REFUSED   (-2) /* with a plain error: the session is over or spent */

struct talk {
    struct exchange *exchange;
    struct proof proof;
    char *body; /* of what the VM says; NULL: the KBS did not give a challenge */
};

/* Has the KBS at url give a challenge, and the VM answer it. talk_end() is due. */
void talk_begin(struct talk *talk, const struct prover *vm, const char *url);

/* Delivers that. With fetch also fetches the answer, and then gives its status, else OK. */
int talk_deliver(struct talk *talk, bool fetch, struct release_record *answer);

void talk_end(struct talk *talk);

/* All of it at once. */
int talk(const struct prover *vm, const char *url, struct release_record *answer);

#endif
