/* SPDX-License-Identifier: MIT */
/*
 * What a TPM still knows after a hard end. The program is linked with --wrap=clock_gettime: time
 * passes only when a test says so, for libtpms as well.
 */
#include <libtpms/tpm_error.h>
#include <libtpms/tpm_library.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/unit/registered.h"
#include "tests/unit/services/tpm_client.h"
#include "tests/unit/services/tpm_codes.h"

#define INDEX    0x01500000
#define ORDERLY  0x01500001
#define COUNTER  0x01500002
#define BITS     0x01500003
#define EXTENDED 0x01500004
#define OWNERS   (TPMA_NV_OWNERREAD | TPMA_NV_OWNERWRITE | TPMA_NV_NO_DA)

static uint64_t passed_ms = 1000000;

int __wrap_clock_gettime(clockid_t clock, struct timespec *now);

int __wrap_clock_gettime(clockid_t clock, struct timespec *now)
{
    (void)clock;
    now->tv_sec = (time_t)(passed_ms / 1000);
    now->tv_nsec = (long)(passed_ms % 1000) * 1000000;
    return 0;
}

enum form {
    PLAIN, /* neither handles nor authorizations */
    BY,    /* by handle, whose password is empty */
    AT,    /* by the owner, at an NV index */
};

/* Its parameters are bytes in hexadecimal digits; a blank may follow each. */
struct command {
    enum form form;
    uint32_t code;
    uint32_t handle;
    const char *parameters;
};

static uint32_t execute(struct tpm_client *c, const struct command *command)
{
    put_command(c, command->code);
    if (command->form == AT)
        put_handle(c, TPM_RH_OWNER);
    if (command->form != PLAIN) {
        put_handle(c, command->handle);
        put_passwords(c, 1, "");
    }
    for (const char *at = command->parameters; *at != '\0'; at += 2) {
        const char digits[] = {at[0], at[1], '\0'};

        put_u8(c, (uint8_t)strtoul(digits, NULL, 16));
        at += at[2] == ' ';
    }
    return send_command(c);
}

#define DIGEST "0102030405060708091011121314151617181920212223242526272829303132"

/* All that the specification calls persistent, and some commands that change what is volatile. */
static const struct command changing[] = {
    {BY, TPM_CC_NV_DefineSpace, TPM_RH_OWNER, "0000 000e 01500000 000b 02024002 0000 0008"},
    {BY, TPM_CC_NV_DefineSpace, TPM_RH_OWNER,
     "0000 000e 01500001 000b 06020022 0000 0008"}, /* orderly */
    {BY, TPM_CC_NV_DefineSpace, TPM_RH_OWNER,
     "0000 000e 01500002 000b 02020012 0000 0008"}, /* counter */
    {BY, TPM_CC_NV_DefineSpace, TPM_RH_OWNER,
     "0000 000e 01500003 000b 02020022 0000 0008"}, /* bits */
    {BY, TPM_CC_NV_DefineSpace, TPM_RH_OWNER,
     "0000 000e 01500004 000b 02020042 0000 0020"}, /* extended */
    {AT, TPM_CC_NV_Write, INDEX, "0008 0102030405060708 0000"},
    {AT, TPM_CC_NV_Increment, COUNTER, ""},
    {AT, TPM_CC_NV_SetBits, BITS, "00000000000000a5"},
    {AT, TPM_CC_NV_Extend, EXTENDED, "0004 01020304"},
    {AT, TPM_CC_NV_WriteLock, INDEX, ""},
    {AT, TPM_CC_NV_UndefineSpace, EXTENDED, ""},
    {BY, TPM_CC_SetPrimaryPolicy, TPM_RH_OWNER, "0020" DIGEST "000b"},
    {BY, TPM_CC_ClearControl, TPM_RH_LOCKOUT, "01"},
    {BY, TPM_CC_ClearControl, TPM_RH_PLATFORM, "00"},
    {BY, TPM_CC_DictionaryAttackParameters, TPM_RH_LOCKOUT, "00000009 00002000 00003000"},
    {BY, TPM_CC_DictionaryAttackLockReset, TPM_RH_LOCKOUT, ""},
    {BY, TPM_CC_PCR_Allocate, TPM_RH_PLATFORM, "00000002 000b03ffffff 000c03ffffff"},
    {BY, TPM_CC_SetCommandCodeAuditStatus, TPM_RH_OWNER, "0010 00000001 0000014e 00000000"},
    {BY, TPM_CC_SetAlgorithmSet, TPM_RH_PLATFORM, "00000001"},
    {BY, TPM_CC_ClockSet, TPM_RH_OWNER, "0000000100000000"},
    {BY, TPM_CC_ClockRateAdjust, TPM_RH_OWNER, "01"},
    {BY, TPM_CC_HierarchyChangeAuth, TPM_RH_ENDORSEMENT, "0004 61626364"},
    {BY, TPM_CC_PCR_Extend, 16, "00000001 000b" DIGEST},
    {BY, TPM_CC_PCR_Reset, 16, ""},
    {PLAIN, TPM_CC_StirRandom, 0, "0004 01020304"},
    {PLAIN, TPM_CC_SelfTest, 0, "01"},
    {AT, TPM_CC_NV_SetBits, ORDERLY, "0000000000000001"},
    {BY, TPM_CC_ChangePPS, TPM_RH_PLATFORM, ""},
    {BY, TPM_CC_ChangeEPS, TPM_RH_PLATFORM, ""},
    {BY, TPM_CC_Clear, TPM_RH_PLATFORM, ""},
    {PLAIN, TPM_CC_Shutdown, 0, "0000"},
};

/* libtpms' permanent state in memory, byte for byte. */
static void assert_all_is_stored(struct tpm_client *c)
{
    const struct state_blob *kept = &c->engine.state.blob;
    unsigned char *bytes = NULL;
    uint32_t size = 0;

    assert_int_equal(TPMLIB_GetState(TPMLIB_STATE_PERMANENT, &bytes, &size), TPM_SUCCESS);
    if (size != kept->size || memcmp(bytes, kept->bytes, size) != 0)
        fail_msg("after command 0x%x the TPM has a state that is not stored",
                 get_be32(c->command + 6));
    free(bytes);
}

TEST_FIXTURE(whatever_a_command_changed_is_durable_when_it_is_answered, tpm_client_set_up,
             tpm_client_tear_down)
{
    struct tpm_client *c = *state;

    for (size_t i = 0; i < sizeof(changing) / sizeof(changing[0]); i++) {
        uint32_t code = execute(c, &changing[i]);

        if (code != TPM_RC_SUCCESS)
            fail_msg("command 0x%x: 0x%x", changing[i].code, code);
        assert_all_is_stored(c);
        passed_ms += 10; /* not long enough for what time alone causes */
    }
    tpm_client_restart(c);
    assert_all_is_stored(c);
}

static uint32_t counter_of_lockout(struct tpm_client *c)
{
    return tpm_property(c, TPM_PT_LOCKOUT_COUNTER);
}

/* An index whose authorization counts for the lockout. */
static void define_protected(struct tpm_client *c)
{
    struct nv_public nv = {.index = INDEX,
                           .attributes = TPMA_NV_AUTHREAD | TPMA_NV_OWNERWRITE,
                           .auth_size = 4,
                           .size = 4};

    assert_int_equal(tpm_nv_define_as(c, &nv), TPM_RC_SUCCESS);
    assert_int_equal(tpm_nv_write(c, INDEX, "data", 4), TPM_RC_SUCCESS);
}

/* As clients do, again when the TPM says so: libtpms up to 0.10.0 first stores that there is a use.
 */
static uint32_t read_protected(struct tpm_client *c, const char *password)
{
    uint32_t code;

    put_command(c, TPM_CC_NV_Read);
    put_handle(c, INDEX);
    put_handle(c, INDEX);
    put_passwords(c, 1, password);
    put_u16(c, 4);
    put_u16(c, 0);
    code = send_command(c);
    return code == TPM_RC_RETRY ? send_command(c) : code;
}

#define RIGHT_PASSWORD "\xa5\xa5\xa5\xa5"

TEST_FIXTURE(a_wrong_password_is_counted_durably, tpm_client_set_up, tpm_client_tear_down)
{
    struct tpm_client *c = *state;

    define_protected(c);
    assert_int_not_equal(read_protected(c, "guess"), TPM_RC_SUCCESS);
    assert_int_equal(counter_of_lockout(c), 1);
    assert_all_is_stored(c);
}

TEST_FIXTURE(a_hard_end_after_use_of_a_protected_object_counts_and_three_lock, tpm_client_set_up,
             tpm_client_tear_down)
{
    struct tpm_client *c = *state;

    define_protected(c);
    for (uint32_t ends = 1; ends <= 3; ends++) {
        assert_int_equal(read_protected(c, RIGHT_PASSWORD), TPM_RC_SUCCESS);
        tpm_client_restart(c);
        assert_int_equal(counter_of_lockout(c), ends);
    }
    assert_int_equal(read_protected(c, RIGHT_PASSWORD), TPM_RC_LOCKOUT);
}

TEST_FIXTURE(an_orderly_end_does_not_count, tpm_client_set_up, tpm_client_tear_down)
{
    struct tpm_client *c = *state;

    define_protected(c);
    for (int ends = 0; ends < 4; ends++) {
        assert_int_equal(read_protected(c, RIGHT_PASSWORD), TPM_RC_SUCCESS);
        engine_shut_down(&c->engine);
        tpm_client_restart(c);
        assert_int_equal(counter_of_lockout(c), 0);
    }
}

TEST_FIXTURE(an_orderly_end_leaves_the_clients_own_shutdown_alone, tpm_client_set_up,
             tpm_client_tear_down)
{
    struct tpm_client *c = *state;

    assert_int_equal(tpm_shutdown(c, TPM_SU_STATE), TPM_RC_SUCCESS);
    engine_shut_down(&c->engine);
    assert_true(engine_power_cycle(&c->engine));
    assert_int_equal(tpm_startup(c, TPM_SU_STATE), TPM_RC_SUCCESS);
}

TEST_FIXTURE(an_orderly_end_before_startup_or_after_a_failure_is_none, tpm_client_set_up,
             tpm_client_tear_down)
{
    struct tpm_client *c = *state;
    size_t written;

    assert_true(engine_power_cycle(&c->engine));
    written = c->disk->sectors_written;
    engine_shut_down(&c->engine);
    assert_int_equal(c->disk->sectors_written, written);
    engine_power_off(&c->engine);
    engine_shut_down(&c->engine);
    tpm_client_restart(c);
}

static void extend_pcr_0(struct tpm_client *c)
{
    struct command extend = {BY, TPM_CC_PCR_Extend, 0, "00000001 000b" DIGEST};

    assert_int_equal(execute(c, &extend), TPM_RC_SUCCESS);
}

static bool pcr_0_is_reset(struct tpm_client *c)
{
    static const uint8_t zeros[32];
    struct command read = {PLAIN, TPM_CC_PCR_Read, 0, "00000001 000b03010000"};
    uint8_t value[32];

    assert_int_equal(execute(c, &read), TPM_RC_SUCCESS);
    assert_true(reader_skip(&c->reply, 4 + 4 + 6 + 4 + 2) &&
                reader_copy(&c->reply, value, sizeof(value)));
    return memcmp(value, zeros, sizeof(zeros)) == 0;
}

TEST_FIXTURE(the_pcrs_of_a_boot_that_is_over_do_not_come_back, tpm_client_set_up,
             tpm_client_tear_down)
{
    struct tpm_client *c = *state;

    extend_pcr_0(c);
    assert_int_equal(tpm_shutdown(c, TPM_SU_STATE), TPM_RC_SUCCESS);
    engine_close(&c->engine);
    assert_int_equal(engine_open(&c->engine, &c->storage, c->key), ENGINE_OPENED);
    assert_int_equal(tpm_startup(c, TPM_SU_STATE), TPM_RC_VALUE_P1);
    assert_int_equal(tpm_startup(c, TPM_SU_CLEAR), TPM_RC_SUCCESS);
    assert_int_equal(tpm_startup(c, TPM_SU_STATE), TPM_RC_INITIALIZE); /* as any second one */
    assert_true(pcr_0_is_reset(c));
}

TEST_FIXTURE(a_tpm_that_lost_power_in_this_engine_resumes, tpm_client_set_up, tpm_client_tear_down)
{
    struct tpm_client *c = *state;

    extend_pcr_0(c);
    assert_int_equal(tpm_shutdown(c, TPM_SU_STATE), TPM_RC_SUCCESS);
    assert_true(engine_power_cycle(&c->engine));
    assert_int_equal(tpm_startup(c, TPM_SU_STATE), TPM_RC_SUCCESS);
    assert_false(pcr_0_is_reset(c));
}

static uint64_t clock_of(struct tpm_client *c)
{
    struct clock_info info = {0};

    assert_int_equal(tpm_read_clock(c, &info), TPM_RC_SUCCESS);
    return info.clock;
}

TEST_FIXTURE(a_clock_that_was_set_is_not_back_after_a_hard_end, tpm_client_set_up,
             tpm_client_tear_down)
{
    static const uint64_t steps[] = {1, 50, 3000, 5000, 86400000};
    struct tpm_client *c = *state;

    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        uint64_t set = clock_of(c) + steps[i];

        assert_int_equal(tpm_clock_set(c, set), TPM_RC_SUCCESS);
        tpm_client_restart(c);
        assert_in_range(clock_of(c), set, UINT64_MAX);
    }
}

TEST_FIXTURE(no_time_comes_twice, tpm_client_set_up, tpm_client_tear_down)
{
    static const uint64_t steps[] = {1, 999, 1000, 1001, 4095, 4096, 4097, 60000, 86400000};
    struct tpm_client *c = *state;

    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
        for (unsigned commands = 1; commands <= 4; commands++) {
            uint64_t shown = 0;

            for (unsigned n = 0; n < commands; n++) {
                passed_ms += steps[i];
                shown = clock_of(c);
            }
            tpm_client_restart(c);
            assert_in_range(clock_of(c), shown + 1, UINT64_MAX);
        }
}

TEST_FIXTURE(an_orderly_end_keeps_the_clock_as_it_was, tpm_client_set_up, tpm_client_tear_down)
{
    struct tpm_client *c = *state;
    struct clock_info before = {0}, after = {0};

    passed_ms += 2500;
    assert_int_equal(tpm_read_clock(c, &before), TPM_RC_SUCCESS);
    engine_shut_down(&c->engine);
    tpm_client_restart(c);
    assert_int_equal(tpm_read_clock(c, &after), TPM_RC_SUCCESS);
    assert_true(after.safe);
    assert_in_range(after.clock, before.clock, before.clock + 1000);
    assert_int_equal(after.reset_count, before.reset_count + 1);
}

TEST_FIXTURE(the_clock_is_safe_after_every_start, tpm_client_set_up, tpm_client_tear_down)
{
    struct tpm_client *c = *state;
    struct clock_info info = {0};

    for (int i = 0; i < 3; i++) {
        assert_int_equal(tpm_read_clock(c, &info), TPM_RC_SUCCESS);
        assert_true(info.safe);
        tpm_client_restart(c);
    }
}

/* TPM2_PolicyCounterTimer: the clock, at offset 8 of TPMS_TIME_INFO, is below the limit. */
static uint32_t policy_before(struct tpm_client *c, uint64_t limit)
{
    uint32_t session = 0;
    uint32_t code;

    assert_int_equal(tpm_start_policy_session(c, &session), TPM_RC_SUCCESS);
    put_command(c, TPM_CC_PolicyCounterTimer);
    put_handle(c, session);
    put_u16(c, 8);
    put_u64(c, limit);
    put_u16(c, 8); /* offset */
    put_u16(c, TPM_EO_UNSIGNED_LT);
    code = send_command(c);
    assert_int_equal(tpm_flush_context(c, session), TPM_RC_SUCCESS);
    return code;
}

TEST_FIXTURE(a_policy_that_ended_stays_ended_after_a_hard_end, tpm_client_set_up,
             tpm_client_tear_down)
{
    struct tpm_client *c = *state;
    uint64_t limit = clock_of(c) + 10000;

    assert_int_equal(policy_before(c, limit), TPM_RC_SUCCESS);
    passed_ms += 10001;
    assert_int_equal(policy_before(c, limit), TPM_RC_POLICY);
    tpm_client_restart(c);
    assert_int_equal(policy_before(c, limit), TPM_RC_POLICY);
}

TEST_FIXTURE(a_clock_that_cannot_be_stored_fails_the_command, tpm_client_set_up,
             tpm_client_tear_down)
{
    struct tpm_client *c = *state;
    struct clock_info info;

    c->disk->writes_left = 0;
    passed_ms += 60000;
    assert_int_equal(tpm_read_clock(c, &info), TPM_RC_FAILURE);
    c->disk->writes_left = DISK_NO_LIMIT;
    assert_int_equal(tpm_read_clock(c, &info), TPM_RC_FAILURE);
    tpm_client_restart(c);
}

TEST_FIXTURE(an_idle_tpm_writes_nothing, tpm_client_set_up, tpm_client_tear_down)
{
    struct tpm_client *c = *state;
    size_t written;

    clock_of(c);
    written = c->disk->sectors_written;
    for (int i = 0; i < 100; i++)
        clock_of(c);
    assert_int_equal(c->disk->sectors_written, written);
}
