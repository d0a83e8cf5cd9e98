/* SPDX-License-Identifier: MIT */
#include "igvm/launch.h"

#include <string.h>

#include "igvm/boot_state.h"
#include "igvm/hex.h"

static const char *type_name(enum snp_page_type type)
{
    switch (type) {
    case SNP_PAGE_NORMAL:
        return "NORMAL";
    case SNP_PAGE_VMSA:
        return "VMSA";
    case SNP_PAGE_ZERO:
        return "ZERO";
    case SNP_PAGE_UNMEASURED:
        return "UNMEASURED";
    case SNP_PAGE_SECRETS:
        return "SECRETS";
    case SNP_PAGE_CPUID:
        return "CPUID";
    }
    return "?";
}

static enum tool_status measure_page(struct launch_digest *digest, FILE *listing,
                                     enum snp_page_type type, uint64_t gpa, const uint8_t *contents)
{
    /* KVM gives the lower VMPLs no permissions. */
    if (!launch_digest_update(digest, type, gpa, contents, 0))
        return complain(TOOL_FILE, "libcrypto failed to hash the page at 0x%llx",
                        (unsigned long long)gpa);
    if (listing != NULL) {
        fprintf(listing, "0x%012llx %-10s ", (unsigned long long)gpa, type_name(type));
        print_hex(listing, digest->ld, sizeof(digest->ld));
        fputc('\n', listing);
    }
    return TOOL_OK;
}

static enum snp_page_type launch_type(const struct igvm_page_data *page)
{
    switch (page->data_type) {
    case IGVM_PAGE_SECRETS:
        return SNP_PAGE_SECRETS;
    case IGVM_PAGE_CPUID_DATA:
    case IGVM_PAGE_CPUID_XF:
        return SNP_PAGE_CPUID;
    default:
        return page->flags & IGVM_PAGE_UNMEASURED ? SNP_PAGE_UNMEASURED : SNP_PAGE_NORMAL;
    }
}

static enum tool_status measure_memory(const struct igvm_header *header, FILE *listing,
                                       struct launch_digest *digest)
{
    static const uint8_t zeros[PAGE_SIZE];
    enum tool_status status = TOOL_OK;

    switch (header->type) {
    case IGVM_PAGE_DATA:
        /* Without data it is a page of zeros, of type NORMAL all the same. */
        return measure_page(digest, listing, launch_type(&header->page_data), header->page_data.gpa,
                            header->data != NULL ? header->data : zeros);
    case IGVM_PARAMETER_INSERT:
        for (uint64_t done = 0; done < header->insert_size && status == TOOL_OK; done += PAGE_SIZE)
            status = measure_page(digest, listing, SNP_PAGE_UNMEASURED,
                                  header->parameter_insert.gpa + done, NULL);
        return status;
    default:
        return TOOL_OK;
    }
}

/* KVM has the processors measured last, wherever the file has them. */
static enum tool_status measure_vmsa(const void *page, FILE *listing, struct launch_digest *digest)
{
    return measure_page(digest, listing, SNP_PAGE_VMSA, VMSA_LAUNCH_GPA, page);
}

/* The processors that the file does not describe, with the features of the one it does. */
static enum tool_status measure_other_processors(const struct launch_options *options,
                                                 uint64_t sev_features,
                                                 struct launch_digest *digest)
{
    const struct vmsa vmsa = boot_state_reset(options->cpu_signature, sev_features);
    enum tool_status status = TOOL_OK;

    for (uint32_t i = 1; i < options->vcpus && status == TOOL_OK; i++)
        status = measure_vmsa(&vmsa, options->listing, digest);
    return status;
}

enum tool_status launch_measure(const struct image *image, const struct launch_options *options,
                                struct launch_digest *digest)
{
    enum tool_status status = TOOL_OK;
    struct vmsa boot_processor = {0};

    *digest = (struct launch_digest){0};
    for (size_t i = 0; i < image->count && status == TOOL_OK; i++) {
        if (igvm_applies(&image->headers[i], options->platform_mask))
            status = measure_memory(&image->headers[i], options->listing, digest);
    }
    for (size_t i = 0; i < image->count && status == TOOL_OK; i++) {
        const struct igvm_header *header = &image->headers[i];

        if (header->type != IGVM_VP_CONTEXT || !igvm_applies(header, options->platform_mask))
            continue;
        memcpy(&boot_processor, header->data, sizeof(boot_processor));
        status = measure_vmsa(header->data, options->listing, digest);
    }
    if (status != TOOL_OK)
        return status;
    return measure_other_processors(options, boot_processor.sev_features, digest);
}
