/* SPDX-License-Identifier: MIT */
/* How operations on a state volume end, and the words for it. */
#ifndef SNPVTPM_LIB_VOLUME_STATUS_H
#define SNPVTPM_LIB_VOLUME_STATUS_H

#include <stdbool.h>

enum volume_status {
    VOLUME_OK,
    VOLUME_BLANK,         /* every byte is zero, or formatted and never given a state */
    VOLUME_WRONG_KEY,     /* it holds something, which is no state volume under this key */
    VOLUME_BAD_SIZE,      /* smaller than VOLUME_SIZE_MIN or no multiple of 4096 bytes */
    VOLUME_WEAK_KEY,      /* the two halves of the key are equal */
    VOLUME_OTHER_VERSION, /* authentic, of a version that this code does not know */
    /* A state volume under this key, which is not as it was left: */
    VOLUME_DAMAGED,     /* something does not authenticate */
    VOLUME_MIXED,       /* parts of it are from different times */
    VOLUME_FOREIGN,     /* a part of another volume under the same key is in it */
    VOLUME_ROLLED_BACK, /* older than the anchor */
    VOLUME_AHEAD,       /* newer than the anchor */
    VOLUME_FORKED,      /* another state than the anchor, under the same counter */
    VOLUME_ERASED,      /* blank, and there is an anchor */
    /* Of single operations: */
    VOLUME_NO_OBJECT,    /* there is no object of this name */
    VOLUME_BAD_NAME,     /* no object can have this name */
    VOLUME_TOO_LARGE,    /* the new state does not fit */
    VOLUME_PENDING,      /* the state before has to be acknowledged first */
    VOLUME_NOT_WRITABLE, /* not open for writing, or in doubt about a write that failed */
    VOLUME_IO_FAILED,    /* the device failed */
    VOLUME_NO_RESOURCES, /* no memory, or OpenSSL failed */
};

/* What status means, as the end of the sentence "the state volume ...". */
const char *volume_status_text(enum volume_status status);

/* Whether somebody changed the volume, who had to do so without its key. */
bool volume_was_changed(enum volume_status status);

#endif
