/* SPDX-License-Identifier: MIT */
#include "kbs/metrics.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

static const struct {
    const char *name, *help;
} descriptions[METRIC_COUNT] = {
#define M(identifier, name, help) [METRIC_##identifier] = {name, help},
    METRICS(M)
#undef M
};

/* Upper bounds of the histogram's buckets; one more has what is beyond. */
static const struct {
    uint64_t microseconds;
    const char *seconds;
} bounds[] = {
    {1000, "0.001"}, {2000, "0.002"}, {5000, "0.005"}, {10000, "0.01"},
    {20000, "0.02"}, {50000, "0.05"}, {100000, "0.1"}, {200000, "0.2"},
    {500000, "0.5"}, {1000000, "1"},  {2000000, "2"},  {5000000, "5"},
};

#define BOUNDS (sizeof(bounds) / sizeof(bounds[0]))

/* Counters that say nothing about each other: no order between them is needed. */
static _Atomic uint64_t counters[METRIC_COUNT];
static _Atomic uint64_t buckets[BOUNDS + 1];
static _Atomic uint64_t attestation_microseconds;

void metric_add(enum metric metric, uint64_t n)
{
    atomic_fetch_add_explicit(&counters[metric], n, memory_order_relaxed);
}

uint64_t metric_get(enum metric metric)
{
    return atomic_load_explicit(&counters[metric], memory_order_relaxed);
}

void metrics_observe_attestation(uint64_t microseconds)
{
    size_t i = 0;

    while (i < BOUNDS && microseconds > bounds[i].microseconds)
        i++;
    atomic_fetch_add_explicit(&buckets[i], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&attestation_microseconds, microseconds, memory_order_relaxed);
}

static void print_counters(FILE *out)
{
    for (size_t i = 0; i < METRIC_COUNT; i++)
        fprintf(out, "# HELP %s %s.\n# TYPE %s counter\n%s %" PRIu64 "\n", descriptions[i].name,
                descriptions[i].help, descriptions[i].name, descriptions[i].name,
                metric_get((enum metric)i));
}

/* A bucket counts what is in those below it too; the count is their sum, so that it never differs
 * from the last one's while others count on. */
static void print_histogram(FILE *out)
{
    uint64_t sum = atomic_load_explicit(&attestation_microseconds, memory_order_relaxed);
    uint64_t count = 0;

    fputs("# HELP kbs_attestation_seconds Time to answer an attestation.\n"
          "# TYPE kbs_attestation_seconds histogram\n",
          out);
    for (size_t i = 0; i <= BOUNDS; i++) {
        count += atomic_load_explicit(&buckets[i], memory_order_relaxed);
        fprintf(out, "kbs_attestation_seconds_bucket{le=\"%s\"} %" PRIu64 "\n",
                i < BOUNDS ? bounds[i].seconds : "+Inf", count);
    }
    fprintf(out,
            "kbs_attestation_seconds_sum %" PRIu64 ".%06" PRIu64 "\n"
            "kbs_attestation_seconds_count %" PRIu64 "\n",
            sum / 1000000, sum % 1000000, count);
}

char *metrics_text(void)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    if (!out)
        return NULL;
    print_counters(out);
    print_histogram(out);
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}
