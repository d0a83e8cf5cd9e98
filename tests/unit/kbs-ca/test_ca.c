/* SPDX-License-Identifier: MIT */
/* Authorities for endorsement keys: the certificates that they give, and what they revoke. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "kbs/ca/ca.h"
#include "kbs/keys/keyring.h"
#include "lib/base/hex.h"
#include "tests/unit/kbs-ca/ek_fixture.h"
#include "tests/unit/kbs-store/fixture.h"

#define NOW 1800000000

static struct ek_pairs ek;
static const uint8_t volume[VOLUME_ID_SIZE] = {0x11, 0x22, 0x33};
static const struct ek_owner owner = {.volume_id = volume, .volume_name = "mail"};

static int begin_group(void **state)
{
    ek_pairs_make(&ek);
    return fixture_begin_group(state);
}

static int end_group(void **state)
{
    ek_pairs_free(&ek);
    return fixture_end_group(state);
}

TEST_GROUP(begin_group, end_group)

static void make(const struct fixture *fixture, time_t now, uint8_t id[SIGNING_KEY_ID_SIZE])
{
    struct store_unit *unit = fixture_unit(fixture);

    assert_ok(ca_make(unit, now, id));
    assert_ok(store_commit(unit));
}

static struct authority active(const struct fixture *fixture, uint8_t id[SIGNING_KEY_ID_SIZE])
{
    struct store_unit *unit = fixture_reading(fixture);
    struct authority authority;

    assert_ok(ca_active(unit, &authority, id));
    store_abandon(unit);
    return authority;
}

static char *text(const struct fixture *fixture, bool crls)
{
    struct store_unit *unit = fixture_reading(fixture);
    char *pem;
    size_t size;

    assert_ok(crls ? ca_crls(unit, NOW, &pem, &size) : ca_certificates(unit, &pem, &size));
    store_abandon(unit);
    assert_int_equal(strlen(pem), size);
    return pem;
}

static X509 *issue(const struct fixture *fixture, enum ek_kind kind)
{
    uint8_t id[SIGNING_KEY_ID_SIZE];
    struct authority authority = active(fixture, id);
    X509 *certificate = ek_certificate_issue(&authority, &ek.keys, kind, &owner, NOW);

    ca_release(&authority);
    assert_non_null(certificate);
    return certificate;
}

static void close_written(FILE *file)
{
    int closed = fclose(file);

    assert_int_equal(closed, 0);
}

static void write_text(const char *name, const char *pem, char path[PATH_MAX])
{
    FILE *file = fopen(fixture_path(name, path), "w");

    assert_non_null(file);
    assert_true(fputs(pem, file) >= 0);
    close_written(file);
}

static void write_certificate(const char *name, X509 *certificate, char path[PATH_MAX])
{
    FILE *file = fopen(fixture_path(name, path), "w");

    assert_non_null(file);
    assert_int_equal(PEM_write_X509(file, certificate), 1);
    close_written(file);
}

/* What openssl verify says, at the time NOW. */
static bool openssl_verifies(const struct fixture *fixture, X509 *certificate, bool with_crl)
{
    char command[6 * PATH_MAX], ca_path[PATH_MAX], crl_path[PATH_MAX], path[PATH_MAX];
    char *ca_pem = text(fixture, false), *crl_pem = text(fixture, true);

    write_text("ca.pem", ca_pem, ca_path);
    write_text("ca.crl", crl_pem, crl_path);
    write_certificate("ek.pem", certificate, path);
    free(ca_pem);
    free(crl_pem);
    snprintf(command, sizeof(command),
             "openssl verify -x509_strict -attime %d -CAfile %s %s%s %s >%s.out 2>&1", NOW, ca_path,
             with_crl ? "-crl_check -CRLfile " : "", with_crl ? crl_path : "", path, path);
    return system(command) == 0;
}

/* The value of an attribute of the directory name among the subject's other names. */
static void expect_tpm(const GENERAL_NAME *name, const char *oid, const char *expected)
{
    ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
    const X509_NAME *directory = name->d.directoryName;
    int index = X509_NAME_get_index_by_OBJ(directory, object, -1);

    ASN1_OBJECT_free(object);
    assert_int_equal(name->type, GEN_DIRNAME);
    assert_true(index >= 0);
    assert_string_equal((const char *)ASN1_STRING_get0_data(
                            X509_NAME_ENTRY_get_data(X509_NAME_get_entry(directory, index))),
                        expected);
}

TEST_FIXTURE(each_kind_of_key_gets_a_certificate_that_openssl_verifies, fixture_begin, fixture_end)
{
    const struct fixture *fixture = *state;
    uint8_t id[SIGNING_KEY_ID_SIZE];

    make(fixture, NOW, id);
    for (enum ek_kind kind = 0; kind < EK_KINDS; kind++) {
        X509 *certificate = issue(fixture, kind);

        assert_true(openssl_verifies(fixture, certificate, true));
        assert_true(i2d_X509(certificate, NULL) <= EK_CERTIFICATE_MAX);
        X509_free(certificate);
    }
}

TEST_FIXTURE(a_certificate_says_what_the_ek_credential_profile_wants, fixture_begin, fixture_end)
{
    static const uint32_t usage[EK_KINDS] = {KU_KEY_ENCIPHERMENT, KU_KEY_AGREEMENT,
                                             KU_KEY_AGREEMENT};
    const struct fixture *fixture = *state;
    uint8_t id[SIGNING_KEY_ID_SIZE];

    make(fixture, NOW, id);
    for (enum ek_kind kind = 0; kind < EK_KINDS; kind++) {
        X509 *certificate = issue(fixture, kind);
        EXTENDED_KEY_USAGE *purposes = X509_get_ext_d2i(certificate, NID_ext_key_usage, NULL, NULL);
        GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
        char purpose[32], name[64];

        assert_int_equal(X509_get_key_usage(certificate), usage[kind]);
        assert_int_equal(X509_check_ca(certificate), 0);
        assert_int_equal(sk_ASN1_OBJECT_num(purposes), 1);
        OBJ_obj2txt(purpose, sizeof(purpose), sk_ASN1_OBJECT_value(purposes, 0), 1);
        assert_string_equal(purpose, "2.23.133.8.1");
        assert_int_equal(sk_GENERAL_NAME_num(names), 2);
        expect_tpm(sk_GENERAL_NAME_value(names, 0), "2.23.133.2.1", "id:49424D00");
        expect_tpm(sk_GENERAL_NAME_value(names, 0), "2.23.133.2.2", "snp-vtpm");
        expect_tpm(sk_GENERAL_NAME_value(names, 0), "2.23.133.2.3", "id:20240125");
        assert_string_equal((const char *)ASN1_STRING_get0_data(
                                sk_GENERAL_NAME_value(names, 1)->d.uniformResourceIdentifier),
                            "urn:uuid:11223300-0000-0000-0000-000000000000");
        X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name,
                                  sizeof(name));
        assert_string_equal(name, "mail");
        assert_true(X509_get_ext_by_NID(certificate, NID_subject_directory_attributes, -1) >= 0);
        sk_ASN1_OBJECT_pop_free(purposes, ASN1_OBJECT_free);
        GENERAL_NAMES_free(names);
        X509_free(certificate);
    }
}

/* keylime: strict DER, the issuer's name is the authority's, its key signed. go-attestation: the
 * same DER without a byte behind it. Both: the key in it is the EK. */
TEST_FIXTURE(a_certificate_keeps_the_rules_of_keylime_and_go_attestation, fixture_begin,
             fixture_end)
{
    const struct fixture *fixture = *state;
    uint8_t id[SIGNING_KEY_ID_SIZE];
    struct authority authority;

    make(fixture, NOW, id);
    authority = active(fixture, id);
    for (enum ek_kind kind = 0; kind < EK_KINDS; kind++) {
        X509 *certificate = issue(fixture, kind), *again;
        uint8_t *der = NULL;
        const uint8_t *next;
        int size = i2d_X509(certificate, &der);

        next = der;
        again = d2i_X509(NULL, &next, size);
        assert_ptr_equal(next, der + size);
        assert_int_equal(X509_NAME_cmp(X509_get_issuer_name(again),
                                       X509_get_subject_name(authority.certificate)),
                         0);
        assert_int_equal(X509_verify(again, authority.key), 1);
        assert_int_equal(EVP_PKEY_eq(X509_get0_pubkey(again), ek.pairs[kind]), 1);
        X509_free(again);
        X509_free(certificate);
        OPENSSL_free(der);
    }
    ca_release(&authority);
}

TEST_FIXTURE(no_certificate_is_given_for_what_is_no_key, fixture_begin, fixture_end)
{
    const struct fixture *fixture = *state;
    uint8_t id[SIGNING_KEY_ID_SIZE];
    struct authority authority;

    make(fixture, NOW, id);
    authority = active(fixture, id);
    assert_true(ek_keys_are_sound(&ek.keys));
    for (enum ek_kind kind = 0; kind < EK_KINDS; kind++) {
        struct ek_keys bad = ek.keys;

        if (kind == EK_RSA_2048)
            bad.modulus[EK_MODULUS_SIZE - 1] &= 0xfe;
        else if (kind == EK_P256)
            bad.p256[5] ^= 1;
        else
            bad.p384[95] ^= 1;
        assert_false(ek_keys_are_sound(&bad));
        assert_null(ek_certificate_issue(&authority, &bad, kind, &owner, NOW));
        ERR_clear_error();
    }
    {
        struct ek_keys shorter = ek.keys;

        shorter.modulus[0] &= 0x7f;
        assert_false(ek_keys_are_sound(&shorter));
    }
    ca_release(&authority);
}

TEST_FIXTURE(the_authority_names_the_kbs_whose_key_images_pin, fixture_begin, fixture_end)
{
    const struct fixture *fixture = *state;
    uint8_t id[SIGNING_KEY_ID_SIZE], kid[SIGNING_KEY_ID_SIZE];
    struct store_unit *unit = fixture_unit(fixture);
    struct authority authority;
    char name[64], expected[64] = "KBS ";

    assert_ok(keyring_generate(unit, SIGNING_KEY_RELEASE, NOW, kid));
    assert_ok(store_commit(unit));
    make(fixture, NOW, id);
    authority = active(fixture, id);
    hex_text(kid, sizeof(kid), expected + 4);
    X509_NAME_get_text_by_NID(X509_get_subject_name(authority.certificate), NID_organizationName,
                              name, sizeof(name));
    assert_string_equal(name, expected);
    ca_release(&authority);
}

static struct ek_entry entry_of(X509 *certificate, const uint8_t id[SIGNING_KEY_ID_SIZE],
                                uint8_t **der)
{
    struct ek_entry entry = {.kind = EK_P256, .issued = NOW, .ek_digest = {7}};

    memcpy(entry.authority, id, sizeof(entry.authority));
    memcpy(entry.volume, volume, sizeof(entry.volume));
    memcpy(entry.serial, ASN1_STRING_get0_data(X509_get0_serialNumber(certificate)),
           sizeof(entry.serial));
    entry.size = (size_t)i2d_X509(certificate, der);
    entry.der = *der;
    return entry;
}

TEST_FIXTURE(a_revoked_certificate_is_on_the_crl_of_its_authority, fixture_begin, fixture_end)
{
    const struct fixture *fixture = *state;
    uint8_t id[SIGNING_KEY_ID_SIZE], *der = NULL;
    X509 *given, *other;
    struct ek_entry entry;
    struct store_unit *unit;
    uint64_t count;
    bool barred;

    make(fixture, NOW, id);
    given = issue(fixture, EK_P256);
    other = issue(fixture, EK_P256);
    entry = entry_of(given, id, &der);
    unit = fixture_unit(fixture);
    assert_ok(ek_entry_add(unit, &entry));
    assert_ok(store_commit(unit));
    assert_true(openssl_verifies(fixture, given, true));

    unit = fixture_unit(fixture);
    assert_ok(ek_entry_revoke(unit, volume, entry.ek_digest, REVOKED_SUPERSEDED, NOW, &count));
    assert_int_equal(count, 0); /* this TPM's are meant to stay */
    assert_ok(ek_entry_revoke(unit, volume, NULL, REVOKED_BY_OWNER, NOW, &count));
    assert_int_equal(count, 1);
    assert_ok(ek_entry_is_barred(unit, volume, entry.ek_digest, &barred));
    assert_true(barred);
    assert_ok(store_commit(unit));
    assert_false(openssl_verifies(fixture, given, true));
    assert_true(openssl_verifies(fixture, other, true));
    X509_free(given);
    X509_free(other);
    OPENSSL_free(der);
}

TEST_FIXTURE(certificates_of_an_older_authority_stay_valid_until_it_is_retired, fixture_begin,
             fixture_end)
{
    const struct fixture *fixture = *state;
    uint8_t first[SIGNING_KEY_ID_SIZE], second[SIGNING_KEY_ID_SIZE], id[SIGNING_KEY_ID_SIZE];
    struct authority authority;
    struct store_unit *unit;
    X509 *older, *newer;

    make(fixture, NOW, first);
    older = issue(fixture, EK_P384);
    make(fixture, NOW, second);
    newer = issue(fixture, EK_P384);
    authority = active(fixture, id);
    assert_memory_equal(id, second, sizeof(id));
    ca_release(&authority);
    assert_true(openssl_verifies(fixture, older, true));
    assert_true(openssl_verifies(fixture, newer, true));

    unit = fixture_unit(fixture);
    assert_ok(signing_key_retire(unit, first, NOW));
    assert_ok(store_commit(unit));
    assert_false(openssl_verifies(fixture, older, false));
    assert_true(openssl_verifies(fixture, newer, true));
    X509_free(older);
    X509_free(newer);
}

TEST_FIXTURE(a_store_of_an_older_version_gets_one_authority, fixture_begin, fixture_end)
{
    const struct fixture *fixture = *state;
    uint8_t first[SIGNING_KEY_ID_SIZE], second[SIGNING_KEY_ID_SIZE];
    struct authority authority;

    assert_ok(ca_make_first(fixture->store, NOW));
    authority = active(fixture, first);
    ca_release(&authority);
    assert_ok(ca_make_first(fixture->store, NOW));
    authority = active(fixture, second);
    ca_release(&authority);
    assert_memory_equal(first, second, sizeof(first));
}
