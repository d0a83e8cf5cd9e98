/* SPDX-License-Identifier: MIT */
/*
 * Reads and writes of exact sizes on descriptors: they retry what the kernel cut short or a signal
 * interrupted. Each returns false with errno set; an early end of file is errno ENODATA.
 */
#ifndef SNPVTPM_LIB_FILE_IO_H
#define SNPVTPM_LIB_FILE_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/must_check.h"

MUST_CHECK bool io_read_exactly(int fd, void *bytes, size_t size);
MUST_CHECK bool io_write_all(int fd, const void *bytes, size_t size);

/* Reads to the end of the file or until room is full: *size bytes. False with errno. */
MUST_CHECK bool io_read_up_to(int fd, void *bytes, size_t room, size_t *size);

/* The same at a byte offset of a file or block device, whose position they leave alone. */
MUST_CHECK bool io_read_at(int fd, void *bytes, size_t size, uint64_t offset);
MUST_CHECK bool io_write_at(int fd, const void *bytes, size_t size, uint64_t offset);

/*
 * Reads a secret of exactly size bytes from fd up to its end. More or fewer bytes are a failure
 * (errno EMSGSIZE, ENODATA), after which secret is wiped.
 */
MUST_CHECK bool io_read_secret(int fd, uint8_t *secret, size_t size);

#endif
