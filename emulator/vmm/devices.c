/* SPDX-License-Identifier: MIT */
#include "emulator/vmm/devices.h"

#include "emulator/vmm/pci.h"
#include "emulator/vmm/virtio_mmio.h"

#define NOBODY 0xFFFFFFFFu

struct port_range {
    uint16_t first, last;
};

static const struct port_range hidden_ports[] = {
    {0x0F4, 0x0F4}, /* isa-debug-exit */
    {0x2E8, 0x2EF}, /* the AMD-SP's doorbell */
    {0x403, 0x403}, /* the hypervisor's log */
};

void devices_init(void)
{
    virtio_mmio_init();
}

static bool port_is_hidden(uint16_t port)
{
    for (size_t i = 0; i < sizeof(hidden_ports) / sizeof(hidden_ports[0]); i++)
        if (port >= hidden_ports[i].first && port <= hidden_ports[i].last)
            return true;
    return false;
}

static bool port_is_pci(uint16_t port)
{
    return port >= 0xCF8 && port <= 0xCFF;
}

uint32_t port_read(uint16_t port, unsigned size)
{
    if (port_is_hidden(port))
        return NOBODY;
    if (port_is_pci(port))
        return pci_port_read(port, size);
    return host_in(port, size);
}

void port_write(uint16_t port, unsigned size, uint32_t value)
{
    if (port_is_hidden(port))
        return;
    if (port_is_pci(port))
        pci_port_write(port, size, value);
    else
        host_out(port, size, value);
}

static bool is_virtio_slot(uint64_t address)
{
    return address >= VIRTIO_MMIO_BASE && address < VIRTIO_MMIO_BASE + VIRTIO_MMIO_SIZE;
}

static bool mmio_is_hidden(uint64_t address)
{
    return pci_ecam_hidden(address) || virtio_mmio_owns(address);
}

bool mmio_read(gpa_t address, unsigned size, uint64_t *value)
{
    volatile void *at;
    hpa_t backing;

    if (guest_memory_find(address, &backing))
        return false;
    if (is_virtio_slot(address.v)) {
        *value = virtio_mmio_read(address.v - VIRTIO_MMIO_BASE, size);
        return true;
    }
    at = host_mmio(address.v);
    if (!at || mmio_is_hidden(address.v))
        *value = ~0ull;
    else if (size == 1)
        *value = *(volatile uint8_t *)at;
    else if (size == 2)
        *value = *(volatile uint16_t *)at;
    else if (size == 4)
        *value = *(volatile uint32_t *)at;
    else
        *value = *(volatile uint64_t *)at;
    return true;
}

bool mmio_write(gpa_t address, unsigned size, uint64_t value)
{
    volatile void *at;
    hpa_t backing;

    if (guest_memory_find(address, &backing))
        return false;
    if (is_virtio_slot(address.v)) {
        virtio_mmio_write(address.v - VIRTIO_MMIO_BASE, size, value);
        return true;
    }
    at = host_mmio(address.v);
    if (!at || mmio_is_hidden(address.v))
        return true;
    if (size == 1)
        *(volatile uint8_t *)at = (uint8_t)value;
    else if (size == 2)
        *(volatile uint16_t *)at = (uint16_t)value;
    else if (size == 4)
        *(volatile uint32_t *)at = (uint32_t)value;
    else
        *(volatile uint64_t *)at = value;
    return true;
}
