/* SPDX-License-Identifier: MIT */
/* One client's requests to a KBS: JSON over one kept connection, with its own cookies. */
#ifndef SNPVTPM_TESTS_LOAD_EXCHANGE_H
#define SNPVTPM_TESTS_LOAD_EXCHANGE_H

#include <jansson.h>

#include "lib/base/must_check.h"

struct exchange;

/* To a KBS at url, which is borrowed; ca is its authority's certificate, or NULL. NULL without
 * memory. curl_global_init was called. */
MUST_CHECK struct exchange *exchange_new(const char *url, const char *ca);
void exchange_free(struct exchange *exchange);

/* Forgets the session. */
void exchange_forget(struct exchange *exchange);

/*
 * POSTs body, or GETs when body is NULL. Returns the HTTP status, 0 when there was no reply. *reply
 * is its JSON, which the caller releases, or NULL.
 */
long exchange_request(struct exchange *exchange, const char *path, const char *body,
                      json_t **reply);

/* What the last request took, in seconds. */
double exchange_time(const struct exchange *exchange);

/* Why there was no reply. */
const char *exchange_error(const struct exchange *exchange);

#endif
