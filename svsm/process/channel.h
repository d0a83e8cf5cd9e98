/* SPDX-License-Identifier: MIT */
/* Descriptor 3 of a service: one request from the kernel,
 * one response to it (docs/service-abi.md). */
#ifndef SNPVTPM_SVSM_PROCESS_CHANNEL_H
#define SNPVTPM_SVSM_PROCESS_CHANNEL_H

#include <stddef.h>
#include <stdint.h>

#include "lib/abi/channel.h"
#include "svsm/process/file.h"

struct channel {
    size_t request_size;  /* 0: none is waiting to be read */
    bool answer_due;      /* read, not answered yet */
    size_t response_size; /* 0: none */
    uint8_t request[CHANNEL_MESSAGE_MAX];
    uint8_t response[CHANNEL_MESSAGE_MAX];
};

struct file file_channel(struct channel *channel);

#endif
