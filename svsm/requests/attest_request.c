/* SPDX-License-Identifier: MIT */
#include "svsm/requests/attest_request.h"

#include "lib/base/reader.h"

#define CERTIFICATES_MAX 0x4000

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

enum status attest_request_decode(const uint8_t *bytes, bool single, struct attest_request *request)
{
    struct reader r = reader_over(bytes, single ? ATTEST_SINGLE_SIZE : ATTEST_SERVICES_SIZE);
    bool ok = read_buffer(&r, &request->report) && read_nonce(&r, &request->nonce) &&
              read_buffer(&r, &request->manifest) && read_buffer(&r, &request->certificates) &&
              reader_copy(&r, request->which, single ? sizeof(request->which) : 0) &&
              (!single || reader_zeros(&r, 4));

    request->which_size = single ? sizeof(request->which) : 0;
    ok = ok && is_aligned(request->report.at.v, PAGE_SIZE) &&
         is_aligned(request->manifest.at.v, PAGE_SIZE) &&
         request->certificates.size <= CERTIFICATES_MAX &&
         (request->certificates.size == 0 || is_aligned(request->certificates.at.v, PAGE_SIZE));
    return ok ? STATUS_OK : STATUS_BAD_FORMAT;
}
