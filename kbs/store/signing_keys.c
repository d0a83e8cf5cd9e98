/* SPDX-License-Identifier: MIT */
#include "kbs/store/signing_keys.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "kbs/store/db.h"
#include "kbs/store/wrapped.h"

struct found {
    const struct db *db;
    void (*visit)(void *context, const struct signing_key *key);
    void *context;
};

static void take_key(void *context, const struct db_row *row)
{
    struct found *found = context;
    int64_t use = db_row_integer(found->db, row, 1);
    struct signing_key key = {
        .use = (enum signing_key_use)use,
        .created = db_row_integer(found->db, row, 2),
        .retired = db_row_integer(found->db, row, 3),
    };

    if (use >= 0 && use < SIGNING_KEY_USES &&
        db_row_bytes(found->db, row, 0, key.id, sizeof(key.id)))
        found->visit(found->context, &key);
}

enum store_status signing_key_add(struct store_unit *unit, const struct signing_key *key,
                                  const uint8_t *der, size_t size)
{
    char context[WRAP_CONTEXT_MAX];
    enum store_status status;
    uint8_t *wrapped;

    if (size > SIGNING_KEY_DER_MAX)
        return STORE_FAILED;
    wrapped_context(context, "signing-key", db_bytes(key->id, sizeof(key->id)), (uint64_t)key->use);
    wrapped = wrapped_new(unit, context, der, size);
    if (!wrapped)
        return STORE_FAILED;
    status = DB_RUN(unit->db,
                    "INSERT INTO signing_key (id, purpose, ordinal, created, wrapped) VALUES "
                    "($1, $2, (SELECT count(*) FROM signing_key), $3, $4)",
                    NULL, NULL, NULL, db_bytes(key->id, sizeof(key->id)), db_integer(key->use),
                    db_integer(key->created), db_bytes(wrapped, size + WRAP_OVERHEAD));
    free(wrapped);
    return status;
}

enum store_status signing_key_fetch(struct store_unit *unit, const uint8_t id[SIGNING_KEY_ID_SIZE],
                                    uint8_t *der, size_t *size)
{
    struct db_value by = db_bytes(id, SIGNING_KEY_ID_SIZE);
    uint8_t *bytes;
    enum store_status status = wrapped_fetch(
        unit, "signing-key", by, "SELECT purpose, wrapped FROM signing_key WHERE id = $1", &by, 1,
        &bytes, size);

    if (status == STORE_OK && *size > SIGNING_KEY_DER_MAX)
        status = STORE_FAILED;
    if (status == STORE_OK)
        memcpy(der, bytes, *size);
    if (bytes)
        OPENSSL_cleanse(bytes, *size);
    free(bytes);
    return status;
}

enum store_status signing_key_serves(struct store_unit *unit, enum signing_key_use use,
                                     const uint8_t id[SIGNING_KEY_ID_SIZE])
{
    const struct db_value by[] = {db_bytes(id, SIGNING_KEY_ID_SIZE), db_integer(use)};
    int64_t retired = 0;
    enum store_status status =
        db_ask_integer(unit->db, "SELECT retired FROM signing_key WHERE id = $1 AND purpose = $2",
                       by, 2, &retired);

    return status == STORE_OK && retired ? STORE_RETIRED : status;
}

enum store_status signing_key_retire(struct store_unit *unit, const uint8_t id[SIGNING_KEY_ID_SIZE],
                                     time_t now)
{
    return DB_CHANGE(unit->db,
                     "UPDATE signing_key SET retired = $2, wrapped = NULL "
                     "WHERE id = $1 AND retired = 0",
                     db_bytes(id, SIGNING_KEY_ID_SIZE), db_integer(now));
}

enum store_status signing_key_each(struct store_unit *unit,
                                   void (*visit)(void *context, const struct signing_key *key),
                                   void *context)
{
    struct found found = {.db = unit->db, .visit = visit, .context = context};

    return db_run(unit->db,
                  "SELECT id, purpose, created, retired FROM signing_key ORDER BY ordinal DESC",
                  NULL, 0, take_key, &found, NULL);
}
