/* SPDX-License-Identifier: MIT */
/* Counters as Prometheus reads them. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "kbs/metrics.h"
#include "tests/unit/registered.h"

static void assert_text_has(const char *wanted)
{
    char *text = metrics_text();

    assert_non_null(text);
    if (!strstr(text, wanted))
        fail_msg("expected \"%s\" in:\n%s", wanted, text);
    free(text);
}

TEST(a_counter_is_shown_with_help_and_type)
{
    metric_add(METRIC_KDS_FETCHES, 41);
    metric_add(METRIC_KDS_FETCHES, 1);
    assert_int_equal(metric_get(METRIC_KDS_FETCHES), 42);
    assert_text_has("# HELP kbs_kds_fetches_total Certificates and CRLs asked of the KDS.\n"
                    "# TYPE kbs_kds_fetches_total counter\n"
                    "kbs_kds_fetches_total 42\n");
    assert_text_has("\nkbs_kds_failures_total 0\n");
}

TEST(a_bucket_counts_what_is_below_it_too)
{
    metrics_observe_attestation(1000);
    metrics_observe_attestation(1001);
    metrics_observe_attestation(7000000);
    assert_text_has("# TYPE kbs_attestation_seconds histogram\n"
                    "kbs_attestation_seconds_bucket{le=\"0.001\"} 1\n"
                    "kbs_attestation_seconds_bucket{le=\"0.002\"} 2\n");
    assert_text_has("kbs_attestation_seconds_bucket{le=\"5\"} 2\n"
                    "kbs_attestation_seconds_bucket{le=\"+Inf\"} 3\n"
                    "kbs_attestation_seconds_sum 7.002001\n"
                    "kbs_attestation_seconds_count 3\n");
}

static void *count(void *unused)
{
    (void)unused;
    for (int i = 0; i < 10000; i++)
        metric_add(METRIC_REQUESTS, 1);
    return NULL;
}

TEST(threads_lose_no_count)
{
    pthread_t threads[4];

    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, count, NULL), 0);
    for (size_t i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(metric_get(METRIC_REQUESTS), 40000);
}
