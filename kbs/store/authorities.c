/* SPDX-License-Identifier: MIT */
#include "kbs/store/authorities.h"

#include "kbs/store/db.h"

enum store_status authority_add(struct store_unit *unit, const uint8_t id[SIGNING_KEY_ID_SIZE],
                                const uint8_t *der, size_t size)
{
    return DB_RUN(unit->db, "INSERT INTO ca_certificate (id, certificate) VALUES ($1, $2)", NULL,
                  NULL, NULL, db_bytes(id, SIGNING_KEY_ID_SIZE), db_bytes(der, size));
}

struct authorities {
    const struct db *db;
    void (*visit)(void *context, const struct authority_entry *entry);
    void *context;
};

static void take_authority(void *context, const struct db_row *row)
{
    const struct authorities *found = context;
    struct db_value der = db_row_value(found->db, row, 3);
    struct authority_entry entry = {
        .created = db_row_integer(found->db, row, 1),
        .retired = db_row_integer(found->db, row, 2),
        .given = db_row_integer(found->db, row, 4),
        .der = der.bytes,
        .size = der.size,
    };

    if (db_row_bytes(found->db, row, 0, entry.id, sizeof(entry.id)))
        found->visit(found->context, &entry);
}

enum store_status authority_each(struct store_unit *unit,
                                 void (*visit)(void *context, const struct authority_entry *entry),
                                 void *context)
{
    struct authorities found = {.db = unit->db, .visit = visit, .context = context};

    return db_run(unit->db,
                  "SELECT signing_key.id, created, retired, certificate,"
                  "  (SELECT count(*) FROM ek_certificate WHERE ca = signing_key.id) "
                  "FROM signing_key JOIN ca_certificate ON ca_certificate.id = signing_key.id "
                  "ORDER BY ordinal DESC",
                  NULL, 0, take_authority, &found, NULL);
}

enum store_status ek_entry_add(struct store_unit *unit, const struct ek_entry *entry)
{
    return DB_RUN(unit->db,
                  "INSERT INTO ek_certificate (serial, ca, volume, ek_digest, kind, certificate, "
                  "issued) VALUES ($1, $2, $3, $4, $5, $6, $7)",
                  NULL, NULL, NULL, db_bytes(entry->serial, sizeof(entry->serial)),
                  db_bytes(entry->authority, sizeof(entry->authority)),
                  db_bytes(entry->volume, sizeof(entry->volume)),
                  db_bytes(entry->ek_digest, sizeof(entry->ek_digest)), db_integer(entry->kind),
                  db_bytes(entry->der, entry->size), db_integer(entry->issued));
}

struct entries {
    const struct db *db;
    void (*visit)(void *context, const struct ek_entry *entry);
    void *context;
};

static void take_entry(void *context, const struct db_row *row)
{
    const struct entries *found = context;
    struct db_value der = db_row_value(found->db, row, 2);
    int64_t kind = db_row_integer(found->db, row, 1);
    struct ek_entry entry = {.kind = (enum ek_kind)kind, .der = der.bytes, .size = der.size};

    if (kind >= 0 && kind < EK_KINDS &&
        db_row_bytes(found->db, row, 0, entry.serial, sizeof(entry.serial)))
        found->visit(found->context, &entry);
}

enum store_status
ek_entry_each(struct store_unit *unit, const uint8_t authority[SIGNING_KEY_ID_SIZE],
              const uint8_t volume[VOLUME_ID_SIZE], const uint8_t ek_digest[EK_DIGEST_SIZE],
              void (*visit)(void *context, const struct ek_entry *entry), void *context)
{
    struct entries found = {.db = unit->db, .visit = visit, .context = context};

    return DB_RUN(unit->db,
                  "SELECT serial, kind, certificate FROM ek_certificate "
                  "WHERE ca = $1 AND volume = $2 AND ek_digest = $3 AND revoked = 0 ORDER BY kind",
                  take_entry, &found, NULL, db_bytes(authority, SIGNING_KEY_ID_SIZE),
                  db_bytes(volume, VOLUME_ID_SIZE), db_bytes(ek_digest, EK_DIGEST_SIZE));
}

enum store_status ek_entry_is_barred(struct store_unit *unit, const uint8_t volume[VOLUME_ID_SIZE],
                                     const uint8_t ek_digest[EK_DIGEST_SIZE], bool *barred)
{
    const struct db_value values[] = {db_bytes(volume, VOLUME_ID_SIZE),
                                      db_bytes(ek_digest, EK_DIGEST_SIZE),
                                      db_integer(REVOKED_BY_OWNER)};
    int64_t count = 0;
    enum store_status status =
        db_ask_integer(unit->db,
                       "SELECT count(*) FROM ek_certificate "
                       "WHERE volume = $1 AND ek_digest = $2 AND revoked <> 0 AND reason = $3",
                       values, 3, &count);

    *barred = count > 0;
    return status;
}

enum store_status ek_entry_revoke(struct store_unit *unit, const uint8_t volume[VOLUME_ID_SIZE],
                                  const uint8_t *but_ek_digest, enum revocation reason, time_t now,
                                  uint64_t *count)
{
    const uint8_t nobody[EK_DIGEST_SIZE] = {0};

    return DB_RUN(unit->db,
                  "UPDATE ek_certificate SET revoked = $3, reason = $4 "
                  "WHERE volume = $1 AND ek_digest <> $2 AND revoked = 0",
                  NULL, NULL, count, db_bytes(volume, VOLUME_ID_SIZE),
                  db_bytes(but_ek_digest ? but_ek_digest : nobody, EK_DIGEST_SIZE), db_integer(now),
                  db_integer(reason));
}

struct revoked {
    const struct db *db;
    void (*visit)(void *context, const uint8_t serial[CERTIFICATE_SERIAL_SIZE], time_t when,
                  enum revocation reason);
    void *context;
};

static void take_revoked(void *context, const struct db_row *row)
{
    const struct revoked *found = context;
    uint8_t serial[CERTIFICATE_SERIAL_SIZE];

    if (db_row_bytes(found->db, row, 0, serial, sizeof(serial)))
        found->visit(found->context, serial, db_row_integer(found->db, row, 1),
                     (enum revocation)db_row_integer(found->db, row, 2));
}

enum store_status
ek_entry_each_revoked(struct store_unit *unit, const uint8_t authority[SIGNING_KEY_ID_SIZE],
                      void (*visit)(void *context, const uint8_t serial[CERTIFICATE_SERIAL_SIZE],
                                    time_t when, enum revocation reason),
                      void *context)
{
    struct revoked found = {.db = unit->db, .visit = visit, .context = context};

    return DB_RUN(unit->db,
                  "SELECT serial, revoked, reason FROM ek_certificate "
                  "WHERE ca = $1 AND revoked <> 0 ORDER BY revoked, serial",
                  take_revoked, &found, NULL, db_bytes(authority, SIGNING_KEY_ID_SIZE));
}
