/* SPDX-License-Identifier: MIT */
/* One client of a load as the VM of a volume with a lease: it anchors state after state. */
#ifndef SNPVTPM_TESTS_LOAD_ANCHOR_H
#define SNPVTPM_TESTS_LOAD_ANCHOR_H

#include "tests/load/client.h"

/* What a VM knows of its lease. */
struct anchor {
    uint64_t epoch, sequence;
    uint8_t lease[RELEASE_LEASE_SIZE];
    uint8_t committed[RELEASE_STATE_SIZE];
    bool has_committed;
};

/* A new VM of the client's image gets the lease, and has a first state confirmed. */
MUST_CHECK enum client_result anchor_begin(struct client *client, struct anchor *anchor);

/* One ANCHOR, from a new session to its answer. */
MUST_CHECK enum client_result anchor_next(struct client *client, struct anchor *anchor);

/* Gives the lease back: the next one waits for nothing. */
MUST_CHECK enum client_result anchor_end(struct client *client, struct anchor *anchor);

#endif
