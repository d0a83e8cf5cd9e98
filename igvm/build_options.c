/* SPDX-License-Identifier: MIT */
#include "igvm/build_options.h"

#include <getopt.h>
#include <string.h>

#include "igvm/kbs_options.h"
#include "igvm/pcr_banks.h"
#include "lib/snp/page.h"
#include "lib/snp/report.h"
#include "lib/snp/vmsa.h"

static const char USAGE[] =
    "usage: igvm build --output FILE --svsm ELF [--firmware FD] --service NAME=ELF... [options]\n"
    "       igvm build --output FILE --firmware FD [options]\n"
    "\n"
    "Builds the launch image of an SEV-SNP VM: in the first form one with an SVSM at VMPL0 that\n"
    "starts the firmware at a lower VMPL, in the second one with the firmware alone.\n"
    "\n"
    "  -o, --output FILE         the IGVM file to write\n"
    "      --svsm ELF            SVSM kernel, linked for physical addresses inside the region\n"
    "      --firmware FD         whole firmware image (variable store and code), such as OVMF.fd\n"
    "      --service NAME=ELF    static program that the SVSM runs (up to 4): attest, tpm\n"
    "      --region-base GPA     memory of the SVSM (default 0x8000000)\n"
    "      --region-size SIZE    its size (default 32M)\n"
    "      --policy BITS         SNP guest policy, also to be given to QEMU (default 0x30000)\n"
    "      --sev-features BITS   SEV_FEATURES of the first processor (default 0x9, SNP with\n"
    "                            restricted injection; without SVSM 0x1)\n"
    "      --guest-vmpl N        where the SVSM runs the firmware, 1 to 3 (default 2)\n"
    "      --console-port PORT   I/O port of the SVSM's log (default 0x3f8)\n"
    "      --proxy-port PORT     I/O port of the attestation proxy (default 0x3e8)\n"
    "      --kbs-key PEM         the SVSM takes a state key only with a release record signed "
    "with\n"
    "                            this P-384 key (up to 4); without any it takes unsigned ones\n"
    "      --volume UUID         the volume whose key it asks for (default: the KBS has one for "
    "the\n"
    "                            image)\n"
    "      --pcr-banks LIST          the TPM's PCR banks: sha1, sha256, sha384, sha512, with "
    "commas;\n"
    "                            as-found leaves those that it has (default sha256)\n"
    "      --cpu-signature N     EDX at reset, without SVSM only: CPUID Fn1 EAX of QEMU's -cpu\n"
    "                            (default 0x800f12, EPYC)\n"
    "  -h, --help                this text\n"
    "\n"
    "Numbers may be hexadecimal (0x...) and end with K, M or G.\n"
    "\n"
    "Exit status: 0 done, 2 wrong command line, 3 a file cannot be read or written,\n"
    "4 an input is not valid or does not fit. FILE is only replaced when the image is complete.\n";

static const struct build_options DEFAULTS = {
    .svsm = {.region_gpa = 0x8000000,
             .region_size = 0x2000000,
             .policy = SNP_POLICY_DEFAULT,
             .guest_vmpl = 2,
             .console_port = 0x3F8,
             .proxy_port = 0x3E8,
             .pcr_banks = PCR_BANKS_DEFAULT},
    .cpu_signature = 0x800F12,
};

enum build_option {
    OPTION_HELP = 'h',
    OPTION_OUTPUT = 'o',
    OPTION_SVSM = 0x100,
    OPTION_FIRMWARE,
    OPTION_SERVICE,
    OPTION_REGION_BASE,
    OPTION_REGION_SIZE,
    OPTION_POLICY,
    OPTION_SEV_FEATURES,
    OPTION_GUEST_VMPL,
    OPTION_CONSOLE_PORT,
    OPTION_PROXY_PORT,
    OPTION_CPU_SIGNATURE,
    OPTION_KBS_KEY,
    OPTION_VOLUME,
    OPTION_PCR_BANKS,
};

static const struct option OPTIONS[] = {
    {"help", no_argument, NULL, OPTION_HELP},
    {"output", required_argument, NULL, OPTION_OUTPUT},
    {"svsm", required_argument, NULL, OPTION_SVSM},
    {"firmware", required_argument, NULL, OPTION_FIRMWARE},
    {"service", required_argument, NULL, OPTION_SERVICE},
    {"region-base", required_argument, NULL, OPTION_REGION_BASE},
    {"region-size", required_argument, NULL, OPTION_REGION_SIZE},
    {"policy", required_argument, NULL, OPTION_POLICY},
    {"sev-features", required_argument, NULL, OPTION_SEV_FEATURES},
    {"guest-vmpl", required_argument, NULL, OPTION_GUEST_VMPL},
    {"console-port", required_argument, NULL, OPTION_CONSOLE_PORT},
    {"proxy-port", required_argument, NULL, OPTION_PROXY_PORT},
    {"cpu-signature", required_argument, NULL, OPTION_CPU_SIGNATURE},
    {"kbs-key", required_argument, NULL, OPTION_KBS_KEY},
    {"volume", required_argument, NULL, OPTION_VOLUME},
    {"pcr-banks", required_argument, NULL, OPTION_PCR_BANKS},
    {0},
};

static enum tool_status parse_u32(const char *option, uint32_t max, uint32_t *out)
{
    uint64_t number;
    enum tool_status status = parse_number(option, optarg, max, &number);

    if (status == TOOL_OK)
        *out = (uint32_t)number;
    return status;
}

static enum tool_status parse_port(const char *option, uint16_t *out)
{
    uint32_t number;
    enum tool_status status = parse_u32(option, UINT16_MAX, &number);

    if (status == TOOL_OK)
        *out = (uint16_t)number;
    return status;
}

/* Splits NAME=ELF in place. */
static enum tool_status parse_service(struct svsm_plan *plan)
{
    char *path = strchr(optarg, '=');

    if (!path || path == optarg || path[1] == '\0')
        return complain(TOOL_USAGE, "--service %s: write NAME=ELF", optarg);
    *path++ = '\0';
    for (size_t i = 0; i < plan->service_count; i++) {
        if (strcmp(plan->services[i].name, optarg) == 0)
            return complain(TOOL_USAGE, "--service %s is given twice", optarg);
    }
    if (plan->service_count == BOOT_SERVICES_MAX)
        return complain(TOOL_USAGE, "more than %d services", BOOT_SERVICES_MAX);
    plan->services[plan->service_count++] = (struct svsm_service){.name = optarg, .elf.path = path};
    return TOOL_OK;
}

static enum tool_status take_option(int option, struct build_options *options)
{
    struct svsm_plan *plan = &options->svsm;

    switch (option) {
    case OPTION_HELP:
        options->help = true;
        return TOOL_OK;
    case OPTION_OUTPUT:
        options->output = optarg;
        return TOOL_OK;
    case OPTION_SVSM:
        plan->kernel.path = optarg;
        return TOOL_OK;
    case OPTION_FIRMWARE:
        options->firmware_path = optarg;
        return TOOL_OK;
    case OPTION_SERVICE:
        return parse_service(plan);
    case OPTION_REGION_BASE:
        return parse_number("region-base", optarg, UINT64_MAX, &plan->region_gpa);
    case OPTION_REGION_SIZE:
        return parse_number("region-size", optarg, UINT64_MAX, &plan->region_size);
    case OPTION_POLICY:
        return parse_number("policy", optarg, UINT64_MAX, &plan->policy);
    case OPTION_SEV_FEATURES:
        options->sev_features_given = true;
        return parse_number("sev-features", optarg, UINT64_MAX, &plan->sev_features);
    case OPTION_GUEST_VMPL:
        return parse_u32("guest-vmpl", VMPL_COUNT - 1, &plan->guest_vmpl);
    case OPTION_CONSOLE_PORT:
        return parse_port("console-port", &plan->console_port);
    case OPTION_PROXY_PORT:
        return parse_port("proxy-port", &plan->proxy_port);
    case OPTION_CPU_SIGNATURE:
        return parse_u32("cpu-signature", UINT32_MAX, &options->cpu_signature);
    case OPTION_KBS_KEY:
        return kbs_option_key(optarg, &plan->kbs);
    case OPTION_VOLUME:
        options->volume_given = true;
        return kbs_option_volume(optarg, &plan->kbs);
    case OPTION_PCR_BANKS:
        return pcr_banks_option(optarg, &plan->pcr_banks);
    default: /* getopt_long() has complained */
        return TOOL_USAGE;
    }
}

/*
 * Every kernel that runs an SVSM knows restricted injection, which keeps made-up interrupts and
 * exceptions out of it. Firmware alone runs on others, and wants its interrupts.
 */
static uint64_t default_sev_features(const struct svsm_plan *plan)
{
    return plan->kernel.path ? SEV_FEATURE_SNP_ACTIVE | SEV_FEATURE_RESTRICTED_INJECTION
                             : SEV_FEATURE_SNP_ACTIVE;
}

/* What the options mean together. */
static enum tool_status check_options(const struct build_options *options)
{
    const struct svsm_plan *plan = &options->svsm;

    if (!options->output)
        return complain(TOOL_USAGE, "--output is missing");
    if (!plan->kernel.path && !options->firmware_path)
        return complain(TOOL_USAGE, "give --svsm, --firmware or both");
    if (!plan->kernel.path && plan->service_count != 0)
        return complain(TOOL_USAGE, "--service needs --svsm");
    if (!plan->kernel.path && plan->kbs.pin_count != 0)
        return complain(TOOL_USAGE, "--kbs-key needs --svsm");
    if (plan->kbs.pin_count == 0 && options->volume_given)
        return complain(TOOL_USAGE,
                        "--volume needs --kbs-key: only a signed release names a volume");
    if (plan->guest_vmpl == 0)
        return complain(TOOL_USAGE, "--guest-vmpl 0 is the SVSM's own");
    if ((plan->policy & SNP_POLICY_RESERVED_ONE) == 0)
        return complain(TOOL_USAGE, "--policy must have bit 17 (0x20000) set");
    if ((plan->policy & SNP_POLICY_MIGRATE_MA) != 0)
        return complain(TOOL_USAGE, "--policy must not allow a migration agent (bit 18)");
    return TOOL_OK;
}

enum tool_status build_options_parse(int argc, char **argv, struct build_options *options)
{
    enum tool_status status = TOOL_OK;
    int option;

    *options = DEFAULTS;
    while (status == TOOL_OK && (option = getopt_long(argc, argv, "ho:", OPTIONS, NULL)) != -1)
        status = take_option(option, options);
    if (status != TOOL_OK || options->help)
        return status;
    if (optind < argc)
        return complain(TOOL_USAGE, "unexpected argument %s", argv[optind]);
    if (!options->sev_features_given)
        options->svsm.sev_features = default_sev_features(&options->svsm);
    return check_options(options);
}

void build_usage(FILE *stream)
{
    fputs(USAGE, stream);
}
