/* SPDX-License-Identifier: MIT */
/* Counters of this process, in the text format of Prometheus. No name, path or address is in them.
 */
#ifndef SNPVTPM_KBS_METRICS_H
#define SNPVTPM_KBS_METRICS_H

#include <stdint.h>

/* identifier, name, help */
#define METRICS(M)                                                                                 \
    M(CONNECTIONS, "kbs_connections_total", "Connections accepted")                                \
    M(CONNECTIONS_REFUSED, "kbs_connections_refused_total", "Connections over a limit")            \
    M(OVERDUE, "kbs_overdue_total", "Connections ended for idling or for taking too long")         \
    M(REQUESTS, "kbs_requests_total", "Requests answered")                                         \
    M(REQUESTS_REFUSED, "kbs_requests_refused_total", "Requests refused before any handler")       \
    M(RATE_LIMITED, "kbs_rate_limited_total", "Requests refused for their rate")                   \
    M(SESSIONS_OPENED, "kbs_sessions_opened_total", "Sessions opened")                             \
    M(SESSIONS_REFUSED, "kbs_sessions_refused_total", "Sessions refused, the table being full")    \
    M(ATTESTATIONS_ACCEPTED, "kbs_attestations_accepted_total", "Evidence accepted")               \
    M(ATTESTATIONS_REFUSED, "kbs_attestations_refused_total", "Evidence refused")                  \
    M(ATTESTATIONS_EMULATED, "kbs_attestations_emulated_total", "Accepted from emulated chips")    \
    M(SECRETS_RELEASED, "kbs_secrets_released_total", "Secrets released")                          \
    M(RELEASES_REFUSED, "kbs_releases_refused_total", "Releases refused")                          \
    M(KDS_FETCHES, "kbs_kds_fetches_total", "Certificates and CRLs asked of the KDS")              \
    M(KDS_FAILURES, "kbs_kds_failures_total", "Of these, how many failed")                         \
    M(ADMIN_REQUESTS, "kbs_admin_requests_total", "Requests to the admin API")                     \
    M(ADMIN_REFUSED, "kbs_admin_refused_total", "Of these, how many were refused")                 \
    M(AUDIT_LINES, "kbs_audit_lines_total", "Lines appended to the audit log")                     \
    M(AUDIT_BROKEN, "kbs_audit_broken_total", "Times that the audit log was found broken")

enum metric {
#define M(identifier, name, help) METRIC_##identifier,
    METRICS(M)
#undef M
        METRIC_COUNT
};

/* Thread-safe. */
void metric_add(enum metric metric, uint64_t n);

uint64_t metric_get(enum metric metric);

/* One more attestation, answered after so many microseconds, for the histogram of latencies:
 * kbs_attestation_seconds. Thread-safe. */
void metrics_observe_attestation(uint64_t microseconds);

/* All of them as text, which the caller frees; NULL without memory. */
char *metrics_text(void);

#endif
