/* SPDX-License-Identifier: MIT */
#include "igvm/directives.h"

#include <string.h>

#include "lib/base/bytes.h"
#include "lib/snp/page.h"

void add_platform(struct image *image, uint64_t policy)
{
    image_add(image, &(struct igvm_header){
                         .type = IGVM_SUPPORTED_PLATFORM,
                         .compatibility_mask = SNP_PLATFORM_MASK,
                         .supported_platform = {.compatibility_mask = SNP_PLATFORM_MASK,
                                                .platform_type = IGVM_PLATFORM_SEV_SNP,
                                                .platform_version = IGVM_PLATFORM_VERSION}});
    image_add(image,
              &(struct igvm_header){
                  .type = IGVM_GUEST_POLICY,
                  .compatibility_mask = SNP_PLATFORM_MASK,
                  .guest_policy = {.policy = policy, .compatibility_mask = SNP_PLATFORM_MASK}});
}

void add_required_memory(struct image *image, uint64_t gpa, uint64_t size)
{
    image_add(image,
              &(struct igvm_header){.type = IGVM_REQUIRED_MEMORY,
                                    .compatibility_mask = SNP_PLATFORM_MASK,
                                    .required_memory = {.gpa = gpa,
                                                        .compatibility_mask = SNP_PLATFORM_MASK,
                                                        .number_of_bytes = (uint32_t)size}});
}

void add_parameter_area(struct image *image, uint32_t index, uint64_t gpa, uint64_t size)
{
    image_add(image, &(struct igvm_header){.type = IGVM_PARAMETER_AREA,
                                           .compatibility_mask = IGVM_ALL_PLATFORMS,
                                           .parameter_area = {.number_of_bytes = size,
                                                              .parameter_area_index = index}});
    image_add(image,
              &(struct igvm_header){.type = IGVM_PARAMETER_INSERT,
                                    .compatibility_mask = SNP_PLATFORM_MASK,
                                    .insert_size = size,
                                    .parameter_insert = {.gpa = gpa,
                                                         .compatibility_mask = SNP_PLATFORM_MASK,
                                                         .parameter_area_index = index}});
}

void add_parameter(struct image *image, enum igvm_header_type type, uint32_t index,
                   uint32_t byte_offset)
{
    image_add(image, &(struct igvm_header){
                         .type = type,
                         .compatibility_mask = IGVM_ALL_PLATFORMS,
                         .parameter = {.parameter_area_index = index, .byte_offset = byte_offset}});
}

void add_page(struct image *image, enum igvm_page_data_type type, uint64_t gpa,
              const uint8_t *contents)
{
    bool stored = contents && !bytes_are_zero(contents, PAGE_SIZE);

    image_add(image, &(struct igvm_header){.type = IGVM_PAGE_DATA,
                                           .compatibility_mask = SNP_PLATFORM_MASK,
                                           .data = stored ? contents : NULL,
                                           .data_size = stored ? PAGE_SIZE : 0,
                                           .page_data = {.gpa = gpa,
                                                         .compatibility_mask = SNP_PLATFORM_MASK,
                                                         .data_type = (uint16_t)type}});
}

void add_zero_pages(struct image *image, uint64_t gpa, uint64_t end)
{
    for (; gpa < end; gpa += PAGE_SIZE)
        add_page(image, IGVM_PAGE_NORMAL, gpa, NULL);
}

uint64_t add_contents(struct image *image, uint64_t gpa, const uint8_t *contents, size_t size)
{
    size_t done = 0;

    for (; size - done >= PAGE_SIZE; done += PAGE_SIZE)
        add_page(image, IGVM_PAGE_NORMAL, gpa + done, contents + done);
    if (size == done)
        return gpa + done;
    add_page(image, IGVM_PAGE_NORMAL, gpa + done,
             image_keep_page(image, contents + done, size - done));
    return gpa + done + PAGE_SIZE;
}

void add_boot_processor(struct image *image, const struct vmsa *vmsa)
{
    image_add(image,
              &(struct igvm_header){
                  .type = IGVM_VP_CONTEXT,
                  .compatibility_mask = SNP_PLATFORM_MASK,
                  .data = image_keep_page(image, vmsa, sizeof(*vmsa)),
                  .data_size = sizeof(*vmsa),
                  .vp_context = {.gpa = VMSA_LAUNCH_GPA, .compatibility_mask = SNP_PLATFORM_MASK}});
}
