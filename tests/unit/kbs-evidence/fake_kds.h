/* SPDX-License-Identifier: MIT */
/* A stand-in for AMD's Key Distribution Service, on a port of the loopback interface. */
#ifndef SNPVTPM_TESTS_UNIT_KBS_EVIDENCE_FAKE_KDS_H
#define SNPVTPM_TESTS_UNIT_KBS_EVIDENCE_FAKE_KDS_H

#include <stddef.h>

struct fake_kds;

struct fake_kds *fake_kds_start(void);
void fake_kds_stop(struct fake_kds *kds);

/* "http://127.0.0.1:PORT" */
const char *fake_kds_url(const struct fake_kds *kds);

/* From now on answers requests for uri (path and query) with these bytes, which are copied. */
void fake_kds_serve(struct fake_kds *kds, const char *uri, const void *bytes, size_t size);

/* From now on answers everything with that status, and NULL or the header's value; 0: as usual. */
void fake_kds_fail(struct fake_kds *kds, unsigned status, const char *header, const char *value);

/* Waits so long before each answer. */
void fake_kds_delay(struct fake_kds *kds, unsigned milliseconds);

/* How many requests there were, and the uri of the last one. */
unsigned fake_kds_requests(const struct fake_kds *kds);
const char *fake_kds_last_uri(const struct fake_kds *kds);

#endif
