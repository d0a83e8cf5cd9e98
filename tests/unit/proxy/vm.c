/* SPDX-License-Identifier: MIT */
#include "tests/unit/proxy/vm.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/vm_sockets.h>

#include "proxy/frame.h"
#include "tests/unit/proxy/frames.h"
#include "tests/unit/registered.h"

static const struct frame_limits limits = {
    .first_ms = VM_PATIENCE_MS,
    .gap_ms = VM_PATIENCE_MS,
    .whole_ms = VM_PATIENCE_MS,
};

struct sockaddr_un vm_address(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = strlen(path);

    if (length >= sizeof(address.sun_path))
        abort();
    memcpy(address.sun_path, path, length);
    return address;
}

static int try_connect(const void *address, socklen_t size)
{
    int fd = socket(((const struct sockaddr *)address)->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (connect(fd, address, size) == 0)
        return fd;
    close(fd);
    return -1;
}

int vm_try_connect(const char *path)
{
    struct sockaddr_un address = vm_address(path);

    return try_connect(&address, sizeof(address));
}

int vm_connect(const char *path)
{
    int fd = vm_try_connect(path);

    assert_true(fd >= 0);
    return fd;
}

int vm_try_connect_vsock(unsigned port)
{
    struct sockaddr_vm address = {
        .svm_family = AF_VSOCK,
        .svm_cid = VMADDR_CID_LOCAL,
        .svm_port = port,
    };

    return try_connect(&address, sizeof(address));
}

bool vm_says(int vm, const char *message)
{
    return frame_write(&(struct line){.fd = vm, .stop = -1}, &limits, message, strlen(message)) ==
           FRAME_OK;
}

void vm_sends(int vm, const char *message)
{
    assert_true(vm_says(vm, message));
}

void vm_sends_bytes(int vm, const void *bytes, size_t size)
{
    assert_int_equal(write(vm, bytes, size), size);
}

char *vm_hears(int vm)
{
    struct frame frame;
    char *text = NULL;

    if (frame_read(&(struct line){.fd = vm, .stop = -1}, &limits, &frame) == FRAME_OK) {
        text = strndup((const char *)frame.bytes, frame.size);
        free(frame.bytes);
    }
    return text;
}

void vm_receives(int vm, const char *answer)
{
    char *text = vm_hears(vm);

    assert_non_null(text);
    assert_string_equal(text, answer);
    free(text);
}

void vm_asks(int vm, const char *message, const char *answer)
{
    vm_sends(vm, message);
    vm_receives(vm, answer);
}

void vm_attests(int vm)
{
    vm_asks(vm, NEGOTIATION_REQUEST, NEGOTIATION_RESPONSE);
    vm_asks(vm, ATTESTATION_REQUEST, ATTESTATION_RESPONSE);
}

void vm_is_left(int vm)
{
    struct pollfd descriptor = {.fd = vm, .events = POLLIN};
    char byte;

    assert_int_equal(poll(&descriptor, 1, VM_PATIENCE_MS), 1);
    assert_true(read(vm, &byte, 1) <= 0);
}
