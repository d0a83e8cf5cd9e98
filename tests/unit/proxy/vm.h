/* SPDX-License-Identifier: MIT */
/* A VM's side of the conversation with the proxy, and failures as a VM is told them. */
#ifndef SNPVTPM_TESTS_UNIT_PROXY_VM_H
#define SNPVTPM_TESTS_UNIT_PROXY_VM_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/un.h>

#define FAILURE(reason)                                                                            \
    "{\"success\":false,\"decryption\":null,\"token\":null,\"reason\":\"" reason "\"}"
#define FAILURE_OF_VM               FAILURE("message-malformed")
#define NEGOTIATION_FAILURE(reason) "{\"challenge\":\"\",\"params\":[],\"reason\":\"" reason "\"}"

#define VM_PATIENCE_MS 20000

struct sockaddr_un vm_address(const char *path);

/* Connects to a Unix socket; the first returns -1 when it cannot, the second fails the test. */
int vm_try_connect(const char *path);
int vm_connect(const char *path);

/* Over the loopback of vsock; -1 when this kernel has none, or nobody listens. */
int vm_try_connect_vsock(unsigned port);

/* A frame; the second fails the test if it is not taken. */
bool vm_says(int vm, const char *message);
void vm_sends(int vm, const char *message);

/* Bytes that need not be a frame. */
void vm_sends_bytes(int vm, const void *bytes, size_t size);

/* The text of the next frame, to be freed; NULL: there is none within the patience. */
char *vm_hears(int vm);

/* The next frame must be this. */
void vm_receives(int vm, const char *answer);
void vm_asks(int vm, const char *message, const char *answer);

/* A conversation with a KBS that answers as frames.h says. */
void vm_attests(int vm);

/* Nothing comes but the end. */
void vm_is_left(int vm);

#endif
