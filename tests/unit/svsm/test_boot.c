/* SPDX-License-Identifier: MIT */
/*
 * main.c from its first line to the guest's, on the fake: what a hostile host can change before the
 * guest runs, and what the guest finds. Each start is a process of its own, since a kernel starts
 * once.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/abi/attest_service.h"
#include "lib/abi/tpm_service.h"
#include "lib/base/bytes.h"
#include "lib/snp/cpuid_page.h"
#include "lib/snp/exit_codes.h"
#include "lib/snp/secrets_page.h"
#include "svsm/arch/cpu.h"
#include "svsm/arch/paging.h"
#include "svsm/arch/usermode.h"
#include "svsm/trap/traps.h"
#include "tests/unit/child.h"
#include "tests/unit/registered.h"
#include "tests/unit/svsm/fake/vm.h"

#define SECRETS 0x80D000ull
#define CPUID   0x80E000ull
#define MAP     0x800100ull

_Noreturn void kernel_main(uint32_t params_gpa);

void traps_init(void)
{
}

void traps_load(void)
{
}

void paging_init(unsigned c_bit)
{
    assert_int_equal(c_bit, 47);
}

void usermode_init(void)
{
}

static uint32_t fetch_status;

/* Both services: a key, an opened state. */
static size_t serves(const uint8_t *request, size_t size, uint8_t *response)
{
    (void)size;
    put_le32(response, get_le32(request) == ATTEST_FETCH_KEY ? fetch_status : 0);
    put_le32(response + 4, SERVICE_STATE_OPENED);
    return 8;
}

static struct boot_params *params(void)
{
    return (struct boot_params *)fake_bytes(gpa(FAKE_PARAMS_PAGE));
}

/* Starts with what prepare() changed; check() looks at the VM afterwards. */
static const char *boot(void (*prepare)(void), void (*check)(void))
{
    static char *said;
    pid_t child;
    int status;

    if (!said)
        said = mmap(NULL, sizeof(fake.text), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
                    0);
    fflush(stdout);
    child = child_fork();
    if (child == 0) {
        vm_launch();
        vm_serve(serves);
        fetch_status = 0;
        if (prepare)
            prepare();
        snprintf(said, sizeof(fake.text), "%s", ENDS(kernel_main(FAKE_PARAMS_PAGE)));
        if (check)
            check();
        exit(0); /* and not _exit(), which loses the coverage */
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    return said;
}

/* In the child: assertions of cmocka need a test that runs there. */
#define HOLDS(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                        \
            _exit(1);                                                                              \
        }                                                                                          \
    } while (0)

static void the_guest_has_what_it_needs(void)
{
    const struct secrets_page *secrets = (struct secrets_page *)fake_bytes(gpa(SECRETS));
    const struct secrets_page *own = (struct secrets_page *)fake_bytes(gpa(FAKE_SECRETS_PAGE));
    const struct cpuid_page *cpuid = (struct cpuid_page *)fake_bytes(gpa(CPUID));
    const uint8_t *map = fake_bytes(gpa(MAP));
    static const uint8_t zeros[VMPCK_SIZE];
    uint8_t key[VMPCK_SIZE];

    HOLDS(fake_host.created.vmpl == FAKE_VMPL);
    HOLDS(fake_page(fake_host.created.vmsa)->vmsa);
    HOLDS(fake_host.created.vmsa.v % LARGE_PAGE_SIZE != 0);
    HOLDS(memcmp(secrets->vmpck[0], zeros, VMPCK_SIZE) == 0);
    HOLDS(memcmp(secrets->vmpck[1], zeros, VMPCK_SIZE) == 0);
    HOLDS(secrets->vmpck[2][0] == 0xA2 && secrets->vmpck[3][31] == 0xA3);
    HOLDS(secrets->svsm_base == FAKE_REGION && secrets->svsm_size == FAKE_REGION_SIZE);
    HOLDS(secrets->svsm_guest_vmpl == FAKE_VMPL);
    HOLDS(cpuid->count == 3);
    HOLDS(get_le64(map) == 0 && get_le64(map + 8) == FAKE_REGION / PAGE_SIZE);
    HOLDS(get_le64(map + 24) == (FAKE_REGION + FAKE_REGION_SIZE) / PAGE_SIZE);
    HOLDS(!fake_region_is_granted());
    HOLDS(own->vmpck[2][0] == 0 && own->vmpck[1][0] == 0);
    memset(key, 0xA0, sizeof(key));
    HOLDS(!fake_leaks(key, sizeof(key)));
    memset(key, 0xA1, sizeof(key));
    HOLDS(!fake_leaks(key, sizeof(key)));
    HOLDS((fake.cr4 & (CR4_SMEP | CR4_SMAP | CR4_UMIP)) == (CR4_SMEP | CR4_SMAP | CR4_UMIP));
    HOLDS(strstr(vm_console(), "starting the guest at VMPL 2") != NULL);
    HOLDS(strstr(vm_console(), "state opened") != NULL);
    for (uint64_t at = FAKE_FIRMWARE; at < FAKE_SPACE; at += PAGE_SIZE)
        HOLDS(fake_page(gpa(at))->permissions[FAKE_VMPL] == RMP_ALL);
}

TEST(an_honest_host_gets_to_the_guest)
{
    assert_string_equal(boot(NULL, the_guest_has_what_it_needs), "the guest runs");
}

static void sections_hold_old_bytes(void)
{
    fake_bytes(gpa(FAKE_GENERAL_PAGE))[4] = 0; /* memory is private already */
    for (uint64_t at = 0x800000; at < 0x810000; at += PAGE_SIZE) {
        fake_place(gpa(at), FAKE_ASSIGNED);
        memset(fake_bytes(gpa(at)), 0x77, PAGE_SIZE);
    }
}

static void sections_are_clean(void)
{
    uint8_t old[16];

    memset(old, 0x77, sizeof(old));
    HOLDS(!fake_leaks(old, sizeof(old)));
    HOLDS(fake_page(gpa(0x800000))->permissions[FAKE_VMPL] == RMP_ALL);
}

TEST(what_the_host_left_in_the_firmwares_sections_is_cleared)
{
    assert_string_equal(boot(sections_hold_old_bytes, sections_are_clean), "the guest runs");
}

static void without_snp(void)
{
    fake.sev_status = 3;
}
static void without_vmpls(void)
{
    fake_host.features = GHCB_HV_FEATURE_SNP;
}
static void injection_is_offered(void)
{
    fake_host.features |= GHCB_HV_FEATURE_RESTRICTED_INJECTION;
}
static void injection_is_offered_and_on(void)
{
    injection_is_offered();
    fake.sev_status |= SEV_FEATURE_RESTRICTED_INJECTION << SEV_STATUS_FEATURES_SHIFT;
}
static void without_a_disk(void)
{
    fake_host.device_id = 0;
}
static void with_a_legacy_disk(void)
{
    fake_host.disk_features = 0;
}
static void without_flush(void)
{
    fake_host.disk_features = 1ull << 32;
}
static void the_kbs_refuses(void)
{
    fetch_status = ATTEST_STATUS_KBS_REFUSED;
}
static void without_smap(void)
{
    ((struct cpuid_page *)fake_bytes(gpa(FAKE_CPUID_PAGE)))->entries[1].ebx = 1u << 7;
}
static void without_smep(void)
{
    ((struct cpuid_page *)fake_bytes(gpa(FAKE_CPUID_PAGE)))->entries[1].ebx = 1u << 20;
}
static void with_too_many_leaves(void)
{
    ((struct cpuid_page *)fake_bytes(gpa(FAKE_CPUID_PAGE)))->count = 65;
}
static void rdrand_is_stuck(void)
{
    fake.rdrand_sticks = true;
}
static void the_timer_lies(void)
{
    fake_host.timer_runs = false;
}
static void says_assumed(void)
{
    HOLDS(strstr(vm_console(), "assuming a TSC of 2000 MHz") != NULL);
}

TEST(what_is_missing_ends_the_vm_with_its_name)
{
    assert_string_equal(boot(without_snp, NULL), "terminate 2");
    assert_string_equal(boot(with_too_many_leaves, NULL), "terminate 0");
    assert_string_equal(boot(without_vmpls, NULL),
                        "the host does not support an SVSM (SNP and multiple VMPLs): features 1");
    assert_string_equal(boot(without_smap, NULL),
                        "the CPUID page lacks SMEP or SMAP: leaf 7 EBX 80");
    assert_string_equal(boot(without_smep, NULL),
                        "the CPUID page lacks SMEP or SMAP: leaf 7 EBX 100000");
    assert_string_equal(boot(rdrand_is_stuck, NULL), "RDRAND is stuck");
    assert_string_equal(
        boot(without_a_disk, NULL),
        "there is no state volume: give the VM a virtio-blk device in an SVSM slot");
    assert_string_equal(boot(with_a_legacy_disk, NULL),
                        "the state volume is unusable: not supported");
    assert_string_equal(boot(the_kbs_refuses, NULL),
                        "attest: the KBS refused: no attestation, no state");
    assert_string_equal(boot(without_flush, NULL), "the guest runs");
    assert_string_equal(boot(the_timer_lies, says_assumed), "the guest runs");
}

TEST(restricted_injection_is_required_where_it_is_offered)
{
    assert_string_equal(
        boot(injection_is_offered, NULL),
        "the host offers restricted injection and the launch image does not ask for "
        "it: build it with bit 3 in --sev-features, as by default");
    assert_string_equal(boot(injection_is_offered_and_on, NULL), "the guest runs");
}

static void map_entry(unsigned index, uint64_t start, uint64_t size, uint16_t type)
{
    uint8_t *entry = fake_bytes(gpa(FAKE_MAP_PAGE + index * 24));

    put_le64(entry, start / PAGE_SIZE);
    put_le64(entry + 8, size / PAGE_SIZE);
    put_le16(entry + 16, type);
}
static void the_map_overlaps(void)
{
    map_entry(1, FAKE_RAM - PAGE_SIZE, PAGE_SIZE * 2, 0);
}
static void the_map_is_small(void)
{
    map_entry(0, 0, FAKE_REGION + PAGE_SIZE, 0);
}
static void the_map_lacks_the_sections(void)
{
    map_entry(0, FAKE_REGION, FAKE_RAM - FAKE_REGION, 0);
}
static void the_map_covers_the_firmware(void)
{
    map_entry(0, 0, FAKE_SPACE, 0);
}
static void the_map_has_many_ranges(void)
{
    for (unsigned i = 0; i < 10; i++)
        map_entry(i, i == 0 ? 0 : FAKE_RAM + i * 0x10000, i == 0 ? FAKE_RAM : PAGE_SIZE, 0);
}
static uint8_t vcpus;

static void many_vcpus(void)
{
    fake_bytes(gpa(FAKE_GENERAL_PAGE))[0] = vcpus;
    params()->sections[5] =
        (struct boot_section){.gpa = MAP + 192, .size = 4, .type = BOOT_SECTION_IGVM_VP_COUNT};
    params()->section_count = 6;
}
static void told_the_bound(void)
{
    HOLDS(get_le32(fake_bytes(gpa(MAP + 192))) == (vcpus == 0 ? 1 : vcpus > 8 ? 8 : vcpus));
    HOLDS((strstr(vm_console(), "the guest is told of") != NULL) == (vcpus == 0 || vcpus > 8));
}

TEST(a_memory_map_that_lies_gets_nothing)
{
    assert_string_equal(boot(the_map_overlaps, NULL),
                        "the host's memory map is unusable: malformed");
    assert_string_equal(
        boot(the_map_is_small, NULL),
        "the VM's memory is too small: the SVSM needs 8000000..8800000; give the VM more");
    assert_string_equal(boot(the_map_lacks_the_sections, NULL),
                        "the firmware's section at 800000 is not guest memory: check the VM's "
                        "memory size");
    assert_string_equal(boot(the_map_has_many_ranges, NULL),
                        "the memory map has more than 7 ranges");
    assert_string_equal(boot(the_map_covers_the_firmware, NULL), "the guest runs");
}

TEST(a_lie_in_the_number_of_vcpus_changes_nothing_but_what_the_firmware_is_told)
{
    static const uint8_t numbers[] = {0, 1, 2, 8, 9, 255};

    for (size_t i = 0; i < sizeof(numbers); i++) {
        vcpus = numbers[i];
        assert_string_equal(boot(many_vcpus, told_the_bound), "the guest runs");
    }
}

static void no_parameters(void)
{
    params()->magic = 0;
}
static void a_section_in_the_svsm(void)
{
    params()->sections[0].gpa = FAKE_REGION;
}
static void a_section_that_wraps(void)
{
    params()->sections[0].gpa = UINT64_MAX - 5;
}
static void no_calling_area(void)
{
    params()->sections[3].type = BOOT_SECTION_SEC_MEM;
}
static void no_memory_map(void)
{
    params()->sections[4].type = 0x999;
}
static void no_secrets(void)
{
    params()->sections[1].type = BOOT_SECTION_SEC_MEM;
}
static void no_cpuid(void)
{
    params()->sections[2].type = BOOT_SECTION_SEC_MEM;
}
static void no_tpm(void)
{
    params()->services[1].name[0] = 'x';
}
static void a_map_place_in_the_svsm(void)
{
    params()->sections[4].gpa = FAKE_REGION;
}

TEST(a_launch_image_with_a_mistake_names_it)
{
    assert_string_equal(boot(no_parameters, NULL),
                        "the launch image is wrong: no parameter page of this version");
    assert_string_equal(boot(a_section_in_the_svsm, NULL),
                        "the firmware's section at 8000000 is not guest memory: check the VM's "
                        "memory size");
    assert_string_equal(boot(a_section_that_wraps, NULL),
                        "the launch image's section list is malformed");
    assert_string_equal(boot(no_calling_area, NULL),
                        "the firmware has no calling area: it knows nothing of an SVSM");
    assert_string_equal(boot(no_memory_map, NULL),
                        "the firmware takes no memory map: it would use the SVSM's memory");
    assert_string_equal(boot(no_secrets, NULL), "the firmware has no place for the secrets page");
    assert_string_equal(boot(no_cpuid, NULL), "the firmware has no place for the CPUID page");
    assert_string_equal(boot(no_tpm, NULL), "the launch image has no service tpm");
    assert_string_equal(boot(a_map_place_in_the_svsm, NULL),
                        "the firmware's section at 8000000 is not guest memory");
}

static uint64_t event_refused;

static void refuses_an_event(void)
{
    bool refused = (fake_this()->ghcb_msr & GHCB_MSR_INFO_MASK) == 0 &&
                   fake_ghcb()->sw_exitcode == event_refused;

    fake_host_answer();
    if (refused)
        fake_ghcb()->sw_exitinfo1 = GHCB_RESULT_EXCEPTION;
}
static void no_vcpu(void)
{
    event_refused = GHCB_EXIT_AP_CREATION;
    fake.host = refuses_an_event;
}
static void no_private_pages(void)
{
    event_refused = GHCB_EXIT_PSC;
    fake.host = refuses_an_event;
}
static void validated_firmware_twice(void)
{
    fake_place(gpa(0x802000), FAKE_VALIDATED);
    fake_bytes(gpa(FAKE_GENERAL_PAGE))[4] = 0;
    for (uint64_t at = 0x800000; at < 0x810000; at += PAGE_SIZE) {
        if (fake_page(gpa(at))->owner == FAKE_HOSTS)
            fake_place(gpa(at), FAKE_ASSIGNED);
    }
}
static void firmware_taken_away(void)
{
    fake_give(gpa(FAKE_FIRMWARE), FAKE_HOSTS);
}
static void region_shared(void)
{
    fake_give(gpa(FAKE_LOADED_END), FAKE_HOSTS);
}

TEST(a_host_that_refuses_or_replaces_pages_is_named)
{
    assert_string_equal(boot(no_vcpu, NULL), "the host refuses the guest's vCPU at VMPL 2");
    assert_string_equal(boot(no_private_pages, NULL),
                        "the host does not make the page at 800000 private");
    assert_string_equal(boot(validated_firmware_twice, NULL),
                        "attack: page 802000 was validated already");
    assert_string_equal(boot(firmware_taken_away, NULL),
                        "cannot grant page ffff0000 to VMPL 2: it faulted");
    assert_string_equal(boot(region_shared, NULL), "cannot validate page 8040000: it faulted");
}
