/* SPDX-License-Identifier: MIT */
#include "svsm/sev/ghcb.h"

#include "lib/freestanding/string.h"
#include "lib/snp/vmsa.h"
#include "svsm/arch/cpu.h"
#include "svsm/console/panic.h"
#include "svsm/mm/shared_memory.h"
#include "svsm/sev/msr_protocol.h"

#define PROTOCOL_VERSION 2
#define SAVE_AREA_SIZE   0x400
#define RESULT_MASK      0xFFFFFFFFull

static uint8_t ghcb_page[PAGE_SIZE] __attribute__((aligned(4096)));
static struct shared_pages shared;
static uint8_t valid_bitmap[sizeof(((struct ghcb *)0)->valid_bitmap)]; /* the host's, copied */

enum status ghcb_init(void)
{
    shared = shared_memory_convert(image_gpa(ghcb_page), 1);
    return msr_protocol_register_ghcb(shared.gpa);
}

static void put_field(size_t offset, const void *value, size_t size)
{
    shared_memory_put(&shared, offset, value, size);
}

void ghcb_begin(void)
{
    static const uint8_t zeros[SAVE_AREA_SIZE];
    uint16_t version = PROTOCOL_VERSION;
    uint32_t usage = 0;

    put_field(0, zeros, sizeof(zeros));
    put_field(offsetof(struct ghcb, protocol_version), &version, sizeof(version));
    put_field(offsetof(struct ghcb, usage), &usage, sizeof(usage));
}

void ghcb_set(size_t offset, uint64_t value)
{
    size_t bit = offset / 8;
    size_t byte = offsetof(struct ghcb, valid_bitmap) + bit / 8;
    uint8_t bits;

    put_field(offset, &value, sizeof(value));
    shared_memory_get(&shared, byte, &bits, 1);
    bits |= (uint8_t)(1u << bit % 8);
    put_field(byte, &bits, 1);
}

void ghcb_set_buffer(const void *bytes, size_t size)
{
    CHECK(size <= GHCB_SHARED_BUFFER_SIZE);
    put_field(offsetof(struct ghcb, shared_buffer), bytes, size);
    GHCB_SET(sw_scratch, shared.gpa.v + offsetof(struct ghcb, shared_buffer));
}

enum status ghcb_exchange(uint64_t code, uint64_t info1, uint64_t info2)
{
    uint64_t result;
    enum status status;

    GHCB_SET(sw_exitcode, code);
    GHCB_SET(sw_exitinfo1, info1);
    GHCB_SET(sw_exitinfo2, info2);
    msr_write(MSR_GHCB, shared.gpa.v);
    vmgexit();
    shared_memory_get(&shared, offsetof(struct ghcb, valid_bitmap), valid_bitmap,
                      sizeof(valid_bitmap));
    status = GHCB_GET(sw_exitinfo1, &result);
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

enum status ghcb_get(size_t offset, uint64_t *value)
{
    size_t bit = offset / 8;

    if (!(valid_bitmap[bit / 8] & 1u << bit % 8))
        return STATUS_HOST_BROKE_PROTOCOL;
    shared_memory_get(&shared, offset, value, sizeof(*value));
    return STATUS_OK;
}

void ghcb_get_buffer(void *bytes, size_t size)
{
    CHECK(size <= GHCB_SHARED_BUFFER_SIZE);
    shared_memory_get(&shared, offsetof(struct ghcb, shared_buffer), bytes, size);
}
