/* SPDX-License-Identifier: MIT */
/*
 * The parameters MADT (ACPI 6.5, 5.2.12) and DEVICE_TREE (Devicetree specification 0.4, chapter 5)
 * of an IGVM file. Where foreign_image.c has the host put them:
 */
#include "lib/base/bytes.h"
#include "lib/base/reader.h"
#include "lib/freestanding/string.h"
#include "tests/emulator/runtime/cpus.h"
#include "tests/emulator/runtime/memory.h"
#include "tests/emulator/runtime/tap.h"

#define DEVICE_TREE ((const uint8_t *)0x30000)
#define MADT        ((const uint8_t *)0x31000)

#define MADT_ENTRIES     44
#define LOCAL_APIC_ENTRY 0

TEST("The MADT is a table of the right length and checksum, and names the local APIC")
{
    uint32_t length = get_le32(MADT + 4);
    uint8_t sum = 0;

    CHECK(memcmp(MADT, "APIC", 4) == 0);
    CHECK(length > MADT_ENTRIES && length <= PAGE_SIZE);
    for (uint32_t i = 0; i < length && i < PAGE_SIZE; i++)
        sum = (uint8_t)(sum + MADT[i]);
    CHECK_EQUAL(sum, 0);
    CHECK_EQUAL(get_le32(MADT + 36), LOCAL_APIC);
}

TEST("The MADT has the machine's processors, enabled, with the APIC IDs from 0 on")
{
    const uint8_t *end = MADT + get_le32(MADT + 4);
    unsigned processors = 0;

    for (const uint8_t *entry = MADT + MADT_ENTRIES; entry < end && entry[1]; entry += entry[1]) {
        if (entry[0] != LOCAL_APIC_ENTRY)
            continue;
        CHECK_EQUAL(entry[3], processors++);
        CHECK_EQUAL(get_le32(entry + 4), 1);
    }
    CHECK(processors > 1);
    CHECK_EQUAL(processors, cpu_ids()[0]);
}

enum { BEGIN_NODE = 1, END_NODE = 2, PROP = 3, NOP = 4, END = 9 };

#define SLOTS      4
#define FIRST_SLOT 0xFEF00000ull
#define SLOT_SIZE  0x200

/* What a walk through the structure block has found. */
struct walk {
    unsigned depth, nodes, slots;
    bool compatible;
    uint64_t reg[2];
};

static const char *name_of(uint32_t offset)
{
    return (const char *)DEVICE_TREE + get_be32(DEVICE_TREE + 12) + offset;
}

static bool is(const void *bytes, size_t size, const char *text)
{
    size_t length = strlen(text) + 1;

    return size >= length && memcmp(bytes, text, length) == 0;
}

static void take_property(struct walk *walk, const uint8_t *value, uint32_t size, const char *name)
{
    if (is(name, PAGE_SIZE, "compatible"))
        walk->compatible = is(value, size, "virtio,mmio");
    if (is(name, PAGE_SIZE, "reg") && size == 16) {
        walk->reg[0] = get_be64(value);
        walk->reg[1] = get_be64(value + 8);
    }
}

static void end_node(struct walk *walk)
{
    if (walk->compatible) {
        CHECK_EQUAL(walk->reg[0], FIRST_SLOT + walk->slots * PAGE_SIZE);
        CHECK_EQUAL(walk->reg[1], SLOT_SIZE);
        walk->slots++;
    }
    walk->compatible = false;
    walk->depth--;
}

/* One token; false at the end or at what is none. */
static bool step(struct reader *r, struct walk *walk)
{
    const uint8_t *value;
    uint32_t token, size, name;

    if (!reader_be32(r, &token))
        return false;
    if (token == BEGIN_NODE) {
        size_t length = strlen((const char *)r->next) + 1;

        walk->depth++;
        walk->nodes++;
        return reader_skip(r, (length + 3) & ~3ul);
    }
    if (token == END_NODE) {
        end_node(walk);
        return true;
    }
    if (token != PROP || !reader_be32(r, &size) || !reader_be32(r, &name))
        return false;
    value = r->next;
    take_property(walk, value, size, name_of(name));
    return reader_skip(r, (size + 3) & ~3u);
}

TEST("The device tree has a virtio,mmio node for each slot, and is whole")
{
    const uint8_t *tree = DEVICE_TREE;
    struct reader r = reader_over(tree + get_be32(tree + 8), get_be32(tree + 36));
    struct walk walk = {0};

    CHECK_EQUAL(get_be32(tree), 0xD00DFEED);
    CHECK(get_be32(tree + 4) <= PAGE_SIZE);
    CHECK_EQUAL(get_be32(tree + 20), 17);
    while (step(&r, &walk))
        ;
    CHECK_EQUAL(r.left, 0);
    CHECK_EQUAL(walk.depth, 0);
    CHECK_EQUAL(walk.nodes, 1 + SLOTS);
    CHECK_EQUAL(walk.slots, SLOTS);
}
