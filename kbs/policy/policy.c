/* SPDX-License-Identifier: MIT */
#include "kbs/policy/policy.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kbs/policy/setting.h"
#include "kbs/policy/text.h"

#define MITIGATIONS_VERSION 5 /* of reports: the first that tells of them */

/* Contradictions: what each setting allows for itself, but nothing can fulfil together. */

/* Blames the setting at path, which is there. */
__attribute__((format(printf, 4, 5))) static bool contradict(struct reading *reading,
                                                             const config_t *config,
                                                             const char *path, const char *format,
                                                             ...)
{
    const config_setting_t *found = config_lookup(config, path);
    char text[160];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    return fail_at(reading, found ? found : config_root_setting(config), "%s", text);
}

static bool check_mask(struct reading *reading, const config_t *config, const char *path,
                       const struct mask64 *mask, const struct bit_names *names)
{
    uint64_t both = mask->must_be_set & mask->must_be_clear;
    char text[BITS_TEXT_MAX];

    return !both || contradict(reading, config, path, "to be both set and clear: %.100s",
                               bits_text(names, both, text));
}

static bool check_masks(struct reading *reading, const config_t *config)
{
    const struct requirements *requirements = &reading->policy->requirements;

    return check_mask(reading, config, "guest.policy", &requirements->guest_policy, &policy_bits) &&
           check_mask(reading, config, "platform-info", &requirements->platform_info,
                      &platform_info_bits) &&
           check_mask(reading, config, "mitigations", &requirements->mitigations, NULL);
}

static bool check_contradictions(struct reading *reading, const config_t *config)
{
    const struct requirements *requirements = &reading->policy->requirements;

    if (requirements->version_min > requirements->version_max)
        return contradict(reading, config, "report", "version-min %u is above version-max %u",
                          requirements->version_min, requirements->version_max);
    if (requirements->version_min < REPORT_VERSION_MIN)
        return contradict(reading, config, "report.version-min", "must be %d to %d",
                          REPORT_VERSION_MIN, REPORT_VERSION_MAX);
    if (requirements->vlek && requirements->csp_id_count == 0)
        return contradict(reading, config, "signing-keys",
                          "\"vlek\" needs csp-ids: whose VLEKs are admitted");
    if (!requirements->vlek && requirements->csp_id_count > 0)
        return contradict(reading, config, "csp-ids",
                          "are of VLEKs, but signing-keys lacks \"vlek\"");
    if (requirements->masked_chip_id && requirements->chip_id_count > 0)
        return contradict(reading, config, "masked-chip-ids",
                          "a masked chip id is none of those in chips");
    if (requirements->mitigations.must_be_set && requirements->version_max < MITIGATIONS_VERSION)
        return contradict(reading, config, "mitigations",
                          "reports before version %d tell of none, and report.version-max is %u",
                          MITIGATIONS_VERSION, requirements->version_max);
    return check_masks(reading, config);
}

/* The whole text */

static bool read_all(struct reading *reading, config_t *config, const char *text)
{
    static const struct setting whole = {.members = policy_settings};

    if (config_read_string(config, text) != CONFIG_TRUE) {
        snprintf(reading->error->text, sizeof(reading->error->text), "line %d: %s",
                 config_error_line(config), config_error_text(config));
        return false;
    }
    return read_group(reading, config_root_setting(config), &whole) &&
           check_contradictions(reading, config);
}

bool policy_parse(const char *text, struct policy *policy, struct policy_error *error)
{
    struct reading reading = {.policy = policy, .error = error};
    char *lines = NULL;
    config_t config;
    bool valid;

    *policy = (struct policy){0};
    requirements_strict(&policy->requirements);
    if (!text_check(text, error))
        return false;
    /* To libconfig, a comment without an end of line is an error. */
    if (asprintf(&lines, "%s\n", text) < 0) {
        snprintf(error->text, sizeof(error->text), "line 1: out of memory");
        return false;
    }
    config_init(&config);
    valid = read_all(&reading, &config, lines);
    config_destroy(&config);
    free(lines);
    if (!valid)
        policy_free(policy);
    return valid;
}

void policy_free(struct policy *policy)
{
    requirements_free(&policy->requirements);
    *policy = (struct policy){0};
}

bool policy_admits_image(const struct policy *policy, const char *name)
{
    for (size_t i = 0; i < policy->image_count; i++)
        if (strcmp(policy->images[i], name) == 0)
            return true;
    return policy->image_count == 0;
}
