/* SPDX-License-Identifier: MIT */
/*
 * The programs kbs, as kbs init makes it, and snp-vtpm-proxy before it, with a made-up chip's VMs
 * at the proxy's socket.
 */
#ifndef SNPVTPM_TESTS_UNIT_PROXY_STACK_H
#define SNPVTPM_TESTS_UNIT_PROXY_STACK_H

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

#include <jansson.h>

#include "tests/unit/kbs/chip.h"
#include "tests/unit/proxy/program.h"

extern struct stack {
    const char *kbs, *kbsctl, *proxy; /* programs */
    const char *options[8];           /* of the proxy, besides where to listen and the KBS's URL */

    char config[PATH_MAX], ca_path[PATH_MAX], token_path[PATH_MAX];
    char socket_path[PATH_MAX], secret_path[PATH_MAX];
    char measurement[2 * LAUNCH_DIGEST_SIZE + 1], url[64], admin_url[64];
    pid_t kbs_pid, proxy_pid;
    FILE *proxy_log;
} stack;

/* Takes the programs from a test's arguments; false: they are none, which it says. */
bool stack_take_programs(int argc, char **argv);

/* Fixtures of cmocka. */
int stack_start(void **state);
int stack_stop(void **state);

/* Starts the KBS again, after stack.kbs_pid was stopped. */
pid_t stack_start_kbs(void);

#define KBSCTL(...)                                                                                \
    RUN(stack.kbsctl, "--url", stack.admin_url, "--ca", stack.ca_path, "--token-file",             \
        stack.token_path, __VA_ARGS__)

/* Registers the image of the chip's VMs, and a volume for it. */
void stack_register(void);

/* The next message on a VM's line, to be released. */
json_t *stack_receive(int vm);

/* Negotiates on a VM's line; false: there is no challenge. */
bool stack_negotiate(int vm);

/* Attests on a VM's line and gets the volume's key; or a failure for that reason. */
void stack_attest(int vm);
void stack_attest_in_vain(int vm, const char *reason);

#endif
