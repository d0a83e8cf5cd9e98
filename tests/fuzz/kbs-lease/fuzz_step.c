/* SPDX-License-Identifier: MIT */
/* The input is a store's record and, behind it, requests of one VM, each with its size in front. */
#include <stdlib.h>

#include "kbs/lease/record.h"

static const struct lease_policy policy = {
    .mode = LEASE_CLASSED, .same_epoch = true, .pending_time = 60, .active_time = 60};

/* Whatever is asked, epochs never fall, and nobody but the holder of the lease moves the state. */
static void step(struct lease_record *record, const struct release_request *request, time_t now)
{
    struct lease_record before = *record;
    struct lease_input input = {
        .request = request, .policy = &policy, .report_id = {1}, .new_lease = {2}, .now = now};
    struct lease_output output = lease_step(record, &input);

    if (record->epoch < before.epoch || (output.granted && record->epoch == before.epoch))
        abort();
    if (record->committed_epoch != before.committed_epoch &&
        (record->committed_epoch != record->epoch || record->holder[0] != 1))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lease_record record;
    struct reader r = reader_over(data, size);
    const uint8_t *bytes;
    uint8_t length;
    time_t now = 1790000000;

    if (!reader_borrow(&r, &bytes, LEASE_RECORD_SIZE) ||
        !lease_record_decode(bytes, LEASE_RECORD_SIZE, &record) || record.epoch > INT64_MAX)
        return 0;
    while (reader_u8(&r, &length) && reader_borrow(&r, &bytes, length)) {
        struct release_request request;

        if (release_request_parse(bytes, length, &request))
            step(&record, &request, now);
        now += length;
    }
    return 0;
}
