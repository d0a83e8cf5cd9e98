/* SPDX-License-Identifier: MIT */
/*
 * The attestation service, with a KBS behind its proxy that keeps the lease of one volume by its
 * own rules (kbs/lease/), or answers as a test tells it to. There is one in a program.
 */
#ifndef SNPVTPM_TESTS_UNIT_ATTEST_LEASE_KBS_H
#define SNPVTPM_TESTS_UNIT_ATTEST_LEASE_KBS_H

#include "kbs/lease/lease.h"
#include "lib/abi/attest_service.h"
#include "lib/abi/state_grant.h"
#include "services/attest/attest_service.h"
#include "tests/unit/attest/fake_proxy.h"

/* The KBS: the record, its clock, and what it is told to do wrong. */
struct lease_kbs {
    struct lease_policy policy;
    struct lease_record record;
    time_t now;
    unsigned int asked, paused;
    uint64_t sequences[16];
    unsigned int lose; /* so many answers from now on get lost */
    bool before;       /* before the KBS does anything */
    void (*spoil)(const struct release_request *request, struct release_record *record);
    void (*meanwhile)(void); /* while the SVSM waits */
    struct release_request last;
};
extern struct lease_kbs kbs;
extern EVP_PKEY *kbs_key; /* that it signs with */

/* What comes with the KBS's confirmation, and what the service gave of it. */
struct lease_certificates {
    uint8_t sent[JWE_PLAINTEXT_MAX];
    size_t size; /* 0: nothing */
    uint8_t given[CHANNEL_MESSAGE_MAX];
    size_t given_size;
};
extern struct lease_certificates certificates;

extern struct attest_service service;
extern struct fake_proxy proxy;
extern struct state_grant grant;               /* what the last ACQUIRE gave */
extern uint8_t last_body[CHANNEL_MESSAGE_MAX]; /* of the last answer, its status first */

/* For cmocka: a volume whose lease nobody has had; the end. */
int lease_kbs_start(void **state);
int lease_kbs_end(void **state);

/* One request on the channel, which may take so many exchanges; the status. */
uint32_t ask(uint32_t operation, const void *arguments, size_t size, unsigned int exchanges);
uint32_t acquire(unsigned int exchanges);

/* An operation about the state of this counter. */
uint32_t keep(uint32_t operation, uint64_t counter, unsigned int exchanges);
uint32_t confirm(uint64_t counter, unsigned int exchanges);

/* Another VM got the lease some time ago. */
void let_another_have_it(enum lease_phase phase, time_t ago);

void assert_committed(uint64_t counter);
void assert_sequences_rise(void);

#endif
