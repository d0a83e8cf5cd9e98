/* SPDX-License-Identifier: MIT */
#include "tests/unit/attest/fake_proxy.h"

#include <assert.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/bytes.h"
#include "lib/jose/base64.h"
#include "lib/jose/jwe_ecdh.h"
#include "lib/snp/report.h"

#define NONCE_SIZE 32 /* of FAKE_NEGOTIATION */

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
    char text[BASE64_LENGTH(JWE_PROTECTED_MAX) + 1];

    base64_encode(BASE64_STANDARD, bytes, size, text);
    return json_string(text);
}

static char *reply_for(const struct fake_proxy *proxy)
{
    static struct jwe jwe;
    const struct p521_point to = client_key(proxy);
    json_t *root;
    char *text;

    if (jwe_encrypt(&to, proxy->secret, proxy->secret_size, &jwe) != JWE_OK)
        return strdup("{\"success\":false}");
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
    const struct timespec pause = {.tv_nsec = 20 * 1000 * 1000};
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

static void *play(void *context)
{
    struct fake_proxy *proxy = context;
    char *reply = NULL;

    proxy->negotiation_request = receive_frame(proxy->fd);
    if (proxy->raw)
        send_raw(proxy);
    if (!proxy->negotiation_request || !proxy->negotiation || proxy->raw)
        goto out;
    send_frame(proxy->fd, proxy->negotiation);
    proxy->attestation_request = receive_frame(proxy->fd);
    if (!proxy->attestation_request || proxy->close_before_reply)
        goto out;
    reply = proxy->attestation ? strdup(proxy->attestation) : reply_for(proxy);
    send_frame(proxy->fd, reply);
out:
    free(reply);
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
    json_decref(proxy->negotiation_request);
    json_decref(proxy->attestation_request);
}

bool fake_proxy_saw_bound_key(const struct fake_proxy *proxy)
{
    const json_t *evidence = json_object_get(proxy->attestation_request, "evidence");
    const struct p521_point key = client_key(proxy);
    uint8_t hashed[sizeof(key) + NONCE_SIZE], digest[64];
    struct snp_report report;

    memcpy(hashed, &key, sizeof(key));
    decode(proxy->attestation_request, "challenge", hashed + sizeof(key), NONCE_SIZE);
    if (EVP_Digest(hashed, sizeof(hashed), digest, NULL, EVP_sha512(), NULL) != 1)
        return false;
    decode(json_object_get(evidence, "Snp"), "report", &report, sizeof(report));
    return memcmp(report.report_data, digest, sizeof(digest)) == 0;
}
