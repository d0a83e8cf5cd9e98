/* SPDX-License-Identifier: MIT */
/*
 * What stands behind a service's descriptors. An operation gives the result of its system call:
 * bytes, or a negative errno. NULL operations are refused by the system-call layer.
 */
#ifndef SNPVTPM_SVSM_PROCESS_FILE_H
#define SNPVTPM_SVSM_PROCESS_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "svsm/mm/address_space.h"

/* The result of a read that waits for the next request: the process stops here for now. */
#define FILE_WOULD_BLOCK INT64_MIN

/* Part of a service's memory. */
struct user_span {
    struct address_space *space;
    uva_t at;
    size_t size;
};

struct file;

struct file_operations {
    int64_t (*read)(struct file *file, struct user_span to);
    int64_t (*write)(struct file *file, struct user_span from);
    int64_t (*read_at)(struct file *file, struct user_span to, uint64_t offset);
    int64_t (*write_at)(struct file *file, struct user_span from, uint64_t offset);
    int64_t (*sync)(struct file *file);
    int64_t (*size)(struct file *file);
    bool (*is_readable)(struct file *file); /* for poll(); NULL: always */
};

struct file {
    const struct file_operations *operations; /* NULL: closed */
    void *object;
    uint64_t offset;
};

#endif
