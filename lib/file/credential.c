/* SPDX-License-Identifier: MIT */
#include "lib/file/credential.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool credential_is_one(const char *name)
{
    return strncmp(name, CREDENTIAL_PREFIX, strlen(CREDENTIAL_PREFIX)) == 0;
}

bool credential_resolve(const char *name, struct credential_path *resolved)
{
    const char *directory = getenv("CREDENTIALS_DIRECTORY");
    const char *own = name + strlen(CREDENTIAL_PREFIX);
    int length;

    resolved->of_systemd = credential_is_one(name);
    if (!resolved->of_systemd)
        length = snprintf(resolved->path, sizeof(resolved->path), "%s", name);
    else if (directory && *own && !strchr(own, '/'))
        length = snprintf(resolved->path, sizeof(resolved->path), "%s/%s", directory, own);
    else
        return false;
    return length > 0 && (size_t)length < sizeof(resolved->path);
}
