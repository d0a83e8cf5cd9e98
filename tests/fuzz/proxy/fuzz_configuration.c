/* SPDX-License-Identifier: MIT */
/* A configuration file: it is taken, or refused with words. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/options_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);

/* libconfig 1.5 loses a string that stands before a syntax error. It is read once, at the start. */
const char *__lsan_default_suppressions(void)
{
    return "leak:libconfig.so";
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct options_problem problem = {0};
    struct options options;
    char *text = strndup((const char *)data, size);

    options_init(&options);
    /* What another file says is not this one's bytes. */
    if (text && !strstr(text, "@include")) {
        bool taken = options_read_text(&options, text, &problem);

        if (taken == (problem.text[0] != '\0'))
            abort();
        if (taken && !options_check(&options, 0, &problem) && problem.text[0] == '\0')
            abort();
    }
    options_free(&options);
    free(text);
    return 0;
}
