/* SPDX-License-Identifier: MIT */
#include "svsm/requests/attest_request.h"

#include "lib/base/reader.h"
#include "lib/base/writer.h"

#define CERTIFICATES_MAX 0x4000

/* GUIDs as stored: the first three groups little-endian. */
static const uint8_t services_guid[ATTEST_GUID_SIZE] = {
    /* 63849ebb-3d92-4670-a1ff-58f9c94b87bb */
    0xBB, 0x9E, 0x84, 0x63, 0x92, 0x3D, 0x70, 0x46, 0xA1, 0xFF, 0x58, 0xF9, 0xC9, 0x4B, 0x87, 0xBB};
const uint8_t attest_vtpm_guid[ATTEST_GUID_SIZE] = {
    /* c476f1eb-0123-45a5-9641-b4e7dde5bfe3 */
    0xEB, 0xF1, 0x76, 0xC4, 0x23, 0x01, 0xA5, 0x45, 0x96, 0x41, 0xB4, 0xE7, 0xDD, 0xE5, 0xBF, 0xE3};

#define SERVICE_COUNT     1
#define TABLE_HEADER_SIZE (ATTEST_GUID_SIZE + 8)
#define TABLE_ENTRY_SIZE  (ATTEST_GUID_SIZE + 8)

static bool read_buffer(struct reader *r, struct guest_buffer *buffer)
{
    return reader_le64(r, &buffer->at.v) && reader_le32(r, &buffer->size) && reader_zeros(r, 4);
}

static bool read_nonce(struct reader *r, gpa_t *nonce)
{
    uint16_t size;

    return reader_le64(r, &nonce->v) && reader_le16(r, &size) && reader_zeros(r, 6) &&
           size == ATTEST_NONCE_SIZE && nonce->v % PAGE_SIZE <= PAGE_SIZE - ATTEST_NONCE_SIZE;
}

static bool read_service(struct reader *r, uint8_t *service)
{
    uint32_t manifest_version;

    return reader_copy(r, service, ATTEST_GUID_SIZE) && reader_le32(r, &manifest_version) &&
           manifest_version == 0 && reader_zeros(r, 4);
}

enum status attest_request_decode(const uint8_t *bytes, bool single, struct attest_request *request)
{
    struct reader r = reader_over(bytes, single ? ATTEST_SINGLE_SIZE : ATTEST_SERVICES_SIZE);
    bool ok = read_buffer(&r, &request->report) && read_nonce(&r, &request->nonce) &&
              read_buffer(&r, &request->manifest) && read_buffer(&r, &request->certificates) &&
              (!single || read_service(&r, request->service));

    ok = ok && is_aligned(request->report.at.v, PAGE_SIZE) &&
         is_aligned(request->manifest.at.v, PAGE_SIZE) &&
         request->certificates.size <= CERTIFICATES_MAX &&
         (request->certificates.size == 0 || is_aligned(request->certificates.at.v, PAGE_SIZE));
    return ok ? STATUS_OK : STATUS_BAD_FORMAT;
}

enum status attest_write_services(uint8_t *out, size_t room, const uint8_t *vtpm_manifest,
                                  size_t vtpm_manifest_size, size_t *size)
{
    struct writer w = writer_over(out, room);
    uint32_t offset = TABLE_HEADER_SIZE + SERVICE_COUNT * TABLE_ENTRY_SIZE;
    bool ok = writer_put(&w, services_guid, sizeof(services_guid)) &&
              writer_le32(&w, offset + (uint32_t)vtpm_manifest_size) &&
              writer_le32(&w, SERVICE_COUNT) &&
              writer_put(&w, attest_vtpm_guid, sizeof(attest_vtpm_guid)) &&
              writer_le32(&w, offset) && writer_le32(&w, (uint32_t)vtpm_manifest_size) &&
              writer_put(&w, vtpm_manifest, vtpm_manifest_size);

    *size = w.used;
    return ok ? STATUS_OK : STATUS_OUT_OF_RANGE;
}
