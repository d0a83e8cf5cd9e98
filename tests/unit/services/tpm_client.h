/* SPDX-License-Identifier: MIT */
/*
 * A TPM under test, and TPM 2.0 commands for it: an engine on a disk in memory, and functions that
 * put a command together piece by piece. The commands that several tests need are below, by their
 * names in the specification, part 3; each returns the response code. A response whose header is
 * wrong fails the test.
 */
#ifndef SNPVTPM_TESTS_UNIT_SERVICES_TPM_CLIENT_H
#define SNPVTPM_TESTS_UNIT_SERVICES_TPM_CLIENT_H

#include "lib/base/reader.h"
#include "lib/base/writer.h"
#include "services/tpm/engine.h"
#include "tests/unit/services/memory_disk.h"

struct tpm_client {
    struct memory_disk *disk;
    struct volume_storage storage;
    uint8_t key[VOLUME_KEY_SIZE];
    struct engine engine;
    uint8_t command[TPM_COMMAND_MAX];
    struct writer w;
    uint8_t response[TPM_RESPONSE_MAX];
    struct reader reply; /* what follows the header of the last response */
};

/* With a blank disk. tpm_client_free() closes the engine. */
struct tpm_client *tpm_client_new(void);
void tpm_client_free(struct tpm_client *c);

/* For cmocka: *state becomes a client with a new TPM, started up; and the end of it. */
int tpm_client_set_up(void **state);
int tpm_client_tear_down(void **state);

/* Opens the volume and starts the TPM up; fails the test unless it opens as expected. */
void tpm_client_start(struct tpm_client *c, enum engine_opening expected);

/* A hard end, and the next start, which must find a state. */
void tpm_client_restart(struct tpm_client *c);

/* Begins a command; then come its handles, then the authorizations, if any, then its parameters. */
void put_command(struct tpm_client *c, uint32_t code);
void put_handle(struct tpm_client *c, uint32_t handle);
/* count authorizations by the same password; the command's tag changes. */
void put_passwords(struct tpm_client *c, unsigned count, const char *password);
void put_u8(struct tpm_client *c, uint8_t value);
void put_u16(struct tpm_client *c, uint16_t value);
void put_u32(struct tpm_client *c, uint32_t value);
void put_u64(struct tpm_client *c, uint64_t value);
/* A TPM2B. */
void put_sized(struct tpm_client *c, const void *bytes, size_t size);
/* Sends it and returns the response code; c->reply is at the handles, or at the parameters where
 * there are none. */
uint32_t send_command(struct tpm_client *c);
/* Sends bytes as they are. */
uint32_t send_bytes(struct tpm_client *c, const void *bytes, size_t size);

uint32_t take_u32(struct tpm_client *c);
uint64_t take_u64(struct tpm_client *c);

uint32_t tpm_startup(struct tpm_client *c, uint16_t type);
uint32_t tpm_shutdown(struct tpm_client *c, uint16_t type);

/* The public area of an NV index; attributes as in part 2, 13.4. */
struct nv_public {
    uint32_t index;
    uint16_t name_algorithm; /* TPM_ALG_SHA256 when 0 */
    uint32_t attributes;
    size_t auth_size;   /* of its own authorization, any bytes */
    size_t policy_size; /* of its policy, any bytes: 0 or the digest's size */
    uint16_t size;
};

/* By the owner, whose authorization is empty here and below. */
uint32_t tpm_nv_define_as(struct tpm_client *c, const struct nv_public *nv);
uint32_t tpm_nv_define(struct tpm_client *c, uint32_t index, uint32_t attributes, uint16_t size);
uint32_t tpm_nv_write(struct tpm_client *c, uint32_t index, const void *bytes, uint16_t size);
/* Reads all of an index, with the owner's authorization. */
uint32_t tpm_nv_read(struct tpm_client *c, uint32_t index, void *bytes, uint16_t size);
/* TPM2_NV_ReadPublic; size bytes of the response's parameters, at most room, go to bytes. */
uint32_t tpm_nv_read_public(struct tpm_client *c, uint32_t index, void *bytes, size_t room,
                            size_t *size);

/* The kinds of keys that tests make. */
enum key_kind {
    KEY_ECC_P256, /* restricted decryption: a storage key */
    KEY_RSA_2048,
    KEY_RSA_3072,
    KEY_RSA_4096,
    KEY_HMAC,
    KEY_AES_128,
};

/* A primary of the owner; *handle is a transient object. */
uint32_t tpm_create_primary(struct tpm_client *c, enum key_kind kind, uint32_t *handle);
uint32_t tpm_evict_control(struct tpm_client *c, uint32_t object, uint32_t persistent);
uint32_t tpm_flush_context(struct tpm_client *c, uint32_t handle);
/* TPM2_ReadPublic's parameters: public area, name and qualified name. */
uint32_t tpm_read_public(struct tpm_client *c, uint32_t handle, void *bytes, size_t room,
                         size_t *size);

struct clock_info {
    uint64_t time; /* milliseconds */
    uint64_t clock;
    uint32_t reset_count;
    uint32_t restart_count;
    bool safe;
};
uint32_t tpm_read_clock(struct tpm_client *c, struct clock_info *info);
uint32_t tpm_clock_set(struct tpm_client *c, uint64_t clock);

/* One property, TPM_CAP_TPM_PROPERTIES. */
uint32_t tpm_property(struct tpm_client *c, uint32_t property);

/* The handles from first on; returns how many, at most max, there are of its type. */
size_t tpm_handles(struct tpm_client *c, uint32_t first, uint32_t *handles, size_t max);

/* A policy session, unbound and unsalted. */
uint32_t tpm_start_policy_session(struct tpm_client *c, uint32_t *session);

#endif
