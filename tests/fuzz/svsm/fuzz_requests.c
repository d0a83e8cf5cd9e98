/* SPDX-License-Identifier: MIT */
/* What the guest writes into requests: PVALIDATE lists, vTPM buffers, attestation operations. */
#include <stdint.h>
#include <string.h>

#include "svsm/requests/attest_request.h"
#include "svsm/requests/pvalidate_list.h"
#include "svsm/requests/vtpm_request.h"

static void require(bool condition)
{
    if (!condition)
        __builtin_trap();
}

static void pvalidate(const uint8_t *bytes)
{
    struct svsm_pvalidate_list header;
    struct pvalidate_entry entry;
    uint64_t list, raw;

    memcpy(&list, bytes, sizeof(list));
    memcpy(&header, bytes + 8, sizeof(header));
    memcpy(&raw, bytes + 16, sizeof(raw));
    if (pvalidate_header_ok(gpa(list), &header))
        require(list % PAGE_SIZE + sizeof(header) + header.entries * sizeof(raw) <= PAGE_SIZE);
    if (pvalidate_entry_decode(raw, &entry))
        require(entry.page.v % entry.size == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t bytes[SVSM_VTPM_BUFFER_SIZE];
    struct vtpm_request vtpm;
    struct attest_request attest;

    memset(bytes, 0, sizeof(bytes));
    memcpy(bytes, data, size < sizeof(bytes) ? size : sizeof(bytes));
    pvalidate(bytes);
    if (vtpm_request_decode(bytes, &vtpm) == STATUS_OK)
        require(vtpm.command + vtpm.size <= bytes + sizeof(bytes));
    if (attest_request_decode(bytes, true, &attest) == STATUS_OK)
        require(attest_request_decode(bytes, false, &attest) == STATUS_OK);
    return 0;
}
