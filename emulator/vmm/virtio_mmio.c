/* SPDX-License-Identifier: MIT */
#include "emulator/vmm/virtio_mmio.h"

#include "emulator/platform/memory.h"
#include "emulator/vmm/pci.h"

#define VIRTIO_VENDOR    0x1AF4u
#define VIRTIO_MODERN_ID 0x1040u /* device ID - this = virtio device type */

#define PCI_COMMAND      0x04
#define PCI_COMMAND_ON   0x406u /* memory, bus master, no INTx */
#define PCI_BAR0         0x10
#define PCI_CAPABILITIES 0x34
#define PCI_CAP_VENDOR   0x09

/* Where the device's registers are put: above every window that firmware assigns. */
#define REGISTERS_PA   0xFEB00000u
#define REGISTERS_SIZE 0x4000u

/* virtio 1.2, 4.1.4: virtio_pci_cap.cfg_type */
enum { CAP_COMMON = 1, CAP_NOTIFY = 2, CAP_ISR = 3, CAP_DEVICE = 4, CAP_TYPES = 5 };

/* virtio 1.2, 4.1.4.3: struct virtio_pci_common_cfg */
enum {
    COMMON_DEVICE_FEATURE_SELECT = 0x00,
    COMMON_DEVICE_FEATURE = 0x04,
    COMMON_DRIVER_FEATURE_SELECT = 0x08,
    COMMON_DRIVER_FEATURE = 0x0C,
    COMMON_DEVICE_STATUS = 0x14,
    COMMON_CONFIG_GENERATION = 0x15,
    COMMON_QUEUE_SELECT = 0x16,
    COMMON_QUEUE_SIZE = 0x18,
    COMMON_QUEUE_ENABLE = 0x1C,
    COMMON_QUEUE_NOTIFY_OFF = 0x1E,
    COMMON_QUEUE_DESC = 0x20,
    COMMON_QUEUE_DRIVER = 0x28,
    COMMON_QUEUE_DEVICE = 0x30,
};

/* virtio 1.2, 4.2.2: MMIO device register layout */
enum {
    MMIO_MAGIC = 0x000,
    MMIO_VERSION = 0x004,
    MMIO_DEVICE_ID = 0x008,
    MMIO_VENDOR_ID = 0x00C,
    MMIO_DEVICE_FEATURES = 0x010,
    MMIO_DEVICE_FEATURES_SEL = 0x014,
    MMIO_DRIVER_FEATURES = 0x020,
    MMIO_DRIVER_FEATURES_SEL = 0x024,
    MMIO_QUEUE_SEL = 0x030,
    MMIO_QUEUE_NUM_MAX = 0x034,
    MMIO_QUEUE_NUM = 0x038,
    MMIO_QUEUE_READY = 0x044,
    MMIO_QUEUE_NOTIFY = 0x050,
    MMIO_INTERRUPT_STATUS = 0x060,
    MMIO_STATUS = 0x070,
    MMIO_QUEUE_DESC = 0x080,
    MMIO_QUEUE_DRIVER = 0x090,
    MMIO_QUEUE_DEVICE = 0x0A0,
    MMIO_CONFIG_GENERATION = 0x0FC,
    MMIO_CONFIG = 0x100,
};

#define MMIO_MAGIC_VALUE  0x74726976u
#define MMIO_MODERN       2u
#define MMIO_VENDOR_VALUE 0x554D4551u

static struct {
    uint32_t type; /* virtio device type; 0: no device */
    volatile uint8_t *capability[CAP_TYPES];
    uint32_t notify_multiplier;
} device;

static uint8_t config_byte(unsigned offset)
{
    return (uint8_t)(pci_config_read(PCI_HIDDEN_DEVICE, offset & ~3u) >> (offset % 4 * 8));
}

static unsigned find_capabilities(void)
{
    unsigned bar_of_registers = 0;

    for (unsigned at = config_byte(PCI_CAPABILITIES); at; at = config_byte(at + 1)) {
        unsigned type = config_byte(at + 3);

        if (config_byte(at) != PCI_CAP_VENDOR || type < CAP_COMMON || type > CAP_DEVICE)
            continue;
        bar_of_registers = config_byte(at + 4);
        device.capability[type] = (volatile uint8_t *)memory_mmio(REGISTERS_PA) +
                                  pci_config_read(PCI_HIDDEN_DEVICE, at + 8);
        if (type == CAP_NOTIFY)
            device.notify_multiplier = pci_config_read(PCI_HIDDEN_DEVICE, at + 16);
    }
    return bar_of_registers;
}

void virtio_mmio_init(void)
{
    uint32_t id = pci_config_read(PCI_HIDDEN_DEVICE, 0);
    unsigned bar;

    if ((id & 0xFFFF) != VIRTIO_VENDOR || id >> 16 <= VIRTIO_MODERN_ID)
        return;
    device.type = (id >> 16) - VIRTIO_MODERN_ID;
    bar = find_capabilities();
    pci_config_write(PCI_HIDDEN_DEVICE, PCI_BAR0 + 4 * bar, REGISTERS_PA);
    pci_config_write(PCI_HIDDEN_DEVICE, PCI_BAR0 + 4 * (bar + 1), 0);
    pci_config_write(PCI_HIDDEN_DEVICE, PCI_COMMAND, PCI_COMMAND_ON);
    device.capability[CAP_COMMON][COMMON_DEVICE_STATUS] = 0;
}

bool virtio_mmio_owns(uint64_t address)
{
    return address >= REGISTERS_PA && address - REGISTERS_PA < REGISTERS_SIZE;
}

static volatile uint8_t *common8(unsigned offset)
{
    return device.capability[CAP_COMMON] + offset;
}

static volatile uint16_t *common16(unsigned offset)
{
    return (volatile uint16_t *)common8(offset);
}

static volatile uint32_t *common32(unsigned offset)
{
    return (volatile uint32_t *)common8(offset);
}

static uint64_t read_config(uint64_t offset, unsigned size)
{
    volatile uint8_t *at = device.capability[CAP_DEVICE] + offset;
    volatile uint32_t *words = (volatile uint32_t *)at;

    switch (size) {
    case 1:
        return *at;
    case 2:
        return *(volatile uint16_t *)at;
    case 4:
        return words[0];
    default:
        return words[0] | (uint64_t)words[1] << 32;
    }
}

static uint32_t read_register(uint64_t offset)
{
    switch (offset) {
    case MMIO_MAGIC:
        return MMIO_MAGIC_VALUE;
    case MMIO_VERSION:
        return MMIO_MODERN;
    case MMIO_DEVICE_ID:
        return device.type;
    case MMIO_VENDOR_ID:
        return MMIO_VENDOR_VALUE;
    case MMIO_DEVICE_FEATURES:
        return *common32(COMMON_DEVICE_FEATURE);
    case MMIO_QUEUE_NUM_MAX:
        return *common16(COMMON_QUEUE_SIZE);
    case MMIO_QUEUE_READY:
        return *common16(COMMON_QUEUE_ENABLE);
    case MMIO_INTERRUPT_STATUS:
        return *device.capability[CAP_ISR];
    case MMIO_STATUS:
        return *common8(COMMON_DEVICE_STATUS);
    case MMIO_CONFIG_GENERATION:
        return *common8(COMMON_CONFIG_GENERATION);
    default:
        return 0;
    }
}

uint64_t virtio_mmio_read(uint64_t offset, unsigned size)
{
    if (offset >= PAGE_SIZE || !device.type) /* an empty slot: magic, version, device ID 0 */
        return offset % PAGE_SIZE == MMIO_MAGIC     ? MMIO_MAGIC_VALUE
               : offset % PAGE_SIZE == MMIO_VERSION ? MMIO_MODERN
                                                    : 0;
    if (offset >= MMIO_CONFIG)
        return read_config(offset - MMIO_CONFIG, size);
    return size == 4 ? read_register(offset) : 0;
}

static void notify(uint32_t queue)
{
    uint16_t selected = *common16(COMMON_QUEUE_SELECT);
    uint32_t at;

    *common16(COMMON_QUEUE_SELECT) = (uint16_t)queue;
    at = *common16(COMMON_QUEUE_NOTIFY_OFF) * device.notify_multiplier;
    *common16(COMMON_QUEUE_SELECT) = selected;
    *(volatile uint16_t *)(device.capability[CAP_NOTIFY] + at) = (uint16_t)queue;
}

static void write_register(uint64_t offset, uint32_t value)
{
    switch (offset) {
    case MMIO_DEVICE_FEATURES_SEL:
        *common32(COMMON_DEVICE_FEATURE_SELECT) = value;
        break;
    case MMIO_DRIVER_FEATURES:
        *common32(COMMON_DRIVER_FEATURE) = value;
        break;
    case MMIO_DRIVER_FEATURES_SEL:
        *common32(COMMON_DRIVER_FEATURE_SELECT) = value;
        break;
    case MMIO_QUEUE_SEL:
        *common16(COMMON_QUEUE_SELECT) = (uint16_t)value;
        break;
    case MMIO_QUEUE_NUM:
        *common16(COMMON_QUEUE_SIZE) = (uint16_t)value;
        break;
    case MMIO_QUEUE_READY:
        if (value)
            *common16(COMMON_QUEUE_ENABLE) = 1; /* only a reset ends it */
        break;
    case MMIO_QUEUE_NOTIFY:
        notify(value);
        break;
    case MMIO_STATUS:
        *common8(COMMON_DEVICE_STATUS) = (uint8_t)value;
        break;
    case MMIO_QUEUE_DESC:
    case MMIO_QUEUE_DESC + 4:
        *common32(COMMON_QUEUE_DESC + (unsigned)(offset - MMIO_QUEUE_DESC)) = value;
        break;
    case MMIO_QUEUE_DRIVER:
    case MMIO_QUEUE_DRIVER + 4:
        *common32(COMMON_QUEUE_DRIVER + (unsigned)(offset - MMIO_QUEUE_DRIVER)) = value;
        break;
    case MMIO_QUEUE_DEVICE:
    case MMIO_QUEUE_DEVICE + 4:
        *common32(COMMON_QUEUE_DEVICE + (unsigned)(offset - MMIO_QUEUE_DEVICE)) = value;
        break;
    default:
        break;
    }
}

void virtio_mmio_write(uint64_t offset, unsigned size, uint64_t value)
{
    if (offset < MMIO_CONFIG && device.type && size == 4)
        write_register(offset, (uint32_t)value);
}
