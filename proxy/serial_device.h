/* SPDX-License-Identifier: MIT */
/* A character device that is one VM's serial port: a terminal of QEMU's -serial pty, a real UART.
 */
#ifndef SNPVTPM_PROXY_SERIAL_DEVICE_H
#define SNPVTPM_PROXY_SERIAL_DEVICE_H

#include "lib/base/must_check.h"

enum serial_device_status {
    SERIAL_DEVICE_OK,
    SERIAL_DEVICE_WRONG_KIND, /* it is no character device */
    SERIAL_DEVICE_IN_USE,     /* another proxy has it */
    SERIAL_DEVICE_FAILED,     /* errno says why */
};

/*
 * Opens the device for this process alone, as far as others ask (flock). A terminal becomes raw,
 * 9600 baud, 8n1 (what the SVSM sets on its side), without flow control. *fd does not block.
 */
MUST_CHECK enum serial_device_status serial_device_open(const char *path, int *fd);

#endif
