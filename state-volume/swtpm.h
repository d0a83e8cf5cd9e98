/* SPDX-License-Identifier: MIT */
/*
 * swtpm's file tpm2-00.permall: libtpms' permanent state behind a header. All integers are
 * big-endian:
 *
 *     u8 version (2), u8 the version that reads it, u16 size of this header (10), u16 flags,
 *     u32 size of the file; then u16 tag (1: data), u32 size of the state, the state
 *
 * Flags say that the state is encrypted, which swtpm alone can undo.
 */
#ifndef SNPVTPM_STATE_VOLUME_SWTPM_H
#define SNPVTPM_STATE_VOLUME_SWTPM_H

#include "lib/base/writer.h"

#define SWTPM_HEADER_SIZE 16

enum swtpm_verdict {
    SWTPM_STATE,     /* *state is libtpms' state in it */
    SWTPM_NONE,      /* no file of swtpm's */
    SWTPM_ENCRYPTED, /* one that is encrypted */
    SWTPM_UNKNOWN,   /* one that is not as above */
};

MUST_CHECK enum swtpm_verdict swtpm_parse(struct reader file, struct reader *state);

/* The header of a file with a state of so many bytes. */
MUST_CHECK bool swtpm_put_header(struct writer *to, size_t state_size);

#endif
