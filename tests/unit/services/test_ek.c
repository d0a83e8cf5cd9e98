/* SPDX-License-Identifier: MIT */
/* Endorsement keys of a TPM whose volume has a lease, and where their certificates are. */
#include <string.h>

#include <openssl/sha.h>

#include "services/tpm/command.h"
#include "tests/unit/registered.h"
#include "tests/unit/services/leased_vm.h"
#include "tests/unit/services/tpm_codes.h"

/* What certificates are made of is the KBS's: here, a number of zeros, and the key. */

static uint8_t certificates[2 * EK_CERTIFICATES_MAX];

static size_t make_certificates(const struct ek_keys *keys, size_t padding)
{
    struct writer w = writer_over(certificates, sizeof(certificates));
    const struct {
        const uint8_t *bytes;
        size_t size;
    } key[EK_KINDS] = {{keys->modulus, sizeof(keys->modulus)},
                       {keys->p256, sizeof(keys->p256)},
                       {keys->p384, sizeof(keys->p384)}};

    for (enum ek_kind kind = 0; kind < EK_KINDS; kind++) {
        assert_true(writer_be32(&w, ek_nv_index(kind)));
        assert_true(writer_be16(&w, (uint16_t)(padding + key[kind].size)));
        assert_true(writer_zeros(&w, padding));
        assert_true(writer_put(&w, key[kind].bytes, key[kind].size));
    }
    return w.used;
}

/* What tpm2_getekcertificate and go-attestation do. */
static void reads(uint32_t index, const uint8_t *expected, uint16_t size)
{
    assert_int_equal(about_index(TPM_CC_NV_Read, index, index, size), TPM_RC_SUCCESS);
    assert_int_equal(get_be16(vm.response + 4 + TPM_HEADER_SIZE + 4), size);
    assert_memory_equal(vm.response + 4 + TPM_HEADER_SIZE + 6, expected, size);
}

static void reads_certificates(size_t padding)
{
    const uint8_t *next = certificates;

    for (enum ek_kind kind = 0; kind < EK_KINDS; kind++) {
        uint16_t size = get_be16(next + 4);

        assert_true(size > padding);
        reads(ek_nv_index(kind), next + 6, size);
        next += 6 + size;
    }
}

TEST_FIXTURE(each_boot_tells_the_same_endorsement_keys, leased_vm_start, leased_vm_end)
{
    const uint8_t none[EK_DIGEST_SIZE] = {0};
    struct ek_request first;

    boots(SERVICE_MANUFACTURED);
    first = vm.ek;
    assert_true(first.keys.modulus[0] >= 0x80);
    assert_memory_equal(first.keys.manufacturer, "IBM", 4);
    assert_memory_equal(first.certificates, none, sizeof(none));
    boots(SERVICE_STATE_OPENED);
    assert_memory_equal(&vm.ek, &first, sizeof(first));
}

TEST_FIXTURE(certificates_stand_at_the_indices_and_the_owner_cannot_remove_them, leased_vm_start,
             leased_vm_end)
{
    uint8_t digest[EK_DIGEST_SIZE];
    size_t size;

    boots(SERVICE_MANUFACTURED);
    size = make_certificates(&vm.ek.keys, 500);
    boots_with(SERVICE_STATE_OPENED, certificates, size);
    reads_certificates(500);
    for (enum ek_kind kind = 0; kind < EK_KINDS; kind++)
        assert_int_not_equal(
            about_index(TPM_CC_NV_UndefineSpace, TPM_RH_OWNER, ek_nv_index(kind), 0),
            TPM_RC_SUCCESS);
    reads_certificates(500);

    /* They are still there after a hard end, and told to the KBS. */
    boots(SERVICE_STATE_OPENED);
    reads_certificates(500);
    SHA384(certificates, size, digest);
    assert_memory_equal(vm.ek.certificates, digest, sizeof(digest));
}

TEST_FIXTURE(newer_certificates_take_the_place_of_older_ones, leased_vm_start, leased_vm_end)
{
    boots(SERVICE_MANUFACTURED);
    boots_with(SERVICE_STATE_OPENED, certificates, make_certificates(&vm.ek.keys, 10));
    reads_certificates(10);
    boots_with(SERVICE_STATE_OPENED, certificates, make_certificates(&vm.ek.keys, 700));
    reads_certificates(700);
}

TEST_FIXTURE(what_the_platform_removed_is_back_after_the_next_startup, leased_vm_start,
             leased_vm_end)
{
    boots(SERVICE_MANUFACTURED);
    boots_with(SERVICE_STATE_OPENED, certificates, make_certificates(&vm.ek.keys, 10));
    assert_int_equal(about_index(TPM_CC_NV_UndefineSpace, TPM_RH_PLATFORM, EK_NV_P256, 0),
                     TPM_RC_SUCCESS);
    boots(SERVICE_STATE_OPENED);
    reads_certificates(10);
}

/* What a KBS sends that is none of this TPM's certificates leaves the older ones. */
TEST_FIXTURE(other_keys_places_and_sizes_are_not_taken_for_certificates, leased_vm_start,
             leased_vm_end)
{
    struct ek_keys other;
    size_t size;

    boots(SERVICE_MANUFACTURED);
    boots_with(SERVICE_STATE_OPENED, certificates, make_certificates(&vm.ek.keys, 10));
    for (int fault = 0; fault < 6; fault++) {
        other = vm.ek.keys;
        if (fault < 3)
            (fault == 0 ? other.modulus : fault == 1 ? other.p256 : other.p384)[7] ^= 1;
        size = make_certificates(&other, fault == 3 ? 1000 : 20);
        if (fault == 4)
            certificates[3] = 0x03; /* the index of another thing */
        boots_with(SERVICE_STATE_OPENED, certificates, fault == 5 ? size - 1 : size);
        make_certificates(&vm.ek.keys, 10);
        reads_certificates(10);
    }
}

TEST_FIXTURE(the_endorsement_seed_of_a_volume_with_a_lease_stays, leased_vm_start, leased_vm_end)
{
    static const uint8_t change_eps[] = {0x80, 0x02, 0, 0,    0,    27, 0, 0, 0x01,
                                         0x24, 0x40, 0, 0,    0x0c, 0,  0, 0, 9,
                                         0x40, 0,    0, 0x09, 0,    0,  0, 0, 0};

    boots(SERVICE_MANUFACTURED);
    assert_int_equal(COMMAND(change_eps), TPM_RC_DISABLED);
}
