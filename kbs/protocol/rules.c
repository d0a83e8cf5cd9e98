/* SPDX-License-Identifier: MIT */
#include "kbs/protocol/rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kbs/protocol/policy_cache.h"
#include "kbs/store/policies.h"
#include "lib/base/hex.h"

static enum store_status load_policy(const struct kbs *kbs, struct store_unit *unit,
                                     struct rules *rules, struct policy_error *error)
{
    char *text = NULL;
    enum store_status status = policy_text(unit, rules->policy_name, &text);

    snprintf(error->text, sizeof(error->text), "there is no policy of the name %s",
             rules->policy_name);
    if (status == STORE_OK)
        rules->policy = policy_cache_take(kbs->policies, rules->policy_name, text, error);
    free(text);
    return status == STORE_NOT_FOUND ? STORE_OK : status;
}

static enum store_status load_image(struct store_unit *unit,
                                    const uint8_t measurement[LAUNCH_DIGEST_SIZE],
                                    struct rules *rules)
{
    enum store_status status = image_by_measurement(unit, measurement, &rules->image);

    rules->has_image = status == STORE_OK;
    return status == STORE_NOT_FOUND ? STORE_OK : status;
}

enum store_status rules_load(const struct kbs *kbs, struct store_unit *unit,
                             const char *policy_name, const char *only_image,
                             const uint8_t measurement[LAUNCH_DIGEST_SIZE], struct rules *rules,
                             struct policy_error *error)
{
    enum store_status status;

    *rules = (struct rules){0};
    snprintf(rules->policy_name, sizeof(rules->policy_name), "%s", policy_name);
    snprintf(rules->only_image, sizeof(rules->only_image), "%s", only_image ? only_image : "");
    status = load_policy(kbs, unit, rules, error);
    return status == STORE_OK ? load_image(unit, measurement, rules) : status;
}

void rules_give_back(const struct kbs *kbs, struct rules *rules)
{
    policy_cache_give_back(kbs->policies, rules->policy);
    rules->policy = NULL;
}

bool rules_admit(void *context, const uint8_t measurement[LAUNCH_DIGEST_SIZE],
                 struct finding *finding)
{
    const struct rules *rules = context;
    char found[2 * LAUNCH_DIGEST_SIZE + 1];

    if (!rules->has_image ||
        memcmp(rules->image.measurement, measurement, LAUNCH_DIGEST_SIZE) != 0) {
        hex_text(measurement, LAUNCH_DIGEST_SIZE, found);
        return finding_fail(finding, VERDICT_MEASUREMENT_UNKNOWN, "found %s", found);
    }
    if (rules->image.retired)
        return finding_fail(finding, VERDICT_MEASUREMENT_RETIRED, "image %s", rules->image.name);
    if (rules->only_image[0] && strcmp(rules->image.name, rules->only_image) != 0)
        return finding_fail(finding, VERDICT_MEASUREMENT_REFUSED,
                            "expected image %s, found image %s", rules->only_image,
                            rules->image.name);
    if (!policy_admits_image(rules->policy, rules->image.name))
        return finding_fail(finding, VERDICT_MEASUREMENT_REFUSED,
                            "image %s is not among those of policy %s", rules->image.name,
                            rules->policy_name);
    return true;
}
