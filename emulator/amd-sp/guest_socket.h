/* SPDX-License-Identifier: MIT */
/*
 * A guest without a machine: serves the AMD-SP descriptor of docs/service-abi.md, so that the
 * attestation service can be tried on a host. For tests: the guest was never launched, it only
 * claims the given measurement.
 */
#ifndef SNPVTPM_EMULATOR_AMD_SP_GUEST_SOCKET_H
#define SNPVTPM_EMULATOR_AMD_SP_GUEST_SOCKET_H

#include <stdint.h>

#include "emulator/amd-sp/chip.h"
#include "lib/snp/page.h"
#include "lib/snp/secrets_page.h"

#define DESCRIPTOR_CERTIFICATE_PAGES_MAX 4

enum descriptor_kind {
    DESCRIPTOR_GUEST_REQUEST = 0,
    DESCRIPTOR_EXTENDED_GUEST_REQUEST = 1,
};

struct descriptor_request {
    uint32_t kind;
    uint32_t certificate_pages;
    uint8_t request[GUEST_MESSAGE_SIZE];
};

/* The answer; only the certificate pages that the request named are sent. */
struct descriptor_answer {
    uint64_t exitinfo2;
    uint64_t rbx;
    uint8_t response[GUEST_MESSAGE_SIZE];
    uint8_t certificates[DESCRIPTOR_CERTIFICATE_PAGES_MAX * PAGE_SIZE];
};

struct guest_claim {
    uint8_t measurement[LAUNCH_DIGEST_SIZE];
    uint8_t vmpck0[VMPCK_SIZE];
};

/*
 * Serves connections of a listening SOCK_SEQPACKET socket, one after another. Each is a guest of
 * its own: sequence numbers begin anew. A connection that breaks the framing is closed. Returns
 * when accepting fails, with errno set.
 */
void guest_socket_serve(const struct chip *chip, const struct guest_claim *claim, int listener);

#endif
