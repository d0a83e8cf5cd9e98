/* SPDX-License-Identifier: MIT */
#include "svsm/virtio/block.h"

#include <assert.h>

#include "svsm/arch/cpu.h"

#define QUEUE_SIZE      4 /* a power of two that holds one request's three descriptors */
#define TIMEOUT_SECONDS 30
#define SIZE_MAX_BYTES  (1ull << 50)

#define FEATURE_RO    (1ull << 5)
#define FEATURE_FLUSH (1ull << 9)

#define CONFIG_CAPACITY 0 /* in sectors of 512 bytes */

enum request_type {
    REQUEST_IN = 0,
    REQUEST_OUT = 1,
    REQUEST_FLUSH = 4,
};

#define REQUEST_STATUS_OK      0
#define REQUEST_STATUS_PENDING 0xFF /* ours: the device has not written it */

enum descriptor_flags {
    DESCRIPTOR_NEXT = 1,
    DESCRIPTOR_WRITE = 2, /* the device writes */
};

struct descriptor {
    uint64_t address;
    uint32_t length;
    uint16_t flags, next;
};

/* One shared page: the split virtqueue, and a request's header and status. */
struct queue_page {
    struct descriptor descriptors[QUEUE_SIZE];
    struct {
        uint16_t flags, index;
        uint16_t ring[QUEUE_SIZE];
    } available;
    uint8_t padding[4];
    struct {
        uint16_t flags, index;
        struct {
            uint32_t id, length;
        } ring[QUEUE_SIZE];
    } used;
    struct {
        uint32_t type, reserved;
        uint64_t sector;
    } header;
    uint8_t status;
};

static_assert(offsetof(struct queue_page, available) == 16 * QUEUE_SIZE, "virtqueue");
static_assert(offsetof(struct queue_page, used) % 4 == 0, "virtqueue");

static volatile struct queue_page *page_of(const struct block_device *device)
{
    return (volatile struct queue_page *)device->queue.bytes;
}

static gpa_t part_gpa(const struct block_device *device, size_t offset)
{
    return gpa_add(device->queue.gpa, offset);
}

static enum status set_up_queue(struct block_device *device)
{
    enum status status = shared_memory_allocate(1, &device->queue);

    if (status == STATUS_OK)
        status = shared_memory_allocate(BLOCK_TRANSFER_MAX / PAGE_SIZE, &device->bounce);
    if (status != STATUS_OK)
        return status;
    return virtio_mmio_set_queue(&device->transport, QUEUE_SIZE,
                                 part_gpa(device, offsetof(struct queue_page, descriptors)),
                                 part_gpa(device, offsetof(struct queue_page, available)),
                                 part_gpa(device, offsetof(struct queue_page, used)));
}

enum status block_init(struct block_device *device, const struct clock *clock)
{
    uint64_t sectors = 0;
    enum status status;

    *device = (struct block_device){.clock = clock};
    status = virtio_mmio_find(&device->transport, VIRTIO_BLOCK);

    if (status == STATUS_OK)
        status = virtio_mmio_negotiate(&device->transport, FEATURE_RO | FEATURE_FLUSH);
    if (status == STATUS_OK)
        status = set_up_queue(device);
    if (status == STATUS_OK)
        status = virtio_mmio_config64(&device->transport, CONFIG_CAPACITY, &sectors);
    if (status == STATUS_OK)
        status = virtio_mmio_start(&device->transport);
    if (status != STATUS_OK)
        return status;
    if (device->transport.features & FEATURE_RO)
        return STATUS_UNSUPPORTED;
    if (sectors > SIZE_MAX_BYTES / BLOCK_SIZE)
        return STATUS_OUT_OF_RANGE;
    device->size = sectors * BLOCK_SIZE;
    device->can_flush = (device->transport.features & FEATURE_FLUSH) != 0;
    return STATUS_OK;
}

static void put_descriptor(struct block_device *device, unsigned index, gpa_t at, size_t length,
                           unsigned flags)
{
    volatile struct descriptor *descriptor = &page_of(device)->descriptors[index];

    descriptor->address = at.v;
    descriptor->length = (uint32_t)length;
    descriptor->flags = (uint16_t)flags;
    descriptor->next = (uint16_t)(index + 1);
}

/* Header, data if any, status: always the same descriptors,
 * written anew because they are shared. */
static void put_request(struct block_device *device, enum request_type type, uint64_t sector,
                        size_t size)
{
    volatile struct queue_page *page = page_of(device);
    unsigned index = 0;

    page->header.type = type;
    page->header.reserved = 0;
    page->header.sector = sector;
    page->status = REQUEST_STATUS_PENDING;
    put_descriptor(device, index++, part_gpa(device, offsetof(struct queue_page, header)),
                   sizeof(page->header), DESCRIPTOR_NEXT);
    if (size > 0)
        put_descriptor(device, index++, device->bounce.gpa, size,
                       DESCRIPTOR_NEXT | (type == REQUEST_IN ? DESCRIPTOR_WRITE : 0));
    put_descriptor(device, index, part_gpa(device, offsetof(struct queue_page, status)), 1,
                   DESCRIPTOR_WRITE);
    page->available.ring[device->next % QUEUE_SIZE] = 0;
    device->next++;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    page->available.index = device->next;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static enum status wait_until_used(struct block_device *device)
{
    volatile struct queue_page *page = page_of(device);
    uint64_t deadline = clock_now(device->clock) + TIMEOUT_SECONDS * NANOSECONDS;

    while (page->used.index != device->next) {
        if (clock_now(device->clock) > deadline)
            return STATUS_TIMEOUT;
        cpu_pause();
    }
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    return page->status == REQUEST_STATUS_OK ? STATUS_OK : STATUS_IO_ERROR;
}

static enum status request(struct block_device *device, enum request_type type, uint64_t offset,
                           size_t size)
{
    enum status status;

    if (device->failed)
        return STATUS_IO_ERROR;
    put_request(device, type, offset / BLOCK_SIZE, size);
    status = virtio_mmio_notify(&device->transport);
    if (status == STATUS_OK)
        status = wait_until_used(device);
    device->failed = status != STATUS_OK && status != STATUS_IO_ERROR;
    return status;
}

enum status block_read(struct block_device *device, uint64_t offset, size_t size)
{
    return request(device, REQUEST_IN, offset, size);
}

enum status block_write(struct block_device *device, uint64_t offset, size_t size)
{
    return request(device, REQUEST_OUT, offset, size);
}

enum status block_flush(struct block_device *device)
{
    return device->can_flush ? request(device, REQUEST_FLUSH, 0, 0) : STATUS_OK;
}
