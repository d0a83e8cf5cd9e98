/* SPDX-License-Identifier: MIT */
/* kbs renew-certificate: before the one that kbs init made expires. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <openssl/pem.h>

#include "kbs/server/commands.h"
#include "kbs/server/issue.h"
#include "kbs/server/new_file.h"

/* Opens DIR/tls/NAME; NULL, having said so, when it cannot. path gets its path. */
MUST_CHECK static FILE *open_in(const char *folder, const char *name, char path[PATH_MAX])
{
    FILE *file;

    if (snprintf(path, PATH_MAX, "%s/tls/%s", folder, name) >= PATH_MAX) {
        complain(EXIT_FILE, "%s/tls/%s: the path is too long", folder, name);
        return NULL;
    }
    file = fopen(path, "re");
    if (!file)
        complain(EXIT_FILE, "%s: %s", path, strerror(errno));
    return file;
}

static X509 *read_certificate(const char *folder, const char *name, char path[PATH_MAX])
{
    FILE *file = open_in(folder, name, path);
    X509 *certificate;

    if (!file)
        return NULL;
    certificate = PEM_read_X509(file, NULL, NULL, NULL);
    fclose(file);
    if (!certificate)
        complain(EXIT_INPUT, "%s: not a certificate in PEM", path);
    return certificate;
}

static EVP_PKEY *read_key(const char *folder, const char *name)
{
    char path[PATH_MAX];
    FILE *file = open_in(folder, name, path);
    EVP_PKEY *key;

    if (!file)
        return NULL;
    key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
    fclose(file);
    if (!key)
        complain(EXIT_INPUT, "%s: not a private key in PEM", path);
    return key;
}

/* The key first: until the certificate is there too, the server keeps the pair that it has. */
static int replace(const char *certificate_path, const struct issued *server)
{
    char key_path[PATH_MAX];

    strcpy(key_path, certificate_path);
    strcpy(strrchr(key_path, '/') + 1, "server.key");
    if (new_file_write_key(key_path, 0600, FILE_REPLACE, server->key) &&
        new_file_write_certificate(certificate_path, 0644, FILE_REPLACE, server->certificate))
        return EXIT_DONE;
    return complain(EXIT_FILE, "%s: %s", certificate_path, strerror(errno));
}

int command_renew_certificate(int argc, char **argv)
{
    struct issued ca = {0}, server = {0};
    char ca_path[PATH_MAX], path[PATH_MAX];
    X509 *older = NULL;
    int status = EXIT_FILE;

    if (argc != 2 || argv[1][0] == '-')
        return complain(EXIT_USAGE, "renew-certificate needs the DIR that kbs init made");
    ca.certificate = read_certificate(argv[1], "ca.pem", ca_path);
    ca.key = read_key(argv[1], "ca.key");
    older = read_certificate(argv[1], "server.pem", path);
    if (!ca.certificate || !ca.key || !older)
        goto out;
    if (X509_check_private_key(ca.certificate, ca.key) != 1) {
        status = complain(EXIT_INPUT, "%s: ca.key is not its key", ca_path);
        goto out;
    }
    if (issue_again(&ca, older, time(NULL), &server))
        status = replace(path, &server);
    else
        complain(EXIT_FILE, "the certificate could not be made");
    if (status == EXIT_DONE)
        printf("%s: renewed for %d days; send the server SIGHUP\n", path, ISSUE_SERVER_DAYS);
out:
    X509_free(older);
    issued_free(&server);
    issued_free(&ca);
    return status;
}
