/* SPDX-License-Identifier: MIT */
/* /admin/v1/keys: the KBS's own signing keys. Only their public halves are shown. */
#include "kbs/store/signing_keys.h"

#include <stdio.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "kbs/admin/json_values.h"
#include "kbs/admin/routes.h"
#include "kbs/admin/values.h"
#include "kbs/audit/audit_segment.h"
#include "kbs/keys/keyring.h"

static const char *const uses[SIGNING_KEY_USES] = {[SIGNING_KEY_RELEASE] = "release",
                                                   [SIGNING_KEY_TOKEN] = "token",
                                                   [SIGNING_KEY_AUDIT] = "audit",
                                                   [SIGNING_KEY_CA] = "ca"};

/* The use of that name; SIGNING_KEY_USES for none. */
static enum signing_key_use use_of(const char *text)
{
    enum signing_key_use use = 0;

    while (use < SIGNING_KEY_USES && strcmp(text, uses[use]) != 0)
        use++;
    return use;
}

/* The keys as the store has them, newest first, and which of each use is the active one. */
struct listing {
    json_t *keys;
    bool active_seen[SIGNING_KEY_USES];
};

static void add_key(void *context, const struct signing_key *key)
{
    struct listing *listing = context;
    bool active = !key->retired && !listing->active_seen[key->use];

    if (active)
        listing->active_seen[key->use] = true;
    json_array_append_new(listing->keys,
                          json_pack("{s:o, s:s, s:b, s:o, s:o}", "id",
                                    json_hex(key->id, sizeof(key->id)), "use", uses[key->use],
                                    "active", active, "created", json_time(key->created), "retired",
                                    json_time(key->retired)));
}

/* Takes stock, or refuses; the caller releases *keys. */
MUST_CHECK static bool list_keys(struct call *call, json_t **keys)
{
    struct listing listing = {.keys = json_array()};
    enum store_status status = signing_key_each(call->unit, add_key, &listing);

    *keys = listing.keys;
    if (status == STORE_OK)
        return true;
    json_decref(*keys);
    *keys = NULL;
    return call_refuse_status(call, status, "keys", "cannot be listed");
}

bool keys_list(struct call *call)
{
    json_t *keys;

    return list_keys(call, &keys) && call_reply(call, HTTP_OK, json_pack("{s:o}", "keys", keys));
}

static json_t *public_pem(EVP_PKEY *key)
{
    BIO *memory = BIO_new(BIO_s_mem());
    json_t *pem = NULL;
    char *text;
    long length;

    if (memory && PEM_write_bio_PUBKEY(memory, key) == 1) {
        length = BIO_get_mem_data(memory, &text);
        pem = json_stringn(text, (size_t)length);
    }
    BIO_free(memory);
    return pem;
}

/* Adds the public half; a retired key's was destroyed with the private one. */
static void add_public_key(struct call *call, json_t *entry)
{
    const char *use = json_string_value(json_object_get(entry, "use"));
    uint8_t id[SIGNING_KEY_ID_SIZE];
    EVP_PKEY *key = NULL;

    if (hex_bytes(json_string_value(json_object_get(entry, "id")), id, sizeof(id)))
        key = keyring_find(call->kbs->keyring, use_of(use), id);
    if (key)
        json_object_set_new(entry, "public_key", public_pem(key));
    EVP_PKEY_free(key);
}

/* The entry of the key that the call is about; borrowed from keys. */
static json_t *find_entry(const struct call *call, json_t *keys)
{
    for (size_t i = 0; i < json_array_size(keys); i++) {
        json_t *entry = json_array_get(keys, i);

        if (strcmp(json_string_value(json_object_get(entry, "id")), call->object) == 0)
            return entry;
    }
    return NULL;
}

bool keys_show(struct call *call)
{
    json_t *keys, *entry;

    if (!list_keys(call, &keys))
        return false;
    entry = json_incref(find_entry(call, keys));
    json_decref(keys);
    if (!entry)
        return call_refuse_status(call, STORE_NOT_FOUND, "key", call->object);
    add_public_key(call, entry);
    return call_reply(call, HTTP_OK, entry);
}

bool keys_rotate(struct call *call)
{
    const char *text;
    enum signing_key_use use;
    uint8_t id[SIGNING_KEY_ID_SIZE];
    enum store_status status;

    if (!call_unpack(call, "{s:s}", "use", &text))
        return false;
    use = use_of(text);
    if (use == SIGNING_KEY_CA)
        return call_refuse(call, HTTP_BAD_REQUEST, "use-invalid",
                           "use: a certificate authority is more than a key: kbsctl ca rotate");
    if (use == SIGNING_KEY_USES)
        return call_refuse(call, HTTP_BAD_REQUEST, "use-invalid",
                           "use: must be \"release\", \"token\" or \"audit\"");
    status = keyring_generate(call->unit, use, call->request->now, id);
    if (status != STORE_OK)
        return call_refuse_status(call, status, "key", "cannot be made");
    hex_text(id, sizeof(id), call->object);
    return call_reply(call, HTTP_CREATED,
                      json_pack("{s:s, s:s}", "id", call->object, "use", uses[use]));
}

bool keys_retire(struct call *call)
{
    uint8_t id[SIGNING_KEY_ID_SIZE];
    json_t *keys, *entry;
    enum store_status status = STORE_NOT_FOUND;
    bool active, needed = false;

    if (!call_unpack(call, "{}") || !list_keys(call, &keys))
        return false;
    entry = find_entry(call, keys);
    active = json_is_true(json_object_get(entry, "active"));
    if (entry && !active && hex_bytes(call->object, id, sizeof(id))) {
        status = audit_key_is_needed(call->unit, id);
        needed = status == STORE_OK;
        if (status == STORE_NOT_FOUND)
            status = signing_key_retire(call->unit, id, call->request->now);
    }
    json_decref(keys);
    if (active)
        return call_refuse(call, HTTP_CONFLICT, "key-active",
                           "this key is in use: rotate keys first, then retire it");
    if (needed)
        return call_refuse(call, HTTP_CONFLICT, "in-use",
                           "this key signed the head that the audit log begins with, or that of a "
                           "segment that is not archived: archive another one first");
    if (status != STORE_OK)
        return call_refuse_status(call, status, "key", call->object);
    return call_reply(call, HTTP_OK, json_pack("{s:s, s:b}", "id", call->object, "retired", 1));
}

void keys_changed(struct call *call)
{
    keyring_invalidate(call->kbs->keyring);
}
