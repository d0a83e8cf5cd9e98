/* SPDX-License-Identifier: MIT */
#include "kbs/store/volumes.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "kbs/store/db.h"
#include "kbs/store/images.h"
#include "kbs/store/wrapped.h"

#define COLUMNS "id, name, image, policy, release, key_version, created, retired, last_released"

struct found {
    const struct db *db;
    struct volume volume;
    unsigned count;
    bool whole;
    void (*visit)(void *context, const struct volume *volume);
    void *context;
};

static void take_volume(void *context, const struct db_row *row)
{
    struct found *found = context;
    struct volume *volume = &found->volume;

    found->count++;
    found->whole = db_row_bytes(found->db, row, 0, volume->id, sizeof(volume->id)) &&
                   db_row_text(found->db, row, 1, volume->name, sizeof(volume->name)) &&
                   db_row_text(found->db, row, 2, volume->image, sizeof(volume->image)) &&
                   db_row_text(found->db, row, 3, volume->policy, sizeof(volume->policy));
    /* A value that this program does not know must not loosen anything. */
    volume->release = db_row_integer(found->db, row, 4) == VOLUME_RELEASE_ANY
                          ? VOLUME_RELEASE_ANY
                          : VOLUME_RELEASE_SIGNED;
    volume->key_version = (unsigned)db_row_integer(found->db, row, 5);
    volume->created = db_row_integer(found->db, row, 6);
    volume->retired = db_row_integer(found->db, row, 7);
    volume->last_released = db_row_integer(found->db, row, 8);
    if (found->whole && found->visit)
        found->visit(found->context, volume);
}

static enum store_status find(struct store_unit *unit, const char *sql, struct db_value by,
                              struct volume *volume)
{
    struct found found = {.db = unit->db};
    enum store_status status = DB_RUN(unit->db, sql, take_volume, &found, NULL, by);

    if (status != STORE_OK)
        return status;
    if (found.count == 0)
        return STORE_NOT_FOUND;
    if (found.count > 1)
        return STORE_AMBIGUOUS;
    *volume = found.volume;
    return found.whole ? STORE_OK : STORE_FAILED;
}

enum store_status volume_by_id(struct store_unit *unit, const uint8_t id[VOLUME_ID_SIZE],
                               struct volume *volume)
{
    return find(unit, "SELECT " COLUMNS " FROM volume WHERE id = $1", db_bytes(id, VOLUME_ID_SIZE),
                volume);
}

/* The active one of that name, else the one retired last: older versions of this program gave the
 * name of a retired one again. */
enum store_status volume_by_name(struct store_unit *unit, const char *name, struct volume *volume)
{
    return find(unit,
                "SELECT " COLUMNS " FROM volume WHERE name = $1 "
                "ORDER BY CASE retired WHEN 0 THEN 0 ELSE 1 END, retired DESC LIMIT 1",
                db_text(name), volume);
}

enum store_status volume_of_measurement(struct store_unit *unit,
                                        const uint8_t measurement[LAUNCH_DIGEST_SIZE],
                                        struct volume *volume)
{
    return find(unit,
                "SELECT volume.id, volume.name, volume.image, volume.policy, volume.release, "
                "volume.key_version, volume.created, volume.retired, volume.last_released "
                "FROM volume JOIN image ON image.name = volume.image AND image.retired = 0 "
                "WHERE image.measurement = $1 AND volume.retired = 0 LIMIT 2",
                db_bytes(measurement, LAUNCH_DIGEST_SIZE), volume);
}

static enum store_status write_key(struct store_unit *unit, const uint8_t id[VOLUME_ID_SIZE],
                                   unsigned version, const uint8_t key[STATE_KEY_SIZE])
{
    char context[WRAP_CONTEXT_MAX];
    enum store_status status;
    uint8_t *wrapped;

    wrapped_context(context, "volume", db_bytes(id, VOLUME_ID_SIZE), version);
    wrapped = wrapped_new(unit, context, key, STATE_KEY_SIZE);
    if (!wrapped)
        return STORE_FAILED;
    status =
        DB_RUN(unit->db, "INSERT INTO volume_key (volume, version, wrapped) VALUES ($1, $2, $3)",
               NULL, NULL, NULL, db_bytes(id, VOLUME_ID_SIZE), db_integer(version),
               db_bytes(wrapped, STATE_KEY_SIZE + WRAP_OVERHEAD));
    free(wrapped);
    return status;
}

static enum store_status check_image(struct store_unit *unit, const char *name)
{
    struct image image;
    enum store_status status = image_by_name(unit, name, &image);

    return status == STORE_OK && image.retired ? STORE_RETIRED : status;
}

static enum store_status check_policy(struct store_unit *unit, const char *name)
{
    struct db_value by = db_text(name);
    int64_t one;

    return db_ask_integer(unit->db, "SELECT 1 FROM policy WHERE name = $1", &by, 1, &one);
}

static enum store_status check_name(struct store_unit *unit, const char *name)
{
    struct volume volume;
    enum store_status status =
        store_is_name(name) ? volume_by_name(unit, name, &volume) : STORE_FAILED;

    if (status == STORE_NOT_FOUND)
        return STORE_OK;
    if (status == STORE_OK)
        return volume.retired ? STORE_NAME_USED : STORE_EXISTS;
    return status;
}

enum store_status volume_add(struct store_unit *unit, const struct volume *volume,
                             const uint8_t key[STATE_KEY_SIZE])
{
    enum store_status status = check_name(unit, volume->name);

    if (status == STORE_OK)
        status = check_image(unit, volume->image);
    if (status == STORE_OK)
        status = check_policy(unit, volume->policy);
    if (status == STORE_OK)
        status = DB_RUN(unit->db,
                        "INSERT INTO volume (id, name, image, policy, release, key_version, "
                        "created) VALUES ($1, $2, $3, $4, $5, 1, $6)",
                        NULL, NULL, NULL, db_bytes(volume->id, VOLUME_ID_SIZE),
                        db_text(volume->name), db_text(volume->image), db_text(volume->policy),
                        db_integer(volume->release), db_integer(volume->created));
    return status == STORE_OK ? write_key(unit, volume->id, 1, key) : status;
}

/* What sql finds: the version of the key, and the key, wrapped. */
static enum store_status fetch_key(struct store_unit *unit, const char *sql,
                                   const struct db_value *values, size_t count,
                                   uint8_t key[STATE_KEY_SIZE])
{
    uint8_t *bytes;
    size_t size;
    enum store_status status =
        wrapped_fetch(unit, "volume", values[0], sql, values, count, &bytes, &size);

    if (status == STORE_OK && size != STATE_KEY_SIZE)
        status = STORE_FAILED;
    if (status == STORE_OK)
        memcpy(key, bytes, STATE_KEY_SIZE);
    if (bytes)
        OPENSSL_cleanse(bytes, size);
    free(bytes);
    return status;
}

enum store_status volume_key(struct store_unit *unit, const uint8_t id[VOLUME_ID_SIZE],
                             uint8_t key[STATE_KEY_SIZE])
{
    /* A retired volume has no keys. */
    static const char sql[] = "SELECT volume.key_version, volume_key.wrapped FROM volume "
                              "LEFT JOIN volume_key ON volume_key.volume = volume.id "
                              "AND volume_key.version = volume.key_version "
                              "AND volume.retired = 0 WHERE volume.id = $1";
    struct db_value by = db_bytes(id, VOLUME_ID_SIZE);

    return fetch_key(unit, sql, &by, 1, key);
}

enum store_status volume_key_of(struct store_unit *unit, const uint8_t id[VOLUME_ID_SIZE],
                                unsigned version, uint8_t key[STATE_KEY_SIZE])
{
    const struct db_value by[] = {db_bytes(id, VOLUME_ID_SIZE), db_integer(version)};

    return fetch_key(unit,
                     "SELECT version, wrapped FROM volume_key WHERE volume = $1 AND version = $2",
                     by, 2, key);
}

enum store_status volume_add_key(struct store_unit *unit, const uint8_t id[VOLUME_ID_SIZE],
                                 const uint8_t key[STATE_KEY_SIZE], unsigned *version)
{
    struct db_value by = db_bytes(id, VOLUME_ID_SIZE);
    int64_t newest = 0;
    enum store_status status = db_ask_integer(
        unit->db, "SELECT COALESCE(max(version), 0) FROM volume_key WHERE volume = $1", &by, 1,
        &newest);

    *version = (unsigned)newest + 1;
    return status == STORE_OK ? write_key(unit, id, *version, key) : status;
}

enum store_status volume_promote_key(struct store_unit *unit, const uint8_t id[VOLUME_ID_SIZE],
                                     unsigned version)
{
    return DB_CHANGE(unit->db, "UPDATE volume SET key_version = $2 WHERE id = $1",
                     db_bytes(id, VOLUME_ID_SIZE), db_integer(version));
}

enum store_status volume_destroy_key(struct store_unit *unit, const uint8_t id[VOLUME_ID_SIZE],
                                     unsigned version)
{
    return DB_CHANGE(unit->db, "DELETE FROM volume_key WHERE volume = $1 AND version = $2",
                     db_bytes(id, VOLUME_ID_SIZE), db_integer(version));
}

static enum store_status find_active(struct store_unit *unit, const char *name,
                                     struct volume *volume)
{
    enum store_status status = volume_by_name(unit, name, volume);

    return status == STORE_OK && volume->retired ? STORE_RETIRED : status;
}

enum store_status volume_set_key(struct store_unit *unit, const char *name,
                                 const uint8_t key[STATE_KEY_SIZE], time_t now)
{
    struct volume volume;
    unsigned version;
    enum store_status status = find_active(unit, name, &volume);

    (void)now;
    if (status == STORE_OK)
        status = volume_add_key(unit, volume.id, key, &version);
    if (status == STORE_OK)
        status = volume_promote_key(unit, volume.id, version);
    return status;
}

enum store_status volume_set_image(struct store_unit *unit, const char *name, const char *image)
{
    struct volume volume;
    enum store_status status = find_active(unit, name, &volume);

    if (status == STORE_OK)
        status = check_image(unit, image);
    return status == STORE_OK ? DB_CHANGE(unit->db, "UPDATE volume SET image = $2 WHERE id = $1",
                                          db_bytes(volume.id, VOLUME_ID_SIZE), db_text(image))
                              : status;
}

enum store_status volume_note_release(struct store_unit *unit, const uint8_t id[VOLUME_ID_SIZE],
                                      time_t now)
{
    return DB_CHANGE(unit->db, "UPDATE volume SET last_released = $2 WHERE id = $1",
                     db_bytes(id, VOLUME_ID_SIZE), db_integer(now));
}

enum store_status volume_retire(struct store_unit *unit, const char *name, time_t now)
{
    struct volume volume;
    enum store_status status = find_active(unit, name, &volume);

    if (status == STORE_OK)
        status = DB_CHANGE(unit->db, "DELETE FROM volume_key WHERE volume = $1",
                           db_bytes(volume.id, VOLUME_ID_SIZE));
    return status == STORE_OK ? DB_CHANGE(unit->db, "UPDATE volume SET retired = $2 WHERE id = $1",
                                          db_bytes(volume.id, VOLUME_ID_SIZE), db_integer(now))
                              : status;
}

enum store_status volume_each(struct store_unit *unit,
                              void (*visit)(void *context, const struct volume *volume),
                              void *context)
{
    struct found found = {.db = unit->db, .visit = visit, .context = context};

    return db_run(unit->db, "SELECT " COLUMNS " FROM volume ORDER BY created, name, retired", NULL,
                  0, take_volume, &found, NULL);
}
