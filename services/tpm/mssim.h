/* SPDX-License-Identifier: MIT */
/*
 * The messages of the TPM simulator's TCP protocol (TCG reference code, TpmTcpProtocol), which
 * tpm2-tss speaks as "mssim": a command port, and a platform port one above it. This is for tests
 * and development on a host; inside the SVSM nothing listens. Integers are big-endian.
 */
#ifndef SNPVTPM_SERVICES_TPM_MSSIM_H
#define SNPVTPM_SERVICES_TPM_MSSIM_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/reader.h"
#include "services/tpm/tpm_abi.h"

/* What one message needs at most: code, locality, size, TPM command. */
#define MSSIM_MESSAGE_MAX (4 + 1 + 4 + TPM_COMMAND_MAX)

enum mssim_port {
    MSSIM_COMMAND_PORT,
    MSSIM_PLATFORM_PORT,
};

enum mssim_request {
    MSSIM_POWER_ON = 1,
    MSSIM_POWER_OFF = 2,
    MSSIM_PHYSICAL_PRESENCE_ON = 3,
    MSSIM_PHYSICAL_PRESENCE_OFF = 4,
    MSSIM_SEND_COMMAND = 8,
    MSSIM_CANCEL_ON = 9,
    MSSIM_CANCEL_OFF = 10,
    MSSIM_NV_ON = 11,
    MSSIM_NV_OFF = 12,
    MSSIM_HANDSHAKE = 15,
    MSSIM_RESET = 17,
    MSSIM_SESSION_END = 20,
    MSSIM_STOP = 21,
};

struct mssim_message {
    enum mssim_request request;
    uint8_t locality;      /* of MSSIM_SEND_COMMAND */
    struct reader command; /* of MSSIM_SEND_COMMAND: points into the bytes that were parsed */
};

enum mssim_parse {
    MSSIM_WHOLE,      /* *message is set, bytes has advanced past it */
    MSSIM_INCOMPLETE, /* more bytes must be received first */
    MSSIM_MALFORMED,  /* no such message on this port: only closing the connection helps */
};

/* Takes one message from what was received; bytes advances only for MSSIM_WHOLE. */
MUST_CHECK enum mssim_parse mssim_parse(enum mssim_port port, struct reader *bytes,
                                        struct mssim_message *message);

#endif
