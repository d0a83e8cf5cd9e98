/* SPDX-License-Identifier: MIT */
/* The command line of `igvm build`. */
#ifndef SNPVTPM_IGVM_BUILD_OPTIONS_H
#define SNPVTPM_IGVM_BUILD_OPTIONS_H

#include <stdbool.h>
#include <stdio.h>

#include "igvm/svsm_image.h"
#include "igvm/tool.h"

struct build_options {
    const char *output;
    const char *firmware_path; /* NULL: none */
    /* kernel.path is NULL when there is no SVSM. File contents and firmware are not set here. */
    struct svsm_plan svsm;
    uint32_t cpu_signature;
    bool volume_given;
    bool sev_features_given;
    bool help; /* nothing else is to be done */
};

/* Complains about a wrong command line. *options refers to argv. */
MUST_CHECK enum tool_status build_options_parse(int argc, char **argv,
                                                struct build_options *options);

void build_usage(FILE *stream);

#endif
