/* SPDX-License-Identifier: MIT */
/*
 * A proxy that lies: takes the frames of an SVSM's attestation client and answers each with the
 * bytes of the next file, as they are. When it has no more files, it stays silent.
 *
 * usage: false-proxy SOCKET [FILE]...
 *
 * Exit status: 0 the VM is gone, 1 something failed, 2 usage.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/bytes.h"

#define REQUEST_MAX 65536
#define ANSWER_MAX  (256 * 1024)

/* The socket of the first VM that connects, or -1. */
static int await_vm(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), vm = -1;

    if (listening < 0 || strlen(path) >= sizeof(address.sun_path))
        return -1;
    strcpy(address.sun_path, path);
    if (bind(listening, (struct sockaddr *)&address, sizeof(address)) == 0 &&
        listen(listening, 1) == 0)
        vm = accept(listening, NULL, NULL);
    close(listening);
    return vm;
}

/* False when the VM is gone. */
static bool receive(int vm, uint8_t *bytes, size_t size)
{
    ssize_t got = 1;

    for (; size > 0 && got > 0; bytes += got, size -= (size_t)got)
        got = read(vm, bytes, size);
    return got > 0;
}

/* One frame: an 8-byte little-endian length, then as many bytes. */
static bool receive_request(int vm)
{
    static uint8_t request[REQUEST_MAX];
    uint8_t length[8];

    return receive(vm, length, sizeof(length)) && get_le64(length) <= sizeof(request) &&
           receive(vm, request, get_le64(length));
}

static bool send_file(int vm, const char *path)
{
    static uint8_t answer[ANSWER_MAX];
    FILE *file = fopen(path, "rb");
    size_t size;

    if (!file) {
        perror(path);
        return false;
    }
    size = fread(answer, 1, sizeof(answer), file);
    fclose(file);
    return send(vm, answer, size, MSG_NOSIGNAL) == (ssize_t)size;
}

int main(int argc, char **argv)
{
    int vm, next = 2;

    if (argc < 2) {
        fprintf(stderr, "usage: false-proxy SOCKET [FILE]...\n");
        return 2;
    }
    vm = await_vm(argv[1]);
    if (vm < 0) {
        perror(argv[1]);
        return 1;
    }
    while (receive_request(vm))
        if (next < argc && !send_file(vm, argv[next++]))
            return 1;
    return 0;
}
