/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "proxy/serial_device.h"
#include "tests/unit/kbs/scratch.h"
#include "tests/unit/proxy/pty.h"
#include "tests/unit/registered.h"

TEST(bytes_pass_unchanged_both_ways)
{
    uint8_t all[256], got[256] = {0};
    char path[PATH_MAX];
    int vm = pty_open(scratch_path("tty", path)), fd;

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

TEST(a_terminal_becomes_raw_8n1)
{
    struct termios terminal;
    char path[PATH_MAX];
    int vm = pty_open(scratch_path("raw", path)), fd;

    assert_int_equal(serial_device_open(path, &fd), SERIAL_DEVICE_OK);
    assert_int_equal(tcgetattr(fd, &terminal), 0);
    assert_int_equal(terminal.c_cflag & (CSIZE | PARENB | CSTOPB | CRTSCTS), CS8);
    assert_int_equal(terminal.c_lflag & (ICANON | ECHO | ISIG), 0);
    assert_int_equal(terminal.c_iflag & (IXON | ICRNL), 0);
    assert_int_equal(cfgetispeed(&terminal), B9600);
    close(fd);
    close(vm);
}

TEST(one_proxy_has_it)
{
    char path[PATH_MAX];
    int vm = pty_open(scratch_path("one", path)), first, second;

    assert_int_equal(serial_device_open(path, &first), SERIAL_DEVICE_OK);
    assert_int_equal(serial_device_open(path, &second), SERIAL_DEVICE_IN_USE);
    close(first);
    assert_int_equal(serial_device_open(path, &second), SERIAL_DEVICE_OK);
    close(second);
    close(vm);
}

TEST(what_is_no_device_is_named)
{
    char path[PATH_MAX];
    FILE *file = fopen(scratch_path("file", path), "w");
    int fd;

    fclose(file);
    assert_int_equal(serial_device_open(path, &fd), SERIAL_DEVICE_WRONG_KIND);
    assert_int_equal(serial_device_open(scratch_path("absent", path), &fd), SERIAL_DEVICE_FAILED);
    assert_int_equal(errno, ENOENT);
}

TEST_GROUP(scratch_make, scratch_remove)
