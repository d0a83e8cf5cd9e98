/* SPDX-License-Identifier: MIT */
#include "kbs/admin/attestations.h"

#include <string.h>

#include "kbs/audit/audit.h"

#define WINDOW 500 /* lines read at once */

static void take_attestation(void *list, const struct audit_entry *entry)
{
    json_t *line = json_loads(entry->line, 0, NULL);
    const char *event = json_string_value(json_object_get(line, "event"));

    if (event && strcmp(event, "attest") == 0)
        json_array_append(list, line);
    json_decref(line);
}

/* Appends what window has, oldest first, to list in the opposite order. */
static void append_reversed(json_t *list, const json_t *window, size_t max)
{
    for (size_t i = json_array_size(window); i > 0 && json_array_size(list) < max; i--)
        json_array_append(list, json_array_get(window, i - 1));
}

enum store_status attestations_recent(struct store_unit *unit, size_t max, json_t **attestations)
{
    uint8_t hash[AUDIT_HASH_SIZE];
    uint64_t end, scanned = 0;
    enum store_status status = audit_head(unit, &end, hash);

    *attestations = json_array();
    while (status == STORE_OK && end > 0 && scanned < ATTESTATIONS_SCAN_MAX &&
           json_array_size(*attestations) < max) {
        uint64_t count = end < WINDOW ? end : WINDOW;
        json_t *window = json_array();

        status = audit_each(unit, end - count + 1, (unsigned)count, take_attestation, window);
        append_reversed(*attestations, window, max);
        json_decref(window);
        end -= count;
        scanned += count;
    }
    return status;
}
