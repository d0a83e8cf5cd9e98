/* SPDX-License-Identifier: MIT */
#include "igvm/launch.h"

#include <string.h>

#include "lib/base/hex.h"
#include "lib/igvm/boot_state.h"

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

static enum tool_status complain_pages(enum launch_pages_status status)
{
    if (status == LAUNCH_PAGES_OK)
        return TOOL_OK;
    return complain(status == LAUNCH_PAGES_TOO_MANY ? TOOL_INVALID : TOOL_FILE,
                    "the pages cannot be measured: %s", launch_pages_text(status));
}

/* SEV_FEATURES of the boot processor that the image describes. */
static uint64_t sev_features_of(const struct image *image, uint32_t platform_mask)
{
    struct vmsa vmsa = {0};

    for (size_t i = 0; i < image->count; i++) {
        const struct igvm_header *header = &image->headers[i];

        if (header->type == IGVM_VP_CONTEXT && igvm_applies(header, platform_mask))
            memcpy(&vmsa, header->data, sizeof(vmsa));
    }
    return vmsa.sev_features;
}

enum tool_status launch_list(const struct image *image, const struct launch_options *options,
                             struct launch_pages *pages)
{
    struct vmsa vmsa =
        boot_state_reset(options->cpu_signature, sev_features_of(image, options->platform_mask));
    enum launch_pages_status status;

    *pages = (struct launch_pages){0};
    status = launch_pages_add_image(pages, image->headers, image->count, options->platform_mask);
    /* The processors that the file does not describe, with the features of the one it does. */
    for (uint32_t i = 1; i < options->vcpus && status == LAUNCH_PAGES_OK; i++)
        status = launch_pages_add(pages, SNP_PAGE_VMSA, VMSA_LAUNCH_GPA, (const uint8_t *)&vmsa,
                                  "VMSA of other processors");
    return complain_pages(status);
}

static void print_page(FILE *listing, const struct launch_pages *pages,
                       const struct launch_page *page, const struct launch_digest *digest)
{
    char text[2 * LAUNCH_DIGEST_SIZE + 1];

    fprintf(listing, "0x%012llx %-10s %s %s\n", (unsigned long long)page->gpa,
            type_name((enum snp_page_type)page->type),
            hex_text(digest->ld, sizeof(digest->ld), text), launch_pages_part(pages, page));
}

enum tool_status launch_measure(const struct launch_pages *pages, FILE *listing,
                                struct launch_digest *digest)
{
    *digest = (struct launch_digest){0};
    for (size_t i = 0; i < pages->count; i++) {
        if (!launch_page_extend(&pages->pages[i], digest))
            return complain_pages(LAUNCH_PAGES_CRYPTO_FAILED);
        if (listing)
            print_page(listing, pages, &pages->pages[i], digest);
    }
    return TOOL_OK;
}
