/* SPDX-License-Identifier: MIT */
/*
 * The configuration file, in libconfig's language: each option by its name, a list as an array.
 *
 *     url = "https://kbs.example:8443"; unix = ["/run/a.sock", "/run/b.sock"]; timeout = 20;
 */
#ifndef SNPVTPM_PROXY_OPTIONS_FILE_H
#define SNPVTPM_PROXY_OPTIONS_FILE_H

#include "proxy/options.h"

/* Sets what the file says. False: *problem says where and why. */
MUST_CHECK bool options_read_file(struct options *options, const char *path,
                                  struct options_problem *problem);

/* The same for a text. */
MUST_CHECK bool options_read_text(struct options *options, const char *text,
                                  struct options_problem *problem);

#endif
