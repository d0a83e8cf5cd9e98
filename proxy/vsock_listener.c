/* SPDX-License-Identifier: MIT */
#include "proxy/vsock_listener.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/vm_sockets.h>

#define BACKLOG 64

static enum vsock_listener_status bind_and_listen(int fd, uint32_t port)
{
    struct sockaddr_vm address = {
        .svm_family = AF_VSOCK,
        .svm_cid = VMADDR_CID_ANY,
        .svm_port = port,
    };

    if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) != 0)
        return errno == EADDRINUSE ? VSOCK_LISTENER_IN_USE : VSOCK_LISTENER_FAILED;
    return listen(fd, BACKLOG) == 0 ? VSOCK_LISTENER_OK : VSOCK_LISTENER_FAILED;
}

enum vsock_listener_status vsock_listener_open(uint32_t port, int *fd)
{
    enum vsock_listener_status status;
    int error;

    *fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (*fd < 0)
        return errno == EAFNOSUPPORT ? VSOCK_LISTENER_UNSUPPORTED : VSOCK_LISTENER_FAILED;
    status = bind_and_listen(*fd, port);
    if (status != VSOCK_LISTENER_OK) {
        error = errno;
        close(*fd);
        errno = error;
    }
    return status;
}
