/* SPDX-License-Identifier: MIT */
#include "services/tpm/mssim.h"

static enum mssim_parse parse_command(struct reader *rest, struct mssim_message *message)
{
    uint32_t size;

    if (!reader_u8(rest, &message->locality) || !reader_be32(rest, &size))
        return MSSIM_INCOMPLETE;
    if (size > TPM_COMMAND_MAX)
        return MSSIM_MALFORMED;
    return reader_split(rest, &message->command, size) ? MSSIM_WHOLE : MSSIM_INCOMPLETE;
}

static enum mssim_parse parse_handshake(struct reader *rest)
{
    uint32_t client_version;

    return reader_be32(rest, &client_version) ? MSSIM_WHOLE : MSSIM_INCOMPLETE;
}

static enum mssim_parse parse_body(enum mssim_port port, struct reader *rest,
                                   struct mssim_message *message)
{
    switch (message->request) {
    case MSSIM_SESSION_END:
    case MSSIM_STOP:
        return MSSIM_WHOLE;
    case MSSIM_SEND_COMMAND:
        return port == MSSIM_COMMAND_PORT ? parse_command(rest, message) : MSSIM_MALFORMED;
    case MSSIM_HANDSHAKE:
        return port == MSSIM_COMMAND_PORT ? parse_handshake(rest) : MSSIM_MALFORMED;
    case MSSIM_POWER_ON:
    case MSSIM_POWER_OFF:
    case MSSIM_PHYSICAL_PRESENCE_ON:
    case MSSIM_PHYSICAL_PRESENCE_OFF:
    case MSSIM_CANCEL_ON:
    case MSSIM_CANCEL_OFF:
    case MSSIM_NV_ON:
    case MSSIM_NV_OFF:
    case MSSIM_RESET:
        return port == MSSIM_PLATFORM_PORT ? MSSIM_WHOLE : MSSIM_MALFORMED;
    }
    return MSSIM_MALFORMED;
}

enum mssim_parse mssim_parse(enum mssim_port port, struct reader *bytes,
                             struct mssim_message *message)
{
    struct reader rest = *bytes;
    enum mssim_parse outcome;
    uint32_t request;

    if (!reader_be32(&rest, &request))
        return MSSIM_INCOMPLETE;
    *message = (struct mssim_message){.request = request};
    outcome = parse_body(port, &rest, message);
    if (outcome == MSSIM_WHOLE)
        *bytes = rest;
    return outcome;
}
