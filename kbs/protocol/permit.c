/* SPDX-License-Identifier: MIT */
#include "kbs/protocol/permit.h"

#include "kbs/keys/keyring.h"

static void begin(struct permit *permit, struct refusal *refusal)
{
    permit_end(permit);
    *permit = (struct permit){.kbs = permit->kbs, .grant = permit->grant};
    *refusal = refusal_of(REFUSAL_NONE);
}

/* A record or a token is worth nothing once the key that signed it is retired, on whichever server:
 * each has the keys in memory for a while. */
static enum store_status check_signer(const struct permit *permit, struct store_unit *unit,
                                      struct refusal *refusal)
{
    const struct grant *grant = permit->grant;
    enum store_status status =
        grant->has_signer ? signing_key_serves(unit, grant->signer_use, grant->signer) : STORE_OK;

    if (status != STORE_RETIRED && status != STORE_NOT_FOUND)
        return status;
    keyring_invalidate(permit->kbs->keyring); /* it did not know yet */
    *refusal = refusal_of(grant->signer_use == SIGNING_KEY_RELEASE ? REFUSAL_RELEASE_KEY
                                                                   : REFUSAL_TOKEN_SIGNER);
    return STORE_OK;
}

static struct refusal appraise(struct permit *permit)
{
    const struct requirements *requirements;

    if (!permit->rules.policy)
        return refusal_of(REFUSAL_POLICY);
    requirements = &permit->rules.policy->requirements;
    if (requirements->crl == CRL_REQUIRED && !permit->grant->crl_checked)
        return refusal_of(REFUSAL_CRL);
    if (!evidence_appraise(&permit->grant->attested, requirements, rules_admit, &permit->rules,
                           &permit->finding))
        return refusal_of_verdict(permit->finding.verdict, "PolicyDeny");
    return refusal_of(REFUSAL_NONE);
}

static enum store_status apply_rules(struct permit *permit, struct store_unit *unit,
                                     const char *policy, const char *image, struct refusal *refusal)
{
    enum store_status status = check_signer(permit, unit, refusal);

    if (status != STORE_OK || refusal->status != HTTP_OK)
        return status;
    status =
        rules_load(permit->kbs, unit, policy, image, permit->grant->attested.report.measurement,
                   &permit->rules, &permit->policy_error);
    if (status == STORE_OK)
        *refusal = appraise(permit);
    return status;
}

enum store_status permit_volume(struct permit *permit, struct store_unit *unit,
                                struct refusal *refusal)
{
    const struct grant *grant = permit->grant;
    const struct volume *volume = &permit->volume;
    enum store_status status;

    begin(permit, refusal);
    status = volume_by_id(unit, grant->volume, &permit->volume);
    permit->has_volume = status == STORE_OK;
    if (status == STORE_NOT_FOUND || (status == STORE_OK && volume->retired) ||
        (status == STORE_OK && volume->key_version != grant->key_version)) {
        *refusal = refusal_of(REFUSAL_VOLUME_CHANGED);
        return STORE_OK;
    }
    if (status != STORE_OK)
        return status;
    if (grant->dialect == DIALECT_COCONUT && volume->release == VOLUME_RELEASE_SIGNED) {
        *refusal = refusal_of(REFUSAL_SIGNED_ONLY);
        return STORE_OK;
    }
    return apply_rules(permit, unit, volume->policy, volume->image, refusal);
}

enum store_status permit_policy(struct permit *permit, struct store_unit *unit, const char *policy,
                                struct refusal *refusal)
{
    begin(permit, refusal);
    return apply_rules(permit, unit, policy, NULL, refusal);
}

void permit_tell(const struct permit *permit, struct outcome *outcome)
{
    const struct rules *rules = &permit->rules;

    outcome->volume = permit->has_volume ? &permit->volume : NULL;
    outcome->policy = rules->policy_name[0] ? rules->policy_name : NULL;
    outcome->image = rules->has_image ? rules->image.name : NULL;
    outcome->detail = rules->policy_name[0] && !rules->policy ? permit->policy_error.text
                                                              : permit->finding.detail;
}

void permit_end(struct permit *permit)
{
    if (permit->rules.policy)
        rules_give_back(permit->kbs, &permit->rules);
}
