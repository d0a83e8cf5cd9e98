/* SPDX-License-Identifier: MIT */
#include "emulator/vmm/fw_cfg_dma.h"

#include "emulator/platform/memory.h"
#include "emulator/vmm/vmm.h"
#include "lib/base/bytes.h"

#define CONTROL_ERROR 0x01u
#define CONTROL_READ  0x02u
#define CONTROL_WRITE 0x10u

/* Big-endian. */
struct descriptor {
    uint8_t control[4], length[4], address[8];
};

/* The device works on this copy, which the guest cannot change after it was looked at. */
static struct descriptor *copy;
static uint32_t upper_half;

void fw_cfg_dma_init(void)
{
    copy = host_ptr(pool_pages(1));
}

/* A range that lies in shared pages; what is there may change hands or contents at any time. */
static bool is_shared(uint64_t start, uint64_t size)
{
    if (start + size < start)
        return false;
    for (uint64_t at = start & PAGE_MASK; at < start + size; at += PAGE_SIZE) {
        if (!vmm_shared_page(gpa(at)))
            return false;
    }
    return true;
}

/* One byte of a shared range. */
static volatile uint8_t *byte_at(uint64_t address)
{
    return (volatile uint8_t *)vmm_shared_page(gpa(address & PAGE_MASK)) + address % PAGE_SIZE;
}

static void start(uint64_t descriptor)
{
    uint32_t control;

    if (!is_shared(descriptor, sizeof(*copy))) {
        log_line("fw_cfg: a DMA descriptor at gpa %lx, which is not shared", descriptor);
        return;
    }
    for (size_t i = 0; i < sizeof(*copy); i++)
        ((uint8_t *)copy)[i] = *byte_at(descriptor + i);
    control = get_be32(copy->control);
    if ((control & (CONTROL_READ | CONTROL_WRITE)) &&
        !is_shared(get_be64(copy->address), get_be32(copy->length))) {
        log_line("fw_cfg: DMA of %x bytes at gpa %lx, which are not shared", get_be32(copy->length),
                 get_be64(copy->address));
        put_be32(copy->control, CONTROL_ERROR);
    } else {
        uint64_t at = host_pa_of_direct(copy).pa;

        host_memory_barrier();
        host_out(FW_CFG_DMA_PORT, 4, __builtin_bswap32((uint32_t)(at >> 32)));
        host_out(FW_CFG_DMA_PORT + 4, 4, __builtin_bswap32((uint32_t)at));
        host_memory_barrier();
    }
    for (size_t i = 0; i < sizeof(copy->control); i++)
        *byte_at(descriptor + i) = copy->control[i];
}

void fw_cfg_dma_write(uint16_t port, unsigned size, uint32_t value)
{
    uint32_t half = __builtin_bswap32(value);

    if (size != 4)
        return;
    if (port == FW_CFG_DMA_PORT) {
        upper_half = half;
    } else if (port == FW_CFG_DMA_PORT + 4) {
        start((uint64_t)upper_half << 32 | half);
        upper_half = 0;
    }
}
