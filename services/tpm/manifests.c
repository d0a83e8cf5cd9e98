/* SPDX-License-Identifier: MIT */
#include "services/tpm/manifests.h"

#include <string.h>

#include "services/common/log.h"
#include "services/tpm/ek.h"
#include "services/tpm/volume_manifest.h"

#define GUID_SIZE 16

/* As stored: the first three groups are little-endian. */
static const uint8_t services_guid[GUID_SIZE] = {
    /* 63849ebb-3d92-4670-a1ff-58f9c94b87bb */
    0xbb, 0x9e, 0x84, 0x63, 0x92, 0x3d, 0x70, 0x46, 0xa1, 0xff, 0x58, 0xf9, 0xc9, 0x4b, 0x87, 0xbb};
static const uint8_t vtpm_guid[GUID_SIZE] = {
    /* c476f1eb-0123-45a5-9641-b4e7dde5bfe3 */
    0xeb, 0xf1, 0x76, 0xc4, 0x23, 0x01, 0xa5, 0x45, 0x96, 0x41, 0xb4, 0xe7, 0xdd, 0xe5, 0xbf, 0xe3};
static const uint8_t volume_guid[GUID_SIZE] = {
    /* 2ec674d0-c50f-4e60-903c-fad5294beb7c */
    0xd0, 0x74, 0xc6, 0x2e, 0x0f, 0xc5, 0x60, 0x4e, 0x90, 0x3c, 0xfa, 0xd5, 0x29, 0x4b, 0xeb, 0x7c};

/* Of a key that goes into a manifest. */
MUST_CHECK static enum manifest_status status_of(uint32_t code)
{
    if (code == TPM_RC_SUCCESS)
        return MANIFEST_DONE;
    log_error("the TPM did not give its endorsement key: response code 0x%x", (unsigned)code);
    return MANIFEST_FAILED;
}

/* Version 0: the RSA key's TPMT_PUBLIC alone. */
MUST_CHECK static enum manifest_status put_vtpm(struct engine *engine, struct writer *w)
{
    return status_of(ek_public(engine, EK_RSA_2048, w));
}

/* Version 1: u32 version, u32 count, and as many TPM2B_PUBLIC; big-endian, as a TPM's. */
MUST_CHECK static enum manifest_status put_vtpm_keys(struct engine *engine, struct writer *w)
{
    enum manifest_status status =
        writer_be32(w, 1) && writer_be32(w, EK_KINDS) ? MANIFEST_DONE : MANIFEST_FAILED;

    for (enum ek_kind kind = 0; kind < EK_KINDS && status == MANIFEST_DONE; kind++)
        status = status_of(ek_public_sized(engine, kind, w));
    return status;
}

MUST_CHECK static bool has_volume(const struct engine *engine)
{
    uint8_t manifest[VOLUME_MANIFEST_SIZE];

    return volume_manifest_write(engine, manifest);
}

MUST_CHECK static enum manifest_status put_volume(struct engine *engine, struct writer *w)
{
    uint8_t manifest[VOLUME_MANIFEST_SIZE];

    if (!volume_manifest_write(engine, manifest))
        return MANIFEST_UNKNOWN;
    return writer_put(w, manifest, sizeof(manifest)) ? MANIFEST_DONE : MANIFEST_FAILED;
}

/* Appends a manifest to the table, at out, and completes the entry that was reserved for it. */
MUST_CHECK static enum manifest_status
add(struct engine *engine, uint8_t *entry, const uint8_t guid[GUID_SIZE],
    enum manifest_status put(struct engine *engine, struct writer *w), struct writer *w,
    size_t table)
{
    size_t start = w->used;
    enum manifest_status status = put(engine, w);

    memcpy(entry, guid, GUID_SIZE);
    put_le32(entry + GUID_SIZE, (uint32_t)(start - table));
    put_le32(entry + GUID_SIZE + 4, (uint32_t)(w->used - start));
    return status;
}

#define ENTRY_SIZE (GUID_SIZE + 4 + 4)

/* The table says no version: the vTPM's manifest is that of version 0, which every client knows. */
MUST_CHECK static enum manifest_status put_table(struct engine *engine, struct writer *w)
{
    uint32_t count = has_volume(engine) ? 2 : 1;
    size_t table = w->used;
    enum manifest_status status;
    uint8_t *header;

    if (!writer_reserve(w, &header, (1 + count) * ENTRY_SIZE))
        return MANIFEST_FAILED;
    memcpy(header, services_guid, GUID_SIZE);
    put_le32(header + GUID_SIZE + 4, count);
    status = add(engine, header + ENTRY_SIZE, vtpm_guid, put_vtpm, w, table);
    if (count > 1 && status == MANIFEST_DONE)
        status = add(engine, header + 2 * ENTRY_SIZE, volume_guid, put_volume, w, table);
    put_le32(header + GUID_SIZE, (uint32_t)(w->used - table));
    return status;
}

enum manifest_status manifests_answer(struct engine *engine, struct reader *request,
                                      struct writer *body)
{
    static const struct {
        const uint8_t *guid;
        uint32_t version;
        enum manifest_status (*put)(struct engine *engine, struct writer *w);
    } manifests[] = {
        {vtpm_guid, 0, put_vtpm}, {vtpm_guid, 1, put_vtpm_keys}, {volume_guid, 0, put_volume}};
    uint8_t guid[GUID_SIZE];
    uint32_t version;

    if (reader_at_end(request))
        return put_table(engine, body);
    if (!reader_copy(request, guid, sizeof(guid)) || !reader_le32(request, &version) ||
        !reader_at_end(request))
        return MANIFEST_UNKNOWN;
    for (size_t i = 0; i < sizeof(manifests) / sizeof(manifests[0]); i++)
        if (memcmp(guid, manifests[i].guid, GUID_SIZE) == 0 && version == manifests[i].version)
            return manifests[i].put(engine, body);
    return MANIFEST_UNKNOWN;
}
