/* SPDX-License-Identifier: MIT */
/*
 * The input is what a volume keeps of endorsement keys, with the certificates that a KBS sent. What
 * parses is written the same, and each certificate lies inside.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/ek/template.h"
#include "services/tpm/ek_record.h"

static void check_certificates(const struct ek_record *record)
{
    const uint8_t *end = record->certificates + record->certificates_size;
    struct ek_certificate certificates[EK_KINDS];

    if (record->certificates_size == 0)
        return;
    if (!ek_certificates_read(record->certificates, record->certificates_size, &record->keys,
                              certificates))
        abort();
    for (int kind = 0; kind < EK_KINDS; kind++)
        if (certificates[kind].der < record->certificates ||
            certificates[kind].size > (size_t)(end - certificates[kind].der))
            abort();
}

/* The same bytes as a key's public area, of each kind. */
static void check_public(const uint8_t *data, size_t size)
{
    for (enum ek_kind kind = 0; kind < EK_KINDS; kind++) {
        uint8_t bytes[EK_PUBLIC_MAX];
        struct writer w = writer_over(bytes, sizeof(bytes));
        struct ek_keys keys = {0}, again = {0};

        if (ek_public_read(data, size, kind, &keys) &&
            (!ek_public_write(&w, kind, &keys) || !ek_public_read(bytes, w.used, kind, &again) ||
             memcmp(&keys, &again, sizeof(keys)) != 0))
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct ek_record record;
    static uint8_t bytes[EK_RECORD_MAX];

    check_public(data, size);
    if (!ek_record_read(data, size, &record))
        return 0;
    check_certificates(&record);
    if (ek_record_write(&record, bytes) != size || memcmp(bytes, data, size) != 0)
        abort();
    return 0;
}
