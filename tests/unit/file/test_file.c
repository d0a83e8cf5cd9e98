/* SPDX-License-Identifier: MIT */
/* Whole files, durable ones, exact reads and writes: at their bounds. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/bytes.h"
#include "lib/file/credential.h"
#include "lib/file/durable.h"
#include "lib/file/io.h"
#include "tests/unit/child.h"
#include "tests/unit/registered.h"

#define LARGE       300000 /* more than a pipe holds */
#define INTERRUPTED 10000  /* so many of these bytes, each piece once: less than a pipe holds */

static char folder[] = "/tmp/snp-vtpm-file-XXXXXX", path[64];
static uint8_t content[LARGE];
static volatile unsigned *interruptions; /* that were handled; shared with the children */

static int make_folder(void **state)
{
    (void)state;
    for (size_t i = 0; i < LARGE; i++)
        content[i] = (uint8_t)(i * 7 + i / 251);
    snprintf(path, sizeof(path), "%s/file", mkdtemp(folder));
    interruptions = mmap(NULL, sizeof(*interruptions), PROT_READ | PROT_WRITE,
                         MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return interruptions == MAP_FAILED ? -1 : 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder); /* fails where something was left */
}

TEST_GROUP(make_folder, remove_folder)

static void put(size_t size, mode_t mode)
{
    assert_true(file_write(path, mode, FILE_REPLACE, content, size));
}

TEST(a_file_is_read_whole_up_to_the_most_that_is_wanted)
{
    static const size_t sizes[] = {0, 1, 4095, 4096, 4097, LARGE};
    struct file_bytes file;

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        put(sizes[i], 0600);
        assert_int_equal(file_read(path, FILE_SECRET, sizes[i], &file), FILE_OK);
        assert_int_equal(file.size, sizes[i]);
        assert_memory_equal(file.bytes, content, sizes[i]);
        assert_int_equal(file.bytes[file.size], 0);
        file_wipe(&file);
        assert_null(file.bytes);
        if (sizes[i] == 0)
            continue;
        assert_int_equal(file_read(path, FILE_SECRET, sizes[i] - 1, &file), FILE_TOO_LARGE);
        assert_null(file.bytes);
    }
}

/*
 * In a child: a signal comes while its parent waits, and is handled when this returns: a system
 * call that is given its bytes before would return them, and not be interrupted.
 */
static void interrupt_the_waiting_parent(void)
{
    unsigned before = *interruptions;
    char path[64], text[256];
    const char *name_end = NULL;

    snprintf(path, sizeof(path), "/proc/%d/stat", (int)getppid());
    while (!name_end || strncmp(name_end, ") S", 3) != 0) {
        int fd = open(path, O_RDONLY);
        ssize_t size = read(fd, text, sizeof(text) - 1);

        close(fd);
        if (size <= 0)
            _exit(1); /* it is gone */
        text[size] = '\0';
        name_end = strrchr(text, ')');
    }
    kill(getppid(), SIGUSR1);
    while (*interruptions == before)
        sched_yield();
}

/* A child that writes so many bytes, a piece at a time, while signals interrupt us. */
static int pipe_of(size_t size)
{
    int ends[2];

    assert_int_equal(pipe(ends), 0);
    if (child_fork() == 0) {
        close(ends[0]);
        for (size_t done = 0; done < size; done += 1000) {
            if (done < INTERRUPTED)
                interrupt_the_waiting_parent();
            if (!io_write_all(ends[1], content + done, size - done < 1000 ? size - done : 1000))
                _exit(1);
        }
        _exit(0);
    }
    close(ends[1]);
    return ends[0];
}

static void interrupt(int number)
{
    (void)number;
    ++*interruptions;
}

TEST(a_pipe_is_read_to_its_end_whatever_interrupts)
{
    static const size_t sizes[] = {0, 1, 4096, 4097, LARGE};
    struct sigaction action = {.sa_handler = interrupt}; /* without SA_RESTART */
    struct file_bytes file;

    sigaction(SIGUSR1, &action, NULL);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        int fd = pipe_of(sizes[i]);

        assert_int_equal(file_read_descriptor(fd, FILE_SECRET, LARGE, &file), FILE_OK);
        assert_int_equal(file.size, sizes[i]);
        assert_memory_equal(file.bytes, content, sizes[i]);
        file_wipe(&file);
        close(fd);
    }
}

/* The child's signals come while this end waits: for bytes, and for room. */
TEST(a_transfer_goes_on_whatever_interrupts)
{
    static uint8_t bytes[LARGE];
    struct sigaction action = {.sa_handler = interrupt}; /* without SA_RESTART */
    int fd, ends[2];

    sigaction(SIGUSR1, &action, NULL);
    fd = pipe_of(LARGE);
    assert_true(io_read_exactly(fd, bytes, LARGE));
    assert_memory_equal(bytes, content, LARGE);
    assert_false(io_read_exactly(fd, bytes, 1));
    assert_int_equal(errno, ENODATA);
    close(fd);

    assert_int_equal(pipe(ends), 0);
    if (child_fork() == 0) {
        close(ends[1]);
        for (size_t done = 0; done < LARGE; done += 1000) {
            if (done < INTERRUPTED)
                interrupt_the_waiting_parent();
            if (!io_read_exactly(ends[0], bytes, 1000))
                _exit(1);
        }
        _exit(0);
    }
    close(ends[0]);
    assert_true(io_write_all(ends[1], content, LARGE));
    close(ends[1]);
}

TEST(more_than_is_wanted_of_a_pipe_is_too_large)
{
    static const size_t most[] = {0, 1, 4095, 5000, LARGE - 1};
    struct file_bytes file;
    struct sigaction action = {.sa_handler = interrupt};

    sigaction(SIGUSR1, &action, NULL);
    for (size_t i = 0; i < sizeof(most) / sizeof(most[0]); i++) {
        int fd = pipe_of(most[i] + 1);

        assert_int_equal(file_read_descriptor(fd, FILE_PUBLIC, most[i], &file), FILE_TOO_LARGE);
        assert_null(file.bytes);
        close(fd);
    }
}

TEST(what_is_no_file_is_not_read)
{
    struct file_bytes file;
    char fifo[64];

    assert_int_equal(file_read(folder, FILE_PUBLIC, LARGE, &file), FILE_NOT_REGULAR);
    snprintf(fifo, sizeof(fifo), "%s/fifo", folder);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    assert_int_equal(file_read(fifo, FILE_PUBLIC, LARGE, &file), FILE_NOT_REGULAR);
    unlink(fifo);
    assert_int_equal(file_read("/nonexistent/file", FILE_PUBLIC, LARGE, &file), FILE_ERRNO);
    assert_int_equal(errno, ENOENT);
    assert_string_equal(file_error_text(FILE_ERRNO), strerror(ENOENT));
}

TEST(a_secret_that_others_may_read_or_change_is_not_read)
{
    struct file_bytes file;

    for (mode_t mode = 0; mode < 0100; mode++) {
        put(1, 0600 | mode);
        assert_int_equal(file_read(path, FILE_SECRET, 1, &file), mode ? FILE_EXPOSED : FILE_OK);
        file_wipe(&file);
        assert_int_equal(file_read(path, FILE_CREDENTIAL, 1, &file),
                         mode & 037 ? FILE_EXPOSED : FILE_OK);
        file_wipe(&file);
        assert_int_equal(file_read(path, FILE_PUBLIC, 1, &file), FILE_OK);
        file_wipe(&file);
    }
}

TEST(a_file_has_the_mode_that_it_was_made_with_whatever_the_umask)
{
    mode_t mask = umask(077);
    struct stat status;

    put(3, 0644);
    umask(mask);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0644);
}

TEST(a_new_file_takes_no_others_place)
{
    struct file_bytes file;

    put(5, 0600);
    assert_false(file_write(path, 0600, FILE_NEW, content, 7));
    assert_int_equal(errno, EEXIST);
    assert_int_equal(file_read(path, FILE_SECRET, 5, &file), FILE_OK);
    assert_int_equal(file.size, 5);
    file_wipe(&file);
    unlink(path);
    assert_true(file_write(path, 0600, FILE_NEW, content, 7));
}

TEST(what_cannot_be_written_leaves_the_old_file_and_nothing_beside_it)
{
    char within[80];

    put(5, 0600);
    snprintf(within, sizeof(within), "%s/within", path);
    assert_false(file_write(within, 0600, FILE_REPLACE, content, 7));
    assert_int_equal(errno, ENOTDIR);
    assert_false(file_write(within, 0600, FILE_NEW, content, 7));
    assert_false(file_write(folder, 0600, FILE_REPLACE, content, 7));
    assert_false(file_sync_folder_of("/nonexistent/file"));
    assert_int_equal(errno, ENOENT);
}

/* What reaches the disk, and when: 'f' a file, 'd' a folder, 'r' a file's name. */
static char events[8];
static size_t failing; /* the number of the fsync() that fails, from 1 on; 0: none */

static void note(char event)
{
    size_t length = strlen(events);

    if (length + 1 < sizeof(events))
        events[length] = event;
}

/* The linker puts these around fsync() and rename(). */
int real_fsync(int fd) __asm__("__real_fsync");
int wrap_fsync(int fd) __asm__("__wrap_fsync");
int real_rename(const char *from, const char *to) __asm__("__real_rename");
int wrap_rename(const char *from, const char *to) __asm__("__wrap_rename");

int wrap_fsync(int fd)
{
    struct stat status;

    assert_int_equal(fstat(fd, &status), 0);
    note(S_ISDIR(status.st_mode) ? 'd' : 'f');
    if (failing > 0 && --failing == 0) {
        errno = EIO;
        return -1;
    }
    return real_fsync(fd);
}

int wrap_rename(const char *from, const char *to)
{
    note('r');
    return real_rename(from, to);
}

static void begin_events(size_t fails)
{
    memset(events, 0, sizeof(events));
    failing = fails;
}

TEST(a_file_is_on_the_disk_before_it_has_its_name_and_the_name_is_before_all_is_well)
{
    begin_events(0);
    put(5, 0600);
    assert_string_equal(events, "frd");
    unlink(path);
    begin_events(0);
    assert_true(file_write(path, 0600, FILE_NEW, content, 7));
    assert_string_equal(events, "fd");
}

TEST(what_does_not_reach_the_disk_takes_no_place)
{
    struct file_bytes file;

    put(5, 0600);
    begin_events(1);
    assert_false(file_write(path, 0600, FILE_REPLACE, content, 7));
    assert_int_equal(errno, EIO);
    assert_string_equal(events, "f");
    assert_int_equal(file_read(path, FILE_SECRET, 7, &file), FILE_OK);
    assert_int_equal(file.size, 5);
    file_wipe(&file);
    begin_events(2);
    assert_false(file_write(path, 0600, FILE_REPLACE, content, 7));
    unlink(path);
    for (size_t fails = 1; fails <= 2; fails++) {
        begin_events(fails);
        assert_false(file_write(path, 0600, FILE_NEW, content, 7));
        assert_int_equal(errno, EIO);
        assert_int_equal(access(path, F_OK), -1);
    }
    begin_events(0);
}

TEST(a_secret_is_read_of_its_size_or_wiped)
{
    uint8_t secret[32];
    int fd;

    for (size_t size = 31; size <= 33; size++) {
        put(size, 0600);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        memset(secret, 0x55, sizeof(secret));
        assert_true(file_is_private(fd));
        assert_int_equal(io_read_secret(fd, secret, sizeof(secret)), size == 32);
        if (size == 32)
            assert_memory_equal(secret, content, sizeof(secret));
        else
            assert_true(bytes_are_zero(secret, sizeof(secret)));
        close(fd);
    }
}

TEST(places_of_a_file_are_read_and_written_whole_or_not)
{
    uint8_t bytes[16];
    int fd;

    put(100, 0644);
    fd = open(path, O_RDWR | O_CLOEXEC);
    assert_false(file_is_private(fd));
    assert_true(io_read_at(fd, bytes, sizeof(bytes), 84));
    assert_memory_equal(bytes, content + 84, sizeof(bytes));
    assert_false(io_read_at(fd, bytes, sizeof(bytes), 85));
    assert_int_equal(errno, ENODATA);
    assert_true(io_write_at(fd, content, 16, 100));
    assert_true(io_read_at(fd, bytes, sizeof(bytes), 100));
    assert_memory_equal(bytes, content, sizeof(bytes));
    close(fd);
}

TEST(a_credential_is_systemds_file_and_no_path)
{
    struct credential_path resolved;

    setenv("CREDENTIALS_DIRECTORY", "/run/x", 1);
    assert_true(credential_resolve("credential:key", &resolved));
    assert_string_equal(resolved.path, "/run/x/key");
    assert_int_equal(credential_secrecy(&resolved), FILE_CREDENTIAL);
    assert_false(credential_resolve("credential:", &resolved));
    assert_false(credential_resolve("credential:../key", &resolved));
    unsetenv("CREDENTIALS_DIRECTORY");
    assert_false(credential_resolve("credential:key", &resolved));
    assert_true(credential_resolve("/etc/key", &resolved));
    assert_int_equal(credential_secrecy(&resolved), FILE_SECRET);
}
