/* SPDX-License-Identifier: MIT */
/*
 * SNP_GUEST_REQUEST: messages from a running guest (SNP firmware ABI 56860, chapter 7).
 *
 * Served: MSG_REPORT_REQ, MSG_KEY_REQ and MSG_TSC_INFO_REQ (all zeros: no SecureTSC).
 */
#ifndef SNPVTPM_EMULATOR_AMD_SP_GUEST_REQUEST_H
#define SNPVTPM_EMULATOR_AMD_SP_GUEST_REQUEST_H

#include <stdint.h>

#include "emulator/amd-sp/chip.h"
#include "emulator/amd-sp/guest_context.h"
#include "lib/snp/guest_message.h"

/*
 * Answers one message. request is a private copy of the request page. On SNP_SUCCESS the response
 * page holds the sealed answer (whose own STATUS may tell of an error) and the sequence number has
 * advanced by two; on any other status neither has changed.
 */
enum snp_status guest_request_serve(const struct chip *chip, struct guest_context *guest,
                                    const uint8_t request[GUEST_MESSAGE_SIZE],
                                    uint8_t response[GUEST_MESSAGE_SIZE]);

#endif
