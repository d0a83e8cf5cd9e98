/* SPDX-License-Identifier: MIT */
#include "services/tpm/ek_certificates.h"

#include <openssl/sha.h>
#include <string.h>

#include "services/common/log.h"
#include "services/tpm/ek.h"
#include "services/tpm/nv_index.h"

static_assert(EK_CERTIFICATE_MAX <= NV_INDEX_DATA_MAX, "a certificate fits");

bool ek_request_write(const struct ek_record *ek, struct writer *w)
{
    struct ek_request request = {.keys = ek->keys};

    if (!ek->known)
        return true;
    if (ek->certificates_size > 0 &&
        !SHA384(ek->certificates, ek->certificates_size, request.certificates))
        return false;
    return writer_put(w, &request, sizeof(request));
}

bool ek_certificates_keep(struct engine *engine, const uint8_t *bytes, size_t size)
{
    struct ek_certificate certificates[EK_KINDS];
    struct ek_record *record = &engine->ek;

    if (!record->known || size > sizeof(record->certificates) ||
        !ek_certificates_read(bytes, size, &record->keys, certificates)) {
        log_warning("the KBS's certificates are not of this TPM's endorsement keys, and are not "
                    "used");
        return false;
    }
    memcpy(record->certificates, bytes, size);
    record->certificates_size = size;
    ek_save(engine);
    return true;
}

void ek_certificates_install(struct engine *engine)
{
    const struct ek_record *record = &engine->ek;
    struct ek_certificate certificates[EK_KINDS];

    if (record->certificates_size == 0 ||
        !ek_certificates_read(record->certificates, record->certificates_size, &record->keys,
                              certificates))
        return;
    for (enum ek_kind kind = 0; kind < EK_KINDS; kind++)
        nv_index_install(engine, ek_nv_index(kind), certificates[kind].der,
                         certificates[kind].size);
}
