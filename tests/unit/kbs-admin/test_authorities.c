/* SPDX-License-Identifier: MIT */
/* What owners do with the certificate authorities for endorsement keys. */
#include <string.h>

#include <openssl/pem.h>
#include <openssl/x509.h>

#include "kbs/ca/ca.h"
#include "kbs/ca/ek_certificate.h"
#include "lib/ek/digest.h"
#include "tests/unit/kbs-admin/asking.h"
#include "tests/unit/kbs-ca/ek_fixture.h"
#include "tests/unit/registered.h"

#define CA     "/admin/v1/ca"
#define ROTATE CA "/rotate"
#define REVOKE "/admin/v1/volumes/web/revoke-ek"

static struct ek_pairs ek;

static int set_up(void **state)
{
    if (admin_begin_filled(state) != 0)
        return -1;
    ek_pairs_make(&ek);
    return 0;
}

static int end(void **state)
{
    ek_pairs_free(&ek);
    return admin_end(state);
}

static const char *rotate(void)
{
    static char id[2 * SIGNING_KEY_ID_SIZE + 1];

    snprintf(id, sizeof(id), "%s",
             text_of(ask_json(&admin, 201, admin.owner, "POST", ROTATE, "{}"), "id"));
    assert_int_equal(strlen(id), sizeof(id) - 1);
    return id;
}

static json_t *look(void)
{
    return ask_json(&admin, 200, admin.auditor, "GET", CA, NULL);
}

/* The volume web's TPM gets a certificate of the active authority for its RSA key; its serial. */
static X509 *certify(void)
{
    struct ek_entry entry = {.kind = EK_RSA_2048, .issued = ASKING_NOW};
    struct authority authority = {0};
    struct store_unit *unit;
    struct volume volume;
    uint8_t *der = NULL;
    X509 *certificate;

    assert_int_equal(store_begin(admin.kbs.store, &unit), STORE_OK);
    assert_int_equal(volume_by_name(unit, "web", &volume), STORE_OK);
    assert_int_equal(ca_active(unit, &authority, entry.authority), STORE_OK);
    certificate = ek_certificate_issue(
        &authority, &ek.keys, EK_RSA_2048,
        &(struct ek_owner){.volume_id = volume.id, .volume_name = volume.name}, ASKING_NOW);
    assert_non_null(certificate);
    entry.size = (size_t)i2d_X509(certificate, &der);
    entry.der = der;
    memcpy(entry.volume, volume.id, sizeof(entry.volume));
    memcpy(entry.serial, ASN1_STRING_get0_data(X509_get0_serialNumber(certificate)),
           sizeof(entry.serial));
    assert_true(ek_keys_digest(&ek.keys, entry.ek_digest));
    assert_int_equal(ek_entry_add(unit, &entry), STORE_OK);
    assert_int_equal(store_commit(unit), STORE_OK);
    ca_release(&authority);
    OPENSSL_free(der);
    return certificate;
}

/* How many of the CRLs in an answer have the certificate, once each was verified by its authority.
 */
static int revoked_in(const json_t *reply, X509 *certificate)
{
    BIO *crls = BIO_new_mem_buf(text_of(reply, "crl"), -1);
    BIO *authorities = BIO_new_mem_buf(text_of(reply, "pem"), -1);
    int count = 0;
    X509_CRL *crl;

    while ((crl = PEM_read_bio_X509_CRL(crls, NULL, NULL, NULL)) != NULL) {
        X509 *authority = PEM_read_bio_X509(authorities, NULL, NULL, NULL);
        X509_REVOKED *found;

        assert_non_null(authority);
        assert_int_equal(X509_CRL_verify(crl, X509_get0_pubkey(authority)), 1);
        count += X509_CRL_get0_by_cert(crl, &found, certificate) == 1;
        X509_free(authority);
        X509_CRL_free(crl);
    }
    BIO_free(crls);
    BIO_free(authorities);
    return count;
}

static void assert_logged(const char *op, const char *object, const char *detail)
{
    json_t *line = last_audit_line(&admin);

    assert_string_equal(text_of(line, "op"), op);
    assert_string_equal(text_of(line, "object"), object);
    assert_string_equal(text_of(line, "result"), "done");
    if (detail)
        assert_string_equal(text_of(line, "detail"), detail);
    json_decref(line);
}

static void refused(const char *token, const char *path, const char *body, unsigned status,
                    const char *code)
{
    assert_refused(&admin,
                   &(struct asked){.method = "POST", .path = path, .token = token, .body = body},
                   status, code);
}

TEST_FIXTURE(a_kbs_without_an_authority_shows_none, set_up, end)
{
    json_t *reply = look();

    assert_int_equal(json_array_size(json_object_get(reply, "authorities")), 0);
    assert_string_equal(text_of(reply, "pem"), "");
    assert_string_equal(text_of(reply, "crl"), "");
}

TEST_FIXTURE(the_newest_authority_is_the_active_one_and_all_are_shown, set_up, end)
{
    char first[2 * SIGNING_KEY_ID_SIZE + 1];
    const json_t *list;
    const char *second;

    strcpy(first, rotate());
    second = rotate();
    assert_string_not_equal(first, second);
    assert_logged("ca-rotate", second, NULL);
    X509_free(certify());
    list = json_object_get(look(), "authorities");
    assert_int_equal(json_array_size(list), 2);
    assert_string_equal(text_of(json_array_get(list, 0), "id"), second);
    assert_true(json_is_true(json_object_get(json_array_get(list, 0), "active")));
    assert_int_equal(json_integer_value(json_object_get(json_array_get(list, 0), "certificates")),
                     1);
    assert_string_equal(text_of(json_array_get(list, 1), "id"), first);
    assert_true(json_is_false(json_object_get(json_array_get(list, 1), "active")));
    assert_int_equal(json_integer_value(json_object_get(json_array_get(list, 1), "certificates")),
                     0);
}

TEST_FIXTURE(revoked_certificates_are_on_the_crl_of_their_authority, set_up, end)
{
    X509 *certificate;
    json_t *reply;

    rotate();
    certificate = certify();
    rotate();
    assert_int_equal(revoked_in(look(), certificate), 0);
    reply = ask_json(&admin, 200, admin.owner, "POST", REVOKE, "{}");
    assert_int_equal(json_integer_value(json_object_get(reply, "revoked")), 1);
    assert_non_null(
        strstr(text_of(reply, "gives_up"), "trusts this TPM's endorsement keys no more"));
    assert_logged("volume-revoke-ek", "web", "1 certificates");
    assert_int_equal(revoked_in(look(), certificate), 1);
    refused(admin.owner, REVOKE, "{}", 409, "certificates-none");
    X509_free(certificate);
}

TEST_FIXTURE(a_retired_volumes_certificates_are_revoked, set_up, end)
{
    X509 *certificate;

    rotate();
    certificate = certify();
    ask_json(&admin, 200, admin.owner, "POST", "/admin/v1/volumes/web/retire", "{}");
    assert_int_equal(revoked_in(look(), certificate), 1);
    X509_free(certificate);
}

TEST_FIXTURE(an_authority_that_was_given_up_is_shown_without_certificate_and_crl, set_up, end)
{
    char path[64 + 2 * SIGNING_KEY_ID_SIZE];
    const json_t *list;
    json_t *reply;

    snprintf(path, sizeof(path), "/admin/v1/keys/%s/retire", rotate());
    refused(admin.owner, path, "{}", 409, "key-active");
    rotate();
    ask_json(&admin, 200, admin.owner, "POST", path, "{}");
    reply = look();
    list = json_object_get(reply, "authorities");
    assert_int_equal(json_array_size(list), 2);
    assert_true(json_is_string(json_object_get(json_array_get(list, 1), "retired")));
    assert_null(strstr(strstr(text_of(reply, "pem"), "BEGIN") + 5, "BEGIN"));
    assert_null(strstr(strstr(text_of(reply, "crl"), "BEGIN") + 5, "BEGIN"));
}

TEST_FIXTURE(only_owners_change_authorities_and_by_these_paths, set_up, end)
{
    rotate();
    X509_free(certify());
    refused(admin.auditor, ROTATE, "{}", 403, "role-insufficient");
    refused(admin.auditor, REVOKE, "{}", 403, "role-insufficient");
    refused(NULL, ROTATE, "{}", 401, "token-missing");
    refused(admin.owner, ROTATE, "{\"id\":1}", 400, "body-invalid");
    refused(admin.owner, REVOKE, "{\"serial\":\"00\"}", 400, "body-invalid");
    refused(admin.owner, "/admin/v1/volumes/nothing/revoke-ek", "{}", 404, "not-found");
    refused(admin.owner, "/admin/v1/keys/rotate", "{\"use\":\"ca\"}", 400, "use-invalid");
    assert_int_equal(json_array_size(json_object_get(look(), "authorities")), 1);
}
