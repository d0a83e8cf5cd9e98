/* SPDX-License-Identifier: MIT */
#include "kbs/store/secrets.h"

#include <stdlib.h>
#include <string.h>

#include "kbs/store/retired_names.h"
#include "kbs/store/wrapped.h"

#define COLUMNS "path, policy, version, size, updated"

static bool is_segment(const char *text, size_t length)
{
    static const char any[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";

    return length > 0 && text[0] != '.' && strspn(text, any) >= length;
}

bool secret_is_path(const char *text)
{
    unsigned segments = 0;

    if (strnlen(text, SECRET_PATH_MAX + 1) > SECRET_PATH_MAX)
        return false;
    for (;; text++) {
        size_t length = strcspn(text, "/");

        if (!is_segment(text, length) || ++segments > 3)
            return false;
        text += length;
        if (!*text)
            return segments == 3;
    }
}

struct found {
    const struct db *db;
    struct secret secret;
    bool found;
    void (*visit)(void *context, const struct secret *secret);
    void *context;
};

static void take_secret(void *context, const struct db_row *row)
{
    struct found *found = context;
    struct secret *secret = &found->secret;

    found->found = db_row_text(found->db, row, 0, secret->path, sizeof(secret->path)) &&
                   db_row_text(found->db, row, 1, secret->policy, sizeof(secret->policy));
    secret->version = (unsigned)db_row_integer(found->db, row, 2);
    secret->size = (size_t)db_row_integer(found->db, row, 3);
    secret->updated = db_row_integer(found->db, row, 4);
    if (found->found && found->visit)
        found->visit(found->context, secret);
}

enum store_status secret_info(struct store_unit *unit, const char *path, struct secret *secret)
{
    struct found found = {.db = unit->db};
    enum store_status status = DB_RUN(unit->db, "SELECT " COLUMNS " FROM secret WHERE path = $1",
                                      take_secret, &found, NULL, db_text(path));

    if (status != STORE_OK)
        return status;
    *secret = found.secret;
    return found.found ? STORE_OK : STORE_NOT_FOUND;
}

static enum store_status write_secret(struct store_unit *unit, const char *path, const char *policy,
                                      unsigned version, const void *bytes, size_t size, time_t now)
{
    static const char upsert[] =
        "INSERT INTO secret (" COLUMNS ", wrapped) VALUES ($1, $2, $3, $4, $5, $6) "
        "ON CONFLICT (path) DO UPDATE SET policy = excluded.policy, version = excluded.version, "
        "size = excluded.size, updated = excluded.updated, wrapped = excluded.wrapped";
    char context[WRAP_CONTEXT_MAX];
    enum store_status status;
    uint8_t *wrapped;

    wrapped_context(context, "secret", db_text(path), version);
    wrapped = wrapped_new(unit, context, bytes, size);
    if (!wrapped)
        return STORE_FAILED;
    status = DB_RUN(unit->db, upsert, NULL, NULL, NULL, db_text(path), db_text(policy),
                    db_integer(version), db_integer((int64_t)size), db_integer(now),
                    db_bytes(wrapped, size + WRAP_OVERHEAD));
    free(wrapped);
    return status == STORE_IN_USE ? STORE_NOT_FOUND : status; /* of the policy it refers to */
}

/* The version that is at a path, or was the last one there; 0: there never was one. */
static enum store_status find_before(struct store_unit *unit, const char *path, bool replace,
                                     unsigned *version)
{
    struct secret before;
    enum store_status status = secret_info(unit, path, &before);

    *version = status == STORE_OK ? before.version : 0;
    if (status != STORE_NOT_FOUND)
        return status == STORE_OK && !replace ? STORE_EXISTS : status;
    status = retired_name_find(unit, RETIRED_SECRET, path, version);
    if (status == STORE_OK)
        return replace ? retired_name_forget(unit, RETIRED_SECRET, path) : STORE_RETIRED;
    return status == STORE_NOT_FOUND ? STORE_OK : status;
}

enum store_status secret_put(struct store_unit *unit, const char *path, const char *policy,
                             const void *bytes, size_t size, bool replace, time_t now)
{
    unsigned before = 0;
    enum store_status status = secret_is_path(path) && size > 0 && size <= SECRET_SIZE_MAX
                                   ? find_before(unit, path, replace, &before)
                                   : STORE_FAILED;

    return status == STORE_OK ? write_secret(unit, path, policy, before + 1, bytes, size, now)
                              : status;
}

enum store_status secret_fetch(struct store_unit *unit, const char *path, uint8_t **bytes,
                               size_t *size)
{
    struct db_value by = db_text(path);

    return wrapped_fetch(unit, "secret", by, "SELECT version, wrapped FROM secret WHERE path = $1",
                         &by, 1, bytes, size);
}

enum store_status secret_retire(struct store_unit *unit, const char *path, time_t now)
{
    struct secret secret;
    enum store_status status = secret_info(unit, path, &secret);

    if (status == STORE_OK)
        status = DB_CHANGE(unit->db, "DELETE FROM secret WHERE path = $1", db_text(path));
    return status == STORE_OK ? retired_name_add(unit, RETIRED_SECRET, path, secret.version, now)
                              : status;
}

enum store_status secret_each(struct store_unit *unit,
                              void (*visit)(void *context, const struct secret *secret),
                              void *context)
{
    struct found found = {.db = unit->db, .visit = visit, .context = context};

    return db_run(unit->db, "SELECT " COLUMNS " FROM secret ORDER BY path", NULL, 0, take_secret,
                  &found, NULL);
}
