/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "svsm/base/address.h"
#include "svsm/params/params.h"
#include "tests/unit/registered.h"

static struct boot_params params;

static int valid_params(void **state)
{
    (void)state;
    params = (struct boot_params){
        .magic = BOOT_PARAMS_MAGIC,
        .version = BOOT_PARAMS_VERSION,
        .region_gpa = KERNEL_GPA,
        .region_size = 0x2000000,
        .loaded_end_gpa = KERNEL_GPA + 0x1000000,
        .cpuid_gpa = KERNEL_GPA + 0x100000,
        .secrets_gpa = KERNEL_GPA + 0x101000,
        .general_params_gpa = KERNEL_GPA + 0x102000,
        .memory_map_gpa = KERNEL_GPA + 0x103000,
        .firmware_gpa = 0xFFC00000,
        .firmware_size = 0x400000,
        .guest_vmpl = 2,
        .service_count = 1,
        .services = {{.name = "tpm", .gpa = KERNEL_GPA + 0x200000, .size = 0x123456}},
    };
    return 0;
}

TEST_SETUP(good_parameters_have_no_mistake, valid_params)
{
    assert_null(params_mistake(&params));
}

TEST_SETUP(a_page_of_another_version_is_named, valid_params)
{
    params.version++;
    assert_non_null(params_mistake(&params));
}

TEST_SETUP(pages_outside_the_region_are_named, valid_params)
{
    params.secrets_gpa = 0x1000;
    assert_string_equal(params_mistake(&params), "a parameter page outside the region");
    valid_params(state);
    params.memory_map_gpa = KERNEL_GPA + params.region_size;
    assert_string_equal(params_mistake(&params), "a parameter page outside the region");
    valid_params(state);
    params.loaded_end_gpa = KERNEL_GPA + params.region_size + PAGE_SIZE;
    assert_string_equal(params_mistake(&params), "end of what is loaded");
}

TEST_SETUP(services_outside_the_region_or_without_a_name_are_named, valid_params)
{
    params.services[0].size = UINT64_MAX;
    assert_string_equal(params_mistake(&params), "services");
    valid_params(state);
    params.service_count = BOOT_SERVICES_MAX + 1;
    assert_string_equal(params_mistake(&params), "services");
    valid_params(state);
    memset(params.services[0].name, 'x', BOOT_SERVICE_NAME);
    assert_string_equal(params_mistake(&params), "services");
}

TEST_SETUP(the_guest_never_runs_at_vmpl_0, valid_params)
{
    params.guest_vmpl = 0;
    assert_string_equal(params_mistake(&params), "guest VMPL");
    params.guest_vmpl = VMPL_COUNT;
    assert_string_equal(params_mistake(&params), "guest VMPL");
}

TEST_SETUP(keys_of_the_kbs_that_contradict_themselves_are_named, valid_params)
{
    params.kbs =
        (struct boot_kbs){.flags = BOOT_KBS_REQUIRE_SIGNED, .pin_count = BOOT_KBS_PINS_MAX};
    assert_null(params_mistake(&params));
    params.kbs.pin_count++;
    assert_string_equal(params_mistake(&params), "keys of the KBS");
    params.kbs.pin_count = 0;
    assert_string_equal(params_mistake(&params), "keys of the KBS");
    params.kbs = (struct boot_kbs){.pin_count = 1};
    assert_string_equal(params_mistake(&params), "keys of the KBS");
    params.kbs = (struct boot_kbs){.flags = BOOT_KBS_REQUIRE_SIGNED | 1u << 31, .pin_count = 1};
    assert_string_equal(params_mistake(&params), "keys of the KBS");
}

TEST_SETUP(a_service_is_found_by_its_whole_name, valid_params)
{
    assert_ptr_equal(params_service(&params, "tpm"), &params.services[0]);
    assert_null(params_service(&params, "tp"));
    assert_null(params_service(&params, "tpm2"));
}
