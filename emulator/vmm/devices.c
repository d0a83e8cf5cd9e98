/* SPDX-License-Identifier: MIT */
#include "emulator/vmm/devices.h"

#include "emulator/platform/memory.h"
#include "emulator/vmm/fw_cfg_dma.h"
#include "emulator/vmm/pci.h"
#include "emulator/vmm/virtio_mmio.h"

#define FLOATING_BUS 0xFFFFFFFFu /* what a read finds where no device answers */

struct port_range {
    uint16_t first, last;
};

static const struct port_range hidden_ports[] = {
    {0x404, 0x404}, /* isa-debug-exit */
    {0x403, 0x403}, /* the hypervisor's log */
    {0x408, 0x40F}, /* the AMD-SP's doorbell */
};

static const struct port_range pci_ports = {0xCF8, 0xCFF};
static const struct port_range dma_ports = {FW_CFG_DMA_PORT, FW_CFG_DMA_PORT_END};

void devices_init(void)
{
    virtio_mmio_init();
    fw_cfg_dma_init();
}

/* An access of several bytes reaches all the ports that it covers. */
static bool covers(uint16_t port, unsigned size, struct port_range range)
{
    return port <= range.last && port + size > range.first;
}

static bool port_is_hidden(uint16_t port, unsigned size)
{
    for (size_t i = 0; i < sizeof(hidden_ports) / sizeof(hidden_ports[0]); i++)
        if (covers(port, size, hidden_ports[i]))
            return true;
    return false;
}

uint32_t port_read(uint16_t port, unsigned size)
{
    if (port_is_hidden(port, size))
        return FLOATING_BUS;
    if (covers(port, size, pci_ports))
        return pci_port_read(port, size);
    return host_in(port, size);
}

/* ACPI's PM1 control register where the firmware puts it, and its SLP_EN. */
#define PM1_CONTROL   0x604
#define SLEEP_ENABLED (1u << 13)

bool port_powers_off(uint16_t port, uint32_t value)
{
    return port == PM1_CONTROL && (value & SLEEP_ENABLED);
}

void port_write(uint16_t port, unsigned size, uint32_t value)
{
    if (port_is_hidden(port, size))
        return;
    if (covers(port, size, pci_ports))
        pci_port_write(port, size, value);
    else if (covers(port, size, dma_ports))
        fw_cfg_dma_write(port, size, value);
    else
        host_out(port, size, value);
}

/* What answers at a GPA when a VMPL asks. */
enum target { MEMORY, VIRTIO_SLOT, NOBODY, DEVICE };

static enum target target_of(unsigned vmpl, gpa_t address)
{
    hpa_t backing;

    if (guest_memory_find(address, &backing))
        return MEMORY;
    if (address.v >= VIRTIO_MMIO_BASE && address.v < VIRTIO_MMIO_BASE + VIRTIO_MMIO_SIZE)
        return vmpl == 0 ? VIRTIO_SLOT : NOBODY;
    /* What of the machine's memory is not the guest's is the hypervisor's. */
    if (memory_is_ram(address.v) || pci_ecam_hidden(address.v) || virtio_mmio_owns(address.v) ||
        !memory_mmio(address.v))
        return NOBODY;
    return DEVICE;
}

static uint64_t device_read(uint64_t address, unsigned size)
{
    volatile void *at = memory_mmio(address);

    switch (size) {
    case 1:
        return *(volatile uint8_t *)at;
    case 2:
        return *(volatile uint16_t *)at;
    case 4:
        return *(volatile uint32_t *)at;
    default:
        return *(volatile uint64_t *)at;
    }
}

static void device_write(uint64_t address, unsigned size, uint64_t value)
{
    volatile void *at = memory_mmio(address);

    switch (size) {
    case 1:
        *(volatile uint8_t *)at = (uint8_t)value;
        break;
    case 2:
        *(volatile uint16_t *)at = (uint16_t)value;
        break;
    case 4:
        *(volatile uint32_t *)at = (uint32_t)value;
        break;
    default:
        *(volatile uint64_t *)at = value;
        break;
    }
    pci_ecam_written(address);
}

bool mmio_read(unsigned vmpl, gpa_t address, unsigned size, uint64_t *value)
{
    switch (target_of(vmpl, address)) {
    case MEMORY:
        return false;
    case VIRTIO_SLOT:
        *value = virtio_mmio_read(address.v - VIRTIO_MMIO_BASE, size);
        return true;
    case NOBODY:
        *value = ~0ull;
        return true;
    case DEVICE:
        *value = device_read(address.v, size);
        return true;
    }
    return false;
}

bool mmio_write(unsigned vmpl, gpa_t address, unsigned size, uint64_t value)
{
    switch (target_of(vmpl, address)) {
    case MEMORY:
        return false;
    case VIRTIO_SLOT:
        virtio_mmio_write(address.v - VIRTIO_MMIO_BASE, size, value);
        return true;
    case NOBODY:
        return true;
    case DEVICE:
        device_write(address.v, size, value);
        return true;
    }
    return false;
}
