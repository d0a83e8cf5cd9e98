/* SPDX-License-Identifier: MIT */
/*
 * An AMD-SP, and the host in front of it, for the tests: answers report requests, and misbehaves
 * where told to. Its cryptography is written apart from the client's, so that each checks the
 * other.
 */
#ifndef SNPVTPM_TESTS_UNIT_ATTEST_FAKE_AMD_SP_H
#define SNPVTPM_TESTS_UNIT_ATTEST_FAKE_AMD_SP_H

#include "lib/snp/report.h"
#include "lib/snp/secrets_page.h"
#include "services/attest/amd_sp.h"

struct fake_amd_sp {
    uint8_t vmpck0[VMPCK_SIZE];
    uint64_t count; /* of messages under VMPCK0, as the firmware counts: 2 for each request */

    /* Misbehaviour. */
    bool gone;
    unsigned int busy; /* so many answers say BUSY first */
    bool certificates_do_not_fit;
    uint64_t exitinfo2;     /* given instead of doing anything, when not 0 */
    uint32_t report_status; /* STATUS of MSG_REPORT_RSP */
    void (*forge)(struct guest_message_header *header, struct msg_report_rsp *payload);
    void (*tamper)(struct amd_sp_answer *answer);
    uint8_t certificates[AMD_SP_CERTIFICATES_SIZE];

    /* What was seen. */
    unsigned int exchanges, pauses, reports;
    uint32_t last_kind;
    uint8_t first_message[GUEST_MESSAGE_SIZE];
    bool resent_identical;
    struct msg_report_req last_request;
};

/* VMPCK0 is 00 01 .. 1F. */
void fake_amd_sp_init(struct fake_amd_sp *fake);

struct amd_sp fake_amd_sp_interface(struct fake_amd_sp *fake);

/* Seals size bytes of payload under header, both directions being alike. */
void fake_seal(const uint8_t *vmpck, const struct guest_message_header *header, const void *payload,
               uint8_t message[GUEST_MESSAGE_SIZE]);

/* A certificate table with one VCEK of size bytes, each 0xCE. */
void fake_certificate_table(uint8_t *pages, uint32_t size);

#endif
