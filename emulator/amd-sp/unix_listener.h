/* SPDX-License-Identifier: MIT */
/* Listening on unix sockets. */
#ifndef SNPVTPM_EMULATOR_AMD_SP_UNIX_LISTENER_H
#define SNPVTPM_EMULATOR_AMD_SP_UNIX_LISTENER_H

#include "lib/base/must_check.h"

/*
 * A listening socket of this type (SOCK_STREAM, SOCK_SEQPACKET) at path, for this user only. A
 * stale socket at path is replaced, any other file is not. Returns -1 with errno set.
 */
MUST_CHECK int unix_listen(const char *path, int type);

#endif
