/* SPDX-License-Identifier: MIT */
#include "svsm/virtio/mmio.h"

#include "svsm/sev/ghcb_calls.h"

#define SLOTS_BASE  0xFEF00000ull
#define SLOTS       4
#define SLOT_STRIDE 0x1000

#define MAGIC   0x74726976u /* "virt" */
#define VERSION 2

enum virtio_register {
    REG_MAGIC = 0x000,
    REG_VERSION = 0x004,
    REG_DEVICE_ID = 0x008,
    REG_DEVICE_FEATURES = 0x010,
    REG_DEVICE_FEATURES_SEL = 0x014,
    REG_DRIVER_FEATURES = 0x020,
    REG_DRIVER_FEATURES_SEL = 0x024,
    REG_QUEUE_SEL = 0x030,
    REG_QUEUE_NUM_MAX = 0x034,
    REG_QUEUE_NUM = 0x038,
    REG_QUEUE_READY = 0x044,
    REG_QUEUE_NOTIFY = 0x050,
    REG_STATUS = 0x070,
    REG_QUEUE_DESC = 0x080,
    REG_QUEUE_DRIVER = 0x090,
    REG_QUEUE_DEVICE = 0x0A0,
    REG_CONFIG_GENERATION = 0x0FC,
    REG_CONFIG = 0x100,
};

enum virtio_status {
    STATUS_ACKNOWLEDGE = 1,
    STATUS_DRIVER = 2,
    STATUS_DRIVER_OK = 4,
    STATUS_FEATURES_OK = 8,
};

#define FEATURE_VERSION_1       (1ull << 32)
#define FEATURE_ACCESS_PLATFORM (1ull << 33)

#define RESET_POLLS_MAX    1000
#define CONFIG_RETRIES_MAX 8

static enum status get(const struct virtio_mmio *device, unsigned reg, uint32_t *value)
{
    return ghcb_mmio_read(ghcb_own(), gpa_add(device->base, reg), value);
}

static enum status set(const struct virtio_mmio *device, unsigned reg, uint32_t value)
{
    return ghcb_mmio_write(ghcb_own(), gpa_add(device->base, reg), value);
}

static enum status set64(const struct virtio_mmio *device, unsigned reg, uint64_t value)
{
    enum status status = set(device, reg, (uint32_t)value);

    return status != STATUS_OK ? status : set(device, reg + 4, (uint32_t)(value >> 32));
}

static bool has(const struct virtio_mmio *device, unsigned reg, uint32_t expected)
{
    uint32_t value;

    return get(device, reg, &value) == STATUS_OK && value == expected;
}

enum status virtio_mmio_find(struct virtio_mmio *device, enum virtio_device_id id)
{
    for (unsigned slot = 0; slot < SLOTS; slot++) {
        *device = (struct virtio_mmio){.base = gpa(SLOTS_BASE + slot * SLOT_STRIDE)};
        if (has(device, REG_MAGIC, MAGIC) && has(device, REG_VERSION, VERSION) &&
            has(device, REG_DEVICE_ID, id))
            return STATUS_OK;
    }
    return STATUS_NO_DEVICE;
}

static enum status reset(const struct virtio_mmio *device)
{
    enum status status = set(device, REG_STATUS, 0);

    for (unsigned polls = 0; status == STATUS_OK && polls < RESET_POLLS_MAX; polls++) {
        uint32_t value;

        status = get(device, REG_STATUS, &value);
        if (status == STATUS_OK && value == 0)
            return STATUS_OK;
    }
    return status == STATUS_OK ? STATUS_TIMEOUT : status;
}

/* One half of the offered features. */
static enum status get_features(const struct virtio_mmio *device, uint32_t half, uint32_t *bits)
{
    enum status status = set(device, REG_DEVICE_FEATURES_SEL, half);

    return status != STATUS_OK ? status : get(device, REG_DEVICE_FEATURES, bits);
}

static enum status set_features(const struct virtio_mmio *device, uint32_t half, uint32_t bits)
{
    enum status status = set(device, REG_DRIVER_FEATURES_SEL, half);

    return status != STATUS_OK ? status : set(device, REG_DRIVER_FEATURES, bits);
}

enum status virtio_mmio_negotiate(struct virtio_mmio *device, uint64_t wanted)
{
    uint32_t status_bits = STATUS_ACKNOWLEDGE | STATUS_DRIVER;
    uint32_t low = 0, high = 0, accepted = 0;
    enum status status = reset(device);

    if (status == STATUS_OK)
        status = set(device, REG_STATUS, status_bits);
    if (status == STATUS_OK)
        status = get_features(device, 0, &low);
    if (status == STATUS_OK)
        status = get_features(device, 1, &high);
    if (status != STATUS_OK)
        return status;

    device->features =
        ((uint64_t)high << 32 | low) & (wanted | FEATURE_VERSION_1 | FEATURE_ACCESS_PLATFORM);
    if (!(device->features & FEATURE_VERSION_1))
        return STATUS_UNSUPPORTED;
    status = set_features(device, 0, (uint32_t)device->features);
    if (status == STATUS_OK)
        status = set_features(device, 1, (uint32_t)(device->features >> 32));
    if (status == STATUS_OK)
        status = set(device, REG_STATUS, status_bits | STATUS_FEATURES_OK);
    if (status == STATUS_OK)
        status = get(device, REG_STATUS, &accepted);
    if (status != STATUS_OK)
        return status;
    return accepted & STATUS_FEATURES_OK ? STATUS_OK : STATUS_UNSUPPORTED;
}

enum status virtio_mmio_set_queue(struct virtio_mmio *device, uint16_t size, gpa_t descriptors,
                                  gpa_t available, gpa_t used)
{
    uint32_t max = 0;
    enum status status = set(device, REG_QUEUE_SEL, 0);

    if (status == STATUS_OK)
        status = get(device, REG_QUEUE_NUM_MAX, &max);
    if (status != STATUS_OK)
        return status;
    if (max < size)
        return STATUS_UNSUPPORTED;
    status = set(device, REG_QUEUE_NUM, size);
    if (status == STATUS_OK)
        status = set64(device, REG_QUEUE_DESC, descriptors.v);
    if (status == STATUS_OK)
        status = set64(device, REG_QUEUE_DRIVER, available.v);
    if (status == STATUS_OK)
        status = set64(device, REG_QUEUE_DEVICE, used.v);
    return status != STATUS_OK ? status : set(device, REG_QUEUE_READY, 1);
}

enum status virtio_mmio_start(struct virtio_mmio *device)
{
    return set(device, REG_STATUS,
               STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_FEATURES_OK | STATUS_DRIVER_OK);
}

enum status virtio_mmio_notify(struct virtio_mmio *device)
{
    return set(device, REG_QUEUE_NOTIFY, 0);
}

enum status virtio_mmio_config64(struct virtio_mmio *device, unsigned offset, uint64_t *value)
{
    for (unsigned tries = 0; tries < CONFIG_RETRIES_MAX; tries++) {
        uint32_t before, after, low, high;

        if (get(device, REG_CONFIG_GENERATION, &before) != STATUS_OK ||
            get(device, REG_CONFIG + offset, &low) != STATUS_OK ||
            get(device, REG_CONFIG + offset + 4, &high) != STATUS_OK ||
            get(device, REG_CONFIG_GENERATION, &after) != STATUS_OK)
            return STATUS_IO_ERROR;
        if (before == after) {
            *value = (uint64_t)high << 32 | low;
            return STATUS_OK;
        }
    }
    return STATUS_TIMEOUT;
}
