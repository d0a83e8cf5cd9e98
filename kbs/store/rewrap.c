/* SPDX-License-Identifier: MIT */
#include "kbs/store/rewrap.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "kbs/store/secrets.h"
#include "kbs/store/wrapped.h"

/* The table's rows are read first, then each is written. */

struct rewrap_row {
    uint8_t key[SECRET_PATH_MAX + 1]; /* a path, or an id */
    size_t key_size;
    bool key_is_text;
    int64_t version;
};

struct rewrap {
    struct store_unit *unit;
    const char *kind;
    enum store_status status;
    size_t count;
    struct rewrap_row *rows;
};

static void take_row(void *context, const struct db_row *row)
{
    struct rewrap *rewrap = context;
    struct db_value key = db_row_value(rewrap->unit->db, row, 0);
    struct rewrap_row *rows;

    if (rewrap->status != STORE_OK)
        return;
    rows = realloc(rewrap->rows, (rewrap->count + 1) * sizeof(*rows));
    if (!rows || key.size >= sizeof(rows->key)) {
        rewrap->rows = rows ? rows : rewrap->rows;
        rewrap->status = STORE_FAILED;
        return;
    }
    rewrap->rows = rows;
    rows += rewrap->count++;
    *rows = (struct rewrap_row){.key_size = key.size,
                                .key_is_text = key.type == DB_TEXT,
                                .version = db_row_integer(rewrap->unit->db, row, 1)};
    memcpy(rows->key, key.bytes, key.size);
}

static enum store_status rewrap_row(struct rewrap *rewrap, const struct rewrap_row *row,
                                    const char *select, const char *update)
{
    const struct db_value values[] = {row->key_is_text ? db_text((const char *)row->key)
                                                       : db_bytes(row->key, row->key_size),
                                      db_integer(row->version)};
    char context[WRAP_CONTEXT_MAX];
    uint8_t *bytes, *wrapped;
    size_t size;
    enum store_status status;

    status = wrapped_fetch(rewrap->unit, rewrap->kind, values[0], select, values, 2, &bytes, &size);
    if (status != STORE_OK)
        return status;
    wrapped_context(context, rewrap->kind, values[0], (uint64_t)row->version);
    wrapped = wrapped_new(rewrap->unit, context, bytes, size);
    OPENSSL_cleanse(bytes, size);
    free(bytes);
    if (!wrapped)
        return STORE_FAILED;
    status = DB_CHANGE(rewrap->unit->db, update, values[0], values[1],
                       db_bytes(wrapped, size + WRAP_OVERHEAD));
    free(wrapped);
    return status;
}

static enum store_status rewrap_table(struct store_unit *unit, const char *kind, const char *list,
                                      const char *select, const char *update, unsigned *count)
{
    struct rewrap rewrap = {.unit = unit, .kind = kind};
    enum store_status status = db_run(unit->db, list, NULL, 0, take_row, &rewrap, NULL);

    if (status == STORE_OK)
        status = rewrap.status;
    for (size_t i = 0; i < rewrap.count && status == STORE_OK; i++, ++*count)
        status = rewrap_row(&rewrap, &rewrap.rows[i], select, update);
    free(rewrap.rows);
    return status;
}

enum store_status store_rewrap(struct store_unit *unit, unsigned *count)
{
    enum store_status status;

    *count = 0;
    status = rewrap_table(unit, "secret", "SELECT path, version FROM secret",
                          "SELECT version, wrapped FROM secret WHERE path = $1 AND version = $2",
                          "UPDATE secret SET wrapped = $3 WHERE path = $1 AND version = $2", count);
    if (status == STORE_OK)
        status = rewrap_table(
            unit, "volume", "SELECT volume, version FROM volume_key",
            "SELECT version, wrapped FROM volume_key WHERE volume = $1 AND version = $2",
            "UPDATE volume_key SET wrapped = $3 WHERE volume = $1 AND version = $2", count);
    if (status == STORE_OK)
        status = rewrap_table(
            unit, "signing-key", "SELECT id, purpose FROM signing_key WHERE retired = 0",
            "SELECT purpose, wrapped FROM signing_key WHERE id = $1 AND purpose = $2",
            "UPDATE signing_key SET wrapped = $3 WHERE id = $1 AND purpose = $2", count);
    return status;
}
