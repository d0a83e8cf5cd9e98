/* SPDX-License-Identifier: MIT */
#include "kbs/store/leases.h"

#include <stdlib.h>

#include "kbs/lease/record.h"
#include "kbs/store/db.h"
#include "kbs/store/stored_sessions.h"

struct found {
    const struct db *db;
    struct lease_policy *policy;
    struct lease_record *record;
    unsigned count;
    bool whole;
};

static bool is_mode(int64_t mode)
{
    return mode == LEASE_OFF || mode == LEASE_STRICT || mode == LEASE_CLASSED || mode == LEASE_BOOT;
}

static uint32_t seconds_of(int64_t value)
{
    return value > 0 && value < LEASE_FOREVER ? (uint32_t)value : LEASE_FOREVER;
}

static void take_lease(void *context, const struct db_row *row)
{
    struct found *found = context;
    int64_t mode = db_row_integer(found->db, row, 0);
    uint8_t record[LEASE_RECORD_SIZE];

    found->count++;
    /* A value that this program does not know must not loosen anything. */
    *found->policy = (struct lease_policy){
        .mode = is_mode(mode) ? (enum lease_mode)mode : LEASE_STRICT,
        .same_epoch = db_row_integer(found->db, row, 1) == 1,
        .manufacture = db_row_integer(found->db, row, 2) == 1,
        .adopt = db_row_integer(found->db, row, 3) == 1,
        .ephemeral = db_row_integer(found->db, row, 4) == 1,
        .pending_time = seconds_of(db_row_integer(found->db, row, 5)),
        .active_time = seconds_of(db_row_integer(found->db, row, 6)),
    };
    found->whole = db_row_bytes(found->db, row, 7, record, sizeof(record)) &&
                   lease_record_decode(record, sizeof(record), found->record);
}

enum store_status lease_load(struct store_unit *unit, const struct volume *volume,
                             struct lease_policy *policy, struct lease_record *record)
{
    struct found found = {.db = unit->db, .policy = policy, .record = record};
    enum store_status status;

    *policy = (struct lease_policy){.mode = LEASE_OFF};
    *record = (struct lease_record){0};
    status = DB_RUN(unit->db,
                    "SELECT mode, same_epoch, manufacture, adopt, ephemeral, pending_time, "
                    "active_time, record FROM volume_lease WHERE volume = $1",
                    take_lease, &found, NULL, db_bytes(volume->id, VOLUME_ID_SIZE));
    record->key_version = volume->key_version;
    if (status != STORE_OK)
        return status;
    if (found.count == 0)
        return STORE_NOT_FOUND;
    return found.whole ? STORE_OK
                       : db_fail(unit->db, STORE_FAILED, "the lease of a volume is unreadable");
}

enum store_status lease_set_policy(struct store_unit *unit, const uint8_t volume[VOLUME_ID_SIZE],
                                   const struct lease_policy *policy)
{
    struct lease_record none = {0};
    uint8_t record[LEASE_RECORD_SIZE];

    lease_record_encode(&none, record);
    return DB_RUN(unit->db,
                  "INSERT INTO volume_lease (volume, mode, same_epoch, manufacture, adopt, "
                  "ephemeral, pending_time, active_time, record) "
                  "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) "
                  "ON CONFLICT (volume) DO UPDATE SET mode = excluded.mode, "
                  "same_epoch = excluded.same_epoch, manufacture = excluded.manufacture, "
                  "adopt = excluded.adopt, ephemeral = excluded.ephemeral, "
                  "pending_time = excluded.pending_time, active_time = excluded.active_time",
                  NULL, NULL, NULL, db_bytes(volume, VOLUME_ID_SIZE), db_integer(policy->mode),
                  db_integer(policy->same_epoch), db_integer(policy->manufacture),
                  db_integer(policy->adopt), db_integer(policy->ephemeral),
                  db_integer(policy->pending_time), db_integer(policy->active_time),
                  db_bytes(record, sizeof(record)));
}

enum store_status lease_save(struct store_unit *unit, const uint8_t volume[VOLUME_ID_SIZE],
                             const struct lease_record *record)
{
    uint8_t bytes[LEASE_RECORD_SIZE];

    lease_record_encode(record, bytes);
    return DB_CHANGE(unit->db, "UPDATE volume_lease SET record = $2 WHERE volume = $1",
                     db_bytes(volume, VOLUME_ID_SIZE), db_bytes(bytes, sizeof(bytes)));
}

enum store_status lease_was_held(struct store_unit *unit, const uint8_t volume[VOLUME_ID_SIZE],
                                 const uint8_t report_id[RELEASE_REPORT_ID_SIZE], bool *held)
{
    const struct db_value values[] = {db_bytes(volume, VOLUME_ID_SIZE),
                                      db_bytes(report_id, RELEASE_REPORT_ID_SIZE)};
    int64_t epoch;
    enum store_status status = db_ask_integer(
        unit->db, "SELECT epoch FROM volume_holder WHERE volume = $1 AND report_id = $2", values, 2,
        &epoch);

    *held = status == STORE_OK;
    return status == STORE_NOT_FOUND ? STORE_OK : status;
}

enum store_status lease_note_holder(struct store_unit *unit, const uint8_t volume[VOLUME_ID_SIZE],
                                    const uint8_t report_id[RELEASE_REPORT_ID_SIZE], uint64_t epoch)
{
    return DB_RUN(unit->db,
                  "INSERT INTO volume_holder (volume, report_id, epoch) VALUES ($1, $2, $3)", NULL,
                  NULL, NULL, db_bytes(volume, VOLUME_ID_SIZE),
                  db_bytes(report_id, RELEASE_REPORT_ID_SIZE), db_integer((int64_t)epoch));
}

struct found_holder {
    const struct db *db;
    unsigned count;
    bool whole;
    uint8_t volume[VOLUME_ID_SIZE];
    uint64_t epoch;
};

static void take_holder(void *context, const struct db_row *row)
{
    struct found_holder *found = context;

    found->count++;
    found->whole = db_row_bytes(found->db, row, 0, found->volume, sizeof(found->volume));
    found->epoch = (uint64_t)db_row_integer(found->db, row, 1);
}

enum store_status lease_of_holder(struct store_unit *unit,
                                  const uint8_t report_id[RELEASE_REPORT_ID_SIZE],
                                  struct volume *volume, uint64_t *epoch,
                                  struct lease_record *record)
{
    struct found_holder found = {.db = unit->db};
    struct lease_policy policy;
    enum store_status status = DB_RUN(
        unit->db,
        "SELECT volume, epoch FROM volume_holder WHERE report_id = $1 ORDER BY epoch DESC LIMIT 1",
        take_holder, &found, NULL, db_bytes(report_id, RELEASE_REPORT_ID_SIZE));

    if (status == STORE_OK && found.count == 0)
        return STORE_NOT_FOUND;
    if (status == STORE_OK && !found.whole)
        return db_fail(unit->db, STORE_FAILED, "the holder of a lease is unreadable");
    *epoch = found.epoch;
    if (status == STORE_OK)
        status = volume_by_id(unit, found.volume, volume);
    if (status == STORE_OK)
        status = lease_load(unit, volume, &policy, record);
    return status == STORE_OK && policy.mode == LEASE_OFF ? STORE_NOT_FOUND : status;
}

/* After a restore */

struct all_volumes {
    struct volume *volumes; /* owned */
    size_t count;
    bool whole;
};

static void add_volume(void *context, const struct volume *volume)
{
    struct all_volumes *all = context;
    struct volume *more =
        all->whole ? reallocarray(all->volumes, all->count + 1, sizeof(*more)) : NULL;

    all->whole = more != NULL;
    if (!more)
        return;
    all->volumes = more;
    more[all->count++] = *volume;
}

static enum store_status restore_one(struct store_unit *unit, const struct volume *volume,
                                     time_t now, unsigned *count)
{
    struct lease_policy policy;
    struct lease_record record;
    enum store_status status = lease_load(unit, volume, &policy, &record);

    if (status == STORE_NOT_FOUND || (status == STORE_OK && policy.mode == LEASE_OFF))
        return STORE_OK;
    if (status != STORE_OK)
        return status;
    lease_restored(&record, now);
    *count += volume->retired == 0;
    status = lease_save(unit, volume->id, &record);
    /* A first state may have been committed since: it is not to be replaced by another one. */
    if (status == STORE_OK && !record.has_committed && (policy.manufacture || policy.adopt)) {
        policy.manufacture = policy.adopt = false;
        status = lease_set_policy(unit, volume->id, &policy);
    }
    return status;
}

enum store_status leases_restored(struct store_unit *unit, time_t now, unsigned *count)
{
    struct all_volumes all = {.whole = true};
    enum store_status status = volume_each(unit, add_volume, &all);

    *count = 0;
    if (status == STORE_OK && !all.whole)
        status = STORE_FAILED;
    for (size_t i = 0; i < all.count && status == STORE_OK; i++)
        status = restore_one(unit, &all.volumes[i], now, count);
    free(all.volumes);
    return status == STORE_OK ? stored_session_sweep(unit, INT64_MAX) : status;
}
