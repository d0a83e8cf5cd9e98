/* SPDX-License-Identifier: MIT */
/* How the commands of kbsctl end, and how they complain. */
#ifndef SNPVTPM_KBS_CLI_FAIL_H
#define SNPVTPM_KBS_CLI_FAIL_H

#include "lib/program/complain.h"

enum exit_status {
    EXIT_DONE = 0,
    EXIT_USAGE = 2,       /* wrong command line */
    EXIT_FILE = 3,        /* a file cannot be read, or others may read what is secret */
    EXIT_REFUSED = 4,     /* the KBS refused, or an input is not valid */
    EXIT_UNREACHABLE = 5, /* no connection, no trust in the server, or it cannot answer now */
    EXIT_DENIED = 6,      /* the token is not valid, or its role does not suffice */
    EXIT_BROKEN = 7,      /* the audit log's chain is broken */
};

#endif
