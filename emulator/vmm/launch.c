/* SPDX-License-Identifier: MIT */
#include "emulator/vmm/launch.h"

#include "emulator/cpu/rmp.h"
#include "emulator/platform/cpus.h"
#include "emulator/platform/memory.h"
#include "emulator/vmm/cpuid_table.h"
#include "emulator/vmm/machine_tables.h"
#include "emulator/vmm/processors.h"
#include "emulator/vmm/sp_client.h"
#include "lib/base/writer.h"
#include "lib/igvm/boot_state.h"
#include "lib/igvm/igvm_reader.h"
#include "lib/snp/report.h"

/* Parameter areas are one page each in every known image; larger ones are refused. */
struct parameter_area {
    uint32_t index;
    uint8_t *page;
};

struct launch {
    struct vcpu *cpu;
    const struct igvm_file *file;
    uint32_t platform;
    uint64_t policy;
    struct parameter_area areas[IGVM_PARAMETER_AREAS_MAX];
    size_t area_count;
    const uint8_t *vmsa; /* file data of the boot processor's VP_CONTEXT */
    /* A run of pages not yet handed to the AMD-SP. */
    enum snp_page_type run_type;
    gpa_t run_start;
    hpa_t run_backing;
    size_t run_pages;
};

static void end_run(struct launch *l)
{
    if (l->run_pages)
        sp_launch_update(l->run_type, l->run_start.v, l->run_backing, l->run_pages);
    l->run_pages = 0;
}

/* Gives one page to the guest and to the measurement; returns where its contents belong. */
static void *launch_page(struct launch *l, gpa_t address, enum snp_page_type type)
{
    hpa_t backing = hpa(0);

    if (!guest_memory_find(address, &backing))
        die(HOST_EXIT_LAUNCH_FAILED, "IGVM: no memory at gpa %lx", address.v);
    if (rmp_find(address)->flags & RMP_VALIDATED)
        die(HOST_EXIT_LAUNCH_FAILED, "IGVM: gpa %lx is loaded twice", address.v);
    rmp_launch(address, type);
    if (!l->run_pages || l->run_type != type ||
        l->run_start.v + l->run_pages * PAGE_SIZE != address.v ||
        l->run_backing.pa + l->run_pages * PAGE_SIZE != backing.pa) {
        end_run(l);
        l->run_type = type;
        l->run_start = address;
        l->run_backing = backing;
    }
    l->run_pages++;
    return host_ptr(backing);
}

static void load_page_data(struct launch *l, const struct igvm_header *header)
{
    const struct igvm_page_data *page = &header->page_data;
    enum snp_page_type type = SNP_PAGE_NORMAL;
    void *to;

    if (page->flags & IGVM_PAGE_SHARED)
        die(HOST_EXIT_LAUNCH_FAILED, "IGVM: this platform loads no shared pages, such as gpa %lx",
            page->gpa);
    if (page->data_type == IGVM_PAGE_SECRETS)
        type = SNP_PAGE_SECRETS;
    else if (page->data_type != IGVM_PAGE_NORMAL)
        type = SNP_PAGE_CPUID;
    else if (page->flags & IGVM_PAGE_UNMEASURED)
        type = SNP_PAGE_UNMEASURED;
    to = launch_page(l, gpa(page->gpa), type);
    if (type == SNP_PAGE_CPUID)
        cpuid_table_fill(to);
    else if (header->data)
        memcpy(to, header->data, PAGE_SIZE);
    else
        memset(to, 0, PAGE_SIZE);
}

static struct parameter_area *find_area(struct launch *l, uint32_t index)
{
    for (size_t i = 0; i < l->area_count; i++)
        if (l->areas[i].index == index)
            return &l->areas[i];
    die(HOST_EXIT_LAUNCH_FAILED, "IGVM: parameter area %u is not declared", index);
}

static void declare_area(struct launch *l, const struct igvm_parameter_area *area)
{
    uint8_t *page;

    if (area->number_of_bytes != PAGE_SIZE)
        die(HOST_EXIT_LAUNCH_FAILED, "IGVM: parameter area %u is not one page",
            area->parameter_area_index);
    page = host_ptr(pool_page());
    memset(page, 0, PAGE_SIZE);
    l->areas[l->area_count++] = (struct parameter_area){area->parameter_area_index, page};
}

/* As QEMU does: from the area's start, whatever the byte offset says. */
static void write_memory_map(uint8_t *page)
{
    struct writer w = writer_over(page, PAGE_SIZE);
    size_t count;
    const struct guest_ram_region *regions = guest_memory_regions(&count);
    bool fits = true;

    for (size_t i = 0; i < count;) {
        uint64_t start = regions[i].start.v, size = 0;

        if (!regions[i].in_memory_map) {
            i++;
            continue;
        }
        for (; i < count && regions[i].in_memory_map && regions[i].start.v == start + size; i++)
            size += regions[i].size;
        fits = fits && writer_le64(&w, start / PAGE_SIZE) && writer_le64(&w, size / PAGE_SIZE) &&
               writer_le16(&w, IGVM_MEMORY) && writer_zeros(&w, 6);
    }
    if (!fits)
        die(HOST_EXIT_INTERNAL, "the memory map does not fit its page");
}

static void fill_parameter(struct launch *l, const struct igvm_header *header)
{
    uint8_t *page = find_area(l, header->parameter.parameter_area_index)->page;
    struct writer at = writer_over(page, PAGE_SIZE);
    uint8_t *before;
    bool fits = writer_reserve(&at, &before, header->parameter.byte_offset);

    switch (header->type) {
    case IGVM_MEMORY_MAP:
        write_memory_map(page);
        break;
    case IGVM_VP_COUNT_PARAMETER:
        fits = fits && writer_le32(&at, host_cpu_count());
        break;
    case IGVM_ENVIRONMENT_INFO_PARAMETER:
        fits = fits && writer_le32(&at, IGVM_ENVIRONMENT_MEMORY_IS_SHARED);
        break;
    case IGVM_MADT:
        fits = fits && machine_madt(&at);
        break;
    case IGVM_DEVICE_TREE:
        fits = fits && machine_device_tree(&at);
        break;
    default:
        die(HOST_EXIT_LAUNCH_FAILED, "IGVM: this platform has no parameter of type %x",
            header->type);
    }
    if (!fits)
        die(HOST_EXIT_LAUNCH_FAILED, "IGVM: parameter of type %x outside its area", header->type);
}

static void require_memory(const struct igvm_required_memory *memory)
{
    uint64_t end = memory->gpa + memory->number_of_bytes;

    for (uint64_t at = memory->gpa; at < end;) {
        bool large = !(at & ~LARGE_PAGE_MASK) && end - at >= LARGE_PAGE_SIZE;

        if (!rmp_assign(gpa(at), large))
            die(HOST_EXIT_LAUNCH_FAILED, "IGVM: no memory at gpa %lx", at);
        at += large ? LARGE_PAGE_SIZE : PAGE_SIZE;
    }
}

/* Memory first, all of it: the backing of adjacent pages is then adjacent too. */
static void back_memory(struct launch *l, const struct igvm_header *header)
{
    (void)l;
    if (header->type == IGVM_REQUIRED_MEMORY)
        guest_memory_back(gpa(header->required_memory.gpa),
                          header->required_memory.number_of_bytes);
    else if (header->type == IGVM_PARAMETER_INSERT)
        guest_memory_back(gpa(header->parameter_insert.gpa), header->insert_size);
    else if (header->type == IGVM_PAGE_DATA)
        guest_memory_back(gpa(header->page_data.gpa), PAGE_SIZE);
    else if (header->type == IGVM_VP_CONTEXT)
        guest_memory_back(gpa(header->vp_context.gpa), PAGE_SIZE);
}

static void handle_directive(struct launch *l, const struct igvm_header *header)
{
    switch (header->type) {
    case IGVM_SUPPORTED_PLATFORM:
    case IGVM_GUEST_POLICY:
        break; /* read before */
    case IGVM_REQUIRED_MEMORY:
        require_memory(&header->required_memory);
        break;
    case IGVM_PARAMETER_AREA:
        declare_area(l, &header->parameter_area);
        break;
    case IGVM_PARAMETER_INSERT:
        memcpy(launch_page(l, gpa(header->parameter_insert.gpa), SNP_PAGE_UNMEASURED),
               find_area(l, header->parameter_insert.parameter_area_index)->page, PAGE_SIZE);
        break;
    case IGVM_PAGE_DATA:
        load_page_data(l, header);
        break;
    case IGVM_VP_CONTEXT:
        if (header->vp_context.vp_index == 0)
            l->vmsa = header->data;
        break;
    default:
        if (igvm_is_parameter(header->type))
            fill_parameter(l, header);
        else if (!(header->type & IGVM_OPTIONAL))
            die(HOST_EXIT_LAUNCH_FAILED, "IGVM: this platform does not know header type %x",
                header->type);
        break;
    }
}

/* Walks the headers that apply to SNP. The file was checked by igvm_select_platform(). */
static void for_each_header(struct launch *l,
                            void (*handle)(struct launch *l, const struct igvm_header *header))
{
    struct igvm_cursor cursor = igvm_first(l->file);
    struct igvm_header header;

    while (igvm_next(&cursor, &header) == IGVM_OK)
        if (igvm_applies(&header, l->platform))
            handle(l, &header);
}

static void read_policy(struct launch *l, const struct igvm_header *header)
{
    if (header->type == IGVM_GUEST_POLICY)
        l->policy = header->guest_policy.policy;
}

static void check(enum snp_status status, const char *command)
{
    if (status != SNP_SUCCESS)
        die(HOST_EXIT_LAUNCH_FAILED, "the AMD-SP refuses %s: status %x", command, status);
}

/*
 * VMSAs of the other processors, in reset state, as mainline KVM measures them. All are measured at
 * the same GPA, but each has its own here, by which the CPU part knows it; no guest reaches any.
 */
static void launch_others(const struct launch *l)
{
    uint64_t start = VMSA_LAUNCH_GPA - (host_cpu_count() - 1) * PAGE_SIZE;
    struct vmsa first;

    memcpy(&first, l->vmsa, sizeof(first));
    guest_memory_back(gpa(start), VMSA_LAUNCH_GPA - start);
    for (unsigned i = 1; i < host_cpu_count(); i++) {
        gpa_t at = gpa(VMSA_LAUNCH_GPA - i * PAGE_SIZE);
        struct vcpu *cpu = processor_find(i);
        hpa_t backing;

        if (!guest_memory_find(at, &backing))
            die(HOST_EXIT_INTERNAL, "no memory for the VMSA of processor %u", i);
        rmp_launch(at, SNP_PAGE_VMSA);
        *(struct vmsa *)host_ptr(backing) =
            boot_state_reset(host_cpuid(1, 0).eax, first.sev_features);
        sp_launch_update(SNP_PAGE_VMSA, VMSA_LAUNCH_GPA, backing, 1);
        vcpu_set_vmsa(cpu, 0, at);
        cpu->next = 0;
        cpu->stopped = true; /* until STARTUP */
    }
}

void launch(struct vcpu *cpu, const uint8_t *igvm, size_t size)
{
    struct igvm_file file;
    struct launch l = {.cpu = cpu, .file = &file, .policy = SNP_POLICY_DEFAULT};
    enum igvm_error error = igvm_open(&file, igvm, size);

    if (error == IGVM_OK)
        error = igvm_select_platform(&file, IGVM_PLATFORM_SEV_SNP, &l.platform);
    if (error != IGVM_OK)
        die(HOST_EXIT_LAUNCH_FAILED, "IGVM file of %lu bytes: %s", size, igvm_error_text(error));
    for_each_header(&l, read_policy);
    check(sp_launch_start(l.policy), "LAUNCH_START");
    for_each_header(&l, back_memory);
    for_each_header(&l, handle_directive);
    if (!l.vmsa)
        die(HOST_EXIT_LAUNCH_FAILED, "IGVM: no VP_CONTEXT for the boot processor");
    /* KVM measures the VMSA last, wherever its header stands. */
    memcpy(launch_page(&l, gpa(VMSA_LAUNCH_GPA), SNP_PAGE_VMSA), l.vmsa, PAGE_SIZE);
    end_run(&l);
    if (command_line_number("every-vmsa", 0))
        launch_others(&l);
    check(sp_launch_finish(NULL, false), "LAUNCH_FINISH");
    vcpu_set_vmsa(cpu, 0, gpa(VMSA_LAUNCH_GPA));
}
