/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "emulator/amd-sp/derived_key.h"
#include "emulator/amd-sp/tcb.h"
#include "tests/unit/amd-sp/hex.h"
#include "tests/unit/registered.h"

static struct chip chip;
static struct guest_context guest;
static struct msg_key_req request;

static int begin(void **state)
{
    (void)state;
    chip = (struct chip){.tcb = EMULATED_TCB};
    guest = (struct guest_context){0};
    request = (struct msg_key_req){.root_key_select = KEY_REQ_ROOT_VMRK};
    for (size_t i = 0; i < sizeof(guest.vmrk); i++)
        guest.vmrk[i] = (uint8_t)i;
    return 0;
}

static void derive(uint8_t key[DERIVED_KEY_SIZE])
{
    assert_true(derived_key(&chip, &guest, &request, key));
}

TEST_SETUP(the_key_is_the_reference_vector, begin)
{
    uint8_t key[DERIVED_KEY_SIZE];

    derive(key);
    assert_hex(key, sizeof(key),
               "6993a6a3e44681e220ed2d38af1d846b5b6a644e2755062c0566a597378cac9b");
}

/* Derives before and after a change of the guest and tells whether the key is another one. */
static bool key_depends_on(uint8_t *byte)
{
    uint8_t before[DERIVED_KEY_SIZE], after[DERIVED_KEY_SIZE];

    derive(before);
    *byte ^= 1;
    derive(after);
    *byte ^= 1;
    return memcmp(before, after, sizeof(before)) != 0;
}

TEST_SETUP(a_selected_field_changes_the_key_and_another_does_not, begin)
{
    const struct {
        uint64_t field;
        uint8_t *byte;
    } fields[] = {
        {FIELD_POLICY, (uint8_t *)&guest.policy},
        {FIELD_IMAGE_ID, guest.identity.image_id},
        {FIELD_FAMILY_ID, guest.identity.family_id},
        {FIELD_MEASUREMENT, guest.digest.ld},
        {FIELD_GUEST_SVN, (uint8_t *)&request.guest_svn},
        {FIELD_TCB_VERSION, (uint8_t *)&request.tcb_version},
    };

    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        request.guest_field_select = fields[i].field;
        assert_true(key_depends_on(fields[i].byte));
        request.guest_field_select = FIELD_ALL & ~fields[i].field;
        assert_false(key_depends_on(fields[i].byte));
    }
}

TEST_SETUP(vmpl_host_data_and_signer_always_change_the_key, begin)
{
    assert_true(key_depends_on((uint8_t *)&request.vmpl));
    assert_true(key_depends_on(guest.host_data));
    guest.identity.signer = IDENTITY_ID_KEY;
    assert_true(key_depends_on(guest.identity.id_key_digest));
    assert_false(key_depends_on(guest.identity.author_key_digest));
    guest.identity.signer = IDENTITY_AUTHOR_KEY;
    assert_true(key_depends_on(guest.identity.author_key_digest));
}

TEST_SETUP(the_chip_root_belongs_to_the_chip_and_to_the_tcb, begin)
{
    uint8_t current[DERIVED_KEY_SIZE], older[DERIVED_KEY_SIZE];

    request.root_key_select = 0;
    assert_true(key_depends_on(chip.secret));
    assert_false(key_depends_on(guest.vmrk));

    request.guest_field_select = FIELD_TCB_VERSION;
    request.tcb_version = chip.tcb;
    derive(current);
    request.tcb_version = chip.tcb - TCB_COMPONENT(1, TCB_SNP_BYTE);
    derive(older);
    assert_memory_not_equal(current, older, sizeof(current));
}
