/* SPDX-License-Identifier: MIT */
/*
 * What a function of the kernel reports to its caller. Whatever cannot be reported, because it
 * cannot happen or because the host attacked, goes to panic() instead.
 */
#ifndef SNPVTPM_SVSM_BASE_STATUS_H
#define SNPVTPM_SVSM_BASE_STATUS_H

#include "lib/base/reader.h" /* MUST_CHECK */

enum status {
    STATUS_OK = 0,
    STATUS_HOST_BROKE_PROTOCOL,
    STATUS_HOST_REFUSED,
    STATUS_OUT_OF_RANGE,
    STATUS_BAD_FORMAT,
    STATUS_NO_MEMORY,
    STATUS_FAULT, /* memory that ought to be there is not */
    STATUS_IO_ERROR,
    STATUS_TIMEOUT,
    STATUS_NO_DEVICE,
    STATUS_UNSUPPORTED,
    STATUS_PROCESS_ENDED,
    STATUS_NO_RESPONSE,
};

/* The words for a status, for the console. */
const char *status_text(enum status status);

#endif
