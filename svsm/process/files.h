/* SPDX-License-Identifier: MIT */
/* The kinds of descriptor that services get (docs/service-abi.md). */
#ifndef SNPVTPM_SVSM_PROCESS_FILES_H
#define SNPVTPM_SVSM_PROCESS_FILES_H

#include "lib/abi/state_grant.h"
#include "svsm/console/uart.h"
#include "svsm/process/file.h"
#include "svsm/sev/ghcb_calls.h"
#include "svsm/sev/shared_memory.h"
#include "svsm/virtio/block.h"

/* Lines for the console, under the name that object points to. */
struct file file_log(const char *name);

/* A byte stream. */
struct file file_serial(struct uart *uart);

/* The AMD-SP: a write performs a guest request, the next read gives its answer. */
struct amd_sp {
    struct shared_pages request, response, certificates;
    struct ghcb_guest_request last;
    bool answered;
};
MUST_CHECK enum status amd_sp_open(struct amd_sp *sp, struct file *file);

/* VMPCK0, once. */
struct file file_vmpck0(void);

/* The state key and what belongs to it, on their way from one service to the other. */
struct key_relay {
    uint8_t grant[sizeof(struct state_grant)];
    bool full;
};

/* Takes the key, once. */
struct file file_key_sink(struct key_relay *relay);

/* Gives the key, once, and wipes it. */
struct file file_key_source(struct key_relay *relay);

/* Bytes that stay where they are: read from the start to the end, once. */
struct constant {
    const void *bytes;
    size_t size;
    bool given;
};
struct file file_constant(struct constant *constant);

/* The state volume. */
struct file file_block(struct block_device *device);

#endif
