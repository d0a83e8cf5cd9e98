/* SPDX-License-Identifier: MIT */
/* VMs of a volume with leases, for tests: what each asks, and what it is answered. */
#ifndef SNPVTPM_TESTS_UNIT_KBS_PROTOCOL_LEASE_CLIENT_H
#define SNPVTPM_TESTS_UNIT_KBS_PROTOCOL_LEASE_CLIENT_H

#include "kbs/store/leases.h"
#include "tests/unit/kbs-protocol/client.h"

#define LEASE_TIME 60 /* seconds of a lease */

#define LEASE_PAYLOAD_MAX CLIENT_PAYLOAD_MAX

/* The report_id of the VM that lease_attest() is for is this number in each byte. */
extern uint8_t lease_vm;

/* For cmocka: client_begin(), and the world's volume has leases of the mode classed. */
int lease_client_begin(void **state);

/* What the owner does: sets the policy, or runs a command on the record; each may be NULL. */
void lease_change(struct world *world, const struct lease_policy *policy,
                  bool command(struct lease_record *record));

/* What the store has of the volume and its lease. */
struct volume lease_look(struct world *world, struct lease_policy *policy,
                         struct lease_record *record);

/* Begins a session and attests with the request. Gives the HTTP status. */
unsigned lease_attest(struct world *world, const struct release_request *request);

/* Fetches what the session was given: the record, and a payload of *size bytes. */
struct release_record lease_get_record(struct world *world, uint8_t payload[LEASE_PAYLOAD_MAX],
                                       size_t *size);

/* Asks as VM number, with the next sequence number; *size, unless it is NULL, is that of what was
 * released with the answer. */
struct release_record lease_ask(struct world *world, uint8_t number, struct release_request request,
                                size_t *size);
struct release_record lease_acquire(struct world *world, uint8_t number, size_t *size);

/* What the VM with this grant asks, over states with counters and roots of that number; 0: none. */
struct release_request lease_under(const struct release_record *granted, uint8_t op, uint8_t from,
                                   uint8_t to);

/* Fails the test unless the VM's request gets this status, and no key. */
void lease_expect(struct world *world, uint8_t number, struct release_request request,
                  uint8_t status);

#endif
