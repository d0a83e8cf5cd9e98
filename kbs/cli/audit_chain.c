/* SPDX-License-Identifier: MIT */
#include "kbs/cli/audit_chain.h"

#include <string.h>

#include <openssl/evp.h>

#include "lib/base/hex.h"

static bool hash_line(const uint8_t before[AUDIT_CHAIN_HASH], const char *line, size_t length,
                      uint8_t hash[AUDIT_CHAIN_HASH])
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool hashed = context && EVP_DigestInit_ex2(context, EVP_sha256(), NULL) == 1 &&
                  EVP_DigestUpdate(context, before, AUDIT_CHAIN_HASH) == 1 &&
                  EVP_DigestUpdate(context, line, length) == 1 &&
                  EVP_DigestFinal_ex(context, hash, NULL) == 1;

    EVP_MD_CTX_free(context);
    return hashed;
}

static bool fail(struct audit_chain *chain, const char *problem)
{
    chain->problem = problem;
    return false;
}

static void look_for_expected(struct audit_chain *chain)
{
    if (chain->expects && memcmp(chain->head, chain->expected, sizeof(chain->head)) == 0)
        chain->met = true;
}

void audit_chain_begin(struct audit_chain *chain, uint64_t seq,
                       const uint8_t hash[AUDIT_CHAIN_HASH])
{
    chain->base = chain->seq = seq;
    memcpy(chain->head, hash, sizeof(chain->head));
    if (seq > 0)
        look_for_expected(chain);
}

/* Whether the line itself says that it has this number. */
static bool says_seq(const char *line, size_t length, uint64_t seq)
{
    json_t *members = json_loadb(line, length, JSON_REJECT_DUPLICATES, NULL);
    const json_t *said = json_object_get(members, "seq");
    bool says = json_is_integer(said) && json_integer_value(said) == (json_int_t)seq;

    json_decref(members);
    return says;
}

bool audit_chain_add(struct audit_chain *chain, const char *line, size_t length)
{
    if (!says_seq(line, length, chain->seq + 1))
        return fail(chain, "the line says that it is another one");
    if (!hash_line(chain->head, line, length, chain->head))
        return fail(chain, "libcrypto cannot hash");
    chain->seq++;
    look_for_expected(chain);
    return true;
}

bool audit_chain_take(struct audit_chain *chain, const json_t *entry)
{
    const char *line = json_string_value(json_object_get(entry, "line"));
    const char *stated_hash = json_string_value(json_object_get(entry, "hash"));
    struct audit_chain next = *chain;
    uint8_t stated[AUDIT_CHAIN_HASH];

    if (!line || !stated_hash || !hex_bytes(stated_hash, stated, sizeof(stated)))
        return fail(chain, "the entry is malformed");
    if (json_integer_value(json_object_get(entry, "seq")) != (json_int_t)chain->seq + 1)
        return fail(chain, "the line is missing");
    if (!audit_chain_add(&next, line, strlen(line)))
        return fail(chain, next.problem);
    if (memcmp(next.head, stated, sizeof(stated)) != 0)
        return fail(chain, "the line does not follow from the one before");
    *chain = next;
    return true;
}

bool audit_chain_ends(struct audit_chain *chain, const json_t *head)
{
    const char *text = json_string_value(json_object_get(head, "hash"));
    uint8_t hash[AUDIT_CHAIN_HASH];

    if (!text || !hex_bytes(text, hash, sizeof(hash)))
        return fail(chain, "the head is malformed");
    if (json_integer_value(json_object_get(head, "seq")) != (json_int_t)chain->seq ||
        memcmp(hash, chain->head, sizeof(hash)) != 0)
        return fail(chain, "the log ends before the line that its head names");
    return audit_chain_met(chain);
}

bool audit_chain_met(struct audit_chain *chain)
{
    if (!chain->expects || chain->met)
        return true;
    return fail(chain, chain->base
                           ? "no line has the expected hash: it is archived, or the log was "
                             "replaced or cut"
                           : "no line has the expected hash: the log was replaced or cut");
}
