/* SPDX-License-Identifier: MIT */
#include "kbs/server/issue.h"

#include <stdio.h>
#include <string.h>

#include <arpa/inet.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include "kbs/ca/x509_build.h"

#define HOST_MAX 253 /* characters of a DNS name */

MUST_CHECK static bool is_address(const char *host)
{
    struct in6_addr any;

    return inet_pton(AF_INET, host, &any) == 1 || inet_pton(AF_INET6, host, &any) == 1;
}

bool issue_is_host(const char *host)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789-.";
    size_t length = strlen(host);

    return is_address(host) || (length > 0 && length <= HOST_MAX && host[0] != '-' &&
                                host[0] != '.' && strspn(host, allowed) == length);
}

/* A certificate of a fresh key, without extensions and signature. */
MUST_CHECK static bool prepare(const char *name, const X509 *issuer, time_t now, int days,
                               struct issued *issued)
{
    issued->key = EVP_EC_gen("P-256");
    issued->certificate = X509_new();
    return issued->key && issued->certificate &&
           x509_add_name(X509_get_subject_name(issued->certificate), "CN", name) &&
           x509_begin(issued->certificate, issued->key, issuer, now, days);
}

bool issue_ca(time_t now, struct issued *ca)
{
    unsigned char random[4];
    char name[sizeof("KBS certificate authority 01234567")];

    *ca = (struct issued){0};
    if (RAND_bytes(random, sizeof(random)) != 1)
        return false;
    snprintf(name, sizeof(name), "KBS certificate authority %02x%02x%02x%02x", random[0], random[1],
             random[2], random[3]);
    if (prepare(name, NULL, now, ISSUE_CA_DAYS, ca) &&
        x509_finish_authority(ca->certificate, ca->key, EVP_sha256()))
        return true;
    issued_free(ca);
    return false;
}

/* "DNS:kbs.example,IP:127.0.0.1"; false when there are too many */
MUST_CHECK static bool list_hosts(const char *const *hosts, size_t count,
                                  char list[ISSUE_HOSTS_MAX * (HOST_MAX + 5)])
{
    size_t used = 0;

    if (count == 0 || count > ISSUE_HOSTS_MAX)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!issue_is_host(hosts[i]))
            return false;
        used += (size_t)sprintf(list + used, "%s%s:%s", i > 0 ? "," : "",
                                is_address(hosts[i]) ? "IP" : "DNS", hosts[i]);
    }
    return true;
}

MUST_CHECK static bool finish_server(const struct issued *ca, struct issued *server)
{
    static const struct x509_leaf leaf = {.key_usage = "critical,digitalSignature",
                                          .extended_key_usage = "serverAuth"};

    return x509_finish_leaf(server->certificate, ca->certificate, ca->key, EVP_sha256(), &leaf);
}

bool issue_server(const struct issued *ca, const char *const *hosts, size_t count, time_t now,
                  struct issued *server)
{
    char list[ISSUE_HOSTS_MAX * (HOST_MAX + 5)];

    *server = (struct issued){0};
    if (prepare("KBS", ca->certificate, now, ISSUE_SERVER_DAYS, server) &&
        list_hosts(hosts, count, list) &&
        x509_add_extension(server->certificate, ca->certificate, NID_subject_alt_name, list) &&
        finish_server(ca, server))
        return true;
    issued_free(server);
    return false;
}

bool issue_again(const struct issued *ca, const X509 *older, time_t now, struct issued *server)
{
    X509_EXTENSION *hosts =
        X509_get_ext(older, X509_get_ext_by_NID(older, NID_subject_alt_name, -1));

    *server = (struct issued){0};
    if (prepare("KBS", ca->certificate, now, ISSUE_SERVER_DAYS, server) && hosts &&
        X509_add_ext(server->certificate, hosts, -1) == 1 && finish_server(ca, server))
        return true;
    issued_free(server);
    return false;
}

void issued_free(struct issued *issued)
{
    EVP_PKEY_free(issued->key);
    X509_free(issued->certificate);
    *issued = (struct issued){0};
}
