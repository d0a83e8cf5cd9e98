/* SPDX-License-Identifier: MIT */
/*
 * A proxy with the KBS behind it, for the tests: a thread on one end of a stream socket, which
 * plays one exchange as told, and records what the client sent.
 */
#ifndef SNPVTPM_TESTS_UNIT_ATTEST_FAKE_PROXY_H
#define SNPVTPM_TESTS_UNIT_ATTEST_FAKE_PROXY_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>
#include <openssl/types.h>

#include "lib/jose/jwe_ecdh.h"
#include "lib/release/record.h"
#include "lib/snp/report.h"

#define FAKE_SECRET_MAX JWE_PLAINTEXT_MAX

struct fake_proxy {
    int fd; /* the proxy's end */

    /* What it does; the defaults are those of a KBS that releases the key 00 01 .. 3F. */
    const char *negotiation; /* the JSON of NegotiationResponse; NULL: closes instead */
    const char *attestation; /* sent in place of a real reply, when not NULL */
    bool close_before_reply;
    const void *raw; /* raw_size bytes sent in place of a frame, when not NULL */
    size_t raw_size;
    bool trickle; /* sends raw byte by byte, one each 20 ms, until the client hangs up */
    uint8_t secret[FAKE_SECRET_MAX];
    size_t secret_size;

    /* Makes release records with this key, of which it is not the owner; NULL: it makes none. */
    EVP_PKEY *signer;
    enum release_status status; /* of the record */
    bool strip_record;          /* on the way to the client */
    char advert[256];           /* NegotiationResponse of fake_proxy_advertise() */
    /* Completes the record by what the KBS keeps of the volume, when not NULL. False: the answer
     * gets lost, and the client is told that the KBS failed. */
    bool (*decide)(const struct release_request *request, const struct snp_report *report,
                   struct release_record *record);
    unsigned int exchanges; /* that it plays, one after the other; 0: one */

    /* What it saw. NULL when it did not come to that. */
    json_t *negotiation_request, *attestation_request;
    char *reply; /* what it sent in the end */

    pthread_t thread;
};

#define FAKE_NEGOTIATION                                                                           \
    "{\"challenge\":\"oKGio6SlpqeoqaqrrK2ur7CxsrO0tba3uLm6u7y9vr8=\","                             \
    "\"params\":[\"EcPublicKeyBytes\",\"Challenge\"]}"

/* Makes a socket pair; *client is the other end, the caller's to close. */
void fake_proxy_init(struct fake_proxy *proxy, int *client);

/* Lets the KBS sign with signer, and say so in its challenge with this byte in its random part. */
void fake_proxy_advertise(struct fake_proxy *proxy, EVP_PKEY *signer, uint8_t random);

void fake_proxy_start(struct fake_proxy *proxy);

/* Waits for the exchange to end. */
void fake_proxy_join(struct fake_proxy *proxy);

/* Closes its end, frees what it saw. */
void fake_proxy_release(struct fake_proxy *proxy);

/* The challenge in the AttestationRequest. Returns its size, at most room. */
size_t fake_proxy_challenge(const struct fake_proxy *proxy, uint8_t *challenge, size_t room);

/* The KBS's check: REPORT_DATA of the report in the AttestationRequest binds its key. */
bool fake_proxy_saw_bound_key(const struct fake_proxy *proxy);

#endif
