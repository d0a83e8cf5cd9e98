/* SPDX-License-Identifier: MIT */
#include "kbs/server/parts.h"

#include <stdlib.h>
#include <string.h>

#include "kbs/audit/audit.h"
#include "kbs/audit/audit_segment.h"
#include "kbs/audit/audit_watch.h"
#include "kbs/ca/ca.h"
#include "kbs/evidence/chain_cache.h"
#include "kbs/keys/keyring.h"
#include "kbs/log.h"
#include "kbs/protocol/policy_cache.h"
#include "kbs/protocol/session.h"
#include "kbs/server/commands.h"

#define CLIENTS_REMEMBERED 4096 /* by each rate limit */
#define CHAINS_REMEMBERED  256  /* of certificates, with the outcome of their verification */
#define EXPIRY_WARNING     30   /* days */

#define AUDIT_VERIFIED_EVERY 3600 /* seconds */

static int open_keyring(struct parts *parts)
{
    enum store_status status;

    parts->keyring = keyring_open(parts->backing.store, &status);
    return parts->keyring ? EXIT_DONE
                          : complain(EXIT_FILE, "signing keys: %s", store_status_text(status));
}

static int load_trust(struct parts *parts)
{
    const struct config *config = &parts->backing.config;
    struct trust_error error;

    if ((!config->amd_certs.text ||
         trust_load_amd(&parts->trust, config->amd_certs.text, &error)) &&
        (!config->emulated_root.text ||
         trust_load_emulated(&parts->trust, config->emulated_root.text, &error)) &&
        (!config->emulated_certificates.text ||
         trust_load_emulated_chain(&parts->trust, config->emulated_certificates.text, &error)))
        return EXIT_DONE;
    return complain(EXIT_INPUT, "%s", error.text);
}

/* Not when only checking: the cache's folder would be made. */
static int open_collateral(struct parts *parts)
{
    const struct config *config = &parts->backing.config;
    struct collateral_options options = {
        .directory = config->amd_certs.text,
        .kds_url = config->kds_url.text,
        .cache = config->kds_cache.text,
        .timeout_s = config->kds_timeout,
    };

    parts->collateral = collateral_new(&options);
    if (!parts->collateral)
        return complain(EXIT_FILE, "%s: the folder for certificates cannot be made",
                        options.cache ? options.cache : "memory");
    return EXIT_DONE;
}

/* What is missing is no reason not to start: it takes a server to mend it with kbsctl. */
static int look_for_needs(struct parts *parts)
{
    struct store_unit *unit = NULL;
    enum store_status status = store_begin_reading(parts->backing.store, &unit);

    if (status == STORE_OK)
        status = needs_look(unit, parts->backing.config.attestation_policy.text, &parts->needs);
    store_abandon(unit);
    return status == STORE_OK ? EXIT_DONE
                              : complain(EXIT_FILE, "store: %s", store_status_text(status));
}

static void warn_of_expiry(struct tls_files *files, const char *certificate)
{
    long days = (long)((tls_files_expiry(files) - time(NULL)) / 86400);
    json_t *members;

    if (days >= EXPIRY_WARNING)
        return;
    members = LOG_MEMBERS({"file", certificate});
    json_object_set_new(members, "days", json_integer(days));
    log_event("certificate-expires", members);
}

static int load_tls(const struct config_listeners *listeners, struct tls_files **tls)
{
    struct tls_error error;

    for (size_t i = 0; i < listeners->count; i++) {
        const struct config_listener *listener = &listeners->listeners[i];

        if (!listener->certificate.text)
            continue;
        tls[i] = tls_files_load(listener->certificate.text, listener->key.text, &error);
        if (!tls[i])
            return complain(EXIT_INPUT, "%s", error.text);
        warn_of_expiry(tls[i], listener->certificate.text);
    }
    return EXIT_DONE;
}

MUST_CHECK static bool make_rates(struct parts *parts)
{
    const struct config_limits *limits = &parts->backing.config.limits;
    struct rate each = {(unsigned)limits->rate, (unsigned)limits->burst};
    struct rate all = {(unsigned)limits->total_rate, (unsigned)limits->total_burst};

    parts->session_rate = rate_limit_new(each, all, CLIENTS_REMEMBERED);
    parts->refusal_rate = rate_limit_new(each, all, CLIENTS_REMEMBERED);
    parts->failure_rate = rate_limit_new(each, all, CLIENTS_REMEMBERED);
    return parts->session_rate && parts->refusal_rate && parts->failure_rate;
}

/* A store of an older version has no key for the audit log yet. */
static int watch_audit(struct parts *parts)
{
    struct store *store = parts->backing.store;
    enum store_status status = audit_segment_make_key(store, parts->keyring, time(NULL));

    if (status != STORE_OK)
        return complain(EXIT_FILE, "audit log: %s", store_status_text(status));
    parts->watch = audit_watch_start(store, parts->keyring, AUDIT_VERIFIED_EVERY);
    return parts->watch ? EXIT_DONE : complain(EXIT_FILE, "out of memory");
}

/* Nor has it a certificate authority. */
static int make_authority(struct parts *parts)
{
    enum store_status status = ca_make_first(parts->backing.store, time(NULL));

    keyring_invalidate(parts->keyring);
    return status == STORE_OK
               ? EXIT_DONE
               : complain(EXIT_FILE, "certificate authority: %s", store_status_text(status));
}

/* What requests are answered from, when they come over TLS or not. */
static void put_together(struct parts *parts, bool tls)
{
    parts->kbs[tls] = (struct kbs){
        .store = parts->backing.store,
        .audit = parts->audit,
        .watch = parts->watch,
        .keyring = parts->keyring,
        .sessions = parts->sessions,
        .policies = parts->policies,
        .verifier = &parts->verifier,
        .attestation_policy = parts->backing.config.attestation_policy.text,
        .tls = tls,
    };
    parts->front[tls] = (struct front){
        .kbs = &parts->kbs[tls],
        .sessions = parts->session_rate,
        .refusals = parts->refusal_rate,
        .failures = parts->failure_rate,
    };
}

static int start(struct parts *parts)
{
    struct store *store = parts->backing.store;
    int status = open_collateral(parts);

    if (status != EXIT_DONE)
        return status;
    parts->verifier = (struct verifier){.trust = &parts->trust, .collateral = parts->collateral};
    parts->audit = audit_start(store, true);
    parts->sessions = sessions_new((size_t)parts->backing.config.sessions, store);
    parts->policies = policy_cache_new();
    parts->verifier.chains = chain_cache_new(CHAINS_REMEMBERED);
    if (!parts->audit || !parts->sessions || !parts->policies || !parts->verifier.chains ||
        !make_rates(parts))
        return complain(EXIT_FILE, "out of memory");
    status = make_authority(parts);
    if (status == EXIT_DONE)
        status = watch_audit(parts);
    put_together(parts, false);
    put_together(parts, true);
    return status;
}

int parts_open(const char *config_path, bool serve, struct parts *parts)
{
    int status;

    *parts = (struct parts){0};
    status = backing_open(config_path, &parts->backing);
    if (status != EXIT_DONE)
        return status;
    log_use_format(strcmp(parts->backing.config.log_format.text, "text") == 0 ? LOG_TEXT
                                                                              : LOG_JSON);
    status = load_tls(&parts->backing.config.listen, parts->tls);
    if (status == EXIT_DONE)
        status = load_tls(&parts->backing.config.admin_listen, parts->admin_tls);
    if (status == EXIT_DONE)
        status = load_trust(parts);
    if (status == EXIT_DONE)
        status = open_keyring(parts);
    if (status == EXIT_DONE)
        status = look_for_needs(parts);
    return status == EXIT_DONE && serve ? start(parts) : status;
}

void parts_close(struct parts *parts)
{
    rate_limit_free(parts->session_rate);
    rate_limit_free(parts->refusal_rate);
    rate_limit_free(parts->failure_rate);
    sessions_free(parts->sessions);
    policy_cache_free(parts->policies);
    if (parts->verifier.chains)
        chain_cache_free(parts->verifier.chains);
    audit_watch_stop(parts->watch);
    if (parts->audit)
        audit_stop(parts->audit);
    collateral_free(parts->collateral);
    trust_free(&parts->trust);
    if (parts->keyring)
        keyring_close(parts->keyring);
    for (size_t i = 0; i < CONFIG_LISTENERS_MAX; i++) {
        tls_files_free(parts->tls[i]);
        tls_files_free(parts->admin_tls[i]);
    }
    backing_close(&parts->backing);
}

static void reload(struct tls_files **tls, const struct config_listeners *listeners)
{
    struct tls_error error;

    for (size_t i = 0; i < listeners->count; i++) {
        const char *certificate = listeners->listeners[i].certificate.text;

        if (!tls[i])
            continue;
        if (tls_files_reload(tls[i], &error))
            log_event("reload", LOG_MEMBERS({"result", "done"}, {"file", certificate}));
        else
            log_event("reload", LOG_MEMBERS({"result", "failed"}, {"file", certificate},
                                            {"reason", error.text}));
    }
}

void parts_reload(struct parts *parts)
{
    reload(parts->tls, &parts->backing.config.listen);
    reload(parts->admin_tls, &parts->backing.config.admin_listen);
}
