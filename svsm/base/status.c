/* SPDX-License-Identifier: MIT */
#include "svsm/base/status.h"

const char *status_text(enum status status)
{
    switch (status) {
    case STATUS_OK:
        return "done";
    case STATUS_HOST_BROKE_PROTOCOL:
        return "the host broke the protocol";
    case STATUS_HOST_REFUSED:
        return "the host refused";
    case STATUS_OUT_OF_RANGE:
        return "out of range";
    case STATUS_BAD_FORMAT:
        return "malformed";
    case STATUS_NO_MEMORY:
        return "out of memory";
    case STATUS_FAULT:
        return "memory is not accessible";
    case STATUS_IO_ERROR:
        return "I/O error";
    case STATUS_TIMEOUT:
        return "no answer in time";
    case STATUS_NO_DEVICE:
        return "no such device";
    case STATUS_UNSUPPORTED:
        return "not supported";
    case STATUS_PROCESS_ENDED:
        return "the service has ended";
    case STATUS_NO_RESPONSE:
        return "the service gave no response";
    }
    return "unknown";
}
