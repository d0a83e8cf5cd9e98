/* SPDX-License-Identifier: MIT */
/* Requests to the admin API: HTTPS with TLS 1.3, a token, JSON both ways. */
#ifndef SNPVTPM_KBS_CLI_API_CLIENT_H
#define SNPVTPM_KBS_CLI_API_CLIENT_H

#include <jansson.h>

#include "lib/base/must_check.h"

struct api_settings {
    const char *url;   /* https://HOST:PORT */
    const char *ca;    /* NULL: the system's CAs */
    const char *token; /* wiped by nobody but the caller */
};

struct api_client;

/* The strings are copied. NULL without memory. */
MUST_CHECK struct api_client *api_client_new(const struct api_settings *settings);

void api_client_free(struct api_client *client);

/*
 * Asks for head, name and tail as one path (name may be NULL, and is escaped but for slashes).
 * body, an object that is handed over, may be NULL for GET. Returns an exit status, having said
 * why; *reply is the caller's when it is EXIT_DONE.
 */
MUST_CHECK int api_request(struct api_client *client, const char *method, const char *head,
                           const char *name, const char *tail, json_t *body, json_t **reply);

#endif
