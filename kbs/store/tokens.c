/* SPDX-License-Identifier: MIT */
#include "kbs/store/tokens.h"

#include <string.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include "kbs/store/db.h"
#include "lib/jose/base64.h"

#define PREFIX      "kbs_"
#define RANDOM_SIZE 32
#define COLUMNS     "name, role, created, expires, revoked"

_Static_assert(sizeof(PREFIX) + BASE64_LENGTH(RANDOM_SIZE) <= TOKEN_TEXT_MAX + 1, "a token fits");

struct found {
    const struct db *db;
    struct token token;
    bool found;
    void (*visit)(void *context, const struct token *token);
    void *context;
};

static void take_token(void *context, const struct db_row *row)
{
    struct found *found = context;
    struct token *token = &found->token;

    found->found = db_row_text(found->db, row, 0, token->name, sizeof(token->name));
    token->role = db_row_integer(found->db, row, 1) == ROLE_OWNER ? ROLE_OWNER : ROLE_AUDITOR;
    token->created = db_row_integer(found->db, row, 2);
    token->expires = db_row_integer(found->db, row, 3);
    token->revoked = db_row_integer(found->db, row, 4);
    if (found->found && found->visit)
        found->visit(found->context, token);
}

/* STORE_NOT_FOUND: nobody ever had it. */
static enum store_status find_name(struct store_unit *unit, const char *name)
{
    struct db_value by = db_text(name);
    int64_t active, all = 0;
    enum store_status status = db_ask_integer(
        unit->db, "SELECT count(*) FROM token WHERE name = $1 AND revoked = 0", &by, 1, &active);

    if (status == STORE_OK)
        status =
            db_ask_integer(unit->db, "SELECT count(*) FROM token WHERE name = $1", &by, 1, &all);
    if (status != STORE_OK)
        return status;
    if (active)
        return STORE_EXISTS;
    return all ? STORE_NAME_USED : STORE_NOT_FOUND;
}

enum store_status token_create(struct store_unit *unit, const struct token *token,
                               char text[TOKEN_TEXT_MAX + 1])
{
    uint8_t random[RANDOM_SIZE], digest[SHA256_DIGEST_LENGTH];
    enum store_status status;
    size_t length;

    if (!store_is_name(token->name) || RAND_priv_bytes(random, sizeof(random)) != 1)
        return STORE_FAILED;
    strcpy(text, PREFIX);
    length =
        strlen(PREFIX) + base64_encode(BASE64_URL, random, sizeof(random), text + strlen(PREFIX));
    OPENSSL_cleanse(random, sizeof(random));
    if (!SHA256((const uint8_t *)text, length, digest))
        return STORE_FAILED;
    status = find_name(unit, token->name);
    if (status != STORE_NOT_FOUND)
        return status;
    return DB_RUN(unit->db,
                  "INSERT INTO token (name, role, digest, created, expires) "
                  "VALUES ($1, $2, $3, $4, $5)",
                  NULL, NULL, NULL, db_text(token->name), db_integer(token->role),
                  db_bytes(digest, sizeof(digest)), db_integer(token->created),
                  db_integer(token->expires));
}

enum store_status token_check(struct store_unit *unit, const char *text, time_t now,
                              struct token *token)
{
    struct found found = {.db = unit->db};
    uint8_t digest[SHA256_DIGEST_LENGTH];
    size_t length = strnlen(text, TOKEN_TEXT_MAX + 1);
    enum store_status status;

    if (length > TOKEN_TEXT_MAX)
        return STORE_NOT_FOUND;
    if (!SHA256((const uint8_t *)text, length, digest))
        return STORE_FAILED;
    status = DB_RUN(unit->db,
                    "SELECT " COLUMNS " FROM token WHERE digest = $1 AND revoked = 0 AND "
                    "(expires = 0 OR expires > $2)",
                    take_token, &found, NULL, db_bytes(digest, sizeof(digest)), db_integer(now));
    if (status != STORE_OK)
        return status;
    *token = found.token;
    return found.found ? STORE_OK : STORE_NOT_FOUND;
}

enum store_status token_revoke(struct store_unit *unit, const char *name, time_t now)
{
    return DB_CHANGE(unit->db, "UPDATE token SET revoked = $2 WHERE name = $1 AND revoked = 0",
                     db_text(name), db_integer(now));
}

enum store_status token_each(struct store_unit *unit,
                             void (*visit)(void *context, const struct token *token), void *context)
{
    struct found found = {.db = unit->db, .visit = visit, .context = context};

    return db_run(unit->db, "SELECT " COLUMNS " FROM token ORDER BY created, name", NULL, 0,
                  take_token, &found, NULL);
}
