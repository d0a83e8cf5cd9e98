/* SPDX-License-Identifier: MIT */
/* A process with a channel: what the kernel calls when it needs a TPM or a report. */
#ifndef SNPVTPM_SVSM_PROCESS_SERVICE_H
#define SNPVTPM_SVSM_PROCESS_SERVICE_H

#include "lib/abi/channel.h"
#include "lib/base/reader.h"
#include "lib/base/writer.h"
#include "lib/boot/boot_params.h"
#include "svsm/process/channel.h"
#include "svsm/process/process.h"

struct service {
    struct process process;
    struct channel channel;
};

/* Creates the process with descriptors 1 to 3; the caller adds others before service_start(). */
MUST_CHECK enum status service_create(struct service *service, const struct boot_service *image);

/* Runs it until it waits for its first request. */
MUST_CHECK enum status service_start(struct service *service);

/* A cursor to write the next request's bytes with, operation included. */
struct writer service_request(struct service *service, uint32_t operation);

/*
 * Sends what was written and runs the service until it has answered. On STATUS_OK *status_word is
 * the response's status and *response the bytes behind it, valid until the next call.
 */
MUST_CHECK enum status service_call(struct service *service, const struct writer *request,
                                    uint32_t *status_word, struct reader *response);

#endif
