/* SPDX-License-Identifier: MIT */
/* `igvm measure`: the launch digest of an IGVM file. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "igvm/files.h"
#include "igvm/launch.h"
#include "igvm/tool.h"
#include "lib/base/hex.h"
#include "lib/igvm/kvm_rules.h"

static const char USAGE[] =
    "usage: igvm measure [options] FILE\n"
    "\n"
    "Prints the launch digest that the AMD secure processor computes when QEMU and KVM launch\n"
    "FILE, 96 hex digits: the MEASUREMENT of the VM's attestation reports.\n"
    "\n"
    "  -v, --verbose           list on stderr the policy and each page with the digest after it\n"
    "      --pages OUT         write to the file OUT a list of all measured pages, by which the "
    "KBS\n"
    "                          explains in what an image differs from this one\n"
    "      --check             refuse a file whose launch QEMU or KVM would reject or reorder,\n"
    "                          so that the digest would not be the real one (default); by the\n"
    "                          rules of QEMU 10.2, and for the parameters MADT and DEVICE_TREE\n"
    "                          of the COCONUT project's QEMU\n"
    "      --no-check          measure it as it stands\n"
    "      --vcpus N           processors of the VM: for more than one, two lines, each a digest\n"
    "                          and by whose rule it is. A kernel with SVSM support measures the\n"
    "                          first one's state only, as without this option; mainline Linux\n"
    "                          measures that of all. --verbose and --pages follow the latter\n"
    "      --cpu-signature N   with --vcpus: CPUID Fn1 EAX of QEMU's -cpu (default 0x800f12)\n"
    "  -h, --help              this text\n"
    "\n"
    "Exit status: 0 done, 2 wrong command line, 3 FILE cannot be read, 4 FILE is not valid.\n";

#define VCPUS_MAX 4096

struct measure_options {
    const char *path;
    const char *pages_path; /* NULL: none is written */
    uint64_t vcpus;
    uint64_t cpu_signature;
    bool verbose, check, help;
};

enum measure_option {
    OPTION_HELP = 'h',
    OPTION_VERBOSE = 'v',
    OPTION_CHECK = 0x100,
    OPTION_NO_CHECK,
    OPTION_PAGES,
    OPTION_VCPUS,
    OPTION_CPU_SIGNATURE,
};

static const struct option OPTIONS[] = {
    {"help", no_argument, NULL, OPTION_HELP},
    {"verbose", no_argument, NULL, OPTION_VERBOSE},
    {"check", no_argument, NULL, OPTION_CHECK},
    {"no-check", no_argument, NULL, OPTION_NO_CHECK},
    {"pages", required_argument, NULL, OPTION_PAGES},
    {"vcpus", required_argument, NULL, OPTION_VCPUS},
    {"cpu-signature", required_argument, NULL, OPTION_CPU_SIGNATURE},
    {0},
};

static enum tool_status take_option(int option, struct measure_options *options)
{
    switch (option) {
    case OPTION_HELP:
        options->help = true;
        return TOOL_OK;
    case OPTION_VERBOSE:
        options->verbose = true;
        return TOOL_OK;
    case OPTION_CHECK:
        options->check = true;
        return TOOL_OK;
    case OPTION_NO_CHECK:
        options->check = false;
        return TOOL_OK;
    case OPTION_PAGES:
        options->pages_path = optarg;
        return TOOL_OK;
    case OPTION_VCPUS:
        return parse_number("vcpus", optarg, VCPUS_MAX, &options->vcpus);
    case OPTION_CPU_SIGNATURE:
        return parse_number("cpu-signature", optarg, UINT32_MAX, &options->cpu_signature);
    default: /* getopt_long() has complained */
        return TOOL_USAGE;
    }
}

static enum tool_status parse_options(int argc, char **argv, struct measure_options *options)
{
    enum tool_status status = TOOL_OK;
    int option;

    *options = (struct measure_options){.vcpus = 1, .cpu_signature = 0x800F12, .check = true};
    while (status == TOOL_OK && (option = getopt_long(argc, argv, "hv", OPTIONS, NULL)) != -1)
        status = take_option(option, options);
    if (status != TOOL_OK || options->help)
        return status;
    if (optind + 1 != argc)
        return complain(TOOL_USAGE, "measure takes one FILE; see igvm measure --help");
    options->path = argv[optind];
    return TOOL_OK;
}

static void list_policies(const struct loaded_file *file)
{
    for (size_t i = 0; i < file->image.count; i++) {
        const struct igvm_header *header = &file->image.headers[i];

        if (header->type == IGVM_GUEST_POLICY && igvm_applies(header, file->platform_mask))
            fprintf(stderr, "policy 0x%llx\n", (unsigned long long)header->guest_policy.policy);
    }
}

static enum tool_status check_rules(const struct loaded_file *file, const char *path)
{
    const char *broken = kvm_rule_broken(&file->image, file->platform_mask);

    if (broken)
        return complain(
            TOOL_INVALID,
            "%s: %s (by the rules of QEMU 10.2, with the COCONUT project's parameters); "
            "--no-check measures it all the same",
            path, broken);
    return TOOL_OK;
}

static enum tool_status write_pages(const struct launch_pages *pages, const char *path)
{
    struct file_bytes file = {0};
    enum launch_pages_status encoded = launch_pages_encode(pages, &file.bytes, &file.size);
    enum tool_status status;

    if (encoded != LAUNCH_PAGES_OK)
        return complain(TOOL_FILE, "%s: %s", path, launch_pages_text(encoded));
    status = files_write(path, &file);
    free(file.bytes);
    return status;
}

/* whose: by whose rule, or NULL. */
static void print_digest(const struct launch_digest *digest, const char *whose)
{
    char text[2 * LAUNCH_DIGEST_SIZE + 1];

    printf("%s%s%s\n", hex_text(digest->ld, sizeof(digest->ld), text), whose ? "  " : "",
           whose ? whose : "");
}

/* The digest where the host measures this many processors. */
static enum tool_status measure_vcpus(const struct loaded_file *file,
                                      const struct measure_options *options, uint32_t vcpus,
                                      const char *whose, bool listed)
{
    struct launch_options launch = {.platform_mask = file->platform_mask,
                                    .vcpus = vcpus,
                                    .cpu_signature = (uint32_t)options->cpu_signature};
    struct launch_digest digest;
    struct launch_pages pages;
    enum tool_status status = launch_list(&file->image, &launch, &pages);

    if (status == TOOL_OK)
        status = launch_measure(&pages, listed && options->verbose ? stderr : NULL, &digest);
    if (status == TOOL_OK && listed && options->pages_path)
        status = write_pages(&pages, options->pages_path);
    if (status == TOOL_OK)
        print_digest(&digest, whose);
    launch_pages_free(&pages);
    return status;
}

static enum tool_status measure(const struct loaded_file *file,
                                const struct measure_options *options)
{
    enum tool_status status = options->check ? check_rules(file, options->path) : TOOL_OK;

    if (status != TOOL_OK)
        return status;
    if (options->verbose)
        list_policies(file);
    if (options->vcpus <= 1)
        return measure_vcpus(file, options, (uint32_t)options->vcpus, NULL, true);
    status = measure_vcpus(file, options, 1, "a kernel with SVSM support: the first vCPU", false);
    if (status == TOOL_OK)
        status = measure_vcpus(file, options, (uint32_t)options->vcpus, "mainline Linux: all vCPUs",
                               true);
    return status;
}

unsigned measure_command(int argc, char **argv)
{
    struct measure_options options;
    struct loaded_file file;
    enum tool_status status = parse_options(argc, argv, &options);

    if (status != TOOL_OK)
        return status;
    if (options.help) {
        fputs(USAGE, stdout);
        return TOOL_OK;
    }
    status = files_open(options.path, &file);
    if (status == TOOL_OK)
        status = measure(&file, &options);
    loaded_file_close(&file);
    return status;
}
