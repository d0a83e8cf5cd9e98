/* SPDX-License-Identifier: MIT */
/* The leases of volumes: the owner's policy, the record, and who ever had one. A volume without a
 * policy has none of these. */
#ifndef SNPVTPM_KBS_STORE_LEASES_H
#define SNPVTPM_KBS_STORE_LEASES_H

#include "kbs/lease/lease.h"
#include "kbs/store/volumes.h"

/* STORE_NOT_FOUND: the volume has no leases, and *policy says LEASE_OFF. record->key_version is
 * the volume's. */
MUST_CHECK enum store_status lease_load(struct store_unit *unit, const struct volume *volume,
                                        struct lease_policy *policy, struct lease_record *record);

/* Sets the policy; with the first one begins an empty record. */
MUST_CHECK enum store_status lease_set_policy(struct store_unit *unit,
                                              const uint8_t volume[VOLUME_ID_SIZE],
                                              const struct lease_policy *policy);

MUST_CHECK enum store_status lease_save(struct store_unit *unit,
                                        const uint8_t volume[VOLUME_ID_SIZE],
                                        const struct lease_record *record);

/* Whether a VM, as its report_id names it, ever had a lease of the volume. */
MUST_CHECK enum store_status lease_was_held(struct store_unit *unit,
                                            const uint8_t volume[VOLUME_ID_SIZE],
                                            const uint8_t report_id[RELEASE_REPORT_ID_SIZE],
                                            bool *held);

/*
 * The volume that a VM last had a lease of, the lease's epoch, and the record as it is now.
 * STORE_NOT_FOUND: it never had one, or the volume has no leases any more.
 */
MUST_CHECK enum store_status lease_of_holder(struct store_unit *unit,
                                             const uint8_t report_id[RELEASE_REPORT_ID_SIZE],
                                             struct volume *volume, uint64_t *epoch,
                                             struct lease_record *record);

/* Remembers that it has one. */
MUST_CHECK enum store_status lease_note_holder(struct store_unit *unit,
                                               const uint8_t volume[VOLUME_ID_SIZE],
                                               const uint8_t report_id[RELEASE_REPORT_ID_SIZE],
                                               uint64_t epoch);

/*
 * The store was restored from a backup: lease_restored() of each volume that has leases, where no
 * state is committed none may be made or adopted any more, and every session ends. *count is of how
 * many volumes.
 */
MUST_CHECK enum store_status leases_restored(struct store_unit *unit, time_t now, unsigned *count);

#endif
