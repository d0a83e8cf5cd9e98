/* SPDX-License-Identifier: MIT */
/*
 * How fast the store is, in SQLite or (beside with-postgres.sh) in PostgreSQL: audit lines a second
 * with 1, 16 and 64 threads, and the time of the reads that each attestation needs. No test; run it
 * by hand on an idle machine.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kbs/audit/audit.h"
#include "kbs/store/policies.h"
#include "tests/unit/kbs-store/fixture.h"
#include "tests/unit/measuring.h"

#define THREADS_MAX 64
#define SECONDS     3.0
#define READS       5000

struct recorder {
    struct audit *audit;
    double until;
    unsigned lines;
};

static void *record(void *context)
{
    struct recorder *recorder = context;

    while (seconds() < recorder->until) {
        assert_ok(audit_record(recorder->audit, "attest", attestation_members(), 1000, NULL, NULL));
        recorder->lines++;
    }
    return NULL;
}

static void measure_recording(const struct fixture *fixture, unsigned threads)
{
    struct audit *audit = audit_start(fixture->store, false);
    struct recorder recorders[THREADS_MAX];
    pthread_t ids[THREADS_MAX];
    double start = seconds();
    unsigned lines = 0;

    for (unsigned i = 0; i < threads; i++) {
        recorders[i] = (struct recorder){.audit = audit, .until = start + SECONDS};
        assert_int_equal(pthread_create(&ids[i], NULL, record, &recorders[i]), 0);
    }
    for (unsigned i = 0; i < threads; i++) {
        pthread_join(ids[i], NULL);
        lines += recorders[i].lines;
    }
    audit_stop(audit);
    print_message("audit_record, %2u threads   %8.0f lines/s\n", threads,
                  lines / (seconds() - start));
}

static enum store_status read_policy(struct store_unit *unit)
{
    char *text;
    enum store_status status = policy_text(unit, "default", &text);

    free(text);
    return status;
}

static enum store_status read_image(struct store_unit *unit)
{
    const uint8_t measurement[LAUNCH_DIGEST_SIZE] = {0xaa};
    struct image image;

    return image_by_measurement(unit, measurement, &image);
}

static enum store_status read_volume(struct store_unit *unit)
{
    const uint8_t id[VOLUME_ID_SIZE] = {1};
    struct volume volume;

    return volume_by_id(unit, id, &volume);
}

static enum store_status read_key(struct store_unit *unit)
{
    const uint8_t id[VOLUME_ID_SIZE] = {1};
    uint8_t key[STATE_KEY_SIZE];

    return volume_key(unit, id, key);
}

static void measure_read(const struct fixture *fixture, const char *name,
                         enum store_status (*read)(struct store_unit *unit))
{
    struct store_unit *unit = fixture_reading(fixture);
    double start = seconds(), alone;

    for (unsigned i = 0; i < READS; i++)
        assert_ok(read(unit));
    alone = seconds() - start;
    store_abandon(unit);
    start = seconds();
    for (unsigned i = 0; i < READS; i++) {
        unit = fixture_reading(fixture);
        assert_ok(read(unit));
        store_abandon(unit);
    }
    print_message("%-24s   %8.1f us, with a unit of its own %.1f us\n", name, alone / READS * 1e6,
                  (seconds() - start) / READS * 1e6);
}

TEST_FIXTURE(measure, fixture_begin, fixture_end)
{
    const struct fixture *fixture = *state;

    fixture_add_policy(fixture, "default");
    fixture_add_image(fixture, "svsm-1", 0xaa);
    fixture_add_volume(fixture, "vm-1", "svsm-1", 1);
    measure_read(fixture, "policy_text", read_policy);
    measure_read(fixture, "image_by_measurement", read_image);
    measure_read(fixture, "volume_by_id", read_volume);
    measure_read(fixture, "volume_key", read_key);
    measure_recording(fixture, 1);
    measure_recording(fixture, 16);
    measure_recording(fixture, 64);
}

TEST_GROUP(fixture_begin_group, fixture_end_group)
