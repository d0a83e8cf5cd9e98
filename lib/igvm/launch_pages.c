/* SPDX-License-Identifier: MIT */
#include "lib/igvm/launch_pages.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/igvm/launch_parts.h"

static_assert(LAUNCH_PARTS_MAX <= UINT8_MAX, "a page refers to its part in one byte");

void launch_pages_free(struct launch_pages *pages)
{
    free(pages->pages);
    *pages = (struct launch_pages){0};
}

const char *launch_pages_text(enum launch_pages_status status)
{
    switch (status) {
    case LAUNCH_PAGES_OK:
        return "done";
    case LAUNCH_PAGES_TOO_MANY:
        return "more than 256 MiB of pages, or more than 64 parts";
    case LAUNCH_PAGES_MALFORMED:
        return "not a list of launch pages, or a damaged one; `igvm measure --pages` writes them";
    case LAUNCH_PAGES_VERSION:
        return "a list of launch pages of a newer format than this program knows";
    case LAUNCH_PAGES_NO_MEMORY:
        return "out of memory";
    case LAUNCH_PAGES_CRYPTO_FAILED:
        return "the cryptographic library failed";
    }
    return "unknown status";
}

const char *launch_pages_part(const struct launch_pages *pages, const struct launch_page *page)
{
    return pages->parts[page->part];
}

static enum launch_pages_status grow(struct launch_pages *pages)
{
    size_t capacity = pages->capacity == 0 ? 1024 : pages->capacity * 2;
    struct launch_page *larger = reallocarray(pages->pages, capacity, sizeof(*larger));

    if (!larger)
        return LAUNCH_PAGES_NO_MEMORY;
    pages->pages = larger;
    pages->capacity = capacity;
    return LAUNCH_PAGES_OK;
}

enum launch_pages_status launch_pages_append(struct launch_pages *pages,
                                             const struct launch_page *page)
{
    enum launch_pages_status status = LAUNCH_PAGES_OK;

    if (pages->count == LAUNCH_PAGES_MAX)
        return LAUNCH_PAGES_TOO_MANY;
    if (pages->count == pages->capacity)
        status = grow(pages);
    if (status == LAUNCH_PAGES_OK)
        pages->pages[pages->count++] = *page;
    return status;
}

/* The index of the part with this name, new or known. Most pages are of the last page's part. */
static enum launch_pages_status find_part(struct launch_pages *pages, const char *name,
                                          uint8_t *part)
{
    for (size_t i = pages->part_count; i-- > 0;) {
        if (strncmp(pages->parts[i], name, LAUNCH_PART_SIZE - 1) == 0) {
            *part = (uint8_t)i;
            return LAUNCH_PAGES_OK;
        }
    }
    if (pages->part_count == LAUNCH_PARTS_MAX)
        return LAUNCH_PAGES_TOO_MANY;
    snprintf(pages->parts[pages->part_count], LAUNCH_PART_SIZE, "%s", name);
    *part = (uint8_t)pages->part_count++;
    return LAUNCH_PAGES_OK;
}

enum launch_pages_status launch_pages_add(struct launch_pages *pages, enum snp_page_type type,
                                          uint64_t gpa, const uint8_t *contents, const char *part)
{
    struct launch_page page = {.gpa = gpa, .type = (uint8_t)type};
    enum launch_pages_status status = find_part(pages, part, &page.part);

    if (status != LAUNCH_PAGES_OK)
        return status;
    if (!launch_digest_contents(type, contents, page.contents))
        return LAUNCH_PAGES_CRYPTO_FAILED;
    return launch_pages_append(pages, &page);
}

/* What SNP_LAUNCH_UPDATE is told about a page of the file. As in QEMU, IGVM_PAGE_SHARED is nothing.
 */
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

static enum launch_pages_status add_memory(struct launch_pages *pages,
                                           const struct launch_layout *layout,
                                           enum snp_page_type type, uint64_t gpa,
                                           const uint8_t *contents)
{
    char part[LAUNCH_PART_SIZE];

    launch_layout_part(layout, type, gpa, part);
    return launch_pages_add(pages, type, gpa, contents, part);
}

static enum launch_pages_status add_header(struct launch_pages *pages,
                                           const struct launch_layout *layout,
                                           const struct igvm_header *header)
{
    static const uint8_t zeros[PAGE_SIZE];
    enum launch_pages_status status = LAUNCH_PAGES_OK;

    switch (header->type) {
    case IGVM_PAGE_DATA:
        /* Without data it is a page of zeros, of type NORMAL all the same. */
        return add_memory(pages, layout, launch_type(&header->page_data), header->page_data.gpa,
                          header->data ? header->data : zeros);
    case IGVM_PARAMETER_INSERT:
        for (uint64_t done = 0; done < header->insert_size && status == LAUNCH_PAGES_OK;
             done += PAGE_SIZE)
            status = add_memory(pages, layout, SNP_PAGE_UNMEASURED,
                                header->parameter_insert.gpa + done, NULL);
        return status;
    default:
        return LAUNCH_PAGES_OK;
    }
}

enum launch_pages_status launch_pages_add_image(struct launch_pages *pages,
                                                const struct igvm_header *headers, size_t count,
                                                uint32_t platform_mask)
{
    struct launch_layout layout = launch_layout_of(headers, count, platform_mask);
    enum launch_pages_status status = LAUNCH_PAGES_OK;

    for (size_t i = 0; i < count && status == LAUNCH_PAGES_OK; i++) {
        if (igvm_applies(&headers[i], platform_mask))
            status = add_header(pages, &layout, &headers[i]);
    }
    /* KVM has the processors measured last, wherever the file has them. */
    for (size_t i = 0; i < count && status == LAUNCH_PAGES_OK; i++) {
        if (headers[i].type == IGVM_VP_CONTEXT && igvm_applies(&headers[i], platform_mask))
            status = add_memory(pages, &layout, SNP_PAGE_VMSA, VMSA_LAUNCH_GPA, headers[i].data);
    }
    return status;
}

bool launch_page_extend(const struct launch_page *page, struct launch_digest *digest)
{
    const uint8_t *permissions = page->vmpl_permissions;

    return launch_digest_extend(digest, (enum snp_page_type)page->type, page->gpa, page->contents,
                                LAUNCH_PERMISSIONS(permissions[0], permissions[1], permissions[2]));
}

bool launch_pages_digest(const struct launch_pages *pages, struct launch_digest *digest)
{
    *digest = (struct launch_digest){0};
    for (size_t i = 0; i < pages->count; i++) {
        if (!launch_page_extend(&pages->pages[i], digest))
            return false;
    }
    return true;
}
