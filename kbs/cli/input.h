/* SPDX-License-Identifier: MIT */
/* Files that commands read: secrets, keys, texts, tokens. "-" is standard input. */
#ifndef SNPVTPM_KBS_CLI_INPUT_H
#define SNPVTPM_KBS_CLI_INPUT_H

#include <stddef.h>
#include <stdint.h>

#include "lib/file/whole_file.h"

#define INPUT_KEY_SIZE 64 /* bytes of a state key */

/* Reads up to max bytes; the caller wipes *file in any case, which
 * has no bytes after a failure. Returns an exit status, having said
 * why. */
MUST_CHECK int input_read(const char *path, enum file_secrecy secrecy, size_t max,
                          struct file_bytes *file);

/* Reads a state key: 64 bytes, or 128 hexadecimal digits and perhaps a line feed. */
MUST_CHECK int input_read_key(const char *path, uint8_t key[INPUT_KEY_SIZE]);

/* Reads a token: one line. text has room for size characters and a NUL. */
MUST_CHECK int input_read_token(const char *path, char *text, size_t size);

/* Makes a new file with mode 0600, so that there is a place for what is about to be made. */
MUST_CHECK int output_begin(const char *path, int *fd);

/* Writes text and a line feed to it; with NULL for text removes it. Closes fd in any case. */
MUST_CHECK int output_end(const char *path, int fd, const char *text);

#endif
