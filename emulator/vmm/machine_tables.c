/* SPDX-License-Identifier: MIT */
#include "emulator/vmm/machine_tables.h"

#include "emulator/platform/cpus.h"
#include "emulator/vmm/virtio_mmio.h"

#define LOCAL_APIC 0xFEE00000u
#define IO_APIC    0xFEC00000u

#define MADT_HEADER_LENGTH   44
#define MADT_CHECKSUM        9 /* offset */
#define MADT_REVISION        5
#define MADT_PCAT_COMPATIBLE 1u
#define PROCESSOR_ENABLED    1u

enum { ENTRY_LOCAL_APIC = 0, ENTRY_IO_APIC = 1 };
enum { LOCAL_APIC_LENGTH = 8, IO_APIC_LENGTH = 12 };

static uint32_t madt_length(void)
{
    return MADT_HEADER_LENGTH + host_cpu_count() * LOCAL_APIC_LENGTH + IO_APIC_LENGTH;
}

static bool madt_header(struct writer *w)
{
    return writer_put(w, "APIC", 4) && writer_le32(w, madt_length()) &&
           writer_u8(w, MADT_REVISION) && writer_u8(w, 0) && writer_put(w, "SNPVTP", 6) &&
           writer_put(w, "EMULATED", 8) && writer_le32(w, 1) && writer_put(w, "SNPV", 4) &&
           writer_le32(w, 1) && writer_le32(w, LOCAL_APIC) && writer_le32(w, MADT_PCAT_COMPATIBLE);
}

/* The processor with the number that is also its APIC ID. */
static bool madt_processor(struct writer *w, uint8_t number)
{
    return writer_u8(w, ENTRY_LOCAL_APIC) && writer_u8(w, LOCAL_APIC_LENGTH) &&
           writer_u8(w, number) && writer_u8(w, number) && writer_le32(w, PROCESSOR_ENABLED);
}

static bool madt_entries(struct writer *w)
{
    bool fits = true;

    for (unsigned i = 0; i < host_cpu_count(); i++)
        fits = fits && madt_processor(w, (uint8_t)i);
    return fits && writer_u8(w, ENTRY_IO_APIC) && writer_u8(w, IO_APIC_LENGTH) &&
           writer_le16(w, 0) && writer_le32(w, IO_APIC) && writer_le32(w, 0);
}

bool machine_madt(struct writer *to)
{
    uint8_t *table = to->start + to->used;
    uint8_t sum = 0;

    if (!madt_header(to) || !madt_entries(to))
        return false;
    for (size_t i = 0; i < madt_length(); i++)
        sum = (uint8_t)(sum + table[i]);
    table[MADT_CHECKSUM] = (uint8_t)-sum;
    return true;
}

#define FDT_MAGIC           0xD00DFEEDu
#define FDT_VERSION         17u
#define FDT_COMPATIBLE      16u
#define FDT_HEADER_SIZE     40u
#define FDT_NO_RESERVATIONS 16u /* bytes: the entry that ends the list */
#define SLOT_REGISTERS_SIZE 0x200u

enum { FDT_BEGIN_NODE = 1, FDT_END_NODE = 2, FDT_PROP = 3, FDT_END = 9 };

/* The strings block, and where each name is in it. */
static const char names[] = "#address-cells\0#size-cells\0compatible\0reg";
enum { NAME_ADDRESS_CELLS = 0, NAME_SIZE_CELLS = 15, NAME_COMPATIBLE = 27, NAME_REG = 38 };

static bool padded(struct writer *w, const void *bytes, size_t size)
{
    return writer_put(w, bytes, size) && writer_zeros(w, -size % 4);
}

static bool property(struct writer *w, uint32_t name, const void *value, uint32_t size)
{
    return writer_be32(w, FDT_PROP) && writer_be32(w, size) && writer_be32(w, name) &&
           padded(w, value, size);
}

static bool property_number(struct writer *w, uint32_t name, uint32_t value)
{
    uint8_t bytes[4];

    put_be32(bytes, value);
    return property(w, name, bytes, sizeof(bytes));
}

static bool slot_node(struct writer *w, uint64_t address)
{
    static const char digits[] = "0123456789abcdef", compatible[] = "virtio,mmio";
    char name[] = "virtio_mmio@00000000";
    uint8_t reg[16];

    for (size_t i = 0; i < 8; i++)
        name[sizeof(name) - 2 - i] = digits[address >> 4 * i & 15];
    put_be64(reg, address);
    put_be64(reg + 8, SLOT_REGISTERS_SIZE);
    return writer_be32(w, FDT_BEGIN_NODE) && padded(w, name, sizeof(name)) &&
           property(w, NAME_COMPATIBLE, compatible, sizeof(compatible)) &&
           property(w, NAME_REG, reg, sizeof(reg)) && writer_be32(w, FDT_END_NODE);
}

/* Addresses and sizes of two cells of 32 bits each. */
static bool structure(struct writer *w)
{
    bool fits = writer_be32(w, FDT_BEGIN_NODE) && padded(w, "", 1) &&
                property_number(w, NAME_ADDRESS_CELLS, 2) && property_number(w, NAME_SIZE_CELLS, 2);

    for (uint64_t i = 0; i < VIRTIO_MMIO_SLOTS; i++)
        fits = fits && slot_node(w, VIRTIO_MMIO_BASE + i * PAGE_SIZE);
    return fits && writer_be32(w, FDT_END_NODE) && writer_be32(w, FDT_END);
}

static void fdt_header(uint8_t *to, uint32_t structure_size)
{
    uint32_t structure_at = FDT_HEADER_SIZE + FDT_NO_RESERVATIONS;
    const uint32_t fields[FDT_HEADER_SIZE / 4] = {
        FDT_MAGIC,       (uint32_t)(structure_at + structure_size + sizeof(names)),
        structure_at,    structure_at + structure_size,
        FDT_HEADER_SIZE, FDT_VERSION,
        FDT_COMPATIBLE,  0,
        sizeof(names),   structure_size,
    };

    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
        put_be32(to + 4 * i, fields[i]);
}

bool machine_device_tree(struct writer *to)
{
    uint8_t *header;
    size_t before;

    if (!writer_reserve(to, &header, FDT_HEADER_SIZE) || !writer_zeros(to, FDT_NO_RESERVATIONS))
        return false;
    before = to->used;
    if (!structure(to))
        return false;
    fdt_header(header, (uint32_t)(to->used - before));
    return writer_put(to, names, sizeof(names));
}
