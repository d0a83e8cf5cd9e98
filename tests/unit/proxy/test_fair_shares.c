/* SPDX-License-Identifier: MIT */
/*
 * What a KBS takes from the address of a host is shared by its VMs, with the settings that KBS and
 * proxy have by themselves. Arguments: the paths of kbs, kbsctl and snp-vtpm-proxy.
 */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kbs/server/config_table.h"
#include "proxy/options.h"
#include "proxy/peers.h"
#include "tests/unit/child.h"
#include "tests/unit/proxy/frames.h"
#include "tests/unit/proxy/stack.h"
#include "tests/unit/proxy/vm.h"
#include "tests/unit/registered.h"

/* To the proxy, a process is a VM. These ask for several times what the KBS takes. */
#define GREEDY_VMS         4
#define GREEDY_CONNECTIONS 4

static pid_t greedy[GREEDY_VMS];

/* Never stops asking: for a challenge, and, if it is to, for the key with evidence that is none. */
static void *ask_for_ever(void *evidence)
{
    for (;;) {
        int vm = vm_try_connect(stack.socket_path);

        while (vm >= 0 && stack_negotiate(vm))
            if (evidence && vm_says(vm, evidence))
                free(vm_hears(vm));
        if (vm >= 0)
            close(vm);
    }
    return NULL;
}

static void start_greedy(const char *evidence)
{
    for (int i = 0; i < GREEDY_VMS; i++) {
        greedy[i] = child_fork();
        if (greedy[i] == 0) {
            pthread_t thread;

            for (int j = 1; j < GREEDY_CONNECTIONS; j++)
                (void)!pthread_create(&thread, NULL, ask_for_ever, (void *)evidence);
            ask_for_ever((void *)evidence);
        }
    }
    program_says(stack.proxy_log, "kbs-put-off"); /* it is more than the KBS takes */
}

static int stop_greedy(void **state)
{
    (void)state;
    for (int i = 0; i < GREEDY_VMS; i++) {
        kill(greedy[i], SIGKILL);
        waitpid(greedy[i], NULL, 0);
    }
    return 0;
}

TEST_TEARDOWN(a_modest_vm_gets_all_of_its_challenges_beside_greedy_ones, stop_greedy)
{
    int vm;

    start_greedy(NULL);
    vm = vm_connect(stack.socket_path);
    for (int i = 0; i < 6; i++)
        assert_true(stack_negotiate(vm));
    close(vm);
}

/* What is refused has a rate of its own at the KBS. */
TEST_TEARDOWN(a_vm_in_order_gets_its_key_beside_others_that_are_refused, stop_greedy)
{
    int vm;

    start_greedy(ATTESTATION_REQUEST);
    vm = vm_connect(stack.socket_path);
    for (int i = 0; i < 3; i++)
        stack_attest(vm);
    close(vm);
}

/* One VM alone cannot come to what its host may, and so keeps nobody waiting. */
TEST(what_the_proxy_lets_one_vm_do_the_kbs_takes)
{
    const struct config_limits *limits = &config_defaults.limits;
    struct options options;

    options_init(&options);
    assert_true(options.rate < (unsigned)limits->rate);
    assert_true(PEERS_BURST < limits->burst);
    assert_true(options.kbs_connections < (unsigned)limits->connections_per_client);
    options_free(&options);
}

static int start(void **state)
{
    int status = stack_start(state);

    if (status == 0)
        stack_register();
    return status;
}

TEST_GROUP(start, stack_stop)

int main(int argc, char **argv)
{
    return stack_take_programs(argc, argv) ? tests_run() : 2;
}
