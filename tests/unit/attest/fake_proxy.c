/* SPDX-License-Identifier: MIT */
#include "tests/unit/attest/fake_proxy.h"

#include <assert.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/bytes.h"
#include "lib/jose/base64.h"
#include "lib/jose/jwe_ecdh.h"
#include "lib/snp/report.h"

#define CHALLENGE_MAX RELEASE_CHALLENGE_MAX

static bool read_all(int fd, void *bytes, size_t size)
{
    return size == 0 || recv(fd, bytes, size, MSG_WAITALL) == (ssize_t)size;
}

static json_t *receive_frame(int fd)
{
    uint8_t prefix[8];
    json_t *root = NULL;
    char *text;

    if (!read_all(fd, prefix, sizeof(prefix)))
        return NULL;
    text = malloc(get_le64(prefix));
    if (read_all(fd, text, get_le64(prefix)))
        root = json_loadb(text, get_le64(prefix), JSON_REJECT_DUPLICATES, NULL);
    free(text);
    return root;
}

static void send_frame(int fd, const char *text)
{
    uint8_t prefix[8];

    put_le64(prefix, strlen(text));
    (void)!send(fd, prefix, sizeof(prefix), MSG_NOSIGNAL);
    (void)!send(fd, text, strlen(text), MSG_NOSIGNAL);
}

static void decode(const json_t *object, const char *name, void *out, size_t size)
{
    const char *text = json_string_value(json_object_get(object, name));

    if (!text || !base64_decode_exact(BASE64_STANDARD, text, strlen(text), out, size))
        memset(out, 0, size);
}

static struct p521_point client_key(const struct fake_proxy *proxy)
{
    const json_t *key = json_object_get(proxy->attestation_request, "key");
    struct p521_point point = {0};

    decode(key, "x", point.x, sizeof(point.x));
    decode(key, "y", point.y, sizeof(point.y));
    return point;
}

static json_t *base64_of(const void *bytes, size_t size)
{
    char text[BASE64_LENGTH(FAKE_SECRET_MAX) + 1];

    base64_encode(BASE64_STANDARD, bytes, size, text);
    return json_string(text);
}

static struct snp_report report_of(const struct fake_proxy *proxy)
{
    const json_t *evidence = json_object_get(proxy->attestation_request, "evidence");
    struct snp_report report;

    decode(json_object_get(evidence, "Snp"), "report", &report, sizeof(report));
    return report;
}

size_t fake_proxy_challenge(const struct fake_proxy *proxy, uint8_t *challenge, size_t room)
{
    const char *text = json_string_value(json_object_get(proxy->attestation_request, "challenge"));
    size_t size;

    if (!text || !base64_decode(BASE64_STANDARD, text, strlen(text), challenge, room, &size))
        return 0;
    return size;
}

/* What an honest KBS says about this request; false where nobody is to hear of it. */
static bool record_for(const struct fake_proxy *proxy, const struct jwe_fresh *fresh,
                       struct release_record *out)
{
    struct p521_point key = client_key(proxy);
    struct snp_report report = report_of(proxy);
    struct release_record record = {.status = (uint8_t)proxy->status, .has_cek_commit = true};
    uint8_t challenge[CHALLENGE_MAX];
    size_t size = fake_proxy_challenge(proxy, challenge, sizeof(challenge));
    struct release_request request = {0};
    struct release_advert advert = {0};

    if (!release_advert_parse(challenge, size, &advert) ||
        !release_request_parse(challenge + RELEASE_ADVERT_SIZE, size - RELEASE_ADVERT_SIZE,
                               &request) ||
        !release_cek_commit(fresh->cek, record.cek_commit))
        abort();
    record.op = request.op;
    record.has_volume = request.has_volume;
    memcpy(record.volume, request.volume, sizeof(record.volume));
    memcpy(record.random, advert.random, sizeof(record.random));
    SHA384((const uint8_t *)&report, REPORT_SIGNED_SIZE, record.report_digest);
    SHA384((const uint8_t *)&key, sizeof(key), record.key_digest);
    *out = record;
    return !proxy->decide || proxy->decide(&request, &report, out);
}

/* The text of a record; NULL where there is to be none. */
static const char *release_for(const struct fake_proxy *proxy, const struct jwe_fresh *fresh,
                               char text[BASE64_LENGTH(RELEASE_RECORD_MAX) + 1], bool *lost)
{
    struct release_record record;
    uint8_t bytes[RELEASE_RECORD_MAX];
    size_t size;

    if (!proxy->signer || proxy->strip_record)
        return NULL;
    *lost = !record_for(proxy, fresh, &record);
    if (!release_record_sign(proxy->signer, &record, bytes, &size))
        abort();
    base64_encode(BASE64_URL, bytes, size, text);
    return text;
}

static enum jwe_status encrypt_for(const struct fake_proxy *proxy, struct jwe *jwe, bool *lost)
{
    struct p521_point to = client_key(proxy);
    char text[BASE64_LENGTH(RELEASE_RECORD_MAX) + 1];
    struct jwe_fresh fresh;
    enum jwe_status status;

    if (!jwe_fresh_make(&fresh))
        abort();
    status = jwe_encrypt_with(&fresh, &to, release_for(proxy, &fresh, text, lost), proxy->secret,
                              proxy->secret_size, jwe);
    jwe_fresh_wipe(&fresh);
    return status;
}

static char *reply_for(const struct fake_proxy *proxy)
{
    static struct jwe jwe;
    bool lost = false;
    json_t *root;
    char *text;

    if (encrypt_for(proxy, &jwe, &lost) != JWE_OK)
        return strdup("{\"success\":false}");
    if (lost)
        return strdup("{\"success\":false,\"reason\":\"kbs-gateway\"}");
    root = json_pack("{s:b, s:o, s:{s:{s:o, s:o}, s:o, s:o, s:o, s:o}, s:{s:s}}", //
                     "success", 1, "secret", base64_of(jwe.ciphertext, jwe.size), //
                     "decryption", "epk",                                         //
                     "x", base64_of(jwe.epk.x, sizeof(jwe.epk.x)),                //
                     "y", base64_of(jwe.epk.y, sizeof(jwe.epk.y)),                //
                     "wrapped_cek", base64_of(jwe.wrapped_cek, sizeof(jwe.wrapped_cek)), "aad",
                     base64_of(jwe.protected, strlen(jwe.protected)), //
                     "iv", base64_of(jwe.iv, sizeof(jwe.iv)),         //
                     "tag", base64_of(jwe.tag, sizeof(jwe.tag)),      //
                     "token", "Jwt", "test-token");
    text = json_dumps(root, JSON_COMPACT);
    json_decref(root);
    return text;
}

static void send_raw(const struct fake_proxy *proxy)
{
    struct timespec pause = {.tv_nsec = 20 * 1000 * 1000};
    const uint8_t *bytes = proxy->raw;
    uint8_t hung_up;

    if (!proxy->trickle) {
        (void)!send(proxy->fd, bytes, proxy->raw_size, MSG_NOSIGNAL);
        return;
    }
    for (size_t i = 0; i < proxy->raw_size && recv(proxy->fd, &hung_up, 1, MSG_DONTWAIT) != 0;
         i++) {
        (void)!send(proxy->fd, bytes + i, 1, MSG_NOSIGNAL);
        nanosleep(&pause, NULL);
    }
}

static void forget(struct fake_proxy *proxy)
{
    json_decref(proxy->negotiation_request);
    json_decref(proxy->attestation_request);
    free(proxy->reply);
    proxy->negotiation_request = proxy->attestation_request = NULL;
    proxy->reply = NULL;
}

/* One exchange; false when it was cut short. */
static bool play_one(struct fake_proxy *proxy)
{
    forget(proxy);
    proxy->negotiation_request = receive_frame(proxy->fd);
    if (proxy->raw)
        send_raw(proxy);
    if (!proxy->negotiation_request || !proxy->negotiation || proxy->raw)
        return false;
    send_frame(proxy->fd, proxy->negotiation);
    proxy->attestation_request = receive_frame(proxy->fd);
    if (!proxy->attestation_request || proxy->close_before_reply)
        return false;
    proxy->reply = proxy->attestation ? strdup(proxy->attestation) : reply_for(proxy);
    send_frame(proxy->fd, proxy->reply);
    return true;
}

static void *play(void *context)
{
    struct fake_proxy *proxy = context;

    for (unsigned int i = 0; i == 0 || i < proxy->exchanges; i++)
        if (!play_one(proxy))
            break;
    shutdown(proxy->fd, SHUT_WR);
    return NULL;
}

void fake_proxy_init(struct fake_proxy *proxy, int *client)
{
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        abort();
    *proxy = (struct fake_proxy){.fd = ends[0], .negotiation = FAKE_NEGOTIATION, .secret_size = 64};
    *client = ends[1];
    for (unsigned int i = 0; i < sizeof(proxy->secret); i++)
        proxy->secret[i] = (uint8_t)i;
}

void fake_proxy_advertise(struct fake_proxy *proxy, EVP_PKEY *signer, uint8_t random)
{
    struct release_advert advert = {.capabilities = RELEASE_CAP_SIGNED};
    uint8_t bytes[RELEASE_ADVERT_SIZE];
    char text[BASE64_LENGTH(RELEASE_ADVERT_SIZE) + 1];
    struct release_pin pin;

    if (!release_pin_of(signer, &pin))
        abort();
    memcpy(advert.kid, pin.kid, sizeof(advert.kid));
    memset(advert.random, random, sizeof(advert.random));
    release_advert_write(&advert, bytes);
    base64_encode(BASE64_STANDARD, bytes, sizeof(bytes), text);
    snprintf(proxy->advert, sizeof(proxy->advert),
             "{\"challenge\":\"%s\",\"params\":[\"EcPublicKeyBytes\",\"Challenge\"]}", text);
    proxy->negotiation = proxy->advert;
    proxy->signer = signer;
}

void fake_proxy_start(struct fake_proxy *proxy)
{
    if (pthread_create(&proxy->thread, NULL, play, proxy) != 0)
        abort();
}

void fake_proxy_join(struct fake_proxy *proxy)
{
    pthread_join(proxy->thread, NULL);
}

void fake_proxy_release(struct fake_proxy *proxy)
{
    close(proxy->fd);
    forget(proxy);
}

bool fake_proxy_saw_bound_key(const struct fake_proxy *proxy)
{
    struct p521_point key = client_key(proxy);
    struct snp_report report = report_of(proxy);
    uint8_t hashed[sizeof(key) + CHALLENGE_MAX], digest[64];
    size_t size;

    memcpy(hashed, &key, sizeof(key));
    size = sizeof(key) + fake_proxy_challenge(proxy, hashed + sizeof(key), CHALLENGE_MAX);
    return SHA512(hashed, size, digest) && memcmp(report.report_data, digest, sizeof(digest)) == 0;
}
