/* SPDX-License-Identifier: MIT */
#include "tests/unit/svsm/fake/vm.h"

#include <elf.h>
#include <string.h>
#include <sys/syscall.h>

#include "lib/snp/exit_codes.h"
#include "svsm/arch/memory.h"
#include "svsm/console/log.h"
#include "svsm/guest/vmsa.h"
#include "svsm/mm/page_allocator.h"
#include "svsm/process/random.h"
#include "svsm/requests/loop.h"
#include "svsm/sev/rmp.h"
#include "svsm/sev/secrets.h"
#include "tests/unit/svsm/fake/machine.h"

struct fake_vm vm;

static void put_cpuid(void)
{
    struct cpuid_page *page = (struct cpuid_page *)fake_bytes(gpa(FAKE_CPUID_PAGE));

    *page = (struct cpuid_page){
        .count = 3,
        .entries = {{.eax_in = 1, .eax = 0xA00F11},
                    {.eax_in = 7, .ebx = 1u << 7 | 1u << 20, .ecx = 1u << 2},
                    {.eax_in = CPUID_MEMORY_ENCRYPTION, .ebx = 47}},
    };
}

static void put_secrets(void)
{
    struct secrets_page *page = (struct secrets_page *)fake_bytes(gpa(FAKE_SECRETS_PAGE));

    memset(page, 0, sizeof(*page));
    page->version = 3;
    for (unsigned key = 0; key < VMPCK_COUNT; key++)
        memset(page->vmpck[key], 0xA0 + (int)key, VMPCK_SIZE);
}

/* One page of code and one of data that continues in memory. */
static void put_program(void)
{
    struct {
        Elf64_Ehdr header;
        Elf64_Phdr segments[2];
    } file = {
        .header = {.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
                               EV_CURRENT},
                   .e_type = ET_EXEC,
                   .e_machine = EM_X86_64,
                   .e_version = EV_CURRENT,
                   .e_entry = 0x400100,
                   .e_phoff = sizeof(Elf64_Ehdr),
                   .e_ehsize = sizeof(Elf64_Ehdr),
                   .e_phentsize = sizeof(Elf64_Phdr),
                   .e_phnum = 2},
        .segments = {{.p_type = PT_LOAD,
                      .p_flags = PF_R | PF_X,
                      .p_vaddr = 0x400000,
                      .p_filesz = 0x1000,
                      .p_memsz = 0x1000},
                     {.p_type = PT_LOAD,
                      .p_flags = PF_R | PF_W,
                      .p_offset = 0x1000,
                      .p_vaddr = 0x401000,
                      .p_filesz = FAKE_SERVICE_SIZE - 0x1000,
                      .p_memsz = 0x3000}},
    };

    memcpy(fake_bytes(gpa(FAKE_SERVICE_ELF)), &file, sizeof(file));
}

static void put_map_entry(unsigned index, uint64_t start, uint64_t size)
{
    uint64_t entry[3] = {start / PAGE_SIZE, size / PAGE_SIZE, 0};

    memcpy(fake_bytes(gpa(FAKE_MAP_PAGE + index * sizeof(entry))), entry, sizeof(entry));
}

static void fill_params(struct boot_params *params)
{
    *params = (struct boot_params){
        .magic = BOOT_PARAMS_MAGIC,
        .version = BOOT_PARAMS_VERSION,
        .region_gpa = FAKE_REGION,
        .region_size = FAKE_REGION_SIZE,
        .loaded_end_gpa = FAKE_LOADED_END,
        .cpuid_gpa = FAKE_CPUID_PAGE,
        .secrets_gpa = FAKE_SECRETS_PAGE,
        .general_params_gpa = FAKE_GENERAL_PAGE,
        .memory_map_gpa = FAKE_MAP_PAGE,
        .firmware_gpa = FAKE_FIRMWARE,
        .firmware_size = FAKE_SPACE - FAKE_FIRMWARE,
        .reset_vector = 0xFFFFFFF0,
        .guest_vmpl = FAKE_VMPL,
        .console_port = FAKE_CONSOLE_PORT,
        .proxy_port = FAKE_PROXY_PORT,
        .service_count = 2,
        .section_count = 5,
        .services = {{.name = "attest", .gpa = FAKE_SERVICE_ELF, .size = FAKE_SERVICE_SIZE},
                     {.name = "tpm", .gpa = FAKE_SERVICE_ELF, .size = FAKE_SERVICE_SIZE}},
        .sections = {{.gpa = 0x800000, .size = 0x9000, .type = BOOT_SECTION_SEC_MEM},
                     {.gpa = 0x80D000, .size = PAGE_SIZE, .type = BOOT_SECTION_SECRETS},
                     {.gpa = 0x80E000, .size = PAGE_SIZE, .type = BOOT_SECTION_CPUID},
                     {.gpa = 0x80F000, .size = PAGE_SIZE, .type = BOOT_SECTION_SVSM_CAA},
                     {.gpa = 0x800100, .size = 0x100, .type = BOOT_SECTION_IGVM_MEMORY_MAP}},
    };
}

void vm_launch(void)
{
    memset(&vm, 0, sizeof(vm));
    fake_reset();
    for (uint64_t at = FAKE_REGION; at < FAKE_LOADED_END; at += PAGE_SIZE)
        fake_place(gpa(at), FAKE_VALIDATED);
    for (uint64_t at = FAKE_FIRMWARE; at < FAKE_SPACE; at += PAGE_SIZE)
        fake_place(gpa(at), FAKE_VALIDATED);
    put_cpuid();
    put_secrets();
    put_program();
    put_map_entry(0, 0, FAKE_RAM);
    fake_bytes(gpa(FAKE_GENERAL_PAGE))[0] = 1;
    fake_bytes(gpa(FAKE_GENERAL_PAGE))[4] = 1;
    fill_params(&vm.params);
    memcpy(fake_bytes(gpa(FAKE_PARAMS_PAGE)), &vm.params, sizeof(vm.params));
}

#define MUST(call)                                                                                 \
    do {                                                                                           \
        if ((call) != STATUS_OK)                                                                   \
            fake_end("fake: " #call);                                                              \
    } while (0)

void vm_start(void)
{
    vm_launch();
    cpu_local()->cpu = &vm.cpus[0];
    MUST(cpuid_init(&vm.cpus[0].cpuid, gpa_pointer(gpa(FAKE_CPUID_PAGE))));
    secrets_init(gpa(FAKE_SECRETS_PAGE));
    rmp_validate_own(gpa(FAKE_LOADED_END), FAKE_REGION + FAKE_REGION_SIZE - FAKE_LOADED_END);
    MUST(page_allocator_init(gpa(FAKE_LOADED_END), gpa(FAKE_REGION + FAKE_REGION_SIZE)));
    MUST(ghcb_init(&vm.cpus[0].link, gpa(FAKE_IMAGE_PAGE)));
    uart_init(&vm.console, FAKE_CONSOLE_PORT);
    uart_init(&vm.proxy, FAKE_PROXY_PORT);
    log_init(&vm.console);
    if (!clock_init(&vm.cpus[0].clock, &vm.cpus[0].link))
        fake_end("fake: clock");
    vm.kbs = (struct constant){.bytes = &vm.params.kbs, .size = sizeof(vm.params.kbs)};
}

void vm_give_guest(gpa_t page)
{
    fake_place(page, FAKE_VALIDATED);
    fake_page(page)->permissions[FAKE_VMPL] = RMP_ALL;
    memset(fake_bytes(page), 0, PAGE_SIZE);
}

void vm_start_guest(void)
{
    vm_start();
    guest_init(&vm.guest);
    vm.guest.vmpl = FAKE_VMPL;
    vm.guest.cpus = vm.cpus;
    vm.cpus[0].started = true;
    vm.guest.attest = &vm.attest;
    vm.guest.tpm = &vm.tpm;
    vm.guest.proxy = &vm.proxy;
    vm.attest.process.state = PROCESS_ENDED;
    vm.tpm.process.state = PROCESS_ENDED;
    vm.guest.ranges.memory = (struct memory_map){
        .count = 3,
        .ranges = {{0, FAKE_REGION},
                   {FAKE_REGION + FAKE_REGION_SIZE, FAKE_RAM - FAKE_REGION - FAKE_REGION_SIZE},
                   {FAKE_FIRMWARE, FAKE_SPACE - FAKE_FIRMWARE}}};
    vm.vmsa = page_allocate_for_vmsa();
    vmsa_reset(vm.vmsa, 0xFFFFFFF0, FAKE_VMPL, SEV_FEATURE_SNP_ACTIVE);
    if (rmp_adjust(direct_gpa(vm.vmsa), RMP_4K, FAKE_VMPL, RMP_READ, true) != RMP_DONE)
        fake_end("fake: VMSA");
    vm.guest.ranges.vcpus[0] = (struct guest_vcpu){.vmsa = direct_gpa(vm.vmsa),
                                                   .caa = gpa(FAKE_CAA),
                                                   .launch_caa = gpa(FAKE_CAA),
                                                   .in_use = true,
                                                   .current = true};
    vm_give_guest(gpa(FAKE_CAA));
}

static enum user_exit waits(struct user_registers *registers)
{
    registers->rax = SYS_poll; /* of nothing, for ever */
    registers->rdi = 0;
    registers->rsi = 0;
    registers->rdx = UINT32_MAX;
    return USER_EXIT_SYSCALL;
}

enum status vm_start_service(struct service *service)
{
    enum status status;

    fake.service = waits;

    memset(service, 0, sizeof(*service));
    status = service_create(service, &vm.params.services[0]);
    return status == STATUS_OK ? service_start(service) : status;
}

static _Thread_local sigjmp_buf call_served;

static void stop_after_call(void)
{
    siglongjmp(call_served, 1);
}

static struct guest_vcpu current_vcpu(unsigned index)
{
    const struct guest_vcpu *vcpu;
    struct guest_vcpu copy = {0};

    lock_read(&vm.guest.ranges.lock);
    vcpu = guest_current_vcpu(&vm.guest.ranges, vm.cpus[index].apic_id);
    if (vcpu)
        copy = *vcpu;
    lock_read_release(&vm.guest.ranges.lock);
    return copy;
}

struct vmsa *vm_vmsa(unsigned index)
{
    struct guest_vcpu vcpu = current_vcpu(index);

    return vcpu.in_use ? (struct vmsa *)fake_bytes(vcpu.vmsa) : NULL;
}

uint64_t vm_call_on(unsigned index, uint32_t protocol, uint32_t call, uint64_t rcx, uint64_t rdx,
                    uint64_t r8)
{
    struct vmsa *vmsa = vm_vmsa(index);

    vmsa->rax = (uint64_t)protocol << 32 | call;
    vmsa->rcx = rcx;
    vmsa->rdx = rdx;
    vmsa->r8 = r8;
    vmsa->guest_exitcode = SVM_EXIT_VMGEXIT;
    fake_bytes(current_vcpu(index).caa)[0] = 1;
    __atomic_store_n(&fake_host.guest, stop_after_call, __ATOMIC_RELEASE);
    if (sigsetjmp(call_served, 1) == 0)
        requests_run(&vm.guest, &vm.cpus[index]);
    fake_this()->ghcb_msr = vm.cpus[index].link.page.gpa.v;
    return vmsa->rax;
}

uint64_t vm_call(uint32_t protocol, uint32_t call, uint64_t rcx, uint64_t rdx, uint64_t r8)
{
    return vm_call_on(0, protocol, call, rcx, rdx, r8);
}

const char *vm_console(void)
{
    fake_host.console.bytes[fake_host.console.size < sizeof(fake_host.console.bytes)
                                ? fake_host.console.size
                                : sizeof(fake_host.console.bytes) - 1] = '\0';
    return (const char *)fake_host.console.bytes;
}

static struct {
    uint64_t number, arguments[4];
    bool made, returned;
    int64_t result;
} pending;

/* Makes the call, takes its result, and waits for a request for ever. */
static enum user_exit one_call(struct user_registers *registers)
{
    if (!pending.made) {
        pending.made = true;
        registers->rax = pending.number;
        registers->rdi = pending.arguments[0];
        registers->rsi = pending.arguments[1];
        registers->rdx = pending.arguments[2];
        registers->r10 = pending.arguments[3];
        return USER_EXIT_SYSCALL;
    }
    pending.returned = true;
    pending.result = (int64_t)registers->rax;
    return waits(registers);
}

int64_t vm_syscall(struct service *service, uint64_t number, uint64_t a, uint64_t b, uint64_t c,
                   uint64_t d)
{
    pending.number = number;
    pending.arguments[0] = a;
    pending.arguments[1] = b;
    pending.arguments[2] = c;
    pending.arguments[3] = d;
    pending.made = false;
    pending.returned = false;
    fake.service = one_call;
    if (service->process.state == PROCESS_WAITING)
        service->process.state = PROCESS_READY;
    return process_run(&service->process) == STATUS_OK && pending.returned ? pending.result
                                                                           : INT64_MIN;
}

#define PROGRAM_BUFFER 0x401000ull /* the program's data */

static vm_handler *handler_that_serves;

static struct address_space *space_that_runs(void)
{
    static _Thread_local struct address_space space;

    space.root = (uint64_t *)fake_this()->root;
    return &space;
}

/* One turn: a request came, so answer it; an answer was taken, so read again. */
static enum user_exit answers(struct user_registers *registers)
{
    static _Thread_local uint8_t request[CHANNEL_MESSAGE_MAX], response[CHANNEL_MESSAGE_MAX + 1];
    size_t size = 0;

    if (registers->r12 == 0) { /* not started */
        registers->r12 = 1;
    } else if (registers->r12 == 1) {
        if ((int64_t)registers->rax <= 0 ||
            user_read(space_that_runs(), request, (uva_t){PROGRAM_BUFFER}, registers->rax) !=
                STATUS_OK)
            return USER_EXIT_FAULT;
        size = handler_that_serves(request, registers->rax, response);
        if (size == 0 ||
            user_write(space_that_runs(), (uva_t){PROGRAM_BUFFER}, response, size) != STATUS_OK)
            return USER_EXIT_FAULT;
        registers->r12 = 2;
    } else {
        registers->r12 = 1;
    }
    registers->rax = registers->r12 == 1 ? 0 : 1; /* read, write */
    registers->rdi = CHANNEL_FD;
    registers->rsi = PROGRAM_BUFFER;
    registers->rdx = registers->r12 == 1 ? CHANNEL_MESSAGE_MAX : size;
    return USER_EXIT_SYSCALL;
}

void vm_serve(vm_handler *handler)
{
    handler_that_serves = handler;
    fake.service = answers;
}
