/* SPDX-License-Identifier: MIT */
#include "proxy/serial_device.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

static bool make_raw(int fd)
{
    struct termios terminal;

    if (tcgetattr(fd, &terminal) != 0)
        return false;
    cfmakeraw(&terminal); /* 8 bits, no parity, nothing interpreted */
    terminal.c_cflag &= ~(tcflag_t)(CSTOPB | CRTSCTS);
    terminal.c_cflag |= CLOCAL | CREAD;
    return cfsetspeed(&terminal, B9600) == 0 && tcsetattr(fd, TCSANOW, &terminal) == 0;
}

static enum serial_device_status prepare(int fd)
{
    struct stat file;

    if (fstat(fd, &file) != 0)
        return SERIAL_DEVICE_FAILED;
    if (!S_ISCHR(file.st_mode))
        return SERIAL_DEVICE_WRONG_KIND;
    if (flock(fd, LOCK_EX | LOCK_NB) != 0)
        return errno == EWOULDBLOCK ? SERIAL_DEVICE_IN_USE : SERIAL_DEVICE_FAILED;
    return !isatty(fd) || make_raw(fd) ? SERIAL_DEVICE_OK : SERIAL_DEVICE_FAILED;
}

enum serial_device_status serial_device_open(const char *path, int *fd)
{
    enum serial_device_status status;
    int error;

    *fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (*fd < 0)
        return SERIAL_DEVICE_FAILED;
    status = prepare(*fd);
    if (status != SERIAL_DEVICE_OK) {
        error = errno;
        close(*fd);
        errno = error;
    }
    return status;
}
