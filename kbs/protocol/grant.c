/* SPDX-License-Identifier: MIT */
#include "kbs/protocol/grant.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/writer.h"

#define FORMAT 3 /* of another version's servers on the same store: refused */

const char *dialect_name(enum dialect dialect)
{
    switch (dialect) {
    case DIALECT_COCONUT:
        return "coconut";
    case DIALECT_SIGNED:
        return "svsm-signed";
    case DIALECT_COCO:
        return "coco";
    }
    return "unknown";
}

static bool write_key(struct writer *w, const struct jwk *key)
{
    return writer_u8(w, (uint8_t)key->kind) && writer_le16(w, (uint16_t)key->first_size) &&
           writer_put(w, key->first, key->first_size) &&
           writer_le16(w, (uint16_t)key->second_size) &&
           writer_put(w, key->second, key->second_size);
}

static bool write_signer(struct writer *w, const struct grant *grant)
{
    return writer_u8(w, grant->has_signer) && writer_u8(w, (uint8_t)grant->signer_use) &&
           writer_put(w, grant->signer, sizeof(grant->signer));
}

static bool write_attested(struct writer *w, const struct attested *attested)
{
    return writer_u8(w, (uint8_t)attested->platform) && writer_u8(w, (uint8_t)attested->product) &&
           writer_u8(w, attested->vlek) &&
           writer_put(w, attested->csp_id, sizeof(attested->csp_id)) &&
           writer_put(w, &attested->report, sizeof(attested->report));
}

bool grant_encode(const struct grant *grant, uint8_t *out, size_t *size)
{
    struct writer w = writer_over(out, GRANT_SIZE_MAX);

    if (!writer_u8(&w, FORMAT) || !writer_u8(&w, (uint8_t)grant->dialect) ||
        !write_attested(&w, &grant->attested) || !writer_u8(&w, grant->crl_checked) ||
        !write_key(&w, &grant->key) || !write_signer(&w, grant) || !writer_u8(&w, grant->denied) ||
        !writer_u8(&w, grant->has_key) || !writer_put(&w, grant->volume, sizeof(grant->volume)) ||
        !writer_le32(&w, grant->key_version) || !writer_u8(&w, grant->has_lease) ||
        !writer_put(&w, grant->lease, sizeof(grant->lease)) ||
        !writer_le16(&w, (uint16_t)grant->reply_size) ||
        (grant->reply && !writer_put(&w, grant->reply, grant->reply_size)))
        return false;
    *size = w.used;
    return true;
}

static bool read_bool(struct reader *r, bool *value)
{
    uint8_t byte;

    if (!reader_u8(r, &byte) || byte > 1)
        return false;
    *value = byte;
    return true;
}

static bool read_part(struct reader *r, uint8_t *out, size_t room, size_t *size)
{
    uint16_t length;

    if (!reader_le16(r, &length) || length > room)
        return false;
    *size = length;
    return reader_copy(r, out, length);
}

static bool read_key(struct reader *r, struct jwk *key)
{
    uint8_t kind;

    if (!reader_u8(r, &kind) || kind > JWK_RSA)
        return false;
    key->kind = (enum jwk_kind)kind;
    return read_part(r, key->first, sizeof(key->first), &key->first_size) &&
           read_part(r, key->second, sizeof(key->second), &key->second_size);
}

static bool read_signer(struct reader *r, struct grant *grant)
{
    uint8_t use;

    if (!read_bool(r, &grant->has_signer) || !reader_u8(r, &use) || use > SIGNING_KEY_TOKEN)
        return false;
    grant->signer_use = (enum signing_key_use)use;
    return reader_copy(r, grant->signer, sizeof(grant->signer));
}

static bool read_attested(struct reader *r, struct attested *attested)
{
    uint8_t platform, product;

    if (!reader_u8(r, &platform) || platform > PLATFORM_EMULATED || !reader_u8(r, &product) ||
        product >= PRODUCT_COUNT || !read_bool(r, &attested->vlek) ||
        !reader_copy(r, attested->csp_id, sizeof(attested->csp_id)) ||
        attested->csp_id[CSP_ID_MAX] != '\0' ||
        !reader_copy(r, &attested->report, sizeof(attested->report)))
        return false;
    attested->platform = (enum platform)platform;
    attested->product = (enum product)product;
    attested->genuine = attested->bound = true;
    return true;
}

static bool read_reply(struct reader *r, struct grant *grant)
{
    uint16_t size;

    if (!reader_le16(r, &size) || size != r->left)
        return false;
    grant->reply = size > 0 ? malloc(size) : NULL;
    grant->reply_size = size;
    return size == 0 || (grant->reply && reader_copy(r, grant->reply, size));
}

static bool read_grant(struct reader *r, struct grant *grant)
{
    uint8_t format, dialect;
    uint32_t key_version;

    if (!reader_u8(r, &format) || format != FORMAT || !reader_u8(r, &dialect) ||
        dialect > DIALECT_COCO || !read_attested(r, &grant->attested) ||
        !read_bool(r, &grant->crl_checked) || !read_key(r, &grant->key) || !read_signer(r, grant) ||
        !read_bool(r, &grant->denied) || !read_bool(r, &grant->has_key) ||
        !reader_copy(r, grant->volume, sizeof(grant->volume)) || !reader_le32(r, &key_version) ||
        !read_bool(r, &grant->has_lease) || !reader_copy(r, grant->lease, sizeof(grant->lease)))
        return false;
    grant->dialect = (enum dialect)dialect;
    grant->key_version = key_version;
    return read_reply(r, grant);
}

bool grant_decode(const uint8_t *bytes, size_t size, struct grant *grant)
{
    struct reader r = reader_over(bytes, size);

    *grant = (struct grant){0};
    if (read_grant(&r, grant))
        return true;
    grant_free(grant);
    return false;
}

void grant_free(struct grant *grant)
{
    free(grant->reply);
    *grant = (struct grant){0};
}
