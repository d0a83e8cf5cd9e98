/* SPDX-License-Identifier: MIT */
#include "tests/unit/kbs-admin/admin_kbs.h"

#include <stdio.h>
#include <string.h>

#include "kbs/admin/values.h"
#include "kbs/audit/audit.h"
#include "kbs/audit/audit_watch.h"
#include "kbs/keys/keyring.h"
#include "kbs/policy/policy.h"
#include "kbs/store/policies.h"
#include "kbs/store/volumes.h"
#include "lib/base/hex.h"
#include "tests/unit/registered.h"

#define START 1780000000 /* of the attestations that are logged */

static struct store_unit *begin(struct admin_kbs *admin)
{
    struct store_unit *unit;

    assert_int_equal(store_begin(admin->kbs.store, &unit), STORE_OK);
    return unit;
}

void admin_kbs_add_token(struct admin_kbs *admin, const char *name, enum role role, time_t expires,
                         char text[TOKEN_TEXT_MAX + 1])
{
    struct token token = {.role = role, .created = START, .expires = expires};
    struct store_unit *unit = begin(admin);

    snprintf(token.name, sizeof(token.name), "%s", name);
    assert_int_equal(token_create(unit, &token, text), STORE_OK);
    assert_int_equal(store_commit(unit), STORE_OK);
}

static void add_keys_and_policy(struct admin_kbs *admin)
{
    struct store_unit *unit = begin(admin);
    uint8_t id[SIGNING_KEY_ID_SIZE];

    assert_int_equal(policy_put(unit, "default", policy_default_text, false, START), STORE_OK);
    assert_int_equal(keyring_generate(unit, SIGNING_KEY_RELEASE, START, id), STORE_OK);
    assert_int_equal(keyring_generate(unit, SIGNING_KEY_TOKEN, START, id), STORE_OK);
    assert_int_equal(keyring_generate(unit, SIGNING_KEY_AUDIT, START, id), STORE_OK);
    assert_int_equal(store_commit(unit), STORE_OK);
}

void admin_kbs_start(struct admin_kbs *admin, const char *folder)
{
    char path[PATH_MAX];
    enum store_status status;

    *admin = (struct admin_kbs){0};
    snprintf(path, sizeof(path), "%s/master.key", folder);
    assert_int_equal(master_key_create(path), MASTER_KEY_OK);
    assert_int_equal(master_keys_load(path, &admin->keys), MASTER_KEY_OK);
    snprintf(admin->path, sizeof(admin->path), "%s/kbs.db", folder);
    assert_int_equal(store_open(admin->path, true, &admin->keys, &admin->kbs.store), STORE_OK);
    add_keys_and_policy(admin);
    admin_kbs_add_token(admin, "owner", ROLE_OWNER, 0, admin->owner);
    admin_kbs_add_token(admin, "auditor", ROLE_AUDITOR, 0, admin->auditor);
    admin->verifier.trust = &admin->trust;
    admin->kbs.verifier = &admin->verifier;
    admin->kbs.attestation_policy = "default";
    admin->kbs.audit = audit_start(admin->kbs.store, false);
    admin->kbs.keyring = keyring_open(admin->kbs.store, &status);
    assert_non_null(admin->kbs.audit);
    assert_non_null(admin->kbs.keyring);
    admin->kbs.watch = audit_watch_start(admin->kbs.store, admin->kbs.keyring, 1);
    assert_non_null(admin->kbs.watch);
}

void admin_kbs_stop(struct admin_kbs *admin)
{
    audit_watch_stop(admin->kbs.watch);
    keyring_close(admin->kbs.keyring);
    audit_stop(admin->kbs.audit);
    store_close(admin->kbs.store);
    master_keys_wipe(&admin->keys);
}

void admin_kbs_log(struct admin_kbs *admin, const char *event, json_t *members, time_t now)
{
    struct store_unit *unit = begin(admin);

    assert_non_null(members);
    assert_int_equal(audit_append(unit, event, members, now), STORE_OK);
    assert_int_equal(store_commit(unit), STORE_OK);
}

static void add_images(struct admin_kbs *admin)
{
    static const char *const names[] = {"svsm-2026.05", "svsm-2026.07", "svsm-old"};
    struct store_unit *unit = begin(admin);

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct image image = {.added = START + 3600 * (time_t)i};

        snprintf(image.name, sizeof(image.name), "%s", names[i]);
        memset(image.measurement, 0x11 * ((int)i + 1), sizeof(image.measurement));
        assert_int_equal(image_add(unit, &image, NULL, 0), STORE_OK);
    }
    assert_int_equal(image_retire(unit, "svsm-old", START + 90000), STORE_OK);
    assert_int_equal(policy_put(unit, "milan-v2",
                                "# </pre><script>alert(\"no\")</script> & so on\n"
                                "report = { version-min = 2; };\n",
                                false, START + 100),
                     STORE_OK);
    assert_int_equal(store_commit(unit), STORE_OK);
}

static void add_volumes(struct admin_kbs *admin)
{
    static const struct {
        const char *name, *image, *policy;
        enum volume_release release;
    } volumes[] = {
        {"web", "svsm-2026.07", "default", VOLUME_RELEASE_SIGNED},
        {"database", "svsm-2026.07", "default", VOLUME_RELEASE_SIGNED},
        {"legacy-build", "svsm-2026.05", "milan-v2", VOLUME_RELEASE_ANY},
    };
    struct store_unit *unit = begin(admin);
    uint8_t key[STATE_KEY_SIZE];

    for (size_t i = 0; i < sizeof(volumes) / sizeof(volumes[0]); i++) {
        struct volume volume = {.release = volumes[i].release, .created = START + 7200};

        for (size_t j = 0; j < sizeof(key); j++)
            key[j] = (uint8_t)(i + j);
        memset(volume.id, 0xA0 + (int)i, sizeof(volume.id));
        snprintf(volume.name, sizeof(volume.name), "%s", volumes[i].name);
        snprintf(volume.image, sizeof(volume.image), "%s", volumes[i].image);
        snprintf(volume.policy, sizeof(volume.policy), "%s", volumes[i].policy);
        assert_int_equal(volume_add(unit, &volume, key), STORE_OK);
    }
    assert_int_equal(volume_retire(unit, "legacy-build", START + 80000), STORE_OK);
    assert_int_equal(volume_note_release(unit,
                                         (const uint8_t *)(const char[VOLUME_ID_SIZE]){
                                             [0 ... VOLUME_ID_SIZE - 1] = (char)0xA0},
                                         START + 95000),
                     STORE_OK);
    assert_int_equal(store_commit(unit), STORE_OK);
}

static void log_attestation(struct admin_kbs *admin, int fill, time_t when, json_t *more)
{
    uint8_t measurement[LAUNCH_DIGEST_SIZE];
    char text[2 * LAUNCH_DIGEST_SIZE + 1];
    json_t *members;

    memset(measurement, fill, sizeof(measurement));
    hex_text(measurement, sizeof(measurement), text);
    members = json_pack("{s:s, s:s}", "measurement", text, "peer", "192.0.2.17");
    json_object_update_new(members, more);
    admin_kbs_log(admin, "attest", members, when);
}

static void log_attestations(struct admin_kbs *admin)
{
    static const char accepted[] = "{s:s, s:s, s:s, s:s, s:s}";
    static const char refused[] = "{s:s, s:s, s:s, s:s, s:s}";

    log_attestation(admin, 0x22, START + 95000,
                    json_pack(accepted, "result", "accepted", "reason", "ok", "text",
                              "every check passed", "image", "svsm-2026.07", "platform",
                              "AMD SEV-SNP"));
    log_attestation(admin, 0x5E, START + 95200,
                    json_pack(refused, "result", "refused", "reason", "measurement-unknown", "text",
                              "the launch measurement is not registered", "detail",
                              "found 5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e"
                              "5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e",
                              "platform", "AMD SEV-SNP"));
    log_attestation(admin, 0x11, START + 95400,
                    json_pack(refused, "result", "refused", "reason", "tcb-too-low", "text",
                              "a component of the TCB is below what the policy demands", "detail",
                              "reported microcode: expected at least 213, found 209", "platform",
                              "AMD SEV-SNP"));
    log_attestation(admin, 0x22, START + 95600,
                    json_pack(accepted, "result", "accepted", "reason", "ok", "text",
                              "every check passed", "image", "svsm-2026.07", "platform",
                              "EMULATED: NOT CONFIDENTIAL"));
    log_attestation(admin, 0x22, START + 95800,
                    json_pack(refused, "result", "refused", "reason", "chain-name", "text",
                              "a certificate has an unexpected common name", "detail",
                              "expected SEV-VCEK, found <script>alert('x')</script>\"&", "platform",
                              "unknown"));
}

void admin_kbs_fill(struct admin_kbs *admin)
{
    char text[TOKEN_TEXT_MAX + 1];

    add_images(admin);
    add_volumes(admin);
    log_attestations(admin);
    admin_kbs_add_token(admin, "ci-auditor", ROLE_AUDITOR, START + 1000, text);
}
