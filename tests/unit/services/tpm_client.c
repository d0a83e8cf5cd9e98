/* SPDX-License-Identifier: MIT */
#include "tests/unit/services/tpm_client.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/registered.h"
#include "tests/unit/services/tpm_codes.h"

/* glibc's dprintf() loses a buffer when its descriptor is not open: see NO_DESCRIPTOR in library.c.
 */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:_IO_file_doallocate\n";
}

struct tpm_client *tpm_client_new(void)
{
    struct tpm_client *c = calloc(1, sizeof(*c));

    assert_non_null(c);
    c->disk = memory_disk_new();
    c->storage = memory_disk_storage(c->disk);
    c->key[0] = 1;
    return c;
}

void tpm_client_free(struct tpm_client *c)
{
    engine_close(&c->engine);
    memory_disk_free(c->disk);
    free(c);
}

void tpm_client_start(struct tpm_client *c, enum engine_opening expected)
{
    assert_int_equal(engine_open(&c->engine, &c->storage, c->key), expected);
    assert_int_equal(tpm_startup(c, TPM_SU_CLEAR), TPM_RC_SUCCESS);
}

void tpm_client_restart(struct tpm_client *c)
{
    memory_disk_settle(c->disk, UINT64_MAX);
    engine_close(&c->engine);
    tpm_client_start(c, ENGINE_OPENED);
}

int tpm_client_set_up(void **state)
{
    struct tpm_client *c = tpm_client_new();

    tpm_client_start(c, ENGINE_MANUFACTURED);
    *state = c;
    return 0;
}

int tpm_client_tear_down(void **state)
{
    tpm_client_free(*state);
    return 0;
}

void put_command(struct tpm_client *c, uint32_t code)
{
    c->w = writer_over(c->command, sizeof(c->command));
    put_u16(c, TPM_ST_NO_SESSIONS);
    put_u32(c, 0); /* the size: see send_command() */
    put_u32(c, code);
}

void put_handle(struct tpm_client *c, uint32_t handle)
{
    put_u32(c, handle);
}

void put_passwords(struct tpm_client *c, unsigned count, const char *password)
{
    uint16_t length = (uint16_t)strlen(password);

    put_be16(c->command, TPM_ST_SESSIONS);
    put_u32(c, count * (4 + 2 + 1 + 2 + length));
    for (unsigned i = 0; i < count; i++) {
        put_u32(c, TPM_RS_PW);
        put_u16(c, 0); /* nonce */
        put_u8(c, 0);  /* attributes */
        put_sized(c, password, length);
    }
}

void put_u8(struct tpm_client *c, uint8_t value)
{
    assert_true(writer_u8(&c->w, value));
}

void put_u16(struct tpm_client *c, uint16_t value)
{
    assert_true(writer_be16(&c->w, value));
}

void put_u32(struct tpm_client *c, uint32_t value)
{
    assert_true(writer_be32(&c->w, value));
}

void put_u64(struct tpm_client *c, uint64_t value)
{
    assert_true(writer_be64(&c->w, value));
}

void put_sized(struct tpm_client *c, const void *bytes, size_t size)
{
    put_u16(c, (uint16_t)size);
    assert_true(writer_put(&c->w, bytes, size));
}

uint32_t send_bytes(struct tpm_client *c, const void *bytes, size_t size)
{
    size_t got = engine_execute(&c->engine, 0, bytes, size, c->response);
    uint32_t code;

    assert_in_range(got, TPM_HEADER_SIZE, TPM_RESPONSE_MAX);
    assert_int_equal(get_be32(c->response + 2), got);
    c->reply = reader_over(c->response, got);
    code = get_be32(c->response + 6);
    assert_true(reader_skip(&c->reply, TPM_HEADER_SIZE));
    return code;
}

uint32_t send_command(struct tpm_client *c)
{
    put_be32(c->command + 2, (uint32_t)c->w.used);
    return send_bytes(c, c->command, c->w.used);
}

uint32_t take_u32(struct tpm_client *c)
{
    uint32_t value = 0;

    assert_true(reader_be32(&c->reply, &value));
    return value;
}

uint64_t take_u64(struct tpm_client *c)
{
    uint64_t value = 0;

    assert_true(reader_be64(&c->reply, &value));
    return value;
}

static void take_rest(struct tpm_client *c, void *bytes, size_t room, size_t *size)
{
    *size = c->reply.left;
    assert_in_range(*size, 0, room);
    assert_true(reader_copy(&c->reply, bytes, *size));
}

uint32_t tpm_startup(struct tpm_client *c, uint16_t type)
{
    put_command(c, TPM_CC_Startup);
    put_u16(c, type);
    return send_command(c);
}

uint32_t tpm_shutdown(struct tpm_client *c, uint16_t type)
{
    put_command(c, TPM_CC_Shutdown);
    put_u16(c, type);
    return send_command(c);
}

uint32_t tpm_nv_define_as(struct tpm_client *c, const struct nv_public *nv)
{
    uint8_t any[64];

    memset(any, 0xa5, sizeof(any));
    put_command(c, TPM_CC_NV_DefineSpace);
    put_handle(c, TPM_RH_OWNER);
    put_passwords(c, 1, "");
    put_sized(c, any, nv->auth_size);
    put_u16(c, (uint16_t)(4 + 2 + 4 + 2 + nv->policy_size + 2));
    put_u32(c, nv->index);
    put_u16(c, nv->name_algorithm != 0 ? nv->name_algorithm : TPM_ALG_SHA256);
    put_u32(c, nv->attributes);
    put_sized(c, any, nv->policy_size);
    put_u16(c, nv->size);
    return send_command(c);
}

uint32_t tpm_nv_define(struct tpm_client *c, uint32_t index, uint32_t attributes, uint16_t size)
{
    struct nv_public nv = {.index = index, .attributes = attributes, .size = size};

    return tpm_nv_define_as(c, &nv);
}

uint32_t tpm_nv_write(struct tpm_client *c, uint32_t index, const void *bytes, uint16_t size)
{
    put_command(c, TPM_CC_NV_Write);
    put_handle(c, TPM_RH_OWNER);
    put_handle(c, index);
    put_passwords(c, 1, "");
    put_sized(c, bytes, size);
    put_u16(c, 0); /* offset */
    return send_command(c);
}

uint32_t tpm_nv_read(struct tpm_client *c, uint32_t index, void *bytes, uint16_t size)
{
    uint32_t code;

    put_command(c, TPM_CC_NV_Read);
    put_handle(c, TPM_RH_OWNER);
    put_handle(c, index);
    put_passwords(c, 1, "");
    put_u16(c, size);
    put_u16(c, 0); /* offset */
    code = send_command(c);
    if (code == TPM_RC_SUCCESS)
        assert_true(reader_skip(&c->reply, 4 + 2) && reader_copy(&c->reply, bytes, size));
    return code;
}

uint32_t tpm_nv_read_public(struct tpm_client *c, uint32_t index, void *bytes, size_t room,
                            size_t *size)
{
    uint32_t code;

    put_command(c, TPM_CC_NV_ReadPublic);
    put_handle(c, index);
    code = send_command(c);
    take_rest(c, bytes, room, size);
    return code;
}

static void put_aes_128_cfb(struct tpm_client *c)
{
    put_u16(c, TPM_ALG_AES);
    put_u16(c, 128);
    put_u16(c, TPM_ALG_CFB);
}

static void put_rsa(struct tpm_client *c, uint16_t bits)
{
    put_aes_128_cfb(c);
    put_u16(c, TPM_ALG_NULL); /* scheme */
    put_u16(c, bits);
    put_u32(c, 0);       /* exponent */
    put_sized(c, "", 0); /* unique */
}

static void put_key_parameters(struct tpm_client *c, enum key_kind kind)
{
    switch (kind) {
    case KEY_ECC_P256:
        put_aes_128_cfb(c);
        put_u16(c, TPM_ALG_NULL); /* scheme */
        put_u16(c, TPM_ECC_NIST_P256);
        put_u16(c, TPM_ALG_NULL); /* KDF */
        put_sized(c, "", 0);
        put_sized(c, "", 0);
        return;
    case KEY_RSA_2048:
        put_rsa(c, 2048);
        return;
    case KEY_RSA_3072:
        put_rsa(c, 3072);
        return;
    case KEY_RSA_4096:
        put_rsa(c, 4096);
        return;
    case KEY_HMAC:
        put_u16(c, TPM_ALG_HMAC);
        put_u16(c, TPM_ALG_SHA256);
        put_sized(c, "", 0);
        return;
    case KEY_AES_128:
        put_aes_128_cfb(c);
        put_sized(c, "", 0);
        return;
    }
}

static uint16_t algorithm_of(enum key_kind kind)
{
    switch (kind) {
    case KEY_ECC_P256:
        return TPM_ALG_ECC;
    case KEY_HMAC:
        return TPM_ALG_KEYEDHASH;
    case KEY_AES_128:
        return TPM_ALG_SYMCIPHER;
    default:
        return TPM_ALG_RSA;
    }
}

static uint32_t attributes_of(enum key_kind kind)
{
    uint32_t every = TPMA_OBJECT_fixedTPM | TPMA_OBJECT_fixedParent |
                     TPMA_OBJECT_sensitiveDataOrigin | TPMA_OBJECT_userWithAuth;

    switch (kind) {
    case KEY_HMAC:
        return every | TPMA_OBJECT_sign;
    case KEY_AES_128:
        return every | TPMA_OBJECT_sign | TPMA_OBJECT_decrypt;
    default:
        return every | TPMA_OBJECT_restricted | TPMA_OBJECT_decrypt;
    }
}

uint32_t tpm_create_primary(struct tpm_client *c, enum key_kind kind, uint32_t *handle)
{
    size_t template_at;
    uint32_t code;

    put_command(c, TPM_CC_CreatePrimary);
    put_handle(c, TPM_RH_OWNER);
    put_passwords(c, 1, "");
    put_u16(c, 2 + 2); /* sensitive: neither authorization nor data */
    put_sized(c, "", 0);
    put_sized(c, "", 0);
    put_u16(c, 0); /* the size of the template: set below */
    template_at = c->w.used;
    put_u16(c, algorithm_of(kind));
    put_u16(c, TPM_ALG_SHA256);
    put_u32(c, attributes_of(kind));
    put_sized(c, "", 0); /* policy */
    put_key_parameters(c, kind);
    put_be16(c->command + template_at - 2, (uint16_t)(c->w.used - template_at));
    put_sized(c, "", 0); /* outsideInfo */
    put_u32(c, 0);       /* creationPCR */
    code = send_command(c);
    if (code == TPM_RC_SUCCESS)
        *handle = take_u32(c);
    return code;
}

uint32_t tpm_evict_control(struct tpm_client *c, uint32_t object, uint32_t persistent)
{
    put_command(c, TPM_CC_EvictControl);
    put_handle(c, TPM_RH_OWNER);
    put_handle(c, object);
    put_passwords(c, 1, "");
    put_u32(c, persistent);
    return send_command(c);
}

uint32_t tpm_flush_context(struct tpm_client *c, uint32_t handle)
{
    put_command(c, TPM_CC_FlushContext);
    put_u32(c, handle);
    return send_command(c);
}

uint32_t tpm_read_public(struct tpm_client *c, uint32_t handle, void *bytes, size_t room,
                         size_t *size)
{
    uint32_t code;

    put_command(c, TPM_CC_ReadPublic);
    put_handle(c, handle);
    code = send_command(c);
    take_rest(c, bytes, room, size);
    return code;
}

uint32_t tpm_read_clock(struct tpm_client *c, struct clock_info *info)
{
    uint32_t code;
    uint8_t safe = 0;

    put_command(c, TPM_CC_ReadClock);
    code = send_command(c);
    if (code != TPM_RC_SUCCESS)
        return code;
    info->time = take_u64(c);
    info->clock = take_u64(c);
    info->reset_count = take_u32(c);
    info->restart_count = take_u32(c);
    assert_true(reader_u8(&c->reply, &safe));
    info->safe = safe != 0;
    return code;
}

uint32_t tpm_clock_set(struct tpm_client *c, uint64_t clock)
{
    put_command(c, TPM_CC_ClockSet);
    put_handle(c, TPM_RH_OWNER);
    put_passwords(c, 1, "");
    put_u64(c, clock);
    return send_command(c);
}

uint32_t tpm_property(struct tpm_client *c, uint32_t property)
{
    put_command(c, TPM_CC_GetCapability);
    put_u32(c, TPM_CAP_TPM_PROPERTIES);
    put_u32(c, property);
    put_u32(c, 1);
    assert_int_equal(send_command(c), TPM_RC_SUCCESS);
    assert_true(reader_skip(&c->reply, 1 + 4));
    assert_int_equal(take_u32(c), 1);
    assert_int_equal(take_u32(c), property);
    return take_u32(c);
}

size_t tpm_handles(struct tpm_client *c, uint32_t first, uint32_t *handles, size_t max)
{
    size_t found = 0;
    uint8_t more = 1;

    while (more != 0) {
        uint32_t count;

        put_command(c, TPM_CC_GetCapability);
        put_u32(c, TPM_CAP_HANDLES);
        put_u32(c, found == 0 ? first : handles[found - 1] + 1);
        put_u32(c, 254);
        assert_int_equal(send_command(c), TPM_RC_SUCCESS);
        assert_true(reader_u8(&c->reply, &more) && reader_skip(&c->reply, 4));
        count = take_u32(c);
        assert_in_range(count, 0, max - found);
        while (count-- > 0)
            handles[found++] = take_u32(c);
    }
    return found;
}

uint32_t tpm_start_policy_session(struct tpm_client *c, uint32_t *session)
{
    static const uint8_t nonce[16];
    uint32_t code;

    put_command(c, TPM_CC_StartAuthSession);
    put_handle(c, TPM_RH_NULL);
    put_handle(c, TPM_RH_NULL);
    put_sized(c, nonce, sizeof(nonce));
    put_sized(c, "", 0);
    put_u8(c, TPM_SE_POLICY);
    put_u16(c, TPM_ALG_NULL);
    put_u16(c, TPM_ALG_SHA256);
    code = send_command(c);
    if (code == TPM_RC_SUCCESS)
        *session = take_u32(c);
    return code;
}
