/* SPDX-License-Identifier: MIT */
#include "kbs/store/wrapped.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "kbs/store/secrets.h"
#include "kbs/store/signing_keys.h"
#include "kbs/store/volumes.h"
#include "lib/base/hex.h"

/* Characters of what a context names: room for its kind and version beside it. */
#define KEY_TEXT_MAX (WRAP_CONTEXT_MAX - 64)

uint8_t *wrapped_new(const struct store_unit *unit, const char *context, const void *bytes,
                     size_t size)
{
    uint8_t *wrapped = malloc(size + WRAP_OVERHEAD);

    if (wrapped && !master_key_wrap(store_keys(unit->store), context, bytes, size, wrapped)) {
        free(wrapped);
        wrapped = NULL;
    }
    return wrapped;
}

void wrapped_context(char text[WRAP_CONTEXT_MAX], const char *kind, struct db_value key,
                     uint64_t version)
{
    char hex[KEY_TEXT_MAX + 1];
    size_t size = key.size < KEY_TEXT_MAX / 2 ? key.size : KEY_TEXT_MAX / 2;

    snprintf(text, WRAP_CONTEXT_MAX, "%s %.*s %" PRIu64, kind, KEY_TEXT_MAX,
             key.type == DB_TEXT ? (const char *)key.bytes : hex_text(key.bytes, size, hex),
             version);
}

struct fetched {
    const struct store_unit *unit;
    const char *kind;
    struct db_value key;
    uint8_t *bytes;
    size_t size;
    enum store_status status;
};

static enum store_status unwrap(struct fetched *fetched, uint64_t version,
                                const struct db_value *wrapped)
{
    char context[WRAP_CONTEXT_MAX];

    wrapped_context(context, fetched->kind, fetched->key, version);
    fetched->size = wrapped->size - WRAP_OVERHEAD;
    fetched->bytes = malloc(fetched->size);
    if (!fetched->bytes)
        return STORE_FAILED;
    return master_key_unwrap(store_keys(fetched->unit->store), context, wrapped->bytes,
                             wrapped->size, fetched->bytes)
               ? STORE_OK
               : STORE_WRONG_KEY;
}

static void take_wrapped(void *context, const struct db_row *row)
{
    struct fetched *fetched = context;
    const struct db_value wrapped = db_row_value(fetched->unit->db, row, 1);

    if (wrapped.type == DB_NULL)
        fetched->status = STORE_RETIRED;
    else if (wrapped.size <= WRAP_OVERHEAD || fetched->bytes)
        fetched->status = STORE_WRONG_KEY;
    else
        fetched->status =
            unwrap(fetched, (uint64_t)db_row_integer(fetched->unit->db, row, 0), &wrapped);
}

enum store_status wrapped_fetch(struct store_unit *unit, const char *kind, struct db_value key,
                                const char *sql, const struct db_value *values, size_t count,
                                uint8_t **bytes, size_t *size)
{
    struct fetched fetched = {.unit = unit, .kind = kind, .key = key, .status = STORE_NOT_FOUND};
    enum store_status status = db_run(unit->db, sql, values, count, take_wrapped, &fetched, NULL);

    if (status == STORE_OK)
        status = fetched.status;
    if (status != STORE_OK && fetched.bytes) {
        OPENSSL_cleanse(fetched.bytes, fetched.size);
        free(fetched.bytes);
        fetched.bytes = NULL;
    }
    *bytes = fetched.bytes;
    *size = fetched.bytes ? fetched.size : 0;
    return status;
}

/* Wrapping anew: the table's rows are read first, then each is written. */

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
    const struct db_value key = db_row_value(rewrap->unit->db, row, 0);
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
