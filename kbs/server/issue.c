/* SPDX-License-Identifier: MIT */
#include "kbs/server/issue.h"

#include <stdio.h>
#include <string.h>

#include <arpa/inet.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#define HOST_MAX    253 /* characters of a DNS name */
#define SERIAL_SIZE 16  /* bytes */
#define DAY         86400L

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

MUST_CHECK static bool add_extension(X509 *certificate, X509 *issuer, int nid, const char *value)
{
    X509_EXTENSION *extension;
    X509V3_CTX context;
    bool added;

    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    added = extension && X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return added;
}

MUST_CHECK static bool set_serial(X509 *certificate)
{
    unsigned char bytes[SERIAL_SIZE];
    BIGNUM *number = NULL;
    bool set = RAND_bytes(bytes, sizeof(bytes)) == 1;

    bytes[0] = (bytes[0] & 0x7f) | 0x40; /* positive, and of this size */
    if (set)
        number = BN_bin2bn(bytes, sizeof(bytes), NULL);
    set = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));
    BN_free(number);
    return set;
}

/* A certificate of a fresh key, without extensions and signature. It is valid from a day ago, for
 * clocks that are behind. */
MUST_CHECK static bool prepare(const char *name, const X509 *issuer, time_t now, long days,
                               struct issued *issued)
{
    X509_NAME *subject;
    X509 *certificate;

    issued->key = EVP_EC_gen("P-256");
    issued->certificate = certificate = X509_new();
    if (!issued->key || !certificate)
        return false;
    subject = X509_get_subject_name(certificate);
    return X509_set_version(certificate, X509_VERSION_3) == 1 && set_serial(certificate) &&
           X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1,
                                      -1, 0) == 1 &&
           X509_set_issuer_name(certificate, issuer ? X509_get_subject_name(issuer) : subject) ==
               1 &&
           X509_time_adj_ex(X509_getm_notBefore(certificate), 0, -DAY, &now) &&
           X509_time_adj_ex(X509_getm_notAfter(certificate), (int)days, 0, &now) &&
           X509_set_pubkey(certificate, issued->key) == 1;
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
        add_extension(ca->certificate, ca->certificate, NID_basic_constraints,
                      "critical,CA:TRUE,pathlen:0") &&
        add_extension(ca->certificate, ca->certificate, NID_key_usage,
                      "critical,keyCertSign,cRLSign") &&
        add_extension(ca->certificate, ca->certificate, NID_subject_key_identifier, "hash") &&
        X509_sign(ca->certificate, ca->key, EVP_sha256()) > 0)
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

/* All but the hosts. */
MUST_CHECK static bool prepare_server(const struct issued *ca, time_t now, struct issued *server)
{
    *server = (struct issued){0};
    return prepare("KBS", ca->certificate, now, ISSUE_SERVER_DAYS, server) &&
           add_extension(server->certificate, ca->certificate, NID_basic_constraints,
                         "critical,CA:FALSE") &&
           add_extension(server->certificate, ca->certificate, NID_key_usage,
                         "critical,digitalSignature") &&
           add_extension(server->certificate, ca->certificate, NID_ext_key_usage, "serverAuth") &&
           add_extension(server->certificate, ca->certificate, NID_authority_key_identifier,
                         "keyid:always");
}

bool issue_server(const struct issued *ca, const char *const *hosts, size_t count, time_t now,
                  struct issued *server)
{
    char list[ISSUE_HOSTS_MAX * (HOST_MAX + 5)];

    if (prepare_server(ca, now, server) && list_hosts(hosts, count, list) &&
        add_extension(server->certificate, ca->certificate, NID_subject_alt_name, list) &&
        X509_sign(server->certificate, ca->key, EVP_sha256()) > 0)
        return true;
    issued_free(server);
    return false;
}

bool issue_again(const struct issued *ca, const X509 *older, time_t now, struct issued *server)
{
    X509_EXTENSION *hosts =
        X509_get_ext(older, X509_get_ext_by_NID(older, NID_subject_alt_name, -1));

    if (prepare_server(ca, now, server) && hosts &&
        X509_add_ext(server->certificate, hosts, -1) == 1 &&
        X509_sign(server->certificate, ca->key, EVP_sha256()) > 0)
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
