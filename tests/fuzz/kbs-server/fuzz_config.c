/* SPDX-License-Identifier: MIT */
/* A configuration of any text is taken or refused with words that fit; it never harms. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "kbs/server/config.h"

/* libconfig itself forgets a string that a syntax error interrupts. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libconfig.so";
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct config_errors errors;
    struct config config;
    char *text;

    if (size > CONFIG_SIZE_MAX)
        return 0;
    text = calloc(1, size + 1);
    if (size > 0)
        memcpy(text, data, size);
    if (config_parse(text, "kbs.conf", "/etc/kbs", &config, &errors) != (errors.count == 0))
        abort();
    if (strlen(errors.text) >= sizeof(errors.text) || (errors.count > 0) != (errors.text[0] != 0))
        abort();
    config_free(&config);
    free(text);
    return 0;
}
