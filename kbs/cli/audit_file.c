/* SPDX-License-Identifier: MIT */
#include "kbs/cli/audit_file.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "lib/base/hex.h"
#include "lib/jose/strict_json.h"

#define FORMAT        "snp-vtpm-audit-1"
#define LINE_MAX_SIZE 32768 /* bytes, of any line, with its end */
#define HEX_SIZE      (2 * AUDIT_CHAIN_HASH + 1)

/* Writing */

static bool write_json(FILE *file, json_t *json)
{
    bool written = json && json_dumpf(json, file, JSON_COMPACT | JSON_ENSURE_ASCII) == 0 &&
                   fputc('\n', file) != EOF;

    json_decref(json);
    return written;
}

bool audit_file_begin(FILE *file, uint64_t first, const uint8_t before[AUDIT_CHAIN_HASH])
{
    char text[HEX_SIZE];

    return write_json(file,
                      json_pack("{s:s, s:I, s:s}", "format", FORMAT, "first", (json_int_t)first,
                                "before", hex_text(before, AUDIT_CHAIN_HASH, text)));
}

bool audit_file_end(FILE *file, const uint8_t head[AUDIT_CHAIN_HASH], const char *key,
                    const char *statement)
{
    char text[HEX_SIZE];

    return write_json(file,
                      json_pack("{s:s, s:s, s:s}", "head", hex_text(head, AUDIT_CHAIN_HASH, text),
                                "key", key, "statement", statement));
}

/* Reading */

static bool fail(struct audit_chain *chain, const char *problem)
{
    chain->problem = problem;
    return false;
}

/* The next line without its end, until the next call; NULL when there is none, or it has none. */
static char *read_line(FILE *file, char line[LINE_MAX_SIZE], size_t *length)
{
    size_t used = 0;
    int c = 0;

    while (used < LINE_MAX_SIZE - 1 && (c = fgetc(file)) != EOF && c != '\n')
        line[used++] = (char)c;
    line[used] = '\0';
    *length = used;
    return c == '\n' ? line : NULL;
}

static bool take_hash(const json_t *object, const char *name, uint8_t hash[AUDIT_CHAIN_HASH])
{
    const char *text = json_string_value(json_object_get(object, name));

    return text && hex_bytes(text, hash, AUDIT_CHAIN_HASH);
}

/* The first file says where the chain begins, each further one where it goes on. */
static bool take_beginning(struct audit_chain *chain, const json_t *object, uint64_t *first)
{
    const json_t *number = json_object_get(object, "first");
    uint8_t before[AUDIT_CHAIN_HASH];

    if (!strict_json_is(json_object_get(object, "format"), FORMAT) || !json_is_integer(number) ||
        json_integer_value(number) < 1 || !take_hash(object, "before", before))
        return fail(chain, "the file does not begin as an archived segment of an audit log");
    *first = (uint64_t)json_integer_value(number);
    if (chain->seq == 0 && *first > 1)
        audit_chain_begin(chain, *first - 1, before);
    if (*first != chain->seq + 1)
        return fail(chain, "the file begins with another line: one is missing, or out of order");
    return memcmp(before, chain->head, sizeof(before)) == 0 ||
           fail(chain, "the file does not follow from what came before it");
}

/* Public keys in a file, and how they are called. */

static EVP_PKEY *parse_key(const json_t *pem)
{
    BIO *text = json_is_string(pem)
                    ? BIO_new_mem_buf(json_string_value(pem), (int)json_string_length(pem))
                    : NULL;
    EVP_PKEY *key = text ? PEM_read_bio_PUBKEY(text, NULL, NULL, NULL) : NULL;

    BIO_free(text);
    ERR_clear_error();
    return key;
}

static bool name_key(const EVP_PKEY *key, char text[2 * SIGNING_KEY_ID_SIZE + 1])
{
    uint8_t id[SIGNING_KEY_ID_SIZE];

    if (!key_id_of(key, id))
        return false;
    hex_text(id, sizeof(id), text);
    return true;
}

/* A jwt_find_key: the one that there is, if it is called so. */
static EVP_PKEY *find_key(void *context, const char *kid)
{
    EVP_PKEY *key = context;
    char id[2 * SIGNING_KEY_ID_SIZE + 1];

    return key && name_key(key, id) && strcmp(id, kid) == 0 && EVP_PKEY_up_ref(key) == 1 ? key
                                                                                         : NULL;
}

/* Whether the statement is about the lines that were read, and signed by the key. */
static bool check_seal(struct audit_chain *chain, const struct statement *read,
                       const json_t *object, EVP_PKEY *key, struct audit_file_seal *seal)
{
    const char *statement = json_string_value(json_object_get(object, "statement"));
    uint8_t head[AUDIT_CHAIN_HASH];

    if (!statement || !key || !take_hash(object, "head", head) || !name_key(key, seal->key_id))
        return fail(chain, "the file's last line is not as it must be");
    if (memcmp(head, chain->head, sizeof(head)) != 0)
        return fail(chain, "the lines do not have the head that the file names");
    switch (statement_read(statement, find_key, key, &seal->statement)) {
    case JWT_OK:
        break;
    case JWT_KEY_UNKNOWN:
        return fail(chain, "the head is signed by another key");
    default:
        return fail(chain, "the head is not signed");
    }
    return (seal->statement.kind == STATEMENT_CLOSED &&
            statement_is_about(&seal->statement, read)) ||
           fail(chain, "what is signed is about other lines");
}

static bool take_end(struct audit_chain *chain, const struct statement *read, const json_t *object,
                     EVP_PKEY *key, struct audit_file_seal *seal)
{
    EVP_PKEY *own = key ? NULL : parse_key(json_object_get(object, "key"));
    bool good = check_seal(chain, read, object, key ? key : own, seal);

    EVP_PKEY_free(own);
    return good;
}

/* The log's lines; line is then the one behind them. */
static bool take_lines(FILE *file, struct audit_chain *chain, char line[LINE_MAX_SIZE],
                       size_t *length)
{
    static const char start[] = "{\"seq\":";

    while (read_line(file, line, length)) {
        if (strncmp(line, start, sizeof(start) - 1) != 0)
            return true;
        if (!audit_chain_add(chain, line, *length))
            return false;
    }
    return fail(chain, "the file ends before its last line, or has a line that is too long");
}

bool audit_file_verify(FILE *file, EVP_PKEY *key, struct audit_chain *chain,
                       struct audit_file_seal *seal)
{
    char *line = malloc(LINE_MAX_SIZE);
    struct statement read = {0};
    json_t *first = NULL, *last = NULL;
    bool good = false;
    size_t length;

    *seal = (struct audit_file_seal){0};
    if (!line) {
        fail(chain, "out of memory");
        goto out;
    }
    if (read_line(file, line, &length))
        first = strict_json_load(line, length);
    if (!take_beginning(chain, first, &read.first))
        goto out;
    memcpy(read.before, chain->head, sizeof(read.before));
    if (!take_lines(file, chain, line, &length))
        goto out;
    read.last = chain->seq;
    memcpy(read.head, chain->head, sizeof(read.head));
    last = strict_json_load(line, length);
    good = take_end(chain, &read, last, key, seal) &&
           (fgetc(file) == EOF || fail(chain, "there is something behind the file's last line"));
out:
    json_decref(first);
    json_decref(last);
    free(line);
    return good;
}
