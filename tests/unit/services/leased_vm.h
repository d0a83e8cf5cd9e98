/* SPDX-License-Identifier: MIT */
/* A machine for tests whose volume has a lease: the TPM service, its disk, and what the KBS's
 * record says of that. There is one in a program. */
#ifndef SNPVTPM_TESTS_UNIT_SERVICES_LEASED_VM_H
#define SNPVTPM_TESTS_UNIT_SERVICES_LEASED_VM_H

#include "services/tpm/service.h"

#define LEASED_VM_GENERATION 3
#define LEASED_VM_VOLUME     "a volume's uuid."

struct leased_vm {
    int disk;
    struct state_grant grant;
    struct service service;
    bool on;
    struct state_name told; /* by OPEN, to be confirmed */
    struct ek_request ek;   /* likewise, to be certified */
    uint8_t response[CHANNEL_MESSAGE_MAX];
    size_t response_size;
};
extern struct leased_vm vm;

/* For cmocka: with a blank disk; the end. */
int leased_vm_start(void **state);
int leased_vm_end(void **state);

/* An operation of the service: its status; vm.response has the rest. */
uint32_t operate(uint32_t operation, const void *arguments, size_t size);

#define WAITS UINT32_MAX /* no response code */

/* A TPM command: its response code. */
uint32_t command(const uint8_t *bytes, size_t size);
#define COMMAND(bytes) command(bytes, sizeof(bytes))

/*
 * A command about an NV index, authorized by an empty password of authority's: its response code.
 * size is of what TPM2_NV_Read reads.
 */
uint32_t about_index(uint32_t code, uint32_t authority, uint32_t index, uint16_t size);

/* What the attestation service is to be asked; 0: nothing. */
uint32_t due(void);

/* Its answer: the lease lasts for a minute. */
uint32_t tell(uint32_t status);

/* The power goes. */
void cut(void);

/* Starts the service and has it open the volume; the status. */
uint32_t open_volume(void);
void opens_unconfirmed(uint32_t how);

/* What the KBS does with CONFIRM. */
void record_committed(void);

/* A boot up to TPM2_Startup; with certificates, as the KBS's answer brings them. */
void boots(uint32_t how);
void boots_with(uint32_t how, const void *certificates, size_t size);

#endif
