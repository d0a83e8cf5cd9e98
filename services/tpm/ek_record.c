/* SPDX-License-Identifier: MIT */
#include "services/tpm/ek_record.h"

#include <string.h>

#include "lib/base/reader.h"
#include "lib/base/writer.h"

#define MAGIC      "EKR1"
#define MAGIC_SIZE 4

size_t ek_record_write(const struct ek_record *record, uint8_t out[EK_RECORD_MAX])
{
    struct writer w = writer_over(out, EK_RECORD_MAX);

    /* There is room for all of it. */
    return writer_put(&w, MAGIC, MAGIC_SIZE) &&
                   writer_put(&w, &record->keys, sizeof(record->keys)) &&
                   writer_put(&w, record->certificates, record->certificates_size)
               ? w.used
               : 0;
}

bool ek_record_read(const uint8_t *bytes, size_t size, struct ek_record *record)
{
    struct reader r = reader_over(bytes, size);
    struct ek_certificate certificates[EK_KINDS];
    const uint8_t *magic;

    *record = (struct ek_record){0};
    if (!reader_borrow(&r, &magic, MAGIC_SIZE) || memcmp(magic, MAGIC, MAGIC_SIZE) != 0 ||
        !reader_copy(&r, &record->keys, sizeof(record->keys)) ||
        r.left > sizeof(record->certificates) ||
        (r.left > 0 && !ek_certificates_read(r.next, r.left, &record->keys, certificates)))
        return false;
    record->known = true;
    record->certificates_size = r.left;
    memcpy(record->certificates, r.next, r.left);
    return true;
}

/* Any encoding of the key has these bytes one behind another. */
static bool holds_key(const struct ek_certificate *certificate, const struct ek_keys *keys,
                      enum ek_kind kind)
{
    const struct {
        const uint8_t *bytes;
        size_t size;
    } key[EK_KINDS] = {
        [EK_RSA_2048] = {keys->modulus, sizeof(keys->modulus)},
        [EK_P256] = {keys->p256, sizeof(keys->p256)},
        [EK_P384] = {keys->p384, sizeof(keys->p384)},
    };

    return memmem(certificate->der, certificate->size, key[kind].bytes, key[kind].size) != NULL;
}

bool ek_certificates_read(const uint8_t *bytes, size_t size, const struct ek_keys *keys,
                          struct ek_certificate certificates[EK_KINDS])
{
    struct reader r = reader_over(bytes, size);

    for (enum ek_kind kind = 0; kind < EK_KINDS; kind++) {
        struct ek_certificate *certificate = &certificates[kind];
        uint32_t index;
        uint16_t length;

        if (!reader_be32(&r, &index) || index != ek_nv_index(kind) || !reader_be16(&r, &length) ||
            length > EK_CERTIFICATE_MAX || !reader_borrow(&r, &certificate->der, length))
            return false;
        certificate->size = length;
        if (!holds_key(certificate, keys, kind))
            return false;
    }
    return reader_at_end(&r);
}
