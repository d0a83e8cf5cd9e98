/* SPDX-License-Identifier: MIT */
/* Certificates of endorsement keys, which come with the confirmation of a volume's first state. */
#include <stdlib.h>

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <openssl/x509.h>

#include "kbs/ca/ca.h"
#include "lib/ek/digest.h"
#include "tests/unit/kbs-ca/ek_fixture.h"
#include "tests/unit/kbs-protocol/lease_client.h"
#include "tests/unit/registered.h"

static uint8_t last_payload[CLIENT_PAYLOAD_MAX]; /* what came with the last answer */

/* As lease_ask(), with all that came. */
static struct release_record ask(struct world *world, uint8_t number,
                                 struct release_request request, size_t *size)
{
    size_t unwanted;
    struct release_record record = lease_ask(world, number, request, &unwanted);

    (void)lease_get_record(world, last_payload, size ? size : &unwanted);
    return record;
}

static struct ek_pairs ek;

TEST_GROUP(world_make_chip, world_free_chip)

static int set_up_ek(void **state)
{
    struct world *world;
    struct store_unit *unit;
    uint8_t id[SIGNING_KEY_ID_SIZE];

    if (lease_client_begin(state) != 0)
        return -1;
    world = *state;
    ek_pairs_make(&ek);
    assert_int_equal(store_begin(world->store, &unit), STORE_OK);
    assert_int_equal(ca_make(unit, world->now, id), STORE_OK);
    return store_commit(unit) == STORE_OK ? 0 : -1;
}

static int end_ek(void **state)
{
    ek_pairs_free(&ek);
    return client_end(state);
}

/* A CONFIRM that tells these keys. */
static struct release_request confirm_with(const struct release_record *granted, uint8_t from,
                                           uint8_t to, const struct ek_keys *keys)
{
    struct release_request request = lease_under(granted, RELEASE_OP_CONFIRM, from, to);

    request.has_ek_keys = request.has_ek_digest = true;
    memcpy(request.ek_keys, keys, sizeof(*keys));
    assert_true(ek_keys_digest(keys, request.ek_digest));
    return request;
}

/* The certificate of a kind among the last answer's, which are size bytes. */
static X509 *certificate_of(enum ek_kind wanted, size_t size)
{
    struct reader r = reader_over(last_payload, size);
    X509 *certificate = NULL;
    const uint8_t *der = NULL;
    uint32_t index = 0;
    uint16_t length = 0;

    for (enum ek_kind kind = 0; kind < EK_KINDS; kind++) {
        assert_true(reader_be32(&r, &index) && reader_be16(&r, &length) &&
                    reader_borrow(&r, &der, length));
        assert_int_equal(index, ek_nv_index(kind));
        if (kind == wanted)
            certificate = d2i_X509(NULL, &der, length);
    }
    assert_true(reader_at_end(&r));
    assert_non_null(certificate);
    return certificate;
}

static void expect_certificates(size_t size)
{
    for (enum ek_kind kind = 0; kind < EK_KINDS; kind++) {
        X509 *certificate = certificate_of(kind, size);

        assert_int_equal(EVP_PKEY_eq(X509_get0_pubkey(certificate), ek.pairs[kind]), 1);
        X509_free(certificate);
    }
}

TEST_FIXTURE(the_first_confirmation_brings_certificates_of_the_endorsement_keys, set_up_ek, end_ek)
{
    struct world *world = *state;
    struct release_record first = lease_acquire(world, 1, NULL);
    struct release_request request = confirm_with(&first, 0, 1, &ek.keys);
    uint8_t given[CLIENT_PAYLOAD_MAX];
    size_t size, again;

    assert_int_equal(ask(world, 1, request, &size).status, RELEASE_STATUS_OK);
    expect_certificates(size);
    assert_true(world_audit_has(world, "EK certified: "));
    memcpy(given, last_payload, size);

    /* The answer was lost: the same ones. */
    assert_int_equal(ask(world, 1, request, &again).status, RELEASE_STATUS_OK);
    assert_int_equal(again, size);
    assert_memory_equal(last_payload, given, size);

    /* The TPM has them: nothing comes. */
    request.has_ek_certificates = true;
    SHA384(given, size, request.ek_certificates);
    lease_expect(world, 1, request, RELEASE_STATUS_OK);
}

TEST_FIXTURE(a_state_that_is_not_confirmed_brings_no_certificates, set_up_ek, end_ek)
{
    struct world *world = *state;
    struct release_record first = lease_acquire(world, 1, NULL);

    lease_expect(world, 1, confirm_with(&first, 7, 8, &ek.keys), RELEASE_STATUS_STALE);
    assert_false(world_audit_has(world, "EK certified: "));
}

TEST_FIXTURE(what_are_no_endorsement_keys_is_refused, set_up_ek, end_ek)
{
    struct world *world = *state;
    struct release_record first = lease_acquire(world, 1, NULL);
    struct release_request request = confirm_with(&first, 0, 1, &ek.keys);

    request.has_sequence = true;
    request.sequence = 100;
    request.ek_digest[0] ^= 1; /* another TPM's name */
    assert_int_not_equal(lease_attest(world, &request), 200);
    request = confirm_with(&first, 0, 1, &ek.keys);
    request.has_sequence = true;
    request.sequence = 100;
    request.ek_keys[sizeof(struct ek_keys) - 1] ^= 1; /* no point of P-384 */
    assert_int_not_equal(lease_attest(world, &request), 200);
    world_expect_audit(world, "detail", "the endorsement keys are no keys");
    request = confirm_with(&first, 0, 1, &ek.keys);
    request.has_sequence = true;
    request.sequence = 100;
    request.has_ek_digest = false;
    assert_int_not_equal(lease_attest(world, &request), 200);
    assert_int_equal(ask(world, 1, confirm_with(&first, 0, 1, &ek.keys), NULL).status,
                     RELEASE_STATUS_OK);
}

static void revoke(struct world *world, enum revocation reason)
{
    struct store_unit *unit;

    assert_int_equal(store_begin(world->store, &unit), STORE_OK);
    assert_int_equal(ek_entry_revoke(unit, world->volume.id, NULL, reason, world->now, NULL),
                     STORE_OK);
    assert_int_equal(store_commit(unit), STORE_OK);
}

TEST_FIXTURE(an_endorsement_key_that_the_owner_revoked_gets_no_other_certificate, set_up_ek, end_ek)
{
    struct world *world = *state;
    struct release_record first = lease_acquire(world, 1, NULL), second;
    size_t size;

    assert_int_equal(ask(world, 1, confirm_with(&first, 0, 1, &ek.keys), &size).status,
                     RELEASE_STATUS_OK);
    expect_certificates(size);
    revoke(world, REVOKED_BY_OWNER);
    world->now += LEASE_TIME;
    second = lease_acquire(world, 2, NULL);
    lease_expect(world, 2, confirm_with(&second, 1, 2, &ek.keys), RELEASE_STATUS_OK);
}

TEST_FIXTURE(another_authority_gives_others_and_another_tpm_has_the_older_ones_revoked, set_up_ek,
             end_ek)
{
    struct world *world = *state;
    struct release_record first = lease_acquire(world, 1, NULL), second, third;
    struct ek_pairs before = ek;
    struct store_unit *unit;
    uint8_t id[SIGNING_KEY_ID_SIZE];
    char *crl;
    size_t size;

    assert_int_equal(ask(world, 1, confirm_with(&first, 0, 1, &ek.keys), NULL).status,
                     RELEASE_STATUS_OK);
    assert_int_equal(store_begin(world->store, &unit), STORE_OK);
    assert_int_equal(ca_make(unit, world->now, id), STORE_OK);
    assert_int_equal(store_commit(unit), STORE_OK);
    world->now += LEASE_TIME;
    second = lease_acquire(world, 2, NULL);
    assert_int_equal(ask(world, 2, confirm_with(&second, 1, 2, &ek.keys), &size).status,
                     RELEASE_STATUS_OK);
    expect_certificates(size);

    lease_change(world, NULL, lease_forget); /* the TPM is given up */
    ek_pairs_make(&ek);
    third = lease_acquire(world, 3, NULL);
    assert_int_equal(ask(world, 3, confirm_with(&third, 0, 3, &ek.keys), &size).status,
                     RELEASE_STATUS_OK);
    expect_certificates(size);
    ek_pairs_free(&before);
    assert_int_equal(store_begin_reading(world->store, &unit), STORE_OK);
    assert_int_equal(ca_crls(unit, world->now, &crl, &size), STORE_OK);
    store_abandon(unit);
    assert_non_null(strstr(crl, "-----BEGIN X509 CRL-----"));
    free(crl);
}
