/* SPDX-License-Identifier: MIT */
/* T701 to T707: a service that an attacker took over, against the kernel. */
#include <asm/prctl.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>

#include "svsm/arch/memory.h"
#include "svsm/arch/paging.h"
#include "svsm/mm/page_allocator.h"
#include "tests/unit/registered.h"
#include "tests/unit/svsm/fake/vm.h"

#define CODE   0x400000ull
#define DATA   0x401000ull
#define KERNEL 0xFFFFFFFF80000000ull
#define RW     (PROT_READ | PROT_WRITE)
#define RX     (PROT_READ | PROT_EXEC)
#define ANON   (MAP_PRIVATE | MAP_ANONYMOUS)

static size_t free_before;

static int start(void **state)
{
    (void)state;
    vm_start();
    free_before = page_free_count();
    return vm_start_service(&vm.tpm) == STATUS_OK ? 0 : -1;
}

static int64_t call4(uint64_t number, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    return vm_syscall(&vm.tpm, number, a, b, c, d);
}

static int64_t call3(uint64_t number, uint64_t a, uint64_t b, uint64_t c)
{
    return call4(number, a, b, c, 0);
}

static uint64_t map(uint64_t size, uint64_t protection)
{
    int64_t at = call4(SYS_mmap, 0, size, protection, ANON);

    assert_true(at > 0);
    return (uint64_t)at;
}

static void put(uint64_t at, const void *bytes, size_t size)
{
    assert_int_equal(user_write(&vm.tpm.process.space, (uva_t){at}, bytes, size), STATUS_OK);
}

static bool ended(void)
{
    return vm.tpm.process.state == PROCESS_ENDED;
}

/* T703: every page of the service, by its table entry. */
static uint64_t entry_of(uint64_t address)
{
    const uint64_t *table = vm.tpm.process.space.root;

    for (unsigned level = 3; level > 0; level--) {
        uint64_t entry = table[address >> (12 + 9 * level) & 511];

        if (entry == 0)
            return 0;
        table = gpa_pointer(paging_entry_page(entry));
    }
    return table[address >> 12 & 511];
}

static bool is_code(uint64_t at)
{
    uint64_t entry = entry_of(at);

    return (entry & PTE_PRESENT) && !(entry & PTE_NX);
}

TEST_SETUP(no_written_page_becomes_code, start)
{
    uint64_t at = map(PAGE_SIZE, RW);

    put(at, "\xCC", 1);
    assert_int_equal(call3(SYS_mprotect, at, PAGE_SIZE, RX), -EINVAL);
    assert_int_equal(call3(SYS_mprotect, at, PAGE_SIZE, PROT_EXEC), -EINVAL);
    assert_int_equal(call3(SYS_mprotect, at, PAGE_SIZE, RW | PROT_EXEC), -EINVAL);
    assert_int_equal(call3(SYS_mprotect, at, PAGE_SIZE, PROT_NONE), 0);
    assert_int_equal(call3(SYS_mprotect, at, PAGE_SIZE, RX), -EINVAL);
    assert_false(is_code(at));
    assert_int_equal(call3(SYS_mprotect, DATA, PAGE_SIZE, RX), -EINVAL);
    assert_false(is_code(DATA));
    assert_int_equal(call4(SYS_mmap, 0, PAGE_SIZE, RX, ANON), -EINVAL);
    assert_int_equal(call4(SYS_mmap, 0, PAGE_SIZE, RW | PROT_EXEC, ANON), -EINVAL);
}

TEST_SETUP(code_stays_as_it_was_measured, start)
{
    assert_true(is_code(CODE));
    assert_int_equal(call3(SYS_mprotect, CODE, PAGE_SIZE, RW), -EINVAL);
    assert_int_equal(call3(SYS_mprotect, CODE, PAGE_SIZE, PROT_READ), 0);
    assert_false(is_code(CODE));
    assert_int_equal(user_write(&vm.tpm.process.space, (uva_t){CODE}, "x", 1), STATUS_FAULT);
}

/* T702: each call that takes an address, with each address that is none of its own. */
TEST_SETUP(addresses_that_are_not_the_services_are_refused, start)
{
    static const uint64_t bad[] = {0,
                                   8,
                                   0x10000,
                                   KERNEL,
                                   0xFFFF800008000000ull,
                                   UINT64_MAX - 4,
                                   0x00007FFFFFFFFFFFull,
                                   1ull << 47,
                                   CODE + 0x800};

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        bool is_readable = bad[i] == CODE + 0x800;

        vm.tpm.process.files[5] = file_log("test");
        vm.tpm.process.files[6] = file_constant(&vm.kbs);
        vm.kbs.given = false;
        if (!is_readable)
            assert_int_equal(call3(SYS_write, 5, bad[i], 16), -EFAULT);
        assert_int_equal(call3(SYS_read, 6, bad[i], 1024), -EFAULT);
        assert_int_equal(call3(SYS_getrandom, bad[i], 8, 0), -EFAULT);
        assert_int_equal(call3(SYS_clock_gettime, 0, bad[i], 0), -EFAULT);
        assert_int_equal(call3(SYS_gettimeofday, bad[i], 0, 0), -EFAULT);
        assert_int_equal(call3(SYS_uname, bad[i], 0, 0), -EFAULT);
        assert_int_equal(call3(SYS_sysinfo, bad[i], 0, 0), -EFAULT);
        assert_int_equal(call3(SYS_sched_getaffinity, 0, 8, bad[i]), -EFAULT);
        assert_int_equal(call3(SYS_fstat, 5, bad[i], 0), -EFAULT);
        assert_int_equal(call3(SYS_arch_prctl, ARCH_GET_FS, bad[i], 0), -EFAULT);
        assert_int_equal(call3(SYS_poll, bad[i], 1, 0), -EFAULT);
        if (!is_readable)
            assert_int_equal(call3(SYS_nanosleep, bad[i], 0, 0), -EFAULT);
        if (bad[i] != 0) {
            assert_int_equal(call3(SYS_time, bad[i], 0, 0), -EFAULT);
            assert_int_equal(call4(SYS_prlimit64, 0, RLIMIT_STACK, 0, bad[i]), -EFAULT);
            assert_int_equal(call3(SYS_rt_sigaction, 1, 0, bad[i]), -EFAULT);
            assert_int_equal(call3(SYS_rt_sigprocmask, 0, 0, bad[i]), -EFAULT);
        }
        assert_int_equal(call3(SYS_munmap, bad[i], PAGE_SIZE, 0), -EINVAL);
        assert_true(call3(SYS_mprotect, bad[i] & PAGE_MASK, PAGE_SIZE, RW) < 0);
    }
    assert_int_equal(call3(SYS_arch_prctl, ARCH_SET_FS, USER_END, 0), -EPERM);
    assert_int_equal(call3(SYS_arch_prctl, ARCH_SET_FS, 0x1000, 0), 0);
    assert_int_equal(call3(SYS_arch_prctl, 0x9999, 0x1000, 0), -EINVAL);
    assert_false(ended());
}

TEST_SETUP(a_buffer_over_the_end_of_a_mapping_is_a_fault, start)
{
    uint64_t at = map(2 * PAGE_SIZE, RW);

    assert_int_equal(call3(SYS_munmap, at + PAGE_SIZE, PAGE_SIZE, 0), 0);
    assert_int_equal(call3(SYS_getrandom, at + PAGE_SIZE - 8, 8, 0), 8);
    assert_int_equal(call3(SYS_getrandom, at + PAGE_SIZE - 7, 8, 0), -EFAULT);
    assert_int_equal(call3(SYS_mprotect, at, PAGE_SIZE, PROT_READ), 0);
    assert_int_equal(call3(SYS_getrandom, at, 8, 0), -EFAULT);
}

TEST_SETUP(sizes_that_wrap_around_are_refused, start)
{
    uint64_t at = map(PAGE_SIZE, RW);

    assert_int_equal(call4(SYS_mmap, 0, 0, RW, ANON), -EINVAL);
    assert_int_equal(call4(SYS_mmap, 0, UINT64_MAX, RW, ANON), -ENOMEM);
    assert_int_equal(call4(SYS_mmap, 0, 0x10000001, RW, ANON), -ENOMEM);
    assert_int_equal(call4(SYS_mmap, at, PAGE_SIZE, RW, ANON | MAP_FIXED), -EINVAL);
    assert_int_equal(call4(SYS_mmap, 0, PAGE_SIZE, RW, MAP_SHARED | MAP_ANONYMOUS), -EINVAL);
    assert_int_equal(call4(SYS_mmap, 0, PAGE_SIZE, RW, MAP_PRIVATE), -EINVAL);
    assert_int_equal(call3(SYS_munmap, at, UINT64_MAX, 0), -EINVAL);
    assert_int_equal(call3(SYS_munmap, at, 0, 0), -EINVAL);
    assert_int_equal(call3(SYS_munmap, at + 1, PAGE_SIZE, 0), -EINVAL);
    assert_int_equal(call3(SYS_munmap, CODE, PAGE_SIZE, 0), -EINVAL);
    assert_true(call3(SYS_mprotect, at, UINT64_MAX, RW) < 0);
    assert_true(call3(SYS_mprotect, at, USER_END, RW) < 0);
    assert_true(call3(SYS_mprotect, at + 1, PAGE_SIZE, RW) < 0);
    assert_int_equal(call3(SYS_read, 3, at, UINT64_MAX), INT64_MIN); /* waits */
    assert_int_equal(call3(SYS_getrandom, at, UINT64_MAX, 0), 256);
    assert_int_equal(call3(SYS_madvise, at, PAGE_SIZE, MADV_DONTNEED), -EINVAL);
    assert_int_equal(call3(SYS_madvise, at, PAGE_SIZE, MADV_NORMAL), 0);
}

TEST_SETUP(the_heap_grows_and_shrinks_within_its_bounds, start)
{
    uint64_t start_of_heap = (uint64_t)call3(SYS_brk, 0, 0, 0);

    assert_int_equal(call3(SYS_brk, start_of_heap + 0x3800, 0, 0), start_of_heap + 0x3800);
    put(start_of_heap + 0x37FF, "x", 1);
    assert_int_equal(call3(SYS_brk, start_of_heap + 0x800, 0, 0), start_of_heap + 0x800);
    assert_int_equal(user_write(&vm.tpm.process.space, (uva_t){start_of_heap + 0x1000}, "x", 1),
                     STATUS_FAULT);
    assert_int_equal(call3(SYS_brk, start_of_heap - 1, 0, 0), start_of_heap + 0x800);
    assert_int_equal(call3(SYS_brk, UINT64_MAX, 0, 0), start_of_heap + 0x800);
    assert_int_equal(call3(SYS_brk, start_of_heap + 0x10000000, 0, 0), start_of_heap + 0x800);
}

/* T704 */
TEST_SETUP(memory_has_a_limit_and_comes_back, start)
{
    size_t left = page_free_count();
    uint64_t last;

    vm.tpm.process.space.pages_max = vm.tpm.process.space.pages + 10;
    last = map(10 * PAGE_SIZE, RW);
    assert_int_equal(call4(SYS_mmap, 0, PAGE_SIZE, RW, ANON), -ENOMEM);
    assert_int_equal(call3(SYS_munmap, last, PAGE_SIZE, 0), 0);
    (void)map(PAGE_SIZE, RW);
    vm.tpm.process.space.pages_max = SIZE_MAX;
    assert_int_equal(call4(SYS_mmap, 0, 0x8000000, RW, ANON), -ENOMEM);
    assert_true(page_free_count() <= left);
    assert_int_equal(call4(SYS_exit_group, 0, 0, 0, 0), INT64_MIN);
    assert_true(ended());
    assert_int_equal(page_free_count(), free_before);
}

TEST_SETUP(addresses_have_a_limit, start)
{
    unsigned mapped = 0;

    vm.tpm.process.space.pages_max = SIZE_MAX;
    while (mapped < 100 && call4(SYS_mmap, 0, 0x100000, RW, ANON) > 0)
        mapped++;
    assert_true(mapped > 3 && mapped < 10);
    assert_false(ended());
}

TEST_SETUP(descriptors_are_the_given_ones, start)
{
    assert_int_equal(call3(SYS_read, 9, 0, 0), -EBADF);
    assert_int_equal(call3(SYS_read, 10, 0, 0), -EBADF);
    assert_int_equal(call3(SYS_read, UINT64_MAX, 0, 0), -EBADF);
    assert_int_equal(call3(SYS_read, 0, 0, 0), -EBADF);
    assert_int_equal(call3(SYS_openat, 0, CODE, 0), -ENOENT);
    assert_int_equal(call3(SYS_readlink, CODE, CODE, 0), -ENOENT);
    assert_int_equal(call4(SYS_newfstatat, 1, CODE, DATA, 0), -ENOENT);
    assert_int_equal(call4(SYS_newfstatat, 9, CODE, DATA, AT_EMPTY_PATH), -EBADF);
    assert_int_equal(call4(SYS_newfstatat, 1, CODE, DATA, AT_EMPTY_PATH), 0);
    assert_int_equal(call3(SYS_ioctl, 1, 0, 0), -ENOTTY);
    assert_int_equal(call3(SYS_fsync, 1, 0, 0), -EINVAL);
    assert_int_equal(call3(SYS_lseek, 1, 0, SEEK_SET), -ESPIPE);
    assert_int_equal(call4(SYS_pread64, 1, DATA, 8, 0), -ESPIPE);
    assert_int_equal(call4(SYS_pwrite64, 1, DATA, 8, 0), -ESPIPE);
    assert_int_equal(call3(SYS_read, 1, DATA, 8), -EINVAL);
    assert_int_equal(call3(SYS_close, 2, 0, 0), 0);
    assert_int_equal(call3(SYS_close, 2, 0, 0), -EBADF);
}

TEST_SETUP(unknown_calls_are_named_once, start)
{
    static const uint64_t numbers[] = {SYS_execve, SYS_fork, SYS_socket, SYS_ptrace,
                                       511,        512,      UINT64_MAX};

    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        assert_int_equal(call3(numbers[i], 0, 0, 0), -ENOSYS);
        assert_int_equal(call3(numbers[i], 0, 0, 0), -ENOSYS);
    }
    assert_non_null(strstr(vm_console(), "system call 59 is not offered"));
    assert_null(strstr(strstr(vm_console(), "system call 59") + 1, "system call 59"));
    assert_null(strstr(vm_console(), "system call 512"));
    assert_int_equal(call3(SYS_rseq, 0, 0, 0), -ENOSYS);
}

TEST_SETUP(the_volume_is_read_and_written_in_whole_sectors_inside_it, start)
{
    uint64_t at = map(0x20000, RW);
    static const struct {
        uint64_t size, offset;
    } bad[] = {{511, 0},
               {512, 1},
               {512, FAKE_DISK_SIZE},
               {512, UINT64_MAX - 511},
               {0x8000000000000000, 512},
               {FAKE_DISK_SIZE + 512, 0}};

    assert_int_equal(block_init(&vm.volume, &vm.cpus[0].clock), STATUS_OK);
    vm.tpm.process.files[4] = file_block(&vm.volume);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(call4(SYS_pread64, 4, at, bad[i].size, bad[i].offset), -EINVAL);
        assert_int_equal(call4(SYS_pwrite64, 4, at, bad[i].size, bad[i].offset), -EINVAL);
    }
    put(at + 0x1FFFF, "E", 1);
    assert_int_equal(call4(SYS_pwrite64, 4, at, 0x20000, 0x200), 0x20000);
    assert_int_equal(fake_host.disk[0x201FF], 'E');
    assert_int_equal(call4(SYS_pread64, 4, at + 0x1000, 0x1F000, 0x1200), 0x1F000);
    assert_int_equal(call4(SYS_pread64, 4, at + 0x10000, 0x20000, 0), -EFAULT);
    assert_int_equal(call4(SYS_pwrite64, 4, at + 0x10000, 0x20000, 0), -EFAULT);
    assert_int_equal(call3(SYS_fsync, 4, 0, 0), 0);
    assert_int_equal(call3(SYS_lseek, 4, 0, SEEK_END), FAKE_DISK_SIZE);
    assert_int_equal(call3(SYS_lseek, 4, 1, SEEK_END), -EINVAL);
    assert_int_equal(call3(SYS_lseek, 4, (uint64_t)-512, SEEK_CUR), FAKE_DISK_SIZE - 512);
    assert_int_equal(call3(SYS_lseek, 4, (uint64_t)INT64_MIN, SEEK_SET), -EINVAL);
    assert_int_equal(call3(SYS_lseek, 4, 0, 9), -EINVAL);
    assert_int_equal(call3(SYS_read, 4, at, 512), -EINVAL);
    assert_int_equal(call3(SYS_fstat, 4, at, 0), 0);
    fake_host.disk_status = 1;
    assert_int_equal(call4(SYS_pread64, 4, at, 512, 0), -EIO);
    assert_int_equal(call4(SYS_pwrite64, 4, at, 512, 0), -EIO);
    assert_int_equal(call3(SYS_fdatasync, 4, 0, 0), -EIO);
}

TEST_SETUP(time_goes_on_and_sleeps_end, start)
{
    uint64_t at = map(PAGE_SIZE, RW);
    struct timespec before, after, wait = {.tv_nsec = 1000000};
    static const struct timespec bad[] = {
        {.tv_sec = -1}, {.tv_nsec = -1}, {.tv_nsec = 1000000000}, {.tv_sec = 1ll << 40}};

    assert_int_equal(call3(SYS_clock_gettime, 1, at, 0), 0);
    assert_int_equal(user_read(&vm.tpm.process.space, &before, (uva_t){at}, sizeof(before)), 0);
    put(at, &wait, sizeof(wait));
    assert_int_equal(call3(SYS_nanosleep, at, 0, 0), 0);
    assert_int_equal(call3(SYS_clock_gettime, 1, at, 0), 0);
    assert_int_equal(user_read(&vm.tpm.process.space, &after, (uva_t){at}, sizeof(after)), 0);
    assert_true((after.tv_sec - before.tv_sec) * 1000000000 + after.tv_nsec - before.tv_nsec >=
                1000000);
    put(at, &wait, sizeof(wait));
    assert_int_equal(call4(SYS_clock_nanosleep, 1, 1, at, 0), 0);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        put(at, &bad[i], sizeof(bad[i]));
        assert_int_equal(call3(SYS_nanosleep, at, 0, 0), -EINVAL);
    }
    assert_true(call3(SYS_time, 0, 0, 0) >= 0);
    assert_int_equal(call3(SYS_gettimeofday, at, 0, 0), 0);
    assert_int_equal(call3(SYS_time, at, 0, 0), call3(SYS_time, 0, 0, 0));
}

TEST_SETUP(poll_says_what_is_ready, start)
{
    uint64_t at = map(PAGE_SIZE, RW);
    struct pollfd set[3] = {{.fd = 3, .events = POLLIN},
                            {.fd = -1, .events = POLLIN},
                            {.fd = 4, .events = POLLIN | POLLOUT}};

    vm.tpm.process.files[4] = file_serial(&vm.proxy);
    fake_host.to_vm.size = 1;
    put(at, set, sizeof(set));
    assert_int_equal(call3(SYS_poll, at, 3, 0), 1);
    assert_int_equal(user_read(&vm.tpm.process.space, set, (uva_t){at}, sizeof(set)), 0);
    assert_int_equal(set[0].revents, 0);
    assert_int_equal(set[1].revents, 0);
    assert_int_equal(set[2].revents, POLLIN | POLLOUT);
    set[0].fd = 8;
    put(at, set, sizeof(set));
    assert_int_equal(call3(SYS_poll, at, 1, 0), 1);
    assert_int_equal(user_read(&vm.tpm.process.space, set, (uva_t){at}, sizeof(set)), 0);
    assert_int_equal(set[0].revents, POLLNVAL);
    set[0].fd = 3;
    put(at, set, sizeof(set));
    assert_int_equal(call3(SYS_poll, at, 1, 5), 0);
    assert_int_equal(call3(SYS_poll, at, 1, UINT32_MAX), INT64_MIN);
    assert_int_equal(vm.tpm.process.state, PROCESS_WAITING);
    assert_int_equal(call3(SYS_poll, at, 11, 0), -EINVAL);
    assert_int_equal(call3(SYS_poll, at, UINT64_MAX, 0), -EINVAL);
}

TEST_SETUP(a_serial_port_gives_what_has_arrived, start)
{
    uint64_t at = map(PAGE_SIZE, RW);
    uint8_t bytes[600];

    vm.tpm.process.files[4] = file_serial(&vm.proxy);
    assert_int_equal(call3(SYS_read, 4, at, 100), -EAGAIN);
    memset(fake_host.to_vm.bytes, 'r', 600);
    fake_host.to_vm.size = 600;
    assert_int_equal(call3(SYS_read, 4, at, 1000), 512);
    assert_int_equal(call3(SYS_read, 4, at, 10), 10);
    assert_int_equal(call3(SYS_read, 4, at, 1000), 78);
    assert_int_equal(user_read(&vm.tpm.process.space, bytes, (uva_t){at}, 78), STATUS_OK);
    assert_int_equal(bytes[77], 'r');
    assert_int_equal(call3(SYS_write, 4, at, 78), 78);
    assert_int_equal(fake_host.from_vm.size, 78);
    assert_int_equal(call3(SYS_write, 4, at, 1000), 512);
}

TEST_SETUP(who_waits_for_itself_ends, start)
{
    assert_int_equal(call3(SYS_futex, DATA, FUTEX_WAKE, 1), 0);
    assert_int_equal(call3(SYS_futex, DATA, FUTEX_WAIT, 0), INT64_MIN);
    assert_true(ended());
    assert_non_null(strstr(vm_console(), "service attest ended: it waits for itself"));
}

TEST_SETUP(the_rest_answers_as_for_root_alone_in_the_world, start)
{
    uint64_t at = map(PAGE_SIZE, RW);

    assert_int_equal(call3(SYS_getpid, 0, 0, 0), 1);
    assert_int_equal(call3(SYS_gettid, 0, 0, 0), 1);
    assert_int_equal(call3(SYS_getuid, 0, 0, 0), 0);
    assert_int_equal(call3(SYS_uname, at, 0, 0), 0);
    assert_int_equal(call3(SYS_sysinfo, at, 0, 0), 0);
    assert_int_equal(call3(SYS_sched_getaffinity, 0, 8, at), 8);
    assert_int_equal(call3(SYS_sched_getaffinity, 0, 7, at), -EINVAL);
    assert_int_equal(call4(SYS_prlimit64, 0, RLIMIT_STACK, at, 0), -EPERM);
    assert_int_equal(call4(SYS_prlimit64, 0, RLIMIT_STACK, 0, at), 0);
    assert_int_equal(call3(SYS_rt_sigaction, 1, 0, at), 0);
    assert_int_equal(call3(SYS_arch_prctl, ARCH_SET_FS, 0x1234, 0), 0);
    assert_int_equal(call3(SYS_arch_prctl, ARCH_GET_FS, at, 0), 0);
    assert_int_equal(call3(SYS_tgkill, 1, 1, 6), INT64_MIN);
    assert_true(ended());
}
