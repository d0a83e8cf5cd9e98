/* SPDX-License-Identifier: MIT */
#include "kbs/needs/needs.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "kbs/policy/policy.h"
#include "kbs/store/policies.h"
#include "kbs/store/signing_keys.h"

const char *need_name(enum need need)
{
    static const char *const names[] = {
#define N(value, name) [NEED_##value] = (name),
        NEEDS(N)
#undef N
    };

    return names[need];
}

__attribute__((format(printf, 3, 4))) static void lack(struct needs *needs, enum need need,
                                                       const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(needs->texts[need], sizeof(needs->texts[need]), format, arguments);
    va_end(arguments);
    needs->missing++;
}

static enum store_status look_for_policy(struct store_unit *unit, const char *name,
                                         struct needs *needs)
{
    struct policy_error error;
    struct policy policy;
    char *text;
    enum store_status status = policy_text(unit, name, &text);

    if (status == STORE_NOT_FOUND) {
        lack(needs, NEED_POLICY,
             "there is no policy %s, which attestation-policy names; attestations that are for no "
             "volume are refused until kbsctl policy add %s --file FILE",
             name, name);
        return STORE_OK;
    }
    if (status != STORE_OK)
        return status;
    if (policy_parse(text, &policy, &error))
        policy_free(&policy);
    else
        lack(needs, NEED_POLICY,
             "policy %s, which attestation-policy names, is none (%.300s); attestations that are "
             "for no volume are refused until kbsctl policy add %s --replace --file FILE",
             name, error.text, name);
    free(text);
    return STORE_OK;
}

static void take_use(void *context, const struct signing_key *key)
{
    bool *uses = context;

    if (!key->retired)
        uses[key->use] = true;
}

static enum store_status look_for_keys(struct store_unit *unit, struct needs *needs)
{
    bool uses[SIGNING_KEY_USES] = {false};
    enum store_status status = signing_key_each(unit, take_use, uses);

    if (status != STORE_OK)
        return status;
    if (!uses[SIGNING_KEY_RELEASE])
        lack(needs, NEED_RELEASE_KEY,
             "there is no key to sign release records with; images that pin one get nothing until "
             "kbsctl key rotate release, and images that pin the new key");
    if (!uses[SIGNING_KEY_TOKEN])
        lack(needs, NEED_TOKEN_KEY,
             "there is no key to sign attestation tokens with; attestations are refused until "
             "kbsctl key rotate token");
    return STORE_OK;
}

enum store_status needs_look(struct store_unit *unit, const char *policy, struct needs *needs)
{
    enum store_status status;

    *needs = (struct needs){0};
    status = look_for_policy(unit, policy, needs);
    return status == STORE_OK ? look_for_keys(unit, needs) : status;
}
