/* SPDX-License-Identifier: MIT */
/* /admin/v1/volumes: their keys go in, or are made here, and never come out. */
#include "kbs/store/volumes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "kbs/admin/routes.h"
#include "kbs/admin/values.h"
#include "kbs/admin/volume_answer.h"
#include "kbs/store/authorities.h"
#include "kbs/store/images.h"
#include "kbs/store/policies.h"
#include "lib/base/uuid.h"
#include "lib/jose/base64.h"

static void add_volume(void *list, const struct volume *volume)
{
    json_array_append_new(list, volume_json(volume));
}

bool volumes_list(struct call *call)
{
    json_t *list = json_array();
    enum store_status status = volume_each(call->unit, add_volume, list);

    if (status != STORE_OK) {
        json_decref(list);
        return call_refuse_status(call, status, "volumes", "cannot be listed");
    }
    return call_reply(call, HTTP_OK, json_pack("{s:o}", "volumes", list));
}

bool volumes_show(struct call *call)
{
    return volume_answer(call, HTTP_OK, NULL);
}

static bool is_weak(const uint8_t key[STATE_KEY_SIZE])
{
    return CRYPTO_memcmp(key, key + STATE_KEY_SIZE / 2, STATE_KEY_SIZE / 2) == 0;
}

/* The key that text is, or a random one when it is NULL. */
MUST_CHECK static bool take_key(struct call *call, const char *text, uint8_t key[STATE_KEY_SIZE])
{
    if (!text)
        return RAND_priv_bytes(key, STATE_KEY_SIZE) == 1 ||
               call_refuse(call, HTTP_INTERNAL, "no-entropy", "no random numbers for a key");
    if (!base64_decode_exact(BASE64_STANDARD, text, strlen(text), key, STATE_KEY_SIZE))
        return call_refuse(call, HTTP_BAD_REQUEST, "key-invalid", "key: must be %d bytes in base64",
                           STATE_KEY_SIZE);
    return !is_weak(key) || call_refuse(call, HTTP_BAD_REQUEST, "key-weak",
                                        "key: its two halves are equal, which XTS does not allow");
}

/* A random id is a UUID of version 4 (RFC 9562). */
MUST_CHECK static bool make_id(struct call *call, uint8_t id[VOLUME_ID_SIZE])
{
    if (RAND_bytes(id, VOLUME_ID_SIZE) != 1)
        return call_refuse(call, HTTP_INTERNAL, "no-entropy", "no random numbers for an id");
    id[6] = (id[6] & 0x0F) | 0x40;
    id[8] = (id[8] & 0x3F) | 0x80;
    return true;
}

MUST_CHECK static bool take_id(struct call *call, const char *text, uint8_t id[VOLUME_ID_SIZE])
{
    if (!text)
        return make_id(call, id);
    return uuid_bytes(text, id) || call_refuse(call, HTTP_BAD_REQUEST, "id-invalid",
                                               "id: must be a UUID of 8-4-4-4-12 digits");
}

MUST_CHECK static bool take_release(struct call *call, const char *text,
                                    enum volume_release *release)
{
    *release = text && strcmp(text, "any") == 0 ? VOLUME_RELEASE_ANY : VOLUME_RELEASE_SIGNED;
    return !text || *release == VOLUME_RELEASE_ANY || strcmp(text, "signed") == 0 ||
           call_refuse(call, HTTP_BAD_REQUEST, "release-invalid",
                       "release: must be \"signed\" or \"any\"");
}

/* That there is an image of this name that may have secrets. */
MUST_CHECK static bool take_image(struct call *call, const char *name,
                                  char image_name[STORE_NAME_MAX + 1])
{
    struct image image;
    enum store_status status =
        store_is_name(name) ? image_by_name(call->unit, name, &image) : STORE_NOT_FOUND;

    if (status == STORE_NOT_FOUND)
        return call_refuse(call, HTTP_CONFLICT, "image-unknown",
                           "there is no such image; add it "
                           "first");
    if (status != STORE_OK)
        return call_refuse_status(call, status, "image", name);
    if (image.retired)
        return call_refuse(call, HTTP_CONFLICT, "image-retired", "image %s was retired", name);
    snprintf(image_name, STORE_NAME_MAX + 1, "%s", name);
    return true;
}

MUST_CHECK static bool take_policy(struct call *call, const char *name,
                                   char policy_name[STORE_NAME_MAX + 1])
{
    char *text = NULL;
    enum store_status status =
        store_is_name(name) ? policy_text(call->unit, name, &text) : STORE_NOT_FOUND;

    free(text);
    if (status == STORE_NOT_FOUND)
        return call_refuse(call, HTTP_CONFLICT, "policy-unknown",
                           "there is no such policy; add it first");
    if (status != STORE_OK)
        return call_refuse_status(call, status, "policy", name);
    snprintf(policy_name, STORE_NAME_MAX + 1, "%s", name);
    return true;
}

static bool add(struct call *call, const struct volume *volume, const uint8_t key[STATE_KEY_SIZE])
{
    enum store_status status = volume_add(call->unit, volume, key);

    if (status == STORE_EXISTS)
        return call_refuse(call, HTTP_CONFLICT, "exists",
                           "there is a volume with this name or id already");
    if (status == STORE_NAME_USED)
        return call_refuse(
            call, HTTP_CONFLICT, "name-used",
            "a retired volume has the name %s, which stands for it in the audit log: "
            "choose another name",
            volume->name);
    if (status != STORE_OK)
        return call_refuse_status(call, status, "volume", volume->name);
    return volume_answer(call, HTTP_CREATED, NULL);
}

bool volumes_create(struct call *call)
{
    const char *name, *image, *policy = "default", *id = NULL, *release = NULL, *key_text = NULL;
    struct volume volume = {.created = call->request->now};
    uint8_t key[STATE_KEY_SIZE];
    bool done;

    if (!call_unpack(call, "{s:s, s:s, s?s, s?s, s?s, s?s}", "name", &name, "image", &image,
                     "policy", &policy, "id", &id, "release", &release, "key", &key_text) ||
        !call_name_object(call, name))
        return false;
    snprintf(volume.name, sizeof(volume.name), "%s", name);
    done = take_id(call, id, volume.id) && take_release(call, release, &volume.release) &&
           take_image(call, image, volume.image) && take_policy(call, policy, volume.policy) &&
           take_key(call, key_text, key) && add(call, &volume, key);
    OPENSSL_cleanse(key, sizeof(key));
    return done;
}

/* With another key no state opens that is on the disk now. */
MUST_CHECK static bool leave_states(struct call *call, struct volume_found *found, bool forget)
{
    char text[SHORT_STATE_SIZE];
    enum store_status status;

    if (found->record.has_committed && !forget)
        return call_refuse(call, HTTP_CONFLICT, "state-committed",
                           "the key of volume %s opens its committed state, which no other does: "
                           "put the disk under the new key first (state-volume rekey), then set it "
                           "with forget_state (kbsctl: --forget-state), and adopt for the first "
                           "state",
                           call->object);
    /* Nor may a VM that has the key of now confirm a state under it. */
    if (found->record.has_committed)
        snprintf(call->detail, sizeof(call->detail), "the committed state was %s",
                 short_state(found->record.committed, text));
    if (!lease_forget(&found->record))
        return true;
    status = lease_save(call->unit, found->volume.id, &found->record);
    return status == STORE_OK || call_refuse_status(call, status, "volume", call->object);
}

static bool set_key(struct call *call, const uint8_t key[STATE_KEY_SIZE], bool forget)
{
    struct volume_found found;
    bool forgets;
    enum store_status status;

    if (!volume_find(call, &found))
        return false;
    forgets = found.record.has_committed;
    status = volume_set_key(call->unit, call->object, key, call->request->now);
    if (status != STORE_OK)
        return call_refuse_status(call, status, "volume", call->object);
    return leave_states(call, &found, forget) &&
           volume_answer(call, HTTP_OK,
                         forgets ? "The KBS knows no state of this volume any more: the next VM "
                                   "takes what the new key opens as the first one, or a blank "
                                   "disk, as the volume's policy lets it."
                                 : NULL);
}

bool volumes_set_key(struct call *call)
{
    const char *key_text = NULL;
    uint8_t key[STATE_KEY_SIZE];
    int forget = 0;
    bool done;

    if (!call_unpack(call, "{s?s, s?b}", "key", &key_text, "forget_state", &forget))
        return false;
    done = take_key(call, key_text, key) && set_key(call, key, forget);
    OPENSSL_cleanse(key, sizeof(key));
    return done;
}

/* A key to change over to */

/* The volume, which is active and has leases: without them nobody says when a state is durable. */
MUST_CHECK static bool find_to_rekey(struct call *call, struct volume_found *found)
{
    if (!volume_find(call, found))
        return false;
    if (found->volume.retired)
        return call_refuse_status(call, STORE_RETIRED, "volume", call->object);
    return found->policy.mode != LEASE_OFF ||
           call_refuse(call, HTTP_CONFLICT, "lease-none",
                       "volume %s has no leases, under which a VM tells of its new state: put the "
                       "disk under another key yourself (state-volume rekey), then set it (kbsctl "
                       "volume set-key), or give it leases (kbsctl volume set-lease)",
                       call->object);
}

MUST_CHECK static bool save_rekey(struct call *call, const struct volume_found *found,
                                  const char *gives_up)
{
    enum store_status status = lease_save(call->unit, found->volume.id, &found->record);

    if (status != STORE_OK)
        return call_refuse_status(call, status, "volume", call->object);
    return volume_answer(call, HTTP_OK, gives_up);
}

static bool begin_rekey(struct call *call, const uint8_t key[STATE_KEY_SIZE])
{
    struct volume_found found;
    unsigned version;
    enum store_status status;

    if (!find_to_rekey(call, &found))
        return false;
    if (found.record.next_version != 0)
        return call_refuse(call, HTTP_CONFLICT, "rekey-pending",
                           "volume %s has a key already that its next VM changes over to: start "
                           "that VM, or cancel (kbsctl volume rekey --cancel)",
                           call->object);
    status = volume_add_key(call->unit, found.volume.id, key, &version);
    if (status != STORE_OK)
        return call_refuse_status(call, status, "volume", call->object);
    if (!lease_rekey(&found.record, version))
        return call_refuse_status(call, STORE_CONFLICT, "volume", call->object);
    snprintf(call->detail, sizeof(call->detail), "from version %u to version %u",
             found.volume.key_version, version);
    return save_rekey(
        call, &found,
        "Copies and backups of the disk that were made before are lost: the next VM to start puts "
        "its TPM under the new key, and with the one after it the older key is destroyed. A backup "
        "of the KBS's store that was made before now does not have the new key: make another one.");
}

static bool cancel_rekey(struct call *call)
{
    struct volume_found found;

    if (!find_to_rekey(call, &found))
        return false;
    snprintf(call->detail, sizeof(call->detail), "cancelled: it stays with version %u",
             found.volume.key_version);
    if (!lease_cancel_rekey(&found.record))
        return call_refuse(call, HTTP_CONFLICT, "rekey-none",
                           "volume %s has no key to change over to: none was made, or a VM has "
                           "done it",
                           call->object);
    return save_rekey(
        call, &found,
        "The volume stays under its key, whatever it was to be changed for. A VM that "
        "was about to change over has to be started anew.");
}

bool volumes_rekey(struct call *call)
{
    const char *key_text = NULL;
    uint8_t key[STATE_KEY_SIZE];
    int cancel = 0;
    bool done;

    if (!call_unpack(call, "{s?s, s?b}", "key", &key_text, "cancel", &cancel))
        return false;
    if (cancel && key_text)
        return call_refuse(call, HTTP_BAD_REQUEST, "body-invalid",
                           "key: there is none to be given where one is cancelled");
    if (cancel)
        return cancel_rekey(call);
    done = take_key(call, key_text, key) && begin_rekey(call, key);
    OPENSSL_cleanse(key, sizeof(key));
    return done;
}

bool volumes_set_image(struct call *call)
{
    const char *image;
    char image_name[STORE_NAME_MAX + 1];
    enum store_status status;

    if (!call_unpack(call, "{s:s}", "image", &image) || !take_image(call, image, image_name))
        return false;
    status = volume_set_image(call->unit, call->object, image_name);
    if (status != STORE_OK)
        return call_refuse_status(call, status, "volume", call->object);
    return volume_answer(call, HTTP_OK, NULL);
}

bool volumes_retire(struct call *call)
{
    time_t now = call->request->now;
    struct volume volume;
    enum store_status status;

    if (!call_unpack(call, "{}"))
        return false;
    status = volume_by_name(call->unit, call->object, &volume);
    if (status == STORE_OK)
        status = volume_retire(call->unit, call->object, now);
    if (status == STORE_OK)
        status = ek_entry_revoke(call->unit, volume.id, NULL, REVOKED_RETIRED, now, NULL);
    if (status != STORE_OK)
        return call_refuse_status(call, status, "volume", call->object);
    return volume_answer(call, HTTP_OK,
                         "The TPM of this volume is lost, with all that is sealed to it: its disk "
                         "and every copy of it open no more. A VM that still runs persists nothing "
                         "that is anchored.");
}
