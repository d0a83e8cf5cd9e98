/* SPDX-License-Identifier: MIT */
#include "igvm/dump.h"

#include <ctype.h>
#include <string.h>

#include "igvm/pcr_banks.h"
#include "lib/base/bytes.h"
#include "lib/base/uuid.h"
#include "lib/boot/boot_params.h"
#include "lib/snp/page.h"
#include "lib/snp/vmsa.h"

typedef unsigned long long ull;

static const char *platform_name(uint8_t type)
{
    switch (type) {
    case IGVM_PLATFORM_NATIVE:
        return "NATIVE";
    case IGVM_PLATFORM_VSM_ISOLATION:
        return "VSM_ISOLATION";
    case IGVM_PLATFORM_SEV_SNP:
        return "SEV_SNP";
    case IGVM_PLATFORM_TDX:
        return "TDX";
    case IGVM_PLATFORM_SEV:
        return "SEV";
    case IGVM_PLATFORM_SEV_ES:
        return "SEV_ES";
    case IGVM_PLATFORM_CCA:
        return "CCA";
    default:
        return "?";
    }
}

/* Of parameter usages, and of what is shown by its name alone. */
static const char *type_name(uint32_t type)
{
    switch (type) {
    case IGVM_VP_COUNT_PARAMETER:
        return "VP_COUNT";
    case IGVM_SRAT:
        return "SRAT";
    case IGVM_MADT:
        return "MADT";
    case IGVM_MMIO_RANGES:
        return "MMIO_RANGES";
    case IGVM_MEMORY_MAP:
        return "MEMORY_MAP";
    case IGVM_COMMAND_LINE:
        return "COMMAND_LINE";
    case IGVM_SLIT:
        return "SLIT";
    case IGVM_PPTT:
        return "PPTT";
    case IGVM_DEVICE_TREE:
        return "DEVICE_TREE";
    case IGVM_ENVIRONMENT_INFO_PARAMETER:
        return "ENVIRONMENT_INFO";
    case IGVM_RELOCATABLE_REGION:
        return "RELOCATABLE_REGION";
    case IGVM_PAGE_TABLE_RELOCATION_REGION:
        return "PAGE_TABLE_RELOCATION_REGION";
    case IGVM_CORIM_DOCUMENT:
        return "CORIM_DOCUMENT";
    case IGVM_CORIM_SIGNATURE:
        return "CORIM_SIGNATURE";
    case IGVM_CCA_POLICY:
        return "CCA_POLICY";
    case IGVM_VBS_MEASUREMENT:
        return "VBS_MEASUREMENT";
    default:
        return "?";
    }
}

static const char *page_name(const struct igvm_header *header)
{
    switch (header->page_data.data_type) {
    case IGVM_PAGE_SECRETS:
        return "SECRETS";
    case IGVM_PAGE_CPUID_DATA:
        return "CPUID_DATA";
    case IGVM_PAGE_CPUID_XF:
        return "CPUID_XF";
    default:
        return header->data ? "NORMAL" : "NORMAL zeros";
    }
}

static const char *section_name(uint32_t type)
{
    switch (type) {
    case BOOT_SECTION_SEC_MEM:
        return "SEC_MEM";
    case BOOT_SECTION_SECRETS:
        return "SECRETS";
    case BOOT_SECTION_CPUID:
        return "CPUID";
    case BOOT_SECTION_SVSM_CAA:
        return "SVSM_CAA";
    case BOOT_SECTION_KERNEL_HASHES:
        return "KERNEL_HASHES";
    case BOOT_SECTION_IGVM_PARAMETER:
        return "IGVM_PARAMETER";
    case BOOT_SECTION_IGVM_MEMORY_MAP:
        return "IGVM_MEMORY_MAP";
    case BOOT_SECTION_IGVM_VP_COUNT:
        return "IGVM_VP_COUNT";
    case BOOT_SECTION_IGVM_HOB:
        return "IGVM_HOB";
    default:
        return "?";
    }
}

static bool continues_run(const struct igvm_header *last, const struct igvm_header *next)
{
    return next->type == IGVM_PAGE_DATA && next->page_data.gpa == last->page_data.gpa + PAGE_SIZE &&
           next->page_data.compatibility_mask == last->page_data.compatibility_mask &&
           next->page_data.data_type == last->page_data.data_type &&
           next->page_data.flags == last->page_data.flags && !next->data == !last->data;
}

/* Prints a run of pages that starts at headers[0]; returns its length. */
static size_t dump_pages(FILE *out, const struct igvm_header *headers, size_t count)
{
    const struct igvm_page_data *first = &headers[0].page_data;
    size_t run = 1;

    while (run < count && continues_run(&headers[run - 1], &headers[run]))
        run++;
    fprintf(out, "PAGE_DATA           0x%012llx-0x%012llx %zu x %s%s%s, mask 0x%x\n",
            (ull)first->gpa, (ull)(first->gpa + run * PAGE_SIZE - 1), run, page_name(&headers[0]),
            first->flags & IGVM_PAGE_UNMEASURED ? " unmeasured" : "",
            first->flags & IGVM_PAGE_SHARED ? " shared" : "", first->compatibility_mask);
    return run;
}

static void dump_other(FILE *out, const struct igvm_header *header)
{
    if (igvm_is_parameter(header->type))
        fprintf(out, "%-19s area %u, offset 0x%x\n", type_name(header->type),
                header->parameter.parameter_area_index, header->parameter.byte_offset);
    else if (header->type & IGVM_OPTIONAL)
        fprintf(out, "optional type 0x%x, unknown here\n", header->type & ~IGVM_OPTIONAL);
    else
        fprintf(out, "%-19s mask 0x%x\n", type_name(header->type), header->compatibility_mask);
}

static void dump_header(FILE *out, const struct igvm_header *header)
{
    char digest[2 * sizeof(header->snp_id_block.ld) + 1];
    switch (header->type) {
    case IGVM_SUPPORTED_PLATFORM:
        fprintf(out, "SUPPORTED_PLATFORM  %s, mask 0x%x\n",
                platform_name(header->supported_platform.platform_type),
                header->compatibility_mask);
        break;
    case IGVM_GUEST_POLICY:
        fprintf(out, "GUEST_POLICY        0x%llx, mask 0x%x\n", (ull)header->guest_policy.policy,
                header->compatibility_mask);
        break;
    case IGVM_PARAMETER_AREA:
        fprintf(out, "PARAMETER_AREA      %u: 0x%llx bytes\n",
                header->parameter_area.parameter_area_index,
                (ull)header->parameter_area.number_of_bytes);
        break;
    case IGVM_PARAMETER_INSERT:
        fprintf(out, "PARAMETER_INSERT    0x%012llx-0x%012llx area %u, mask 0x%x\n",
                (ull)header->parameter_insert.gpa,
                (ull)(header->parameter_insert.gpa + header->insert_size - 1),
                header->parameter_insert.parameter_area_index, header->compatibility_mask);
        break;
    case IGVM_VP_CONTEXT:
        fprintf(out, "VP_CONTEXT          0x%012llx processor %u, mask 0x%x\n",
                (ull)header->vp_context.gpa, header->vp_context.vp_index,
                header->compatibility_mask);
        break;
    case IGVM_REQUIRED_MEMORY:
        fprintf(out, "REQUIRED_MEMORY     0x%012llx-0x%012llx%s mask 0x%x\n",
                (ull)header->required_memory.gpa,
                (ull)(header->required_memory.gpa + header->required_memory.number_of_bytes - 1),
                header->required_memory.flags & IGVM_REQUIRED_VTL2_PROTECTABLE ? " VTL2" : "",
                header->compatibility_mask);
        break;
    case IGVM_SNP_ID_BLOCK:
        fprintf(out, "SNP_ID_BLOCK        svn %u, launch digest %s, mask 0x%x\n",
                header->snp_id_block.guest_svn,
                hex_text(header->snp_id_block.ld, sizeof(header->snp_id_block.ld), digest),
                header->compatibility_mask);
        break;
    case IGVM_ERROR_RANGE:
        fprintf(out, "ERROR_RANGE         0x%012llx + 0x%x, mask 0x%x\n",
                (ull)header->error_range.gpa, header->error_range.number_of_bytes,
                header->compatibility_mask);
        break;
    default:
        dump_other(out, header);
        break;
    }
}

static void dump_segment(FILE *out, const char *name, const struct vmsa_segment *segment)
{
    fprintf(out, "  %-4s %04x base 0x%llx limit 0x%x attributes 0x%x\n", name, segment->selector,
            (ull)segment->base, segment->limit, segment->attributes);
}

static void dump_vmsa(FILE *out, const struct vmsa *vmsa)
{
    fprintf(out, "\nBoot processor\n");
    dump_segment(out, "CS", &vmsa->cs);
    dump_segment(out, "SS", &vmsa->ss);
    dump_segment(out, "DS", &vmsa->ds);
    fprintf(out, "  RIP 0x%llx  RSP 0x%llx  RFLAGS 0x%llx\n", (ull)vmsa->rip, (ull)vmsa->rsp,
            (ull)vmsa->rflags);
    fprintf(out, "  RAX 0x%llx  RDX 0x%llx  RSI 0x%llx  RDI 0x%llx\n", (ull)vmsa->rax,
            (ull)vmsa->rdx, (ull)vmsa->rsi, (ull)vmsa->rdi);
    fprintf(out, "  CR0 0x%llx  CR3 0x%llx  CR4 0x%llx  EFER 0x%llx\n", (ull)vmsa->cr0,
            (ull)vmsa->cr3, (ull)vmsa->cr4, (ull)vmsa->efer);
    fprintf(out, "  XCR0 0x%llx  SEV_FEATURES 0x%llx\n", (ull)vmsa->xcr0, (ull)vmsa->sev_features);
}

/* The file may be anybody's: no control characters of its own to the terminal. */
static void dump_name(FILE *out, const char *name)
{
    for (size_t i = 0; i < BOOT_SERVICE_NAME && name[i] != '\0'; i++)
        fputc(isgraph((unsigned char)name[i]) ? name[i] : '?', out);
}

static void dump_services(FILE *out, const struct boot_params *params)
{
    for (uint32_t i = 0; i < params->service_count && i < BOOT_SERVICES_MAX; i++) {
        const struct boot_service *service = &params->services[i];

        fputs("  service ", out);
        dump_name(out, service->name);
        fprintf(out, ": 0x%llx bytes at 0x%llx\n", (ull)service->size, (ull)service->gpa);
    }
}

static void dump_sections(FILE *out, const struct boot_params *params)
{
    for (uint32_t i = 0; i < params->section_count && i < BOOT_SECTIONS_MAX; i++) {
        const struct boot_section *section = &params->sections[i];

        fprintf(out, "  firmware section 0x%llx + 0x%x %s\n", (ull)section->gpa, section->size,
                section_name(section->type));
    }
}

static void dump_kbs(FILE *out, const struct boot_kbs *kbs)
{
    char volume[UUID_TEXT_LENGTH + 1], kid[2 * sizeof(kbs->pins[0].kid) + 1];

    if (kbs->pin_count == 0)
        fputs("  takes unsigned key releases: no key of a KBS is pinned\n", out);
    for (uint32_t i = 0; i < kbs->pin_count && i < BOOT_KBS_PINS_MAX; i++)
        fprintf(out, "  takes key releases signed with %s\n",
                hex_text(kbs->pins[i].kid, sizeof(kbs->pins[i].kid), kid));
    if (kbs->pin_count > 0 && !bytes_are_zero(kbs->volume_id, sizeof(kbs->volume_id)))
        fprintf(out, "  asks for volume %s\n", uuid_text(kbs->volume_id, volume));
}

static void dump_pcr_banks(FILE *out, uint32_t banks)
{
    if (banks == 0) {
        fputs("  leaves the TPM the PCR banks that it has\n", out);
        return;
    }
    fputs("  PCR banks ", out);
    pcr_banks_print(out, banks);
    fputc('\n', out);
}

static void dump_params(FILE *out, const struct boot_params *params)
{
    fprintf(out, "\nSVSM boot parameters, version %u\n", params->version);
    fprintf(out, "  region 0x%llx + 0x%llx, loaded up to 0x%llx\n", (ull)params->region_gpa,
            (ull)params->region_size, (ull)params->loaded_end_gpa);
    fprintf(out, "  CPUID page 0x%llx, secrets page 0x%llx\n", (ull)params->cpuid_gpa,
            (ull)params->secrets_gpa);
    fprintf(out, "  general parameters 0x%llx, memory map 0x%llx\n",
            (ull)params->general_params_gpa, (ull)params->memory_map_gpa);
    fprintf(out, "  firmware 0x%llx + 0x%llx, starts at 0x%llx, VMPL %u\n",
            (ull)params->firmware_gpa, (ull)params->firmware_size, (ull)params->reset_vector,
            params->guest_vmpl);
    fprintf(out, "  console port 0x%x, proxy port 0x%x\n", params->console_port,
            params->proxy_port);
    dump_pcr_banks(out, params->pcr_banks);
    dump_kbs(out, &params->kbs);
    dump_services(out, params);
    dump_sections(out, params);
}

/* The stored contents of the page at gpa, or NULL. */
static const uint8_t *find_page(const struct image *image, uint32_t platform_mask, uint64_t gpa)
{
    for (size_t i = 0; i < image->count; i++) {
        const struct igvm_header *header = &image->headers[i];

        if (header->type == IGVM_PAGE_DATA && header->page_data.gpa == gpa &&
            igvm_applies(header, platform_mask))
            return header->data;
    }
    return NULL;
}

/* ESI of an SVSM's boot processor leads to its parameters. */
static void dump_processor(FILE *out, const struct image *image, uint32_t platform_mask,
                           const struct igvm_header *context)
{
    struct boot_params params;
    struct vmsa vmsa;
    const uint8_t *page;

    memcpy(&vmsa, context->data, sizeof(vmsa));
    dump_vmsa(out, &vmsa);
    page = find_page(image, platform_mask, vmsa.rsi);
    if (!page)
        return;
    memcpy(&params, page, sizeof(params));
    if (boot_params_are_readable(&params))
        dump_params(out, &params);
}

void dump_image(FILE *out, const struct image *image, uint32_t platform_mask)
{
    size_t i = 0;

    while (i < image->count) {
        if (image->headers[i].type == IGVM_PAGE_DATA) {
            i += dump_pages(out, &image->headers[i], image->count - i);
        } else {
            dump_header(out, &image->headers[i]);
            i++;
        }
    }
    for (i = 0; i < image->count; i++) {
        const struct igvm_header *header = &image->headers[i];

        if (header->type == IGVM_VP_CONTEXT && igvm_applies(header, platform_mask) &&
            header->vp_context.vp_index == 0)
            dump_processor(out, image, platform_mask, header);
    }
}
