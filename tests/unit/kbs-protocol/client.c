/* SPDX-License-Identifier: MIT */
#include "tests/unit/kbs-protocol/client.h"

#include <stdio.h>
#include <stdlib.h>

#include <jose/jwk.h>
#include <jose/openssl.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <openssl/x509.h>

#include "lib/jose/jwe_ecdh.h"
#include "lib/jose/strict_json.h"
#include "tests/unit/kbs-protocol/libjose_open.h"
#include "tests/unit/kbs/report_json.h"

#define HELLO "{\"version\":\"0.4.0\",\"tee\":\"snp\",\"extra-params\":\"\"}"

struct client client;

/* The key */

void client_start(struct client *client, enum client_key kind)
{
    static const char *const templates[] = {
        [CLIENT_P521] = "{\"kty\":\"EC\",\"crv\":\"P-521\"}",
        [CLIENT_P256] = "{\"kty\":\"EC\",\"crv\":\"P-256\"}",
        [CLIENT_RSA] = "{\"kty\":\"RSA\",\"bits\":2048}",
    };
    json_t *public;

    *client = (struct client){.pair = json_loads(templates[kind], 0, NULL)};
    assert_true(jose_jwk_gen(NULL, client->pair));
    public = json_deep_copy(client->pair);
    json_object_set_new(public, "alg",
                        json_string(kind == CLIENT_RSA ? "RSA-OAEP-256" : "ECDH-ES+A256KW"));
    assert_int_equal(jwk_parse(public, &client->key), JWK_OK);
    if (kind == CLIENT_P521)
        client->p521 = jose_openssl_jwk_to_EVP_PKEY(NULL, client->pair);
    json_decref(public);
}

void client_stop(struct client *client)
{
    json_decref(client->pair);
    EVP_PKEY_free(client->p521);
    free(client->connection.bearer);
}

int client_begin(void **state)
{
    client_start(&client, CLIENT_P521);
    return world_begin(state);
}

int client_end(void **state)
{
    client_stop(&client);
    return world_end(state);
}

/* Evidence */

void client_authenticate(struct client *client, struct world *world)
{
    json_t *reply;
    const char *nonce;

    client->connection.cookie[0] = '\0';
    assert_int_equal(
        world_request(world, &client->connection, "POST", "/kbs/v0/auth", HELLO, &reply), 200);
    nonce = json_string_value(json_object_get(reply, "nonce"));
    assert_true(strlen(nonce) < sizeof(client->nonce_text));
    strcpy(client->nonce_text, nonce);
    assert_true(base64_decode(BASE64_STANDARD, nonce, strlen(nonce), client->nonce,
                              sizeof(client->nonce), &client->nonce_size));
    assert_string_equal(json_string_value(json_object_get(reply, "extra-params")), "");
    json_decref(reply);
}

static struct snp_report make_report(const uint8_t report_data[REPORT_DATA_SIZE],
                                     client_alter *alter)
{
    struct snp_report report = chip_report(&world_chip, report_data);

    if (alter)
        alter(&report);
    chip_sign(&world_chip, &report);
    return report;
}

json_t *client_coconut_body(const struct client *client, const uint8_t *challenge, size_t size,
                            client_alter *alter)
{
    struct p521_point point = jwk_p521_point(&client->key);
    uint8_t bound[sizeof(point) + RELEASE_CHALLENGE_MAX], report_data[REPORT_DATA_SIZE];
    struct snp_report report;

    memcpy(bound, &point, sizeof(point));
    memcpy(bound + sizeof(point), challenge, size);
    SHA512(bound, sizeof(point) + size, report_data);
    report = make_report(report_data, alter);
    return json_pack("{s:n, s:{s:o, s:o}, s:{s:{s:o, s:o}, s:s}}", "init-data", "runtime-data",
                     "nonce", strict_json_encode(BASE64_STANDARD, challenge, size), "tee-pubkey",
                     jwk_to_json(&client->key), "tee-evidence", "primary_evidence", "snp-report",
                     strict_json_encode(BASE64_STANDARD, &report, sizeof(report)), "certs-buf",
                     strict_json_encode(BASE64_STANDARD, world_table, world_table_size),
                     "additional_evidence", "");
}

json_t *client_coconut(const struct client *client)
{
    return client_coconut_body(client, client->nonce, client->nonce_size, NULL);
}

size_t client_challenge(const struct client *client, const struct release_request *request,
                        uint8_t *out)
{
    assert_int_equal(client->nonce_size, RELEASE_ADVERT_SIZE);
    return release_request_write(client->nonce, request, out);
}

/* Evidence as Trustee's clients have it */

static json_t *certificate(const char *kind, X509 *x509)
{
    uint8_t *der = NULL;
    int size = i2d_X509(x509, &der);
    json_t *entry =
        json_pack("{s:s, s:o}", "cert_type", kind, "data", report_json_bytes(der, (size_t)size));

    OPENSSL_free(der);
    return entry;
}

json_t *client_coco_body(const struct client *client, const char *init_data, client_alter *alter)
{
    json_t *runtime = json_pack("{s:s, s:o}", "nonce", client->nonce_text, "tee-pubkey",
                                jwk_to_json(&client->key));
    json_t *bound = json_deep_copy(runtime);
    uint8_t report_data[REPORT_DATA_SIZE] = {0};
    struct snp_report report;
    char *text;

    json_object_set_new(bound, "additional-evidence", json_string(""));
    text = json_dumps(bound, JSON_COMPACT | JSON_SORT_KEYS);
    SHA384((const uint8_t *)text, strlen(text), report_data);
    free(text);
    json_decref(bound);
    report = make_report(report_data, alter);
    return json_pack(
        "{s:o, s:o, s:{s:{s:o, s:[o, o]}, s:s}}", "init-data",
        init_data ? json_pack("{s:s, s:s}", "format", "toml", "body", init_data) : json_null(),
        "runtime-data", runtime, "tee-evidence", "primary_evidence", "attestation_report",
        report_json(&report), "cert_chain", certificate("ASK", world_chip.ask),
        certificate("VCEK", world_chip.vcek), "additional_evidence", "");
}

/* Requests */

static void copy_code(const json_t *reply, char code[64])
{
    const char *detail = json_string_value(json_object_get(reply, "detail"));

    if (code)
        snprintf(code, 64, "%s", detail ? detail : "");
}

unsigned client_attest(struct client *client, struct world *world, json_t *body, char code[64],
                       char **token)
{
    char *text = json_dumps(body, JSON_COMPACT);
    json_t *reply;
    unsigned status =
        world_request(world, &client->connection, "POST", "/kbs/v0/attest", text, &reply);

    copy_code(reply, code);
    if (status == 200)
        assert_true(json_is_string(json_object_get(reply, "token")));
    if (token)
        *token = status == 200 ? strdup(json_string_value(json_object_get(reply, "token"))) : NULL;
    json_decref(reply);
    json_decref(body);
    free(text);
    return status;
}

void client_expect_refusal(struct client *client, struct world *world, json_t *body,
                           const char *code)
{
    char found[64];
    unsigned status = client_attest(client, world, body, found, NULL);

    if (status != 401 || strcmp(found, code) != 0)
        fail_msg("expected 401 %s, found %u %s", code, status, found);
    assert_int_equal(world_request(world, &client->connection, "GET", VOLUME_PATH, "", NULL), 401);
}

char *client_open(const struct client *client, const json_t *jwe, size_t *size)
{
    return libjose_open(client->pair, jwe, size);
}

char *client_get(struct client *client, struct world *world, const char *path, size_t *size,
                 char code[64])
{
    json_t *reply;
    char *opened = NULL;

    if (world_request(world, &client->connection, "GET", path, "", &reply) == 200) {
        opened = client_open(client, reply, size);
        assert_non_null(opened);
    }
    copy_code(reply, code);
    json_decref(reply);
    return opened;
}

/* As an SVSM opens a signed reply */

static void decode_exact(const json_t *object, const char *name, void *out, size_t size)
{
    size_t got;

    assert_true(strict_json_decode(BASE64_URL, json_object_get(object, name), out, size, &got));
    assert_int_equal(got, size);
}

static void decode_jwe(const json_t *json, struct jwe *jwe)
{
    char header[JWE_PROTECTED_MAX];
    size_t size;
    json_t *decoded;

    snprintf(jwe->protected, sizeof(jwe->protected), "%s",
             json_string_value(json_object_get(json, "protected")));
    assert_true(base64_decode(BASE64_URL, jwe->protected, strlen(jwe->protected), header,
                              sizeof(header), &size));
    decoded = json_loadb(header, size, 0, NULL);
    decode_exact(json_object_get(decoded, "epk"), "x", jwe->epk.x, sizeof(jwe->epk.x));
    decode_exact(json_object_get(decoded, "epk"), "y", jwe->epk.y, sizeof(jwe->epk.y));
    json_decref(decoded);
    decode_exact(json, "encrypted_key", jwe->wrapped_cek, sizeof(jwe->wrapped_cek));
    decode_exact(json, "iv", jwe->iv, sizeof(jwe->iv));
    decode_exact(json, "tag", jwe->tag, sizeof(jwe->tag));
    assert_true(strict_json_decode(BASE64_URL, json_object_get(json, "ciphertext"), jwe->ciphertext,
                                   sizeof(jwe->ciphertext), &jwe->size));
}

struct release_record client_open_signed(const struct client *client, const struct world *world,
                                         const json_t *jwe, uint8_t *payload, size_t *size)
{
    EVP_PKEY *signer = keyring_find(world->kbs.keyring, SIGNING_KEY_RELEASE, world->release_kid);
    uint8_t bytes[RELEASE_RECORD_MAX], cek[JWE_CEK_SIZE], commit[RELEASE_DIGEST_SIZE];
    struct release_record record;
    struct release_pin pin;
    struct jwe decoded;

    decode_jwe(jwe, &decoded);
    assert_true(jwe_release_member(&decoded, bytes, sizeof(bytes), size));
    assert_true(release_pin_of(signer, &pin));
    assert_int_equal(release_record_open(&pin, 1, bytes, *size, &record), RELEASE_OPEN_OK);
    assert_int_equal(jwe_unwrap(client->p521, &decoded, cek), JWE_OK);
    assert_true(release_cek_commit(cek, commit));
    assert_memory_equal(record.cek_commit, commit, sizeof(commit));
    assert_int_equal(jwe_open(cek, &decoded, payload), JWE_OK);
    *size = decoded.size;
    EVP_PKEY_free(signer);
    return record;
}
