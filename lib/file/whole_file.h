/* SPDX-License-Identifier: MIT */
/* Whole files in memory, and whether a file is its owner's alone. */
#ifndef SNPVTPM_LIB_FILE_WHOLE_FILE_H
#define SNPVTPM_LIB_FILE_WHOLE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sys/types.h>

#include "lib/base/must_check.h"

enum file_error {
    FILE_OK,
    FILE_ERRNO,       /* errno says what failed */
    FILE_NOT_REGULAR, /* a folder, a device, a pipe */
    FILE_TOO_LARGE,   /* more than the bytes that were asked for */
    FILE_EXPOSED,     /* a secret that others than its owner may read or change */
};

/* Who else may have it. */
enum file_secrecy {
    FILE_PUBLIC,
    FILE_SECRET,     /* nobody */
    FILE_CREDENTIAL, /* of systemd: the service reads it by an ACL, which shows as the group's bit
                      */
};

struct file_bytes {
    uint8_t *bytes; /* and a NUL behind them */
    size_t size;
};

/* Whether a file of this mode is as secret as that. */
bool file_mode_keeps(mode_t mode, enum file_secrecy secrecy);

/* Whether nobody but its owner may read or change the file behind fd; pipes and the like are
 * private. */
MUST_CHECK bool file_is_private(int fd);

/* Reads a regular file of at most max bytes. The caller frees file->bytes, or wipes *file; they are
 * NULL after an error. */
MUST_CHECK enum file_error file_read(const char *path, enum file_secrecy secrecy, size_t max,
                                     struct file_bytes *file);

/* The same from a descriptor, which may be one of a pipe, up to its end. */
MUST_CHECK enum file_error file_read_descriptor(int fd, enum file_secrecy secrecy, size_t max,
                                                struct file_bytes *file);

/* Wipes and frees the bytes; allowed on {0}. */
void file_wipe(struct file_bytes *file);

/* What is wrong, after the file's name and a colon. With FILE_ERRNO, before errno changes. */
const char *file_error_text(enum file_error error);

#endif
