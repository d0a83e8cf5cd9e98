/* SPDX-License-Identifier: MIT */
/* The tables, and how those of older versions become them. */
#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "kbs/store/db.h"
#include "kbs/store/images.h"
#include "kbs/store/policies.h"
#include "kbs/store/volumes.h"
#include "lib/base/hex.h"

/*
 * Step 3: a name is one image's. Version 2 gave a retired image's name to another one, and with it
 * the volumes of the first. Of the images of one name the newest keeps it, since policies may mean
 * it by now; the others get NAME~NUMBER, which nobody can give. A volume stays with the image
 * that it was made for, or that got its key last; where both are of the same second, with the
 * one that is retired.
 */
#define NEWEST_FIRST "CASE retired WHEN 0 THEN 0 ELSE 1 END, retired DESC, added DESC"
#define LAST_USED                                                                                  \
    "CASE WHEN volume.last_released > volume.created THEN volume.last_released "                   \
    "ELSE volume.created END"

/* Steps from each version of the schema to the next; the last one's number is this program's. */
static const struct {
    int64_t version;
    const char *script;
} steps[] = {
    {2, "CREATE TABLE schema_version (version BIGINT NOT NULL);"
        "INSERT INTO schema_version VALUES (2);"

        "CREATE TABLE image ("
        "  name TEXT NOT NULL, measurement BYTEA NOT NULL CHECK (length(measurement) = 48),"
        "  added BIGINT NOT NULL, retired BIGINT NOT NULL DEFAULT 0, pages BYTEA);"
        "CREATE UNIQUE INDEX image_name ON image (name) WHERE retired = 0;"
        "CREATE UNIQUE INDEX image_measurement ON image (measurement) WHERE retired = 0;"
        "CREATE INDEX image_any_measurement ON image (measurement);"

        "CREATE TABLE policy (name TEXT PRIMARY KEY, body TEXT NOT NULL, updated BIGINT NOT NULL);"

        "CREATE TABLE secret ("
        "  path TEXT PRIMARY KEY, policy TEXT NOT NULL REFERENCES policy (name),"
        "  version BIGINT NOT NULL, size BIGINT NOT NULL, wrapped BYTEA NOT NULL,"
        "  updated BIGINT NOT NULL);"

        "CREATE TABLE volume ("
        "  id BYTEA PRIMARY KEY CHECK (length(id) = 16), name TEXT NOT NULL, image TEXT NOT NULL,"
        "  policy TEXT NOT NULL, release BIGINT NOT NULL, key_version BIGINT NOT NULL,"
        "  created BIGINT NOT NULL, retired BIGINT NOT NULL DEFAULT 0,"
        "  last_released BIGINT NOT NULL DEFAULT 0);"
        "CREATE UNIQUE INDEX volume_name ON volume (name) WHERE retired = 0;"
        "CREATE INDEX volume_image ON volume (image) WHERE retired = 0;"
        "CREATE TABLE volume_key ("
        "  volume BYTEA NOT NULL REFERENCES volume (id), version BIGINT NOT NULL,"
        "  wrapped BYTEA NOT NULL, PRIMARY KEY (volume, version));"

        "CREATE TABLE token ("
        "  name TEXT NOT NULL, role BIGINT NOT NULL, digest BYTEA NOT NULL UNIQUE,"
        "  created BIGINT NOT NULL, expires BIGINT NOT NULL, revoked BIGINT NOT NULL DEFAULT 0);"
        "CREATE UNIQUE INDEX token_name ON token (name) WHERE revoked = 0;"

        "CREATE TABLE signing_key ("
        "  id BYTEA PRIMARY KEY CHECK (length(id) = 16), purpose BIGINT NOT NULL,"
        "  ordinal BIGINT NOT NULL, created BIGINT NOT NULL, retired BIGINT NOT NULL DEFAULT 0,"
        "  wrapped BYTEA);"

        "CREATE TABLE kbs_session ("
        "  id TEXT PRIMARY KEY, nonce BYTEA NOT NULL, opened BIGINT NOT NULL,"
        "  expires BIGINT NOT NULL, state BIGINT NOT NULL, granted BYTEA);"
        "CREATE INDEX kbs_session_expires ON kbs_session (expires);"

        "CREATE TABLE audit (seq BIGINT PRIMARY KEY, time BIGINT NOT NULL, line TEXT NOT NULL,"
        "  hash BYTEA NOT NULL CHECK (length(hash) = 32));"
        "CREATE TABLE audit_head (one BIGINT PRIMARY KEY CHECK (one = 1), seq BIGINT NOT NULL,"
        "  hash BYTEA NOT NULL CHECK (length(hash) = 32));"},

    {3, "CREATE TABLE retired_name ("
        "  kind BIGINT NOT NULL, name TEXT NOT NULL, version BIGINT NOT NULL,"
        "  retired BIGINT NOT NULL, PRIMARY KEY (kind, name));"

        "CREATE TABLE named_image ("
        "  name TEXT PRIMARY KEY, measurement BYTEA NOT NULL CHECK (length(measurement) = 48),"
        "  added BIGINT NOT NULL, retired BIGINT NOT NULL DEFAULT 0, pages BYTEA,"
        "  name_before TEXT NOT NULL);"
        "WITH one_each AS (SELECT *, ROW_NUMBER() OVER"
        "    (PARTITION BY name, measurement ORDER BY " NEWEST_FIRST ") AS again FROM image),"
        "  placed AS (SELECT *, ROW_NUMBER() OVER"
        "    (PARTITION BY name ORDER BY " NEWEST_FIRST ") AS place FROM one_each WHERE again = 1),"
        "  numbered AS (SELECT *, ROW_NUMBER() OVER"
        "    (PARTITION BY CASE place WHEN 1 THEN 0 ELSE 1 END ORDER BY name, place) AS number"
        "    FROM placed)"
        "INSERT INTO named_image (name, measurement, added, retired, pages, name_before)"
        "  SELECT CASE place WHEN 1 THEN name"
        "      ELSE substr(name, 1, 50) || '~' || CAST(number AS TEXT) END,"
        "    measurement, added, retired, COALESCE(pages, (SELECT image.pages FROM image"
        "      WHERE image.name = numbered.name AND image.measurement = numbered.measurement"
        "      AND image.pages IS NOT NULL LIMIT 1)), name FROM numbered;"

        "UPDATE volume SET image = (SELECT name FROM named_image"
        "  WHERE name_before = volume.image AND measurement = (SELECT measurement FROM image"
        "    WHERE image.name = volume.image AND image.added = COALESCE("
        "      (SELECT max(added) FROM image"
        "        WHERE image.name = volume.image AND added <= " LAST_USED "),"
        "      (SELECT min(added) FROM image WHERE image.name = volume.image))"
        "    ORDER BY retired DESC LIMIT 1))"
        "  WHERE image IN (SELECT name_before FROM named_image"
        "    GROUP BY name_before HAVING count(*) > 1);"

        "DROP TABLE image;"
        "ALTER TABLE named_image DROP COLUMN name_before;"
        "ALTER TABLE named_image RENAME TO image;"
        "CREATE UNIQUE INDEX image_measurement ON image (measurement) WHERE retired = 0;"
        "CREATE INDEX image_any_measurement ON image (measurement);"},

    {4, "CREATE TABLE audit_segment ("
        "  last_seq BIGINT PRIMARY KEY, first_seq BIGINT NOT NULL,"
        "  before BYTEA NOT NULL CHECK (length(before) = 32),"
        "  head BYTEA NOT NULL CHECK (length(head) = 32), closed BIGINT NOT NULL,"
        "  signer BYTEA NOT NULL CHECK (length(signer) = 16), statement TEXT NOT NULL,"
        "  pruned BIGINT NOT NULL DEFAULT 0, receipt TEXT, receipt_signer BYTEA);"},

    {5, "CREATE TABLE volume_lease ("
        "  volume BYTEA PRIMARY KEY CHECK (length(volume) = 16), mode BIGINT NOT NULL,"
        "  same_epoch BIGINT NOT NULL, manufacture BIGINT NOT NULL, adopt BIGINT NOT NULL,"
        "  ephemeral BIGINT NOT NULL, pending_time BIGINT NOT NULL, active_time BIGINT NOT NULL,"
        "  record BYTEA NOT NULL);"
        "CREATE TABLE volume_holder ("
        "  volume BYTEA NOT NULL, report_id BYTEA NOT NULL CHECK (length(report_id) = 32),"
        "  epoch BIGINT NOT NULL, PRIMARY KEY (volume, report_id));"},

    {6, "CREATE TABLE ca_certificate ("
        "  id BYTEA PRIMARY KEY CHECK (length(id) = 16), certificate BYTEA NOT NULL);"
        "CREATE TABLE ek_certificate ("
        "  serial BYTEA PRIMARY KEY CHECK (length(serial) = 16),"
        "  ca BYTEA NOT NULL CHECK (length(ca) = 16),"
        "  volume BYTEA NOT NULL CHECK (length(volume) = 16),"
        "  ek_digest BYTEA NOT NULL CHECK (length(ek_digest) = 48), kind BIGINT NOT NULL,"
        "  certificate BYTEA NOT NULL, issued BIGINT NOT NULL,"
        "  revoked BIGINT NOT NULL DEFAULT 0, reason BIGINT NOT NULL DEFAULT 0);"
        "CREATE INDEX ek_certificate_volume ON ek_certificate (volume);"},

    {7, "CREATE INDEX volume_holder_report_id ON volume_holder (report_id);"},
};

/* The version before this table of versions: SQLite alone, kept as its user_version. */
#define LEGACY 1

#define NEWEST (steps[sizeof(steps) / sizeof(steps[0]) - 1].version)

/* 0: an empty database. */
static enum store_status find_version(struct db *db, bool is_sqlite, int64_t *version)
{
    static const char in_sqlite[] =
        "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = $1";
    static const char in_postgres[] = "SELECT count(*) FROM pg_tables WHERE tablename = $1 AND "
                                      "schemaname = ANY (current_schemas(false))";
    const char *exists = is_sqlite ? in_sqlite : in_postgres;
    struct db_value name = db_text("schema_version"), legacy = db_text("registration");
    int64_t found = 0;
    enum store_status status = db_ask_integer(db, exists, &name, 1, &found);

    *version = 0;
    if (status == STORE_OK && found)
        return db_ask_integer(db, "SELECT max(version) FROM schema_version", NULL, 0, version);
    if (status != STORE_OK || !is_sqlite)
        return status;
    status = db_ask_integer(db, exists, &legacy, 1, &found);
    if (status == STORE_OK && found) {
        status = db_ask_integer(db, "PRAGMA user_version", NULL, 0, version);
        return status == STORE_OK && *version != LEGACY ? STORE_NOT_DATABASE : status;
    }
    if (status == STORE_OK)
        status = db_ask_integer(db, "SELECT count(*) FROM sqlite_master", NULL, 0, &found);
    return status == STORE_OK && found ? STORE_NOT_DATABASE : status;
}

static enum store_status run_steps(struct db *db, int64_t from)
{
    enum store_status status = STORE_OK;

    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]) && status == STORE_OK; i++)
        if (steps[i].version > from) {
            status = db_script(db, steps[i].script);
            if (status == STORE_OK)
                status = DB_CHANGE(db, "UPDATE schema_version SET version = $1",
                                   db_integer(steps[i].version));
        }
    return status;
}

/* The version before had one table: measurement, secret in the clear, time of registration. */

#define NAME_DIGITS     16
#define NAME_DIGITS_MAX 56

struct legacy {
    struct store_unit unit;
    enum store_status status;
};

/* Names of both, with as many digits of the measurement. */
static enum store_status add_registration(struct legacy *legacy, struct image *image,
                                          struct volume *volume, const uint8_t key[STATE_KEY_SIZE],
                                          size_t digits)
{
    char hex[2 * LAUNCH_DIGEST_SIZE + 1];
    enum store_status status;

    hex_text(image->measurement, LAUNCH_DIGEST_SIZE, hex);
    snprintf(image->name, sizeof(image->name), "image-%.*s", (int)digits, hex);
    snprintf(volume->name, sizeof(volume->name), "volume-%.*s", (int)digits, hex);
    strcpy(volume->image, image->name);
    status = image_add(&legacy->unit, image, NULL, 0);
    return status == STORE_OK ? volume_add(&legacy->unit, volume, key) : status;
}

static void take_registration(void *context, const struct db_row *row)
{
    struct legacy *legacy = context;
    struct image image = {.added = db_row_integer(legacy->unit.db, row, 2)};
    struct volume volume = {
        .policy = "default", .release = VOLUME_RELEASE_ANY, .created = image.added};
    uint8_t key[STATE_KEY_SIZE];

    if (legacy->status != STORE_OK)
        return;
    if (!db_row_bytes(legacy->unit.db, row, 0, image.measurement, sizeof(image.measurement)) ||
        !db_row_bytes(legacy->unit.db, row, 1, key, sizeof(key)))
        legacy->status = STORE_NOT_DATABASE;
    else if (RAND_bytes(volume.id, sizeof(volume.id)) != 1)
        legacy->status = STORE_FAILED;
    else
        legacy->status = add_registration(legacy, &image, &volume, key, NAME_DIGITS);
    /* Made-up measurements may well begin alike. */
    if (legacy->status == STORE_EXISTS)
        legacy->status = add_registration(legacy, &image, &volume, key, NAME_DIGITS_MAX);
    OPENSSL_cleanse(key, sizeof(key));
}

static enum store_status take_legacy(struct db *db, struct store *store)
{
    struct legacy legacy = {.unit = {.store = store, .db = db, .writing = true}};
    /* A policy that says nothing is strict in everything. */
    enum store_status status = policy_put(&legacy.unit, "default", "", false, time(NULL));

    if (status == STORE_OK)
        status = db_run(db,
                        "SELECT measurement, secret, registered FROM registration "
                        "ORDER BY registered",
                        NULL, 0, take_registration, &legacy, NULL);
    if (status == STORE_OK)
        status = legacy.status;
    return status == STORE_OK ? db_script(db, "DROP TABLE registration") : status;
}

/*
 * No secret may stay in the clear, neither in a free page nor in the log of changes. The old
 * user_version stays until that is so, so that a crash in between is made up for at the next start.
 */
static enum store_status clean(struct db *db)
{
    int64_t left = 0, busy = 0;
    enum store_status status = db_ask_integer(db, "PRAGMA user_version", NULL, 0, &left);

    if (status != STORE_OK || left != LEGACY)
        return status;
    status = db_script(db, "VACUUM");
    if (status == STORE_OK)
        status = db_ask_integer(db, "PRAGMA wal_checkpoint(TRUNCATE)", NULL, 0, &busy);
    return status == STORE_OK && !busy ? db_script(db, "PRAGMA user_version = 0") : status;
}

static enum store_status migrate(struct db *db, bool create, bool is_sqlite, struct store *store)
{
    int64_t version = 0;
    enum store_status status = db_serialize(db);

    if (status == STORE_OK)
        status = find_version(db, is_sqlite, &version);
    if (status != STORE_OK || version == NEWEST)
        return status;
    if (version > NEWEST)
        return STORE_NEWER_VERSION;
    if (version == 0 && !create)
        return STORE_NO_DATABASE;
    status = run_steps(db, version);
    return status == STORE_OK && version == LEGACY ? take_legacy(db, store) : status;
}

/* Looks again in the transaction: another server may have migrated meanwhile. */
static enum store_status migrate_at_once(struct db *db, bool create, bool is_sqlite,
                                         struct store *store)
{
    enum store_status status = db_begin(db, true);

    if (status != STORE_OK)
        return status;
    status = migrate(db, create, is_sqlite, store);
    if (status == STORE_OK)
        return db_commit(db);
    db_rollback(db);
    return status;
}

/* In one transaction: what another server makes meanwhile must be seen whole or not at all. */
static enum store_status look_up_version(struct db *db, bool is_sqlite, int64_t *version)
{
    enum store_status status = db_begin(db, false);

    if (status != STORE_OK)
        return status;
    status = find_version(db, is_sqlite, version);
    db_rollback(db);
    return status;
}

enum store_status schema_prepare(struct db *db, bool create, bool is_sqlite, struct store *store)
{
    int64_t version = 0;
    enum store_status status = look_up_version(db, is_sqlite, &version);

    if (status == STORE_OK && version != NEWEST)
        status = migrate_at_once(db, create, is_sqlite, store);
    return status == STORE_OK && is_sqlite ? clean(db) : status;
}
