/* SPDX-License-Identifier: MIT */
/* `igvm build`: from kernel, services and firmware to an IGVM file. */
#include <stdlib.h>

#include "igvm/build_options.h"
#include "igvm/directives.h"
#include "igvm/files.h"
#include "igvm/firmware_image.h"
#include "lib/igvm/kvm_rules.h"

static enum tool_status read_firmware(const char *path, struct file_bytes *file,
                                      struct firmware *firmware)
{
    enum tool_status status = files_read(path, file);
    enum firmware_error error;

    if (status != TOOL_OK)
        return status;
    error = firmware_parse(file->bytes, file->size, firmware);
    if (error != FIRMWARE_OK)
        return complain(TOOL_INVALID, "%s: %s", path, firmware_error_text(error));
    return TOOL_OK;
}

static enum tool_status read_programs(struct svsm_plan *plan)
{
    enum tool_status status = files_read(plan->kernel.path, &plan->kernel.content);

    for (size_t i = 0; i < plan->service_count && status == TOOL_OK; i++)
        status = files_read(plan->services[i].elf.path, &plan->services[i].elf.content);
    return status;
}

static void free_programs(struct svsm_plan *plan)
{
    free(plan->kernel.content.bytes);
    for (size_t i = 0; i < plan->service_count; i++)
        free(plan->services[i].elf.content.bytes);
}

static enum tool_status build_with_svsm(struct image *image, struct svsm_plan *plan)
{
    enum tool_status status = read_programs(plan);

    if (status != TOOL_OK)
        return status;
    if (plan->firmware && !firmware_section(plan->firmware, BOOT_SECTION_IGVM_MEMORY_MAP))
        fprintf(stderr, "igvm: warning: the firmware takes no IGVM memory map: it does not learn "
                        "that the SVSM region is not its own\n");
    return svsm_image_build(image, plan);
}

static enum tool_status build_image(struct image *image, struct build_options *options)
{
    struct svsm_plan *plan = &options->svsm;

    if (plan->kernel.path)
        return build_with_svsm(image, plan);
    firmware_image_build(image, &(struct firmware_plan){.firmware = plan->firmware,
                                                        .policy = plan->policy,
                                                        .sev_features = plan->sev_features,
                                                        .cpu_signature = options->cpu_signature});
    return TOOL_OK;
}

/* Reads an encoded image back, as a loader would: whatever the inputs were,
 * it must be launchable. */
static enum tool_status check_file(const struct file_bytes *file)
{
    struct image image = {0};
    enum igvm_error error = image_load(&image, file->bytes, file->size);
    enum tool_status status = TOOL_OK;
    const char *broken = NULL;
    uint64_t twice;

    if (error != IGVM_OK)
        status = complain(TOOL_INVALID, "the image would not be valid: %s", igvm_error_text(error));
    else if ((error = image_check_overlaps(&image, SNP_PLATFORM_MASK, &twice)) ==
             IGVM_ERROR_LOADED_TWICE)
        status = complain(TOOL_INVALID, "the guest page at 0x%llx is loaded twice",
                          (unsigned long long)twice);
    else
        status = complain_image(error);
    if (status == TOOL_OK)
        broken = kvm_rule_broken(&image, SNP_PLATFORM_MASK);
    if (broken)
        status = complain(TOOL_INVALID, "QEMU and KVM would not launch the image: %s", broken);
    image_free(&image);
    return status;
}

static enum tool_status write_image(const struct image *image, const char *path)
{
    struct file_bytes file = {0};
    enum tool_status status = complain_image(image_encode(image, &file));

    if (status == TOOL_OK)
        status = check_file(&file);
    if (status == TOOL_OK)
        status = files_write(path, &file);
    free(file.bytes);
    return status;
}

static enum tool_status build(struct build_options *options)
{
    struct file_bytes firmware_file = {0};
    struct firmware firmware;
    struct image image = {0};
    enum tool_status status = TOOL_OK;

    if (options->firmware_path) {
        status = read_firmware(options->firmware_path, &firmware_file, &firmware);
        options->svsm.firmware = &firmware;
    }
    if (status == TOOL_OK)
        status = build_image(&image, options);
    if (status == TOOL_OK)
        status = write_image(&image, options->output);

    image_free(&image);
    free_programs(&options->svsm);
    free(firmware_file.bytes);
    return status;
}

unsigned build_command(int argc, char **argv)
{
    struct build_options options;
    enum tool_status status = build_options_parse(argc, argv, &options);

    if (status != TOOL_OK)
        return status;
    if (options.help) {
        build_usage(stdout);
        return TOOL_OK;
    }
    return build(&options);
}
