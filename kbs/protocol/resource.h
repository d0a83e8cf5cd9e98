/* SPDX-License-Identifier: MIT */
/*
 * GET /kbs/v0/resource/REPOSITORY/TYPE/TAG: a secret, encrypted to the key of the client that
 * attested, in a session or with a token. For a session that is about a volume,
 * default/sample/test is its key.
 */
#ifndef SNPVTPM_KBS_PROTOCOL_RESOURCE_H
#define SNPVTPM_KBS_PROTOCOL_RESOURCE_H

#include "kbs/http/message.h"
#include "kbs/kbs.h"

/* path is what follows "/kbs/v0/resource/", and is known to be one (secret_is_path). */
void resource_answer(const struct kbs *kbs, const struct http_request *request, const char *path,
                     struct http_reply *reply);

#endif
