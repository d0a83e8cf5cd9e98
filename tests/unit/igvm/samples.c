/* SPDX-License-Identifier: MIT */
#include "samples.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "igvm/directives.h"
#include "lib/igvm/boot_state.h"

#include "expect.h"

const uint8_t *sample_page(void)
{
    static uint8_t page[PAGE_SIZE];

    for (size_t i = 0; i < sizeof(page); i++)
        page[i] = (uint8_t)(7 * i + 3);
    return page;
}

void sample_image(struct image *image)
{
    struct vmsa vmsa = boot_state_protected_mode(0x10000, 0, SEV_FEATURE_SNP_ACTIVE);

    vmsa.rsp = 0x20000;
    add_platform(image, 0x30000);
    add_required_memory(image, 0x8000000000, 0x800000);
    add_parameter_area(image, 0, 0x20000, PAGE_SIZE);
    add_parameter(image, IGVM_VP_COUNT_PARAMETER, 0, 0);
    add_page(image, IGVM_PAGE_NORMAL, 0x10000, sample_page());
    add_page(image, IGVM_PAGE_CPUID_DATA, 0x21000, NULL);
    add_page(image, IGVM_PAGE_SECRETS, 0x22000, NULL);
    add_page(image, IGVM_PAGE_NORMAL, 0x23000, NULL);
    add_page(image, IGVM_PAGE_NORMAL, 0x24000, NULL);
    image->headers[image->count - 1].page_data.flags = IGVM_PAGE_UNMEASURED;
    add_boot_processor(image, &vmsa);
}

struct file_bytes sample_file(void)
{
    struct image image = {0};
    struct file_bytes file;

    sample_image(&image);
    assert_int_equal(image_encode(&image, &file), IGVM_OK);
    image_free(&image);
    return file;
}

void sample_measure(const struct image *image, const struct launch_options *options, FILE *listing,
                    struct launch_digest *digest)
{
    struct launch_pages pages;

    assert_int_equal(launch_list(image, options, &pages), TOOL_OK);
    assert_int_equal(launch_measure(&pages, listing, digest), TOOL_OK);
    launch_pages_free(&pages);
}

#define FIXED(field) offsetof(struct igvm_fixed_header, field)

void sample_fix_checksum(struct file_bytes *file)
{
    size_t size = get_le32(file->bytes + FIXED(variable_header_offset)) +
                  get_le32(file->bytes + FIXED(variable_header_size));

    put_le32(file->bytes + FIXED(checksum), igvm_checksum(file->bytes, size));
}

/* Works on a copy without slack, so that sanitizers see more. */
enum igvm_error sample_read(const struct file_bytes *file, size_t size)
{
    struct igvm_file opened;
    uint32_t mask;
    uint8_t *bytes = malloc(size + 1);
    enum igvm_error error;

    assert_non_null(bytes);
    memcpy(bytes + 1, file->bytes, size); /* an odd address: no alignment is promised */
    error = igvm_open(&opened, bytes + 1, size);
    if (error == IGVM_OK)
        error = igvm_select_platform(&opened, IGVM_PLATFORM_SEV_SNP, &mask);
    free(bytes);
    return error;
}

static void add_to(uint8_t *field, size_t size)
{
    put_le32(field, get_le32(field) + (uint32_t)size);
}

/* All types that refer to file data do it at the same place of their content. */
static bool has_file_offset(uint32_t type)
{
    static_assert(offsetof(struct igvm_parameter_area, file_offset) == 12 &&
                      offsetof(struct igvm_page_data, file_offset) == 12 &&
                      offsetof(struct igvm_vp_context, file_offset) == 12,
                  "file offsets");
    return type == IGVM_PARAMETER_AREA || type == IGVM_PAGE_DATA || type == IGVM_VP_CONTEXT;
}

static void move_file_offsets(struct file_bytes *file, size_t distance)
{
    uint8_t *header = file->bytes + get_le32(file->bytes + FIXED(variable_header_offset));
    const uint8_t *end = header + get_le32(file->bytes + FIXED(variable_header_size));

    while (header < end) {
        uint8_t *file_offset = header + sizeof(struct igvm_variable_header) + 12;

        if (has_file_offset(get_le32(header)) && get_le32(file_offset) != 0)
            add_to(file_offset, distance);
        header += sizeof(struct igvm_variable_header) + (get_le32(header + 4) + 7) / 8 * 8;
    }
}

/* Leaves it to the caller to count the bytes where they belong, and the checksum. */
static void make_room(struct file_bytes *file, size_t at, const void *bytes, size_t size)
{
    move_file_offsets(file, size);
    file->bytes = realloc(file->bytes, file->size + size);
    assert_non_null(file->bytes);
    memmove(file->bytes + at + size, file->bytes + at, file->size - at);
    memcpy(file->bytes + at, bytes, size);
    file->size += size;
    put_le32(file->bytes + FIXED(total_file_size), (uint32_t)file->size);
}

void sample_insert(struct file_bytes *file, size_t at, const void *bytes, size_t size)
{
    make_room(file, at, bytes, size);
    add_to(file->bytes + FIXED(variable_header_size), size);
    sample_fix_checksum(file);
}

void sample_to_format_2(struct file_bytes *file)
{
    static const uint32_t more[2] = {IGVM_ARCHITECTURE_X64, PAGE_SIZE};

    make_room(file, sizeof(struct igvm_fixed_header), more, sizeof(more));
    add_to(file->bytes + FIXED(variable_header_offset), sizeof(more));
    put_le32(file->bytes + FIXED(format_version), IGVM_FORMAT_VERSION_2);
    sample_fix_checksum(file);
}

#define VSM    0x10u
#define NATIVE 0x2u

static void add_foreign_platform(struct image *image, enum igvm_platform_type type, uint32_t mask)
{
    image_add(image, &(struct igvm_header){
                         .type = IGVM_SUPPORTED_PLATFORM,
                         .supported_platform = {.compatibility_mask = mask,
                                                .highest_vtl = type == IGVM_PLATFORM_NATIVE ? 0 : 2,
                                                .platform_type = (uint8_t)type,
                                                .platform_version = IGVM_PLATFORM_VERSION}});
}

static void add_foreign_context(struct image *image, uint32_t mask, const uint8_t *data,
                                size_t size)
{
    image_add(image, &(struct igvm_header){.type = IGVM_VP_CONTEXT,
                                           .data = data,
                                           .data_size = size,
                                           .vp_context = {.compatibility_mask = mask}});
}

/* One register: its VTL, its name, which is RIP's, and its value, 0. */
static const uint8_t REGISTERS[sizeof(uint32_t) + IGVM_VSM_REGISTER_SIZE] = {1, 0,    0, 0,
                                                                             2, 0x10, 0, 2};

struct file_bytes sample_foreign_file(void)
{
    struct image image = {0};
    struct file_bytes file;

    sample_image(&image);
    for (size_t i = 0; i < image.count; i++) {
        if (image.headers[i].type == IGVM_PAGE_DATA &&
            image.headers[i].page_data.data_type == IGVM_PAGE_NORMAL)
            image.headers[i].page_data.compatibility_mask = SAMPLE_EVERYONE;
        if (image.headers[i].type == IGVM_REQUIRED_MEMORY)
            image.headers[i].required_memory.compatibility_mask = SAMPLE_EVERYONE & ~VSM;
        if (image.headers[i].type == IGVM_PARAMETER_INSERT)
            image.headers[i].parameter_insert.compatibility_mask = SAMPLE_EVERYONE;
    }
    add_foreign_platform(&image, IGVM_PLATFORM_VSM_ISOLATION, VSM);
    add_foreign_platform(&image, IGVM_PLATFORM_NATIVE, NATIVE);
    add_required_memory(&image, 0x8000000000, 0x800000);
    image.headers[image.count - 1].required_memory.compatibility_mask = VSM;
    image.headers[image.count - 1].required_memory.flags = IGVM_REQUIRED_VTL2_PROTECTABLE;
    add_parameter_area(&image, 2, 0x25000, PAGE_SIZE);
    add_parameter(&image, IGVM_MADT, 2, 0);
    add_parameter_area(&image, 3, 0x26000, PAGE_SIZE);
    add_parameter(&image, IGVM_DEVICE_TREE, 3, 0);
    add_page(&image, IGVM_PAGE_NORMAL, 0x21000, NULL); /* for TDX, in place of CPUID data */
    image.headers[image.count - 1].page_data.compatibility_mask = 4;
    add_foreign_context(&image, NATIVE, image_keep_page(&image, "", 1), PAGE_SIZE);
    add_foreign_context(&image, VSM, REGISTERS, sizeof(REGISTERS));
    assert_int_equal(image_encode(&image, &file), IGVM_OK);
    image_free(&image);
    sample_to_format_2(&file);
    return file;
}

const struct sample_section SAMPLE_SEV_SECTIONS[7] = {
    {0x800000, 0x9000, BOOT_SECTION_SEC_MEM},       {0x80A000, 0x3000, BOOT_SECTION_SEC_MEM},
    {0x80D000, 0x1000, BOOT_SECTION_SECRETS},       {0x80E000, 0x1000, BOOT_SECTION_CPUID},
    {0x80F000, 0x1000, BOOT_SECTION_SVSM_CAA},      {0x811000, 0x1F000, BOOT_SECTION_SEC_MEM},
    {0x810000, 0x1000, BOOT_SECTION_KERNEL_HASHES},
};

const struct sample_section SAMPLE_IGVM_SECTIONS[4] = {
    {0x812000, 0x1000, BOOT_SECTION_IGVM_PARAMETER},
    {0x0, 0xC0, BOOT_SECTION_IGVM_MEMORY_MAP},
    {0xC0, 0x10, BOOT_SECTION_IGVM_VP_COUNT},
    {0x813000, 0x1000, BOOT_SECTION_IGVM_HOB},
};

/* Writes a descriptor at from_end before the image's end. */
static void put_descriptor(uint8_t *end, uint32_t from_end, const char *signature,
                           const struct sample_section *sections, size_t count)
{
    uint8_t *at = end - from_end;

    memcpy(at, signature, 4);
    put_le32(at + 4, (uint32_t)(16 + 12 * count));
    put_le32(at + 8, 1);
    put_le32(at + 12, (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        put_le32(at + 16 + 12 * i, sections[i].base);
        put_le32(at + 20 + 12 * i, sections[i].size);
        put_le32(at + 24 + 12 * i, sections[i].type);
    }
}

/* Writes a table entry that ends at *top and moves *top below it; from_end NULL: no data. */
static void put_entry(uint8_t **top, const char *guid, const uint32_t *from_end, uint16_t length)
{
    memcpy(*top - 16, guid, 16);
    put_le16(*top - 18, length);
    *top -= 18;
    if (from_end) {
        *top -= 4;
        put_le32(*top, *from_end);
    }
}

void sample_firmware(uint8_t *image, const struct sample_section *sev, size_t sev_count,
                     const struct sample_section *igvm, size_t igvm_count)
{
    uint32_t sev_at = SAMPLE_SEV_DESCRIPTOR, igvm_at = SAMPLE_IGVM_DESCRIPTOR;
    uint8_t *end = image + SAMPLE_FIRMWARE_SIZE;
    uint8_t *top = end - 0x20;
    uint16_t entries = (uint16_t)((sev ? 22 : 0) + (igvm ? 22 : 0));

    for (size_t i = 0; i < SAMPLE_FIRMWARE_SIZE; i++)
        image[i] = (uint8_t)(i >> 8 ^ i);
    put_entry(&top, "\xde\x82\xb5\x96\xb2\x1f\xf7\x45\xba\xea\xa3\x66\xc5\x5a\x08\x2d", NULL,
              (uint16_t)(entries + 18));
    if (sev) {
        put_entry(&top, "\x66\x65\x88\xdc\x4a\x98\x98\x47\xa7\x5e\x55\x85\xa7\xbf\x67\xcc", &sev_at,
                  22);
        put_descriptor(end, sev_at, "ASEV", sev, sev_count);
    }
    if (igvm) {
        put_entry(&top, "\x0e\xa7\x4f\x78\x76\x31\x77\x46\x8a\x20\x04\xb6\x86\x99\xe3\x74",
                  &igvm_at, 22);
        put_descriptor(end, igvm_at, "IGVM", igvm, igvm_count);
    }
}

void sample_elf(uint8_t *file, uint64_t entry, const struct sample_segment *segments, size_t count)
{
    Elf64_Ehdr header = {.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB},
                         .e_type = ET_EXEC,
                         .e_machine = EM_X86_64,
                         .e_entry = entry,
                         .e_phoff = sizeof(header),
                         .e_phentsize = sizeof(Elf64_Phdr),
                         .e_phnum = (uint16_t)count};
    uint64_t offset = PAGE_SIZE;

    for (size_t i = 0; i < SAMPLE_ELF_SIZE; i += PAGE_SIZE)
        memcpy(file + i, sample_page(), PAGE_SIZE);
    memcpy(file, &header, sizeof(header));
    for (size_t i = 0; i < count; i++) {
        Elf64_Phdr program = {.p_type = PT_LOAD,
                              .p_flags = PF_R | PF_X,
                              .p_offset = offset,
                              .p_paddr = segments[i].paddr,
                              .p_filesz = segments[i].contents_size,
                              .p_memsz = segments[i].memory_size};

        memcpy(file + sizeof(header) + i * sizeof(program), &program, sizeof(program));
        offset += segments[i].contents_size;
    }
}

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Code with 0x1800 bytes, a page left out, data with 0x10 bytes and 0x2000 of zeros. */
static const struct sample_segment KERNEL_SEGMENTS[] = {
    {SAMPLE_REGION, 0x1800, 0x1800},
    {SAMPLE_REGION + 0x3000, 0x10, 0x2010},
};

struct sample_svsm *sample_svsm_inputs(void)
{
    static struct sample_svsm inputs;

    sample_elf(inputs.kernel, SAMPLE_REGION + 0x20, KERNEL_SEGMENTS, COUNT(KERNEL_SEGMENTS));
    sample_elf(inputs.service, 0x400000, &(struct sample_segment){0x400000, 0x100, 0x100}, 1);
    sample_firmware(inputs.firmware_bytes, SAMPLE_SEV_SECTIONS, COUNT(SAMPLE_SEV_SECTIONS),
                    SAMPLE_IGVM_SECTIONS, COUNT(SAMPLE_IGVM_SECTIONS));
    assert_int_equal(
        firmware_parse(inputs.firmware_bytes, sizeof(inputs.firmware_bytes), &inputs.firmware),
        FIRMWARE_OK);
    inputs.plan = (struct svsm_plan){
        .kernel = {"kernel", {inputs.kernel, sizeof(inputs.kernel)}},
        .firmware = &inputs.firmware,
        .services = {{"attest", {"service", {inputs.service, SAMPLE_SERVICE_SIZE}}},
                     {"tpm", {"service", {inputs.service, SAMPLE_ELF_SIZE}}}},
        .service_count = 2,
        .region_gpa = SAMPLE_REGION,
        .region_size = 0x100000,
        .policy = 0x30000,
        .sev_features = 0x1,
        .guest_vmpl = 2,
        .console_port = 0x3F8,
        .proxy_port = 0x3E8,
    };
    return &inputs;
}

struct image sample_svsm_image(const struct sample_svsm *inputs, struct file_bytes *file)
{
    struct image built = {0}, loaded = {0};

    assert_int_equal(svsm_image_build(&built, &inputs->plan), TOOL_OK);
    assert_int_equal(image_encode(&built, file), IGVM_OK);
    assert_int_equal(image_load(&loaded, file->bytes, file->size), IGVM_OK);
    image_free(&built);
    return loaded;
}
