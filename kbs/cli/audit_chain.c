/* SPDX-License-Identifier: MIT */
#include "kbs/cli/audit_chain.h"

#include <string.h>

#include <openssl/evp.h>

#include "kbs/admin/values.h"

static bool hash_line(const uint8_t before[AUDIT_CHAIN_HASH], const char *line,
                      uint8_t hash[AUDIT_CHAIN_HASH])
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool hashed = context && EVP_DigestInit_ex2(context, EVP_sha256(), NULL) == 1 &&
                  EVP_DigestUpdate(context, before, AUDIT_CHAIN_HASH) == 1 &&
                  EVP_DigestUpdate(context, line, strlen(line)) == 1 &&
                  EVP_DigestFinal_ex(context, hash, NULL) == 1;

    EVP_MD_CTX_free(context);
    return hashed;
}

static bool fail(struct audit_chain *chain, const char *problem)
{
    chain->problem = problem;
    return false;
}

/* Whether the line itself says that it has this number. */
static bool says_seq(const char *line, uint64_t seq)
{
    json_t *members = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
    const json_t *said = json_object_get(members, "seq");
    bool says = json_is_integer(said) && json_integer_value(said) == (json_int_t)seq;

    json_decref(members);
    return says;
}

bool audit_chain_take(struct audit_chain *chain, const json_t *entry)
{
    const char *line = json_string_value(json_object_get(entry, "line"));
    const char *stated_hash = json_string_value(json_object_get(entry, "hash"));
    uint8_t hash[AUDIT_CHAIN_HASH], stated[AUDIT_CHAIN_HASH];

    if (!line || !stated_hash || !values_parse_hex(stated_hash, stated, sizeof(stated)))
        return fail(chain, "the entry is malformed");
    if (json_integer_value(json_object_get(entry, "seq")) != (json_int_t)chain->seq + 1)
        return fail(chain, "the line is missing");
    if (!says_seq(line, chain->seq + 1))
        return fail(chain, "the line says that it is another one");
    if (!hash_line(chain->head, line, hash))
        return fail(chain, "libcrypto cannot hash");
    if (memcmp(hash, stated, sizeof(hash)) != 0)
        return fail(chain, "the line does not follow from the one before");
    memcpy(chain->head, hash, sizeof(hash));
    chain->seq++;
    if (chain->expects && memcmp(hash, chain->expected, sizeof(hash)) == 0)
        chain->met = true;
    return true;
}

bool audit_chain_ends(struct audit_chain *chain, const json_t *head)
{
    const char *text = json_string_value(json_object_get(head, "hash"));
    uint8_t hash[AUDIT_CHAIN_HASH];

    if (!text || !values_parse_hex(text, hash, sizeof(hash)))
        return fail(chain, "the head is malformed");
    if (json_integer_value(json_object_get(head, "seq")) != (json_int_t)chain->seq ||
        memcmp(hash, chain->head, sizeof(hash)) != 0)
        return fail(chain, "the log ends before the line that its head names");
    if (chain->expects && !chain->met)
        return fail(chain, "no line has the expected hash: the log was replaced or cut");
    return true;
}
