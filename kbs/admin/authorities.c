/* SPDX-License-Identifier: MIT */
/* /admin/v1/ca and /admin/v1/volumes/NAME/revoke-ek: certificates of endorsement keys. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "kbs/admin/json_values.h"
#include "kbs/admin/routes.h"
#include "kbs/ca/ca.h"
#include "kbs/keys/keyring.h"
#include "lib/base/hex.h"

struct listing {
    json_t *authorities;
    bool active_seen;
};

static void add_authority(void *context, const struct authority_entry *entry)
{
    struct listing *listing = context;
    bool active = !entry->retired && !listing->active_seen;

    listing->active_seen |= active;
    json_array_append_new(
        listing->authorities,
        json_pack("{s:o, s:b, s:o, s:o, s:I}", "id", json_hex(entry->id, sizeof(entry->id)),
                  "active", active, "created", json_time(entry->created), "retired",
                  json_time(entry->retired), "certificates", (json_int_t)entry->given));
}

bool authorities_show(struct call *call)
{
    struct listing listing = {.authorities = json_array()};
    char *certificates = NULL, *crls = NULL;
    size_t size;
    enum store_status status = authority_each(call->unit, add_authority, &listing);
    json_t *reply = NULL;

    if (status == STORE_OK)
        status = ca_certificates(call->unit, &certificates, &size);
    if (status == STORE_OK)
        status = ca_crls(call->unit, call->request->now, &crls, &size);
    if (status == STORE_OK)
        reply = json_pack("{s:O, s:s, s:s}", "authorities", listing.authorities, "pem",
                          certificates, "crl", crls);
    json_decref(listing.authorities);
    free(certificates);
    free(crls);
    return status == STORE_OK ? call_reply(call, HTTP_OK, reply)
                              : call_refuse_status(call, status, "authorities", "cannot be shown");
}

bool authorities_rotate(struct call *call)
{
    uint8_t id[SIGNING_KEY_ID_SIZE];
    enum store_status status;

    if (!call_unpack(call, "{}"))
        return false;
    status = ca_make(call->unit, call->request->now, id);
    if (status != STORE_OK)
        return call_refuse_status(call, status, "authority", "cannot be made");
    hex_text(id, sizeof(id), call->object);
    return call_reply(call, HTTP_CREATED, json_pack("{s:s}", "id", call->object));
}

bool authorities_revoke(struct call *call)
{
    struct volume volume;
    uint64_t count = 0;
    enum store_status status;

    if (!call_unpack(call, "{}"))
        return false;
    status = volume_by_name(call->unit, call->object, &volume);
    if (status == STORE_OK)
        status = ek_entry_revoke(call->unit, volume.id, NULL, REVOKED_BY_OWNER, call->request->now,
                                 &count);
    if (status != STORE_OK)
        return call_refuse_status(call, status, "volume", call->object);
    if (count == 0)
        return call_refuse(call, HTTP_CONFLICT, "certificates-none",
                           "volume %s has no certificates that are not revoked", call->object);
    snprintf(call->detail, sizeof(call->detail), "%" PRIu64 " certificates", count);
    return call_reply(
        call, HTTP_OK,
        json_pack("{s:I, s:s}", "revoked", (json_int_t)count, "gives_up",
                  "Who asks for the CRL trusts this TPM's endorsement keys no more, and they get "
                  "no other certificates. A new TPM on the volume gets some (kbsctl volume "
                  "set-key --forget-state, then a blank disk)."));
}
