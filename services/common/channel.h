/* SPDX-License-Identifier: MIT */
/*
 * The channel between a service and the SVSM (docs/service-abi.md, "Channel"): a message stream of
 * strictly one response for each request.
 *
 * The SVSM is trusted, but it relays what the guest sends: an operation's arguments are untrusted.
 */
#ifndef SNPVTPM_SERVICES_COMMON_CHANNEL_H
#define SNPVTPM_SERVICES_COMMON_CHANNEL_H

#include <stdint.h>

#include "lib/abi/channel.h"
#include "lib/base/reader.h"
#include "lib/base/writer.h"

enum channel_end {
    CHANNEL_CLOSED, /* the other side closed it: an orderly end */
    CHANNEL_BROKEN, /* reading or writing failed; errno says why */
};

/*
 * Performs one operation of a service. arguments is what follows the operation in the request;
 * body is what will follow the status in the response, CHANNEL_MESSAGE_MAX - 4 bytes at most.
 * Returns the status. A status other than CHANNEL_STATUS_DONE is sent alone, without body.
 *
 * A request too short to name an operation arrives as operation 0, which no service has.
 */
typedef uint32_t channel_handler(void *service, uint32_t operation, struct reader *arguments,
                                 struct writer *body);

/*
 * Answers one request, given as bytes, with handler. response has CHANNEL_MESSAGE_MAX bytes.
 * Returns the size of the response. This is channel_serve() without its descriptor.
 */
MUST_CHECK size_t channel_answer(channel_handler *handler, void *service, const uint8_t *request,
                                 size_t request_size, uint8_t *response);

/* Answers requests from fd with handler until the channel ends. Wipes its buffers. */
MUST_CHECK enum channel_end channel_serve(int fd, channel_handler *handler, void *service);

#endif
