/* SPDX-License-Identifier: MIT */
#include "kbs/store/wrapped.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

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
    struct db_value wrapped = db_row_value(fetched->unit->db, row, 1);

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
