/* SPDX-License-Identifier: MIT */
/*
 * The SVSM: a kernel at VMPL0 that holds a confidential VM's TPM.
 *
 * Read this file first: it is the whole course of events. The parts are
 *   arch/      CPU: entry, exceptions, ring 3      sev/       SNP: GHCB, RMP, CPUID, secrets
 *   mm/        pages, page tables, address spaces  console/   log, UART, panic
 *   params/    what the launch and the host said   guest/     the guest's memory and first state
 *   requests/  the calls of the guest              process/   services and their system calls
 *   virtio/    the state volume                    base/      strings, status codes
 *
 * Interrupts are off for ever. The first vCPU does all that is done once; others start when the
 * guest creates theirs, and only serve it (requests/processors.h). Everything the host or the guest
 * says is checked where it enters; what they can only do with ill intent ends the VM by panic(),
 * which says so.
 */
#include "lib/freestanding/string.h"
#include "svsm/arch/cpu.h"
#include "svsm/arch/memory.h"
#include "svsm/arch/paging.h"
#include "svsm/arch/usermode.h"
#include "svsm/base/panic.h"
#include "svsm/console/log.h"
#include "svsm/guest/prepare.h"
#include "svsm/mm/direct_map.h"
#include "svsm/mm/page_allocator.h"
#include "svsm/params/host_params.h"
#include "svsm/params/params.h"
#include "svsm/process/attest_service.h"
#include "svsm/process/cpu.h"
#include "svsm/process/random.h"
#include "svsm/process/tpm_service.h"
#include "svsm/requests/loop.h"
#include "svsm/sev/msr_protocol.h"
#include "svsm/sev/rmp.h"
#include "svsm/sev/secrets.h"
#include "svsm/sev/sev_status.h"
#include "svsm/trap/traps.h"

static_assert(offsetof(struct boot_params, cpuid_gpa) == 0x20, "entry.S");

#define HOST_FEATURES_NEEDED (GHCB_HV_FEATURE_SNP | GHCB_HV_FEATURE_MULTI_VMPL)
#define LEAF_EXTENDED        0x7u
#define EXTENDED_EBX_SMEP    (1u << 7)
#define EXTENDED_EBX_SMAP    (1u << 20)
#define EXTENDED_ECX_UMIP    (1u << 2)

_Noreturn void kernel_main(uint32_t params_gpa);

static uint8_t ghcb_page[PAGE_SIZE] __attribute__((aligned(4096)));
static struct cpu cpus[CPUS_MAX];
static struct uart console, proxy;
static struct boot_params params;
static struct host_params host;
static struct guest guest;
static struct service attest, tpm;
static struct block_device volume;
static struct amd_sp amd_sp;
static struct key_relay state_key;
static struct constant kbs = {.bytes = &params.kbs, .size = sizeof(params.kbs)};

/* Milliseconds since the clock was measured. */
static unsigned long milliseconds(void)
{
    return clock_now(&cpus[0].clock) / (NANOSECONDS / 1000);
}

/* Up to the console: whatever fails here ends the VM without words. */
static void start_cpu(uint32_t params_gpa)
{
    const struct boot_params *launch = gpa_pointer(gpa(params_gpa));

    memcpy(&params, launch, sizeof(params));
    if (cpuid_init(&cpus[0].cpuid, gpa_pointer(gpa(params.cpuid_gpa))) != STATUS_OK)
        msr_protocol_terminate(TERMINATE_GENERAL);
    cpu_local()->cpu = &cpus[0];
    traps_init();
    paging_init(cpuid_read(&cpus[0].cpuid, CPUID_MEMORY_ENCRYPTION, 0).ebx &
                CPUID_ME_EBX_CBIT_MASK);
    sev_status_check();
    msr_protocol_negotiate();
    if (ghcb_init(&cpus[0].link, image_gpa(ghcb_page)) != STATUS_OK)
        msr_protocol_terminate(TERMINATE_GENERAL);
    uart_init(&console, params.console_port);
    log_init(&console);
    log_info("SVSM " SVSM_VERSION);
}

static void check_launch(void)
{
    const char *mistake = params_mistake(&params);
    uint64_t features = 0;

    if (mistake)
        panic("the launch image is wrong: %s", mistake);
    secrets_init(gpa(params.secrets_gpa));
    if (msr_protocol_host_features(&features) != STATUS_OK ||
        (features & HOST_FEATURES_NEEDED) != HOST_FEATURES_NEEDED)
        panic("the host does not support an SVSM (SNP and multiple VMPLs): features %lx", features);
    if ((features & GHCB_HV_FEATURE_RESTRICTED_INJECTION) && !sev_status_restricts_injection())
        panic("the host offers restricted injection and the launch image does not ask for it: "
              "build it with bit 3 in --sev-features, as by default");
    host_params_read(&host, &params);
}

/*
 * The kernel never touches the services' own mappings, so SMAP costs nothing. The host may have
 * bits taken out of the CPUID page; every processor with SNP has both.
 */
static void harden(void)
{
    struct cpuid_registers features = cpuid_read(&cpus[0].cpuid, LEAF_EXTENDED, 0);
    uint32_t required = EXTENDED_EBX_SMEP | EXTENDED_EBX_SMAP;

    if ((features.ebx & required) != required)
        panic("the CPUID page lacks SMEP or SMAP: leaf 7 EBX %x", features.ebx);
    cr4_write(cr4_read() | CR4_SMEP | CR4_SMAP | (features.ecx & EXTENDED_ECX_UMIP ? CR4_UMIP : 0));
}

static void start_memory(void)
{
    gpa_t end = gpa(params.region_gpa + params.region_size);

    rmp_validate_own(gpa(params.loaded_end_gpa), end.v - params.loaded_end_gpa);
    if (page_allocator_init(gpa(params.loaded_end_gpa), end) != STATUS_OK ||
        direct_map_extend(memory_map_end(&host.memory)) != STATUS_OK)
        panic("the SVSM's region is too small for a VM of this size");
}

static const struct boot_service *image_of(const char *name)
{
    const struct boot_service *image = params_service(&params, name);

    if (!image)
        panic("the launch image has no service %s", name);
    return image;
}

static void open_volume(void)
{
    enum status status = block_init(&volume, &cpus[0].clock);

    if (status == STATUS_NO_DEVICE)
        panic("there is no state volume: give the VM a virtio-blk device in an SVSM slot");
    if (status != STATUS_OK)
        panic("the state volume is unusable: %s", status_text(status));
    if (!volume.can_flush)
        log_warning("the state volume cannot flush: a power cut may lose what was acknowledged");
    log_info("state volume: %lu KiB", volume.size / 1024);
}

static void start_services(void)
{
    enum status status;

    uart_init(&proxy, params.proxy_port);
    status = attest_service_start(&attest, image_of("attest"), &proxy, &amd_sp, &state_key, &kbs);
    if (status != STATUS_OK)
        panic("cannot start service attest: %s", status_text(status));
    attest_service_fetch_key(&attest);
    log_info("state key released by the KBS at %lu ms", milliseconds());

    status = tpm_service_start(&tpm, image_of("tpm"), &volume, &state_key);
    if (status != STATUS_OK)
        panic("cannot start service tpm: %s", status_text(status));
    /* The guest, and any answer of the TPM, comes after the KBS's confirmation, if it is due. */
    if (tpm_service_open(&tpm, &attest, params.pcr_banks))
        log_info("the TPM's state was confirmed by the KBS at %lu ms", milliseconds());
    wipe(&state_key, sizeof(state_key));
    uart_quiet(&proxy);
}

/* RAM but the SVSM's region, and the firmware, which is not part of RAM. */
static void set_guest_memory(void)
{
    guest.ranges.memory = host.memory;
    if (memory_map_remove(&guest.ranges.memory, params.region_gpa, params.region_size) !=
            STATUS_OK ||
        memory_map_remove(&guest.ranges.memory, params.firmware_gpa, params.firmware_size) !=
            STATUS_OK ||
        memory_map_add(&guest.ranges.memory, params.firmware_gpa, params.firmware_size) !=
            STATUS_OK)
        panic("the memory map has too many ranges");
}

/* Another vCPU's way in: CR4, and with it SMEP and SMAP, is that of the vCPU that started it. */
static _Noreturn void enter(void *argument)
{
    struct cpu *own = argument;

    traps_load();
    fpu_init(&own->fpu, &own->cpuid);
    usermode_init();
    if (ghcb_use(&own->link) != STATUS_OK)
        msr_protocol_terminate(TERMINATE_GENERAL);
    log_info("vCPU %u, APIC ID %x, at %lu ms", own->index, own->apic_id, milliseconds());
    requests_run(&guest, own);
}

void kernel_main(uint32_t params_gpa)
{
    start_cpu(params_gpa);
    check_launch();
    harden();
    fpu_init(&cpus[0].fpu, &cpus[0].cpuid);
    random_init();
    usermode_init();
    if (!clock_init(&cpus[0].clock, &cpus[0].link))
        log_warning("the host's timer is unusable; assuming a TSC of %lu MHz",
                    cpus[0].clock.hz / 1000000);
    start_memory();
    open_volume();
    start_services();
    log_info("%lu KiB free", page_free_count() * (PAGE_SIZE / 1024));

    guest_init(&guest);
    guest.vmpl = params.guest_vmpl;
    guest.cpus = cpus;
    guest.enter = enter;
    cpus[0].started = true;
    guest.attest = &attest;
    guest.tpm = &tpm;
    guest.proxy = &proxy;
    set_guest_memory();
    guest_prepare(&guest.ranges, &cpus[0].link, &cpus[0].cpuid, &params, &host);
    secrets_wipe();
    log_info("starting the guest at VMPL %u, at %lu ms", guest.vmpl, milliseconds());
    requests_run(&guest, &cpus[0]);
}
