/* SPDX-License-Identifier: MIT */
#include "emulator/vmm/pci.h"

#define CONFIG_ADDRESS 0xCF8
#define CONFIG_DATA    0xCFC
#define CONFIG_ENABLE  (1u << 31)

#define HOST_BRIDGE 0
#define PCIEXBAR    0x60 /* Q35 host bridge: enable in bit 0, base in [38:28] */
#define NOBODY      0xFFFFFFFFu

/* CONFIG_ADDRESS as the guest left it; the register itself belongs to the hypervisor. */
static uint32_t guest_address;
static uint64_t ecam_base;

static uint32_t config_address(unsigned device, unsigned function, unsigned offset)
{
    return CONFIG_ENABLE | device << 11 | function << 8 | (offset & 0xFC);
}

static uint32_t read_at(uint32_t address)
{
    out32(CONFIG_ADDRESS, address);
    return in32(CONFIG_DATA);
}

uint32_t pci_config_read(unsigned device, unsigned offset)
{
    return read_at(config_address(device, 0, offset));
}

void pci_config_write(unsigned device, unsigned offset, uint32_t value)
{
    out32(CONFIG_ADDRESS, config_address(device, 0, offset));
    out32(CONFIG_DATA, value);
}

static void note_ecam(void)
{
    uint64_t low = pci_config_read(HOST_BRIDGE, PCIEXBAR);
    uint64_t high = pci_config_read(HOST_BRIDGE, PCIEXBAR + 4);

    ecam_base = low & 1 ? ((high << 32 | low) & 0x7FF0000000ull) : 0;
}

static bool address_is_hidden(uint32_t address)
{
    return (address & CONFIG_ENABLE) && (address >> 11 & 0x1FFF) == PCI_HIDDEN_DEVICE;
}

uint32_t pci_port_read(uint16_t port, unsigned size)
{
    if (port < CONFIG_DATA)
        return size == 4 && port == CONFIG_ADDRESS ? guest_address : NOBODY;
    if (port + size > CONFIG_DATA + 4 || address_is_hidden(guest_address))
        return NOBODY;
    out32(CONFIG_ADDRESS, guest_address);
    return host_in(port, size);
}

void pci_port_write(uint16_t port, unsigned size, uint32_t value)
{
    if (port < CONFIG_DATA) {
        if (size == 4 && port == CONFIG_ADDRESS)
            guest_address = value;
        else if (size == 1)
            out8(port, (uint8_t)value); /* CF9 is the reset register */
        return;
    }
    if (port + size > CONFIG_DATA + 4 || address_is_hidden(guest_address))
        return;
    out32(CONFIG_ADDRESS, guest_address);
    host_out(port, size, value);
    if ((guest_address & 0xFFFFF8) == PCIEXBAR)
        note_ecam();
}

void pci_ecam_written(uint64_t address)
{
    if (ecam_base && (address & ~7ull) == ecam_base + PCIEXBAR)
        note_ecam();
}

bool pci_ecam_hidden(uint64_t address)
{
    return ecam_base && address >= ecam_base &&
           (address - ecam_base) >> 15 == PCI_HIDDEN_DEVICE; /* bus 0: 32 KiB a device */
}
