/* SPDX-License-Identifier: MIT */
/* The guest's side of messages to the AMD-SP, for tests. */
#ifndef SNPVTPM_TESTS_UNIT_AMD_SP_GUEST_H
#define SNPVTPM_TESTS_UNIT_AMD_SP_GUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/snp/guest_message.h"
#include "lib/snp/report.h"
#include "lib/snp/secrets_page.h"

/* A header as a well-behaved guest writes it. */
struct guest_message_header guest_header(uint8_t type, uint8_t vmpck, uint64_t seqno,
                                         uint16_t payload_size);

/* Seals a message, whatever its header says (msg_size within the page), into a request page. */
void guest_seal(const uint8_t vmpck[VMPCK_SIZE], struct guest_message_header header,
                const void *payload, uint8_t page[GUEST_MESSAGE_SIZE]);

/* Opens a response page as Linux does; fails the test unless it answers this request. */
void guest_open(const uint8_t vmpck[VMPCK_SIZE], const struct guest_message_header *request,
                const uint8_t page[GUEST_MESSAGE_SIZE], void *payload, uint16_t payload_size);

/* Whether the report's signature verifies with a PEM certificate. */
bool report_is_signed_by(const struct snp_report *report, const char *vcek_path);

#endif
