/* SPDX-License-Identifier: MIT */
/* What can be asked of the admin API, and who may. Inside kbs/admin only. */
#ifndef SNPVTPM_KBS_ADMIN_ROUTES_H
#define SNPVTPM_KBS_ADMIN_ROUTES_H

#include "kbs/admin/call.h"

enum route_kind {
    ROUTE_LOOK,     /* changes nothing; its unit only reads */
    ROUTE_QUESTION, /* the same, but what is asked is in a body */
    ROUTE_WATCH,    /* changes nothing and begins units of its own */
    ROUTE_CHANGE,   /* done together with its line in the audit log */
};

/* The variable part of a path. */
enum route_argument {
    ARGUMENT_NONE,
    ARGUMENT_SEGMENT, /* anything without a slash */
    ARGUMENT_PATH,    /* several segments */
};

struct route {
    const char *method;
    const char *head, *tail; /* of the path, before and behind its variable part */
    enum route_argument argument;
    enum route_kind kind;
    enum role role;        /* that it takes at least */
    const char *operation; /* in the audit log */
    bool (*answer)(struct call *call);
    void (*committed)(struct call *call); /* when the change is durable; may be NULL */
};

/* Finds the route, and copies the variable part of the path to argument. NULL: there is none, and
 * allowed has the methods for that path, or is empty when there is no such path. */
const struct route *route_find(const char *method, const char *path,
                               char argument[CALL_OBJECT_MAX + 1], char *allowed,
                               size_t allowed_size);

/* The handlers. */
bool images_list(struct call *call);
bool images_show(struct call *call);
bool images_add(struct call *call);
bool images_retire(struct call *call);

bool policies_list(struct call *call);
bool policies_show(struct call *call);
bool policies_show_default(struct call *call);
bool policies_validate(struct call *call);
bool policies_put(struct call *call);
bool policies_remove(struct call *call);

bool secrets_list(struct call *call);
bool secrets_show(struct call *call);
bool secrets_put(struct call *call);
bool secrets_retire(struct call *call);

bool volumes_list(struct call *call);
bool volumes_show(struct call *call);
bool volumes_create(struct call *call);
bool volumes_set_key(struct call *call);
bool volumes_rekey(struct call *call);
bool volumes_set_image(struct call *call);
bool volumes_retire(struct call *call);

bool leases_set_policy(struct call *call);
bool leases_break(struct call *call);
bool leases_accept_disk(struct call *call);
bool leases_freeze(struct call *call);
bool leases_thaw(struct call *call);

bool volumes_evidence(struct call *call);

bool tokens_list(struct call *call);
bool tokens_create(struct call *call);
bool tokens_revoke(struct call *call);

bool keys_list(struct call *call);
bool keys_show(struct call *call);
bool keys_rotate(struct call *call);
bool keys_retire(struct call *call);
void keys_changed(struct call *call);

bool authorities_show(struct call *call);
bool authorities_rotate(struct call *call);
bool authorities_revoke(struct call *call);

bool audit_list(struct call *call);
bool audit_show(struct call *call);
bool audit_check_chain(struct call *call);
bool audit_segments_list(struct call *call);
bool audit_segments_close(struct call *call);
bool audit_segments_prune(struct call *call);
void audit_segments_pruned(struct call *call);

bool explain_measurement(struct call *call);
bool status_show(struct call *call);
bool metrics_show(struct call *call);
bool page_show(struct call *call);

#endif
