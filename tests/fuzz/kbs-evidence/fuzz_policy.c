/* SPDX-License-Identifier: MIT */
/* A policy's text: what is accepted keeps its bounds, and what is refused says in which line. */
#include <stdlib.h>
#include <string.h>

#include "kbs/policy/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* libconfig 1.5 loses the string that it reads when it comes upon an error of syntax. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:strbuf_append\nleak:libconfig_yylex\n";
}

static bool is_consistent(const struct requirements *requirements)
{
    return requirements->version_min >= 2 && requirements->version_max <= 5 &&
           requirements->version_min <= requirements->version_max &&
           (requirements->vcek || requirements->vlek) &&
           requirements->vlek == (requirements->csp_id_count > 0) &&
           requirements->csp_id_count <= CSP_IDS_MAX &&
           requirements->chip_id_count <= CHIP_IDS_MAX &&
           !(requirements->guest_policy.must_be_set & requirements->guest_policy.must_be_clear);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    struct policy_error error = {""};
    struct policy policy;

    memcpy(text, data, size);
    text[size] = '\0';
    if (policy_parse(text, &policy, &error)) {
        if (!is_consistent(&policy.requirements) || policy.image_count > POLICY_IMAGES_MAX)
            abort();
        policy_free(&policy);
    } else if (strncmp(error.text, "line ", 5) != 0) {
        abort();
    }
    free(text);
    return 0;
}
