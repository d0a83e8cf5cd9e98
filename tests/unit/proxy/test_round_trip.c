/* SPDX-License-Identifier: MIT */
/* Arguments: the paths of kbs, kbsctl and snp-vtpm-proxy. */
#include <unistd.h>

#include "tests/unit/proxy/frames.h"
#include "tests/unit/proxy/stack.h"
#include "tests/unit/proxy/vm.h"
#include "tests/unit/registered.h"

#define VMS 8

TEST(nothing_is_released_before_registration_and_the_secret_after)
{
    int vm = vm_connect(stack.socket_path);

    stack_attest_in_vain(vm, "kbs-refused");
    stack_register();
    stack_attest(vm);
    stack_attest(vm); /* the next boot, on the same line */
    close(vm);
}

TEST(vms_do_not_wait_for_each_other)
{
    int vms[VMS];

    for (int i = 0; i < VMS; i++) {
        vms[i] = vm_connect(stack.socket_path);
        if (i % 2)
            vm_sends_bytes(vms[i], "\377\377", 2); /* half a frame, then silence */
    }
    for (int i = 0; i < VMS; i += 2)
        stack_attest(vms[i]);
    for (int i = 0; i < VMS; i++)
        close(vms[i]);
}

TEST(a_kbs_that_is_down_is_reported_and_missed_no_longer_than_that)
{
    int vm = vm_connect(stack.socket_path);
    json_t *response;

    assert_int_equal(program_stop(stack.kbs_pid), 0);
    vm_sends(vm, NEGOTIATION_REQUEST);
    response = stack_receive(vm);
    assert_string_equal(json_string_value(json_object_get(response, "challenge")), "");
    assert_string_equal(json_string_value(json_object_get(response, "reason")), "kbs-unreachable");
    json_decref(response);
    stack.kbs_pid = stack_start_kbs();
    stack_attest(vm); /* the registration outlived the restart */
    close(vm);
}

TEST(programs_tell_their_failures_apart)
{
    assert_int_equal(RUN(stack.kbs, "--help"), 0);
    assert_int_equal(RUN(stack.kbs, "serve", "--help"), 0);
    assert_int_equal(RUN(stack.kbs, "conquer"), 2);
    assert_int_equal(RUN(stack.kbs, "serve"), 2);
    assert_int_equal(RUN(stack.kbs, "serve", "--config", "/nonexistent"), 3);
    assert_int_equal(RUN(stack.kbs, "serve", "--config", stack.config, "--check-config"), 0);
    assert_int_equal(RUN(stack.kbs, "serve", "--config", stack.config), 5);

    assert_int_equal(RUN(stack.proxy, "--help"), 0);
    assert_int_equal(RUN(stack.proxy, "--unix", stack.socket_path), 2);
    assert_int_equal(RUN(stack.proxy, "--unix", stack.socket_path, "--url", "ftp://127.0.0.1"), 2);
    assert_int_equal(
        RUN(stack.proxy, "--unix", stack.socket_path, "--url", stack.url, "--timeout", "0"), 2);
    assert_int_equal(RUN(stack.proxy, "--unix", "/nonexistent/socket", "--url", stack.url), 3);
    assert_int_equal(RUN(stack.proxy, "--unix", stack.socket_path, "--url", stack.url), 5);
}

TEST(a_retired_volume_gives_its_key_to_nobody)
{
    int vm = vm_connect(stack.socket_path);

    assert_int_equal(KBSCTL("volume", "retire", "volume"), 0);
    stack_attest_in_vain(vm, "kbs-refused");
    close(vm);
}

TEST_GROUP(stack_start, stack_stop)

int main(int argc, char **argv)
{
    stack.options[0] = "--timeout";
    stack.options[1] = "5";
    stack.options[2] = "--rate"; /* all VMs are of this process */
    stack.options[3] = "1000";
    return stack_take_programs(argc, argv) ? tests_run() : 2;
}
