/* SPDX-License-Identifier: MIT */
/* What the TPM service has the SVSM attest: its endorsement keys, and the volume under its lease;
 * and the NV index that says the same. */
#include <string.h>

#include <openssl/sha.h>

#include "lib/abi/attest_service.h"
#include "lib/ek/template.h"
#include "services/tpm/command.h"
#include "services/tpm/volume_manifest.h"
#include "tests/unit/registered.h"
#include "tests/unit/services/leased_vm.h"
#include "tests/unit/services/tpm_codes.h"
#include "tests/unit/services/tpm_commands.h"

#define SERVICES_GUID                                                                              \
    0xbb, 0x9e, 0x84, 0x63, 0x92, 0x3d, 0x70, 0x46, 0xa1, 0xff, 0x58, 0xf9, 0xc9, 0x4b, 0x87, 0xbb
#define VOLUME_GUID                                                                                \
    0xd0, 0x74, 0xc6, 0x2e, 0x0f, 0xc5, 0x60, 0x4e, 0x90, 0x3c, 0xfa, 0xd5, 0x29, 0x4b, 0xeb, 0x7c

#define RSA_SIZE 314 /* of a TPMT_PUBLIC */

static const uint8_t services_guid[] = {SERVICES_GUID}, vtpm_guid[] = {VTPM_GUID},
                     volume_guid[] = {VOLUME_GUID};
static const uint8_t volume_manifest[MANIFEST_REQUEST] = {VOLUME_GUID, 0};

static const uint8_t *manifest; /* the last one that was given */
static size_t manifest_size;

static uint32_t ask(const void *request, size_t size)
{
    uint32_t status = operate(SERVICE_MANIFEST, request, size);

    manifest = vm.response + 4;
    manifest_size = vm.response_size - 4;
    return status;
}

static size_t public_of(enum ek_kind kind, uint8_t out[EK_PUBLIC_MAX])
{
    struct writer w = writer_over(out, EK_PUBLIC_MAX);

    assert_true(ek_public_write(&w, kind, &vm.ek.keys));
    return w.used;
}

/* What belongs into the manifest of the volume now. */
static void expected_manifest(uint8_t out[VOLUME_MANIFEST_SIZE])
{
    uint8_t public[EK_PUBLIC_MAX];

    memcpy(out, "SVSMVOL1" LEASED_VM_VOLUME, 24);
    put_be64(out + 24, vm.grant.epoch);
    put_be64(out + 32, LEASED_VM_GENERATION);
    SHA384(public, public_of(EK_RSA_2048, public), out + 40);
}

TEST_FIXTURE(the_table_has_the_vtpm_and_the_volume, leased_vm_start, leased_vm_end)
{
    uint8_t public[EK_PUBLIC_MAX], volume[VOLUME_MANIFEST_SIZE];

    boots(SERVICE_MANUFACTURED);
    assert_int_equal(ask("", 0), SERVICE_DONE);
    assert_int_equal(manifest_size, 3 * 24 + RSA_SIZE + VOLUME_MANIFEST_SIZE);
    assert_memory_equal(manifest, services_guid, 16);
    assert_int_equal(get_le32(manifest + 16), manifest_size);
    assert_int_equal(get_le32(manifest + 20), 2);
    assert_memory_equal(manifest + 24, vtpm_guid, 16);
    assert_int_equal(get_le32(manifest + 40), 72);
    assert_int_equal(get_le32(manifest + 44), RSA_SIZE);
    assert_memory_equal(manifest + 48, volume_guid, 16);
    assert_int_equal(get_le32(manifest + 64), 72 + RSA_SIZE);
    assert_int_equal(get_le32(manifest + 68), VOLUME_MANIFEST_SIZE);
    assert_int_equal(public_of(EK_RSA_2048, public), RSA_SIZE);
    assert_memory_equal(manifest + 72, public, RSA_SIZE);
    expected_manifest(volume);
    assert_memory_equal(manifest + 72 + RSA_SIZE, volume, sizeof(volume));
}

TEST_FIXTURE(version_0_of_the_vtpm_is_the_rsa_key_alone, leased_vm_start, leased_vm_end)
{
    uint8_t public[EK_PUBLIC_MAX];

    boots(SERVICE_MANUFACTURED);
    assert_int_equal(ask(vtpm_manifest, MANIFEST_REQUEST), SERVICE_DONE);
    assert_int_equal(manifest_size, public_of(EK_RSA_2048, public));
    assert_memory_equal(manifest, public, manifest_size);
}

TEST_FIXTURE(version_1_of_the_vtpm_is_all_keys_with_their_sizes, leased_vm_start, leased_vm_end)
{
    uint8_t public[EK_PUBLIC_MAX];
    const uint8_t *next;

    boots(SERVICE_MANUFACTURED);
    assert_int_equal(ask(vtpm_manifest_1, MANIFEST_REQUEST), SERVICE_DONE);
    assert_int_equal(get_be32(manifest), 1);
    assert_int_equal(get_be32(manifest + 4), EK_KINDS);
    next = manifest + 8;
    for (enum ek_kind kind = 0; kind < EK_KINDS; kind++) {
        size_t size = public_of(kind, public);

        assert_int_equal(get_be16(next), size);
        assert_memory_equal(next + 2, public, size);
        next += 2 + size;
    }
    assert_ptr_equal(next, manifest + manifest_size);
}

TEST_FIXTURE(each_lease_has_a_manifest_of_its_own, leased_vm_start, leased_vm_end)
{
    uint8_t expected[VOLUME_MANIFEST_SIZE];

    boots(SERVICE_MANUFACTURED);
    for (int boot = 0; boot < 2; boot++) {
        assert_int_equal(ask(volume_manifest, MANIFEST_REQUEST), SERVICE_DONE);
        expected_manifest(expected);
        assert_int_equal(manifest_size, sizeof(expected));
        assert_memory_equal(manifest, expected, sizeof(expected));
        boots(SERVICE_STATE_OPENED);
    }
}

/* Everything in a request is the guest's choice. */
TEST_FIXTURE(other_services_versions_and_sizes_have_no_manifest, leased_vm_start, leased_vm_end)
{
    static const uint8_t none[64];
    uint8_t request[MANIFEST_REQUEST + 1] = {0};

    boots(SERVICE_MANUFACTURED);
    for (size_t size = 1; size <= sizeof(none); size++)
        assert_int_equal(ask(none, size), SERVICE_MALFORMED);
    for (size_t size = 1; size <= sizeof(request); size++) {
        memcpy(request, vtpm_manifest, MANIFEST_REQUEST);
        assert_int_equal(ask(request, size),
                         size == MANIFEST_REQUEST ? SERVICE_DONE : SERVICE_MALFORMED);
    }
    for (size_t at = 0; at < MANIFEST_REQUEST; at++) {
        memcpy(request, volume_manifest, MANIFEST_REQUEST);
        request[at] ^= 0x80;
        assert_int_equal(ask(request, MANIFEST_REQUEST), SERVICE_MALFORMED);
    }
    memcpy(request, services_guid, sizeof(services_guid));
    assert_int_equal(ask(request, MANIFEST_REQUEST), SERVICE_MALFORMED);
    request[16] = 2;
    memcpy(request, vtpm_guid, sizeof(vtpm_guid));
    assert_int_equal(ask(request, MANIFEST_REQUEST), SERVICE_MALFORMED);
}

TEST_FIXTURE(a_vm_that_lost_its_lease_gives_no_manifest, leased_vm_start, leased_vm_end)
{
    boots(SERVICE_MANUFACTURED);
    vm.service.leased.renew_at = 0;
    assert_int_equal(due(), ATTEST_RENEW);
    assert_int_equal(tell(ATTEST_STATUS_LEASE_LOST), SERVICE_DONE);
    assert_int_equal(ask("", 0), SERVICE_TPM_FAILED);
    assert_int_equal(ask(vtpm_manifest_1, MANIFEST_REQUEST), SERVICE_TPM_FAILED);
    assert_int_not_equal(ask(volume_manifest, MANIFEST_REQUEST), SERVICE_DONE);
}

TEST_FIXTURE(before_the_kbs_confirmed_its_state_a_tpm_gives_no_manifest, leased_vm_start,
             leased_vm_end)
{
    opens_unconfirmed(SERVICE_MANUFACTURED);
    assert_int_equal(ask("", 0), SERVICE_TPM_FAILED);
    assert_int_equal(ask(volume_manifest, MANIFEST_REQUEST), SERVICE_TPM_FAILED);
}

/* A TPM that forgets is not the volume's. */
static void has_no_volume(void)
{
    assert_int_equal(ask("", 0), SERVICE_DONE);
    assert_int_equal(get_le32(manifest + 20), 1);
    assert_int_equal(manifest_size, 2 * 24 + RSA_SIZE);
    assert_int_equal(ask(volume_manifest, MANIFEST_REQUEST), SERVICE_MALFORMED);
    assert_int_equal(ask(vtpm_manifest_1, MANIFEST_REQUEST), SERVICE_DONE);
}

TEST_FIXTURE(an_ephemeral_tpm_is_attested_without_the_volume, leased_vm_start, leased_vm_end)
{
    boots(SERVICE_MANUFACTURED);
    vm.grant.key[9] ^= 1;
    vm.grant.flags |= STATE_GRANT_EPHEMERAL;
    assert_int_equal(open_volume(), SERVICE_DONE);
    assert_int_equal(get_le32(vm.response + 4), SERVICE_EPHEMERAL);
    assert_int_equal(due(), ATTEST_COMPLAIN);
    assert_int_equal(tell(ATTEST_STATUS_DONE), SERVICE_DONE);
    assert_int_equal(COMMAND(startup_clear), TPM_RC_SUCCESS);
    has_no_volume();
}

/* The NV index */

#define PUBLIC_SIZE 14 /* of the index, as its name has it */

static const uint8_t *read_index(uint32_t authority)
{
    if (about_index(TPM_CC_NV_Read, authority, VOLUME_MANIFEST_NV, VOLUME_MANIFEST_SIZE) !=
        TPM_RC_SUCCESS)
        return NULL;
    assert_int_equal(get_be16(vm.response + 4 + TPM_HEADER_SIZE + 4), VOLUME_MANIFEST_SIZE);
    return vm.response + 4 + TPM_HEADER_SIZE + 6;
}

static void index_is_right(void)
{
    uint8_t expected[VOLUME_MANIFEST_SIZE];
    const uint8_t *found = read_index(VOLUME_MANIFEST_NV);

    expected_manifest(expected);
    assert_non_null(found);
    assert_memory_equal(found, expected, sizeof(expected));
}

/* TPM2_NV_ReadPublic: what it says of the index; NULL when there is none. */
static const uint8_t *read_public(void)
{
    uint8_t bytes[14] = {0x80, 0x01, 0, 0, 0, 14, 0, 0, 0x01, 0x69};

    put_be32(bytes + 10, VOLUME_MANIFEST_NV);
    if (COMMAND(bytes) != TPM_RC_SUCCESS)
        return NULL;
    return vm.response + 4 + TPM_HEADER_SIZE + 2;
}

TEST_FIXTURE(the_nv_index_says_the_same_in_each_boot, leased_vm_start, leased_vm_end)
{
    boots(SERVICE_MANUFACTURED);
    index_is_right();
    boots(SERVICE_STATE_OPENED);
    index_is_right();
    assert_non_null(read_index(TPM_RH_OWNER));
}

/* Name and attributes are what tells it from an index that somebody else made. */
TEST_FIXTURE(the_nv_index_has_one_name_in_all_tpms, leased_vm_start, leased_vm_end)
{
    static const uint8_t public[PUBLIC_SIZE] = {0x01, 0x00, 0x53, 0x56, 0x00, 0x0b, 0x62,
                                                0x07, 0x28, 0x01, 0x00, 0x00, 0x00, 88};
    uint8_t digest[SHA256_DIGEST_LENGTH];
    const uint8_t *found;

    boots(SERVICE_MANUFACTURED);
    boots(SERVICE_STATE_OPENED);
    found = read_public();
    assert_non_null(found);
    assert_memory_equal(found, public, sizeof(public));
    SHA256(public, sizeof(public), digest);
    assert_int_equal(get_be16(found + PUBLIC_SIZE + 2), TPM_ALG_SHA256);
    assert_memory_equal(found + PUBLIC_SIZE + 4, digest, sizeof(digest));
}

TEST_FIXTURE(the_tpms_owner_can_neither_write_nor_remove_the_nv_index, leased_vm_start,
             leased_vm_end)
{
    static const uint32_t authorities[] = {TPM_RH_OWNER, VOLUME_MANIFEST_NV, TPM_RH_PLATFORM};

    boots(SERVICE_MANUFACTURED);
    for (size_t i = 0; i < sizeof(authorities) / sizeof(authorities[0]); i++)
        assert_int_not_equal(about_index(TPM_CC_NV_Write, authorities[i], VOLUME_MANIFEST_NV, 0),
                             TPM_RC_SUCCESS);
    assert_int_not_equal(about_index(TPM_CC_NV_UndefineSpace, TPM_RH_OWNER, VOLUME_MANIFEST_NV, 0),
                         TPM_RC_SUCCESS);
    index_is_right();
    assert_int_equal(about_index(TPM_CC_NV_UndefineSpace, TPM_RH_PLATFORM, VOLUME_MANIFEST_NV, 0),
                     TPM_RC_SUCCESS);
    assert_null(read_public());
    boots(SERVICE_STATE_OPENED);
    index_is_right();
}

/* Starts it again, without a lease. */
static void boots_without_lease(void)
{
    struct state_grant before = vm.grant;

    vm.grant.flags = 0;
    assert_int_equal(open_volume(), SERVICE_DONE);
    assert_int_equal(COMMAND(startup_clear), TPM_RC_SUCCESS);
    vm.grant = before;
}

TEST_FIXTURE(without_a_lease_there_is_neither_manifest_nor_index, leased_vm_start, leased_vm_end)
{
    boots(SERVICE_MANUFACTURED);
    boots_without_lease();
    has_no_volume();
    assert_null(read_public());
}

/* TPM2_NV_DefineSpace by the TPM's owner, of what looks like the index as far as that is possible.
 */
static void owner_defines(void)
{
    uint8_t bytes[sizeof(nv_define)];

    memcpy(bytes, nv_define, sizeof(bytes));
    put_be32(bytes + 31, VOLUME_MANIFEST_NV);
    bytes[44] = VOLUME_MANIFEST_SIZE;
    assert_int_equal(COMMAND(bytes), TPM_RC_SUCCESS);
}

TEST_FIXTURE(an_index_that_the_owner_put_there_stays_until_there_is_a_lease, leased_vm_start,
             leased_vm_end)
{
    boots(SERVICE_MANUFACTURED);
    boots_without_lease();
    owner_defines();
    boots_without_lease();
    assert_non_null(read_public());
    vm.grant.flags = STATE_GRANT_LEASED | STATE_GRANT_ADOPT;
    boots(SERVICE_STATE_OPENED);
    index_is_right();
}

/* As volume_manifest_install() does, but for the lock. */
static void platform_defines_and_writes(const uint8_t data[VOLUME_MANIFEST_SIZE])
{
    uint8_t bytes[64 + VOLUME_MANIFEST_SIZE];
    struct writer w = writer_over(bytes, sizeof(bytes));

    memcpy(bytes, nv_define, sizeof(nv_define));
    put_be32(bytes + TPM_HEADER_SIZE, TPM_RH_PLATFORM);
    put_be32(bytes + 31, VOLUME_MANIFEST_NV);
    put_be32(bytes + 37, 0x42072001);
    bytes[44] = VOLUME_MANIFEST_SIZE;
    assert_int_equal(command(bytes, sizeof(nv_define)), TPM_RC_SUCCESS);
    assert_true(command_begin(&w, TPM_ST_SESSIONS, TPM_CC_NV_Write) &&
                writer_be32(&w, TPM_RH_PLATFORM) && writer_be32(&w, VOLUME_MANIFEST_NV) &&
                command_empty_password(&w) && writer_be16(&w, VOLUME_MANIFEST_SIZE) &&
                writer_put(&w, data, VOLUME_MANIFEST_SIZE) && writer_be16(&w, 0));
    command_end(&w);
    assert_int_equal(command(bytes, w.used), TPM_RC_SUCCESS);
}

/* After a reset of the machine, whoever had the platform's authorization before. */
TEST_FIXTURE(an_index_that_can_be_written_is_none_though_it_says_the_same, leased_vm_start,
             leased_vm_end)
{
    uint8_t right[VOLUME_MANIFEST_SIZE];
    const uint8_t *found;

    boots(SERVICE_MANUFACTURED);
    assert_int_equal(about_index(TPM_CC_NV_UndefineSpace, TPM_RH_PLATFORM, VOLUME_MANIFEST_NV, 0),
                     TPM_RC_SUCCESS);
    expected_manifest(right);
    platform_defines_and_writes(right);
    index_is_right();
    assert_int_equal(operate(SERVICE_OPEN, no_banks, sizeof(no_banks)), SERVICE_DONE);
    assert_int_equal(COMMAND(startup_clear), TPM_RC_SUCCESS);
    found = read_public();
    assert_non_null(found);
    assert_int_equal(get_be32(found + 6), 0x62072801);
    index_is_right();
}
