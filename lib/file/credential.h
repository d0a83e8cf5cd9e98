/* SPDX-License-Identifier: MIT */
/* Names of files that may be credentials of systemd's: "credential:NAME" is
 * $CREDENTIALS_DIRECTORY/NAME, which only the service can read whatever its mode says. */
#ifndef SNPVTPM_LIB_FILE_CREDENTIAL_H
#define SNPVTPM_LIB_FILE_CREDENTIAL_H

#include <limits.h>
#include <stdbool.h>

#include "lib/file/whole_file.h"

#define CREDENTIAL_PREFIX "credential:"

struct credential_path {
    char path[PATH_MAX];
    bool of_systemd;
};

/* Whether a name is that of a credential. */
MUST_CHECK bool credential_is_one(const char *name);

/* False when the name is that of a credential but systemd gave none, or is too long. */
MUST_CHECK bool credential_resolve(const char *name, struct credential_path *resolved);

/* How secret a file of such a path must be that holds a secret. */
static inline enum file_secrecy credential_secrecy(const struct credential_path *path)
{
    return path->of_systemd ? FILE_CREDENTIAL : FILE_SECRET;
}

#endif
