/* SPDX-License-Identifier: MIT */
#include "svsm/sev/ghcb.h"

#include "lib/freestanding/string.h"
#include "lib/snp/vmsa.h"
#include "svsm/arch/cpu.h"
#include "svsm/arch/cpu_area.h"
#include "svsm/base/panic.h"
#include "svsm/sev/msr_protocol.h"

#define PROTOCOL_VERSION 2
#define SAVE_AREA_SIZE   0x400
#define RESULT_MASK      0xFFFFFFFFull

enum status ghcb_init(struct ghcb_link *link, gpa_t page)
{
    link->page = shared_memory_convert(page, 1);
    return ghcb_use(link);
}

enum status ghcb_use(struct ghcb_link *link)
{
    cpu_local()->link = link;
    return msr_protocol_register_ghcb(link->page.gpa);
}

struct ghcb_link *ghcb_own(void)
{
    return cpu_local()->link;
}

static void put_field(struct ghcb_link *link, size_t offset, const void *value, size_t size)
{
    shared_memory_put(&link->page, offset, value, size);
}

void ghcb_begin(struct ghcb_link *link)
{
    static const uint8_t zeros[SAVE_AREA_SIZE];
    uint16_t version = PROTOCOL_VERSION;
    uint32_t usage = 0;

    put_field(link, 0, zeros, sizeof(zeros));
    put_field(link, offsetof(struct ghcb, protocol_version), &version, sizeof(version));
    put_field(link, offsetof(struct ghcb, usage), &usage, sizeof(usage));
}

void ghcb_set(struct ghcb_link *link, size_t offset, uint64_t value)
{
    size_t bit = offset / 8;
    size_t byte = offsetof(struct ghcb, valid_bitmap) + bit / 8;
    uint8_t bits;

    put_field(link, offset, &value, sizeof(value));
    shared_memory_get(&link->page, byte, &bits, 1);
    bits |= (uint8_t)(1u << bit % 8);
    put_field(link, byte, &bits, 1);
}

void ghcb_set_buffer(struct ghcb_link *link, const void *bytes, size_t size)
{
    CHECK(size <= GHCB_SHARED_BUFFER_SIZE);
    put_field(link, offsetof(struct ghcb, shared_buffer), bytes, size);
    GHCB_SET(link, sw_scratch, link->page.gpa.v + offsetof(struct ghcb, shared_buffer));
}

enum status ghcb_exchange(struct ghcb_link *link, uint64_t code, uint64_t info1, uint64_t info2)
{
    uint64_t result;
    enum status status;

    GHCB_SET(link, sw_exitcode, code);
    GHCB_SET(link, sw_exitinfo1, info1);
    GHCB_SET(link, sw_exitinfo2, info2);
    vmgexit(link->page.gpa.v);
    shared_memory_get(&link->page, offsetof(struct ghcb, valid_bitmap), link->valid_bitmap,
                      sizeof(link->valid_bitmap));
    status = GHCB_GET(link, sw_exitinfo1, &result);
    if (status != STATUS_OK)
        return status;
    switch (result & RESULT_MASK) {
    case GHCB_RESULT_OK:
        return STATUS_OK;
    case GHCB_RESULT_EXCEPTION:
    case GHCB_RESULT_MALFORMED:
        return STATUS_HOST_REFUSED;
    default:
        return STATUS_HOST_BROKE_PROTOCOL;
    }
}

enum status ghcb_get(struct ghcb_link *link, size_t offset, uint64_t *value)
{
    size_t bit = offset / 8;

    if (!(link->valid_bitmap[bit / 8] & 1u << bit % 8))
        return STATUS_HOST_BROKE_PROTOCOL;
    shared_memory_get(&link->page, offset, value, sizeof(*value));
    return STATUS_OK;
}

void ghcb_get_buffer(struct ghcb_link *link, void *bytes, size_t size)
{
    CHECK(size <= GHCB_SHARED_BUFFER_SIZE);
    shared_memory_get(&link->page, offsetof(struct ghcb, shared_buffer), bytes, size);
}
