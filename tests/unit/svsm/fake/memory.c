/* SPDX-License-Identifier: MIT */
/* Guest-physical memory, twice: as the VM sees it, and as the host does. */
#include "svsm/arch/memory.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "svsm/arch/paging.h"
#include "tests/unit/svsm/fake/machine.h"

#define PAGES      (FAKE_SPACE / PAGE_SIZE)
#define NOISE_BYTE 0xC3

static int memory_file = -1;
static uint8_t *private_view, *host_view;
static struct fake_page *pages;

static void die(const char *what)
{
    perror(what);
    abort();
}

static void *map(void *at, int protection)
{
    void *view = mmap(at, FAKE_SPACE, protection, MAP_SHARED | MAP_NORESERVE | (at ? MAP_FIXED : 0),
                      memory_file, 0);

    if (view == MAP_FAILED)
        die("mmap");
    return view;
}

/* An access to a page that is not validated and ours: #VC 0x404. */
static void on_fault(int signal, siginfo_t *info, void *context)
{
    const uint8_t *at = info->si_addr;

    (void)context;
    if (at >= private_view && at < private_view + FAKE_SPACE)
        fake_end("attack: the host replaced a private page (not validated)");
    sigaction(signal, &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
    raise(signal);
}

static void set_up(void)
{
    memory_file = memfd_create("guest", MFD_CLOEXEC);
    if (memory_file < 0 || ftruncate(memory_file, FAKE_SPACE) != 0)
        die("memfd_create");
    private_view = map(NULL, PROT_NONE);
    host_view = map(NULL, PROT_READ | PROT_WRITE);
    pages = mmap(NULL, PAGES * sizeof(*pages), PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (pages == MAP_FAILED)
        die("mmap");
}

/* Each time, since cmocka has handlers of its own for each test. */
void fake_arm(void)
{
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER};

    if (sigaction(SIGSEGV, &action, NULL) != 0 || sigaction(SIGBUS, &action, NULL) != 0)
        die("sigaction");
    fake_this()->armed = true;
}

void fake_memory_reset(void)
{
    if (memory_file < 0)
        set_up();
    map(private_view, PROT_NONE);
    if (fallocate(memory_file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, FAKE_SPACE) != 0 ||
        madvise(pages, PAGES * sizeof(*pages), MADV_DONTNEED) != 0)
        die("reset");
    for (uint64_t at = FAKE_REGION; at < FAKE_REGION + FAKE_REGION_SIZE; at += PAGE_SIZE)
        fake_page(gpa(at))->owner = FAKE_ASSIGNED;
}

struct fake_page *fake_page(gpa_t at)
{
    if (at.v >= FAKE_SPACE)
        fake_end("fake: an address beyond all memory");
    return &pages[at.v / PAGE_SIZE];
}

uint8_t *fake_bytes(gpa_t at)
{
    return host_view + at.v;
}

void fake_place(gpa_t page, enum fake_owner owner)
{
    struct fake_page *state = fake_page(page);
    bool valid = owner == FAKE_VALIDATED;

    bool was_valid = state->owner == FAKE_VALIDATED;

    if (!valid || !was_valid)
        memset(state->permissions, 0, sizeof(state->permissions));
    state->owner = (uint8_t)owner;
    state->vmsa = false;
    if (valid != was_valid && mprotect(private_view + (page.v & PAGE_MASK), PAGE_SIZE,
                                       valid ? PROT_READ | PROT_WRITE : PROT_NONE) != 0)
        die("mprotect");
}

void fake_give(gpa_t page, enum fake_owner owner)
{
    bool was_private = fake_page(page)->owner != FAKE_HOSTS;

    if (was_private != (owner != FAKE_HOSTS))
        memset(fake_bytes(gpa(page.v & PAGE_MASK)), NOISE_BYTE, PAGE_SIZE);
    fake_place(page, owner);
}

void fake_move(gpa_t from, gpa_t to)
{
    memcpy(fake_bytes(to), fake_bytes(from), PAGE_SIZE);
    fake_place(from, FAKE_HOSTS);
    memset(fake_bytes(from), NOISE_BYTE, PAGE_SIZE);
    fake_place(to, FAKE_ASSIGNED);
}

static bool readable_below(const struct fake_page *page)
{
    if (page->owner == FAKE_HOSTS)
        return true;
    for (unsigned vmpl = 1; vmpl < VMPL_COUNT; vmpl++) {
        if (page->owner == FAKE_VALIDATED && (page->permissions[vmpl] & RMP_READ))
            return true;
    }
    return false;
}

bool fake_leaks(const void *bytes, size_t size)
{
    off_t at = 0;

    while ((at = lseek(memory_file, at, SEEK_DATA)) >= 0) {
        off_t end = lseek(memory_file, at, SEEK_HOLE);

        for (; at < end; at += PAGE_SIZE) {
            if (readable_below(fake_page(gpa((uint64_t)at))) &&
                memmem(host_view + at, PAGE_SIZE, bytes, size))
                return true;
        }
    }
    return false;
}

bool fake_region_is_granted(void)
{
    for (uint64_t at = FAKE_REGION; at < FAKE_REGION + FAKE_REGION_SIZE; at += PAGE_SIZE) {
        const struct fake_page *page = fake_page(gpa(at));

        for (unsigned vmpl = 1; vmpl < VMPL_COUNT; vmpl++) {
            if (page->permissions[vmpl] & ~(page->vmsa ? RMP_READ : 0))
                return true;
        }
    }
    return false;
}

void *gpa_pointer(gpa_t a)
{
    if (a.v >= FAKE_SPACE)
        fake_end("fake: an address beyond all memory");
    return private_view + a.v;
}

gpa_t direct_gpa(const void *pointer)
{
    return gpa((uint64_t)((const uint8_t *)pointer - private_view));
}

gpa_t image_gpa(const void *object)
{
    (void)object;
    return gpa(FAKE_IMAGE_PAGE);
}

/* Piece by piece, so that a page in the middle may go away. */
/* The guest and other vCPUs may change these bytes meanwhile: no race of the kernel's. */
__attribute__((no_sanitize("thread"))) static void
copy_racing(volatile uint8_t *to, const volatile uint8_t *from, size_t size)
{
    if (size == sizeof(uint64_t) && ((uintptr_t)to | (uintptr_t)from) % sizeof(uint64_t) == 0) {
        *(volatile uint64_t *)to = *(const volatile uint64_t *)from;
        return;
    }
    for (size_t i = 0; i < size; i++)
        to[i] = from[i];
}

static enum status guarded(gpa_t at, void *bytes, size_t size, bool write)
{
    uint8_t *next = bytes;

    while (size > 0) {
        size_t part = PAGE_SIZE - at.v % PAGE_SIZE;

        part = part < size ? part : size;
        if (fake.on_guarded && fake.on_guarded(at, part, write))
            return STATUS_FAULT;
        if (at.v >= FAKE_SPACE || fake_page(at)->owner != FAKE_VALIDATED)
            return STATUS_FAULT;
        copy_racing(write ? private_view + at.v : next, write ? next : private_view + at.v, part);
        next += part;
        size -= part;
        at = gpa_add(at, part);
    }
    return STATUS_OK;
}

enum status guarded_read(void *to, gpa_t from, size_t size)
{
    return guarded(from, to, size, false);
}

enum status guarded_write(gpa_t to, const void *from, size_t size)
{
    return guarded(to, (void *)from, size, true);
}

enum status guarded_exchange_byte(gpa_t at, uint8_t value, uint8_t *old)
{
    enum status status = guarded(at, old, sizeof(*old), false);

    return status != STATUS_OK ? status : guarded(at, &value, sizeof(value), true);
}

enum status guarded_compare_exchange(gpa_t at, uint64_t expected, uint64_t value, bool *done)
{
    uint64_t now;
    enum status status = guarded(at, &now, sizeof(now), false);

    *done = status == STATUS_OK &&
            __atomic_compare_exchange_n((uint64_t *)(private_view + at.v), &expected, value, false,
                                        __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    return status;
}

static size_t span_of(enum rmp_page_size size)
{
    return size == RMP_2M ? LARGE_PAGE_SIZE : PAGE_SIZE;
}

enum rmp_result rmp_validate(gpa_t page, enum rmp_page_size size, bool validate, bool *unchanged)
{
    enum fake_owner target = validate ? FAKE_VALIDATED : FAKE_ASSIGNED;

    *unchanged = false;
    if (fake.on_rmp && fake.on_rmp(page))
        return RMP_FAULTED;
    if (size == RMP_2M && !fake.large_pages)
        return RMP_WRONG_SIZE;
    if (!is_aligned(page.v, span_of(size)))
        return RMP_BAD_INPUT;
    for (uint64_t at = page.v; at < page.v + span_of(size); at += PAGE_SIZE) {
        if (fake_page(gpa(at))->owner == FAKE_HOSTS)
            return RMP_FAULTED;
    }
    *unchanged = true;
    for (uint64_t at = page.v; at < page.v + span_of(size); at += PAGE_SIZE) {
        if (fake_page(gpa(at))->owner == target)
            continue;
        *unchanged = false;
        fake_place(gpa(at), target);
    }
    return RMP_DONE;
}

enum rmp_result rmp_adjust(gpa_t page, enum rmp_page_size size, unsigned vmpl, uint8_t permissions,
                           bool vmsa)
{
    if (fake.on_rmp && fake.on_rmp(page))
        return RMP_FAULTED;
    if (fake.adjust_result != RMP_DONE)
        return fake.adjust_result;
    if (vmpl == 0 || vmpl >= VMPL_COUNT || !is_aligned(page.v, span_of(size)))
        return RMP_BAD_INPUT;
    if (size == RMP_2M && !fake.large_pages)
        return RMP_WRONG_SIZE;
    for (uint64_t at = page.v; at < page.v + span_of(size); at += PAGE_SIZE) {
        if (fake_page(gpa(at))->owner != FAKE_VALIDATED)
            return RMP_FAULTED;
        fake_page(gpa(at))->permissions[vmpl] = permissions;
        fake_page(gpa(at))->vmsa = vmsa;
    }
    return RMP_DONE;
}

/* The kernel's tables: a root in private memory whose direct map has one table. */
static uint64_t root_table[PAGE_TABLE_ENTRIES];

uint64_t *paging_root(void)
{
    root_table[ROOT_DIRECT_MAP] = paging_entry(gpa(FAKE_DIRECT_MAP_PAGE), PTE_PRESENT);
    return root_table;
}

uint64_t paging_entry(gpa_t page, uint64_t flags)
{
    return page.v | FAKE_C_BIT | flags;
}

gpa_t paging_entry_page(uint64_t entry)
{
    return gpa(entry & 0x000FFFFFFFFFF000ull & ~FAKE_C_BIT);
}

volatile void *paging_map_shared(gpa_t page)
{
    return fake.shared_shown++ == SHARED_PAGES_MAX ? NULL : fake_bytes(page);
}

void paging_load_kernel(void)
{
    fake_this()->root = NULL;
}

void paging_load(const uint64_t *root)
{
    fake_this()->root = root;
}

void paging_flush(void)
{
}

bool paging_flush_everywhere(void)
{
    if (fake.on_flush)
        fake.on_flush();
    return !fake.flush_faults;
}
