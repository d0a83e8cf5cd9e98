/* SPDX-License-Identifier: MIT */
#include "kbs/audit/statement.h"

#include <string.h>

#include <jansson.h>

#include "lib/base/hex.h"
#include "lib/jose/strict_json.h"

#define ISSUER   "snp-vtpm-kbs"
#define PURPOSE  "audit-log-segment" /* no other token of the KBS has this member */
#define HEX_SIZE (2 * STATEMENT_HASH_SIZE + 1)

static const char *const kinds[] = {[STATEMENT_CLOSED] = "closed", [STATEMENT_PRUNED] = "pruned"};

char *statement_sign(EVP_PKEY *key, const uint8_t kid[SIGNING_KEY_ID_SIZE],
                     const struct statement *statement)
{
    char id[2 * SIGNING_KEY_ID_SIZE + 1], before[HEX_SIZE], head[HEX_SIZE], *token;
    json_t *claims =
        json_pack("{s:s, s:s, s:I, s:{s:I, s:I, s:s, s:s}}", "iss", ISSUER, PURPOSE,
                  kinds[statement->kind], "iat", (json_int_t)statement->time, "segment", "first",
                  (json_int_t)statement->first, "last", (json_int_t)statement->last, "before",
                  hex_text(statement->before, STATEMENT_HASH_SIZE, before), "head",
                  hex_text(statement->head, STATEMENT_HASH_SIZE, head));

    token = claims ? jwt_sign(key, hex_text(kid, SIGNING_KEY_ID_SIZE, id), claims) : NULL;
    json_decref(claims);
    return token;
}

MUST_CHECK static bool read_number(const json_t *object, const char *name, uint64_t *number)
{
    const json_t *value = json_object_get(object, name);

    *number = (uint64_t)json_integer_value(value);
    return json_is_integer(value) && json_integer_value(value) >= 0;
}

MUST_CHECK static bool read_hash(const json_t *object, const char *name,
                                 uint8_t hash[STATEMENT_HASH_SIZE])
{
    const char *text = json_string_value(json_object_get(object, name));

    return text && hex_bytes(text, hash, STATEMENT_HASH_SIZE);
}

MUST_CHECK static bool read_kind(const json_t *claims, enum statement_kind *kind)
{
    const json_t *value = json_object_get(claims, PURPOSE);

    *kind = strict_json_is(value, kinds[STATEMENT_CLOSED]) ? STATEMENT_CLOSED : STATEMENT_PRUNED;
    return strict_json_is(value, kinds[*kind]);
}

MUST_CHECK static bool read_claims(const json_t *claims, struct statement *statement)
{
    const json_t *segment = json_object_get(claims, "segment");
    uint64_t time;

    if (!strict_json_is(json_object_get(claims, "iss"), ISSUER) ||
        !read_kind(claims, &statement->kind) || !read_number(claims, "iat", &time))
        return false;
    statement->time = (time_t)time;
    return read_number(segment, "first", &statement->first) &&
           read_number(segment, "last", &statement->last) && statement->first > 0 &&
           statement->first <= statement->last && read_hash(segment, "before", statement->before) &&
           read_hash(segment, "head", statement->head);
}

enum jwt_status statement_read(const char *text, jwt_find_key *find, void *context,
                               struct statement *statement)
{
    json_t *claims;
    enum jwt_status status = jwt_verify(text, strlen(text), find, context, &claims);

    *statement = (struct statement){0};
    if (status == JWT_OK && !read_claims(claims, statement))
        status = JWT_MALFORMED;
    json_decref(claims);
    return status;
}

bool statement_is_about(const struct statement *statement, const struct statement *segment)
{
    return statement->first == segment->first && statement->last == segment->last &&
           memcmp(statement->before, segment->before, sizeof(statement->before)) == 0 &&
           memcmp(statement->head, segment->head, sizeof(statement->head)) == 0;
}
