/* SPDX-License-Identifier: MIT */
#include "kbs/lease/record.h"

#include "lib/base/writer.h"

#define FORMAT 1

static bool write_state(struct writer *w, const struct lease_record *record)
{
    return writer_u8(w, record->frozen) && writer_be64(w, record->generation) &&
           writer_be64(w, record->epoch) && writer_u8(w, record->has_committed) &&
           writer_put(w, record->committed, sizeof(record->committed)) &&
           writer_be64(w, record->committed_epoch) && writer_u8(w, record->has_ek_digest) &&
           writer_put(w, record->ek_digest, sizeof(record->ek_digest));
}

static bool write_lease(struct writer *w, const struct lease_record *record)
{
    return writer_u8(w, (uint8_t)record->phase) &&
           writer_put(w, record->lease, sizeof(record->lease)) &&
           writer_put(w, record->holder, sizeof(record->holder)) &&
           writer_be64(w, record->sequence) && writer_be64(w, (uint64_t)record->granted) &&
           writer_be64(w, (uint64_t)record->renewed) && writer_be32(w, record->next_version) &&
           writer_be32(w, record->last_version);
}

static bool write_complaint(struct writer *w, const struct lease_complaint *complaint)
{
    return writer_be64(w, (uint64_t)complaint->when) && writer_u8(w, complaint->has_state) &&
           writer_put(w, complaint->state, sizeof(complaint->state)) &&
           writer_put(w, complaint->report_id, sizeof(complaint->report_id));
}

void lease_record_encode(const struct lease_record *record, uint8_t out[LEASE_RECORD_SIZE])
{
    struct writer w = writer_over(out, LEASE_RECORD_SIZE);

    /* It has room for exactly this. */
    if (!writer_u8(&w, FORMAT) || !write_state(&w, record) || !write_lease(&w, record) ||
        !write_complaint(&w, &record->complaint))
        out[0] = 0;
}

static bool read_bool(struct reader *r, bool *value)
{
    uint8_t byte;

    if (!reader_u8(r, &byte) || byte > 1)
        return false;
    *value = byte;
    return true;
}

static bool read_time(struct reader *r, time_t *value)
{
    uint64_t seconds;

    if (!reader_be64(r, &seconds) || seconds > INT64_MAX)
        return false;
    *value = (time_t)seconds;
    return true;
}

static bool read_state(struct reader *r, struct lease_record *record)
{
    return read_bool(r, &record->frozen) && reader_be64(r, &record->generation) &&
           reader_be64(r, &record->epoch) && read_bool(r, &record->has_committed) &&
           reader_copy(r, record->committed, sizeof(record->committed)) &&
           reader_be64(r, &record->committed_epoch) && read_bool(r, &record->has_ek_digest) &&
           reader_copy(r, record->ek_digest, sizeof(record->ek_digest));
}

static bool read_lease(struct reader *r, struct lease_record *record)
{
    uint8_t phase;

    if (!reader_u8(r, &phase) || phase > LEASE_RELEASED)
        return false;
    record->phase = (enum lease_phase)phase;
    return reader_copy(r, record->lease, sizeof(record->lease)) &&
           reader_copy(r, record->holder, sizeof(record->holder)) &&
           reader_be64(r, &record->sequence) && read_time(r, &record->granted) &&
           read_time(r, &record->renewed) && reader_be32(r, &record->next_version) &&
           reader_be32(r, &record->last_version);
}

static bool read_complaint(struct reader *r, struct lease_complaint *complaint)
{
    return read_time(r, &complaint->when) && read_bool(r, &complaint->has_state) &&
           reader_copy(r, complaint->state, sizeof(complaint->state)) &&
           reader_copy(r, complaint->report_id, sizeof(complaint->report_id));
}

bool lease_record_decode(const uint8_t *bytes, size_t size, struct lease_record *record)
{
    struct reader r = reader_over(bytes, size);
    uint8_t format;

    *record = (struct lease_record){0};
    if (reader_u8(&r, &format) && format == FORMAT && read_state(&r, record) &&
        read_lease(&r, record) && read_complaint(&r, &record->complaint) && r.left == 0)
        return true;
    *record = (struct lease_record){0};
    return false;
}
