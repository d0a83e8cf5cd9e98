/* SPDX-License-Identifier: MIT */
/*
 * A guest that calls: sequences of calls with any registers and pages, with a host that helps it.
 * Never may bytes that were planted as secret be where the host or VMPL 1 to 3 read, never is a
 * page of the SVSM granted, and no call costs a page.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/reader.h"
#include "svsm/arch/memory.h"
#include "svsm/mm/page_allocator.h"
#include "tests/unit/svsm/fake/vm.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SECRET_PAGE (FAKE_REGION + 0x30000)
#define STEPS_MAX   64

static const uint8_t secret[16] = "planted secret..";

enum step {
    STEP_CALL,
    STEP_WRITE,  /* the guest writes into a page */
    STEP_GIVE,   /* the host changes a page's state */
    STEP_MOVE,   /* the host moves the page with the secret */
    STEP_INJECT, /* the host injects a fault at an RMP instruction */
    STEPS,
};

static unsigned injected_after;

static bool injects(gpa_t page)
{
    (void)page;
    return injected_after > 0 && --injected_after == 0;
}

/* An address near something that matters, or any at all. */
static uint64_t address(struct reader *r)
{
    const uint64_t places[] = {0x90000,     0x9F000,       0xA0000,
                               0xFF000,     0x100000,      FAKE_CAA,
                               FAKE_REGION, SECRET_PAGE,   FAKE_REGION + FAKE_REGION_SIZE,
                               FAKE_RAM,    FAKE_FIRMWARE, 0xFEF00000};
    size_t count = sizeof(places) / sizeof(places[0]);
    uint8_t place = 0;
    uint16_t offset = 0;
    uint64_t raw;

    if (!reader_u8(r, &place) || !reader_le16(r, &offset))
        return 0x90000;
    if (place % (count + 2) < count)
        return places[place % (count + 2)] + (offset & 1 ? offset & ~1ul : (offset & ~0xFFFul));
    if (place % (count + 2) == count)
        return direct_gpa(vm.vmsa).v + (offset & ~0xFFFul);
    return reader_le64(r, &raw) ? raw : offset;
}

static bool is_guests(uint64_t at)
{
    return at < FAKE_RAM && (at < FAKE_REGION || at >= FAKE_REGION + FAKE_REGION_SIZE);
}

static void call(struct reader *r)
{
    uint8_t protocol = 0, number = 0;

    if (!reader_u8(r, &protocol) || !reader_u8(r, &number))
        return;
    (void)vm_call(protocol % 4, number % 9, address(r), address(r), address(r));
}

static void write_page(struct reader *r)
{
    uint64_t at = address(r);
    const uint8_t *bytes;
    uint8_t size;

    if (reader_u8(r, &size) && is_guests(at) && is_guests(at + size) &&
        reader_borrow(r, &bytes, size))
        memcpy(fake_bytes(gpa(at)), bytes, size);
}

static void list_entry(struct reader *r)
{
    uint64_t entry = (address(r) & PAGE_MASK);
    uint8_t flags = 0;

    if (reader_u8(r, &flags))
        entry |= flags & 0xF;
    *(struct svsm_pvalidate_list *)fake_bytes(gpa(0x90000)) =
        (struct svsm_pvalidate_list){.entries = 1};
    memcpy(fake_bytes(gpa(0x90008)), &entry, sizeof(entry));
    if (fake_page(gpa(0x90000))->owner == FAKE_VALIDATED)
        (void)vm_call(SVSM_PROTOCOL_CORE, SVSM_CORE_PVALIDATE, 0x90000, 0, 0);
}

static void step(struct reader *r)
{
    uint8_t kind;
    uint64_t at;

    if (!reader_u8(r, &kind))
        return;
    switch (kind % (STEPS + 2)) {
    case STEP_CALL:
        call(r);
        break;
    case STEP_WRITE:
        write_page(r);
        break;
    case STEP_GIVE:
        at = address(r) & PAGE_MASK;
        if (is_guests(at))
            fake_give(gpa(at), kind & 0x80 ? FAKE_ASSIGNED : FAKE_HOSTS);
        break;
    case STEP_MOVE:
        at = address(r) & PAGE_MASK;
        if (is_guests(at) && fake_page(gpa(SECRET_PAGE))->owner == FAKE_VALIDATED)
            fake_move(gpa(SECRET_PAGE), gpa(at));
        break;
    case STEP_INJECT:
        injected_after = kind >> 4;
        break;
    default:
        list_entry(r);
    }
}

static void expect(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "%s\n", what);
    abort();
}

static void run(const uint8_t *data, size_t size)
{
    struct reader r = reader_over(data, size);
    size_t left = page_free_count();

    for (unsigned i = 0; i < STEPS_MAX && !reader_at_end(&r); i++) {
        step(&r);
        expect(!fake_region_is_granted(), "a page of the SVSM is granted");
        expect(!fake_leaks(secret, sizeof(secret)), "a secret can be read");
        expect(page_free_count() == left, "a page was lost");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *end;

    fake_region_size = 0x100000;
    vm_start_guest();
    vm_give_guest(gpa(0x90000));
    for (uint64_t at = 0x9F000; at < 0x102000; at += PAGE_SIZE)
        fake_give(gpa(at), FAKE_ASSIGNED);
    memcpy(fake_bytes(gpa(SECRET_PAGE)), secret, sizeof(secret));
    injected_after = 0;
    fake.on_rmp = injects;
    end = ENDS(run(data, size));
    /* A guest alone ends no VM; a host that injects or takes pages away may. */
    expect(end[0] == '\0' || strncmp(end, "attack: ", 8) == 0, end);
    expect(!fake_leaks(secret, sizeof(secret)), "a secret can be read");
    return 0;
}
