/* SPDX-License-Identifier: MIT */
#include "lib/volume/status.h"

const char *volume_status_text(enum volume_status status)
{
    switch (status) {
    case VOLUME_OK:
        return "is valid";
    case VOLUME_BLANK:
        return "is blank";
    case VOLUME_WRONG_KEY:
        return "does not open with this key";
    case VOLUME_BAD_SIZE:
        return "has no valid size: a multiple of 4096 bytes, at least 1 MiB, is needed";
    case VOLUME_WEAK_KEY:
        return "cannot be used with this key: its two halves are equal";
    case VOLUME_OTHER_VERSION:
        return "was written in a format version that this program does not know";
    case VOLUME_DAMAGED:
        return "was damaged or tampered with: it opens with this key but does not authenticate";
    case VOLUME_MIXED:
        return "was tampered with: parts of an older copy were put back";
    case VOLUME_FOREIGN:
        return "was tampered with: a part of another volume under the same key is in it";
    case VOLUME_ROLLED_BACK:
        return "is an old copy: a newer state of it was acknowledged";
    case VOLUME_AHEAD:
        return "is newer than the last state that was acknowledged";
    case VOLUME_FORKED:
        return "is another copy's: it went on differently than what was acknowledged";
    case VOLUME_ERASED:
        return "was erased: it is blank, but a state of it was acknowledged";
    case VOLUME_NO_OBJECT:
        return "has no object of this name";
    case VOLUME_BAD_NAME:
        return "cannot have an object of this name";
    case VOLUME_TOO_LARGE:
        return "is too small for this state";
    case VOLUME_PENDING:
        return "has a state that was not acknowledged yet";
    case VOLUME_NOT_WRITABLE:
        return "takes no further state until it is opened again";
    case VOLUME_IO_FAILED:
        return "could not be read or written";
    case VOLUME_NO_RESOURCES:
        break;
    }
    return "could not be processed: out of memory, or OpenSSL failed";
}

bool volume_was_changed(enum volume_status status)
{
    return status >= VOLUME_DAMAGED && status <= VOLUME_ERASED;
}
