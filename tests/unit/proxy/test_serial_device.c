/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include "proxy/serial_device.h"
#include "tests/unit/kbs/scratch.h"
#include "tests/unit/proxy/pty.h"

static void bytes_pass_unchanged_both_ways(void **state)
{
    uint8_t all[256], got[256] = {0};
    char path[PATH_MAX];
    int vm = pty_open(scratch_path("tty", path)), fd;

    (void)state;
    for (size_t i = 0; i < sizeof(all); i++)
        all[i] = (uint8_t)i;
    assert_int_equal(serial_device_open(path, &fd), SERIAL_DEVICE_OK);
    assert_int_equal(write(vm, all, sizeof(all)), sizeof(all));
    assert_int_equal(poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, 5000), 1);
    assert_int_equal(read(fd, got, sizeof(got)), sizeof(got));
    assert_memory_equal(got, all, sizeof(all));
    assert_int_equal(write(fd, all, sizeof(all)), sizeof(all));
    assert_int_equal(read(vm, got, sizeof(got)), sizeof(got));
    assert_memory_equal(got, all, sizeof(all));
    close(fd);
    close(vm);
}

static void a_terminal_becomes_raw_8n1(void **state)
{
    struct termios terminal;
    char path[PATH_MAX];
    int vm = pty_open(scratch_path("raw", path)), fd;

    (void)state;
    assert_int_equal(serial_device_open(path, &fd), SERIAL_DEVICE_OK);
    assert_int_equal(tcgetattr(fd, &terminal), 0);
    assert_int_equal(terminal.c_cflag & (CSIZE | PARENB | CSTOPB | CRTSCTS), CS8);
    assert_int_equal(terminal.c_lflag & (ICANON | ECHO | ISIG), 0);
    assert_int_equal(terminal.c_iflag & (IXON | ICRNL), 0);
    assert_int_equal(cfgetispeed(&terminal), B9600);
    close(fd);
    close(vm);
}

static void one_proxy_has_it(void **state)
{
    char path[PATH_MAX];
    int vm = pty_open(scratch_path("one", path)), first, second;

    (void)state;
    assert_int_equal(serial_device_open(path, &first), SERIAL_DEVICE_OK);
    assert_int_equal(serial_device_open(path, &second), SERIAL_DEVICE_IN_USE);
    close(first);
    assert_int_equal(serial_device_open(path, &second), SERIAL_DEVICE_OK);
    close(second);
    close(vm);
}

static void what_is_no_device_is_named(void **state)
{
    char path[PATH_MAX];
    FILE *file = fopen(scratch_path("file", path), "w");
    int fd;

    (void)state;
    fclose(file);
    assert_int_equal(serial_device_open(path, &fd), SERIAL_DEVICE_WRONG_KIND);
    assert_int_equal(serial_device_open(scratch_path("absent", path), &fd), SERIAL_DEVICE_FAILED);
    assert_int_equal(errno, ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_pass_unchanged_both_ways),
        cmocka_unit_test(a_terminal_becomes_raw_8n1),
        cmocka_unit_test(one_proxy_has_it),
        cmocka_unit_test(what_is_no_device_is_named),
    };

    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
