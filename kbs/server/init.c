/* SPDX-License-Identifier: MIT */
/* kbs init: a folder with all that a server needs, made whole or not at all. */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "kbs/audit/audit.h"
#include "kbs/ca/ca.h"
#include "kbs/keys/keyring.h"
#include "kbs/policy/policy.h"
#include "kbs/server/commands.h"
#include "kbs/server/config.h"
#include "kbs/server/init_config.h"
#include "kbs/server/issue.h"
#include "kbs/server/listener.h"
#include "kbs/server/new_file.h"
#include "kbs/store/policies.h"
#include "kbs/store/tokens.h"

#define MADE_MAX 16

struct init {
    struct init_choices choices;
    const char *folder;
    size_t host_count;
    const char *hosts[ISSUE_HOSTS_MAX];
    char listen_host[LISTENER_NAME_MAX + 1], admin_host[LISTENER_NAME_MAX + 1];
    char emulated_root[PATH_MAX], emulated_certificates[PATH_MAX], amd_certs[PATH_MAX];
    char store[PATH_MAX + 16];
    /* What was made so far, to be removed if the rest fails; the newest last. */
    size_t made_count;
    char made[MADE_MAX][PATH_MAX];
    struct master_keys keys;
};

/* Absolute, because the configuration is elsewhere. */
MUST_CHECK static bool make_absolute(const char *option, const char **path, char room[PATH_MAX])
{
    if (!*path)
        return true;
    if (!realpath(*path, room)) {
        complain(EXIT_FILE, "--%s %s: %s", option, *path, strerror(errno));
        return false;
    }
    *path = room;
    return true;
}

MUST_CHECK static bool choose_store(struct init *init)
{
    const char *store = init->choices.store;
    char here[PATH_MAX];

    if (!store)
        init->choices.store = "kbs.db";
    else if (!strstr(store, "://")) {
        store += strncmp(store, "sqlite:", 7) == 0 ? 7 : 0;
        if (store[0] != '/' && !getcwd(here, sizeof(here)))
            return false;
        if (snprintf(init->store, sizeof(init->store), "%s%s%s", store[0] == '/' ? "" : here,
                     store[0] == '/' ? "" : "/", store) >= PATH_MAX)
            return false;
        init->choices.store = init->store;
    }
    return true;
}

MUST_CHECK static bool add_host(struct init *init, const char *host)
{
    if (init->host_count == ISSUE_HOSTS_MAX || !issue_is_host(host)) {
        complain(EXIT_USAGE, "--host %s: not a name or an address, or too many", host);
        return false;
    }
    init->hosts[init->host_count++] = host;
    return true;
}

/* Checks where to listen, and adds the address to the certificate's unless it stands for all. */
MUST_CHECK static bool take_address(struct init *init, const char *option, const char *address,
                                    char host[LISTENER_NAME_MAX + 1], bool *loopback)
{
    size_t length;

    if (!listener_is_address(address, loopback)) {
        complain(EXIT_USAGE, "--%s %s: %s", option, address,
                 listener_status_text(LISTENER_BAD_ADDRESS));
        return false;
    }
    length = (size_t)(strrchr(address, ':') - address);
    if (address[0] == '[')
        snprintf(host, LISTENER_NAME_MAX + 1, "%.*s", (int)length - 2, address + 1);
    else
        snprintf(host, LISTENER_NAME_MAX + 1, "%.*s", (int)length, address);
    return *loopback || strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0 ||
           add_host(init, host);
}

MUST_CHECK static bool take_addresses(struct init *init)
{
    bool loopback;

    if (!take_address(init, "admin-listen", init->choices.admin_listen, init->admin_host,
                      &loopback) ||
        !take_address(init, "listen", init->choices.listen, init->listen_host, &loopback))
        return false;
    init->choices.listen_tls = !loopback;
    return true;
}

static int complain_of_usage(void)
{
    return complain(EXIT_USAGE, "init needs DIR, and --certs only goes with --trust-emulated; see "
                                "kbs --help");
}

static int parse_options(int argc, char **argv, struct init *init)
{
    static const struct option known[] = {
        {"listen", required_argument, NULL, 'l'},
        {"admin-listen", required_argument, NULL, 'a'},
        {"host", required_argument, NULL, 'h'},
        {"store", required_argument, NULL, 's'},
        {"amd-certs", required_argument, NULL, 'd'},
        {"kds", required_argument, NULL, 'k'},
        {"trust-emulated", required_argument, NULL, 'e'},
        {"certs", required_argument, NULL, 'c'},
        {0},
    };
    struct init_choices *choices = &init->choices;
    int option;

    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
        switch (option) {
        case 'l':
            choices->listen = optarg;
            break;
        case 'a':
            choices->admin_listen = optarg;
            break;
        case 'h':
            if (!add_host(init, optarg))
                return EXIT_USAGE;
            break;
        case 's':
            choices->store = optarg;
            break;
        case 'd':
            choices->amd_certs = optarg;
            break;
        case 'k':
            choices->kds_url = strcmp(optarg, "none") == 0 ? NULL : optarg;
            break;
        case 'e':
            choices->emulated_root = optarg;
            break;
        case 'c':
            choices->emulated_certificates = optarg;
            break;
        default:
            return complain_of_usage();
        }
    }
    if (optind + 1 != argc || (choices->emulated_certificates && !choices->emulated_root))
        return complain_of_usage();
    init->folder = argv[optind];
    return EXIT_DONE;
}

static int take_options(int argc, char **argv, struct init *init)
{
    struct init_choices *choices = &init->choices;
    int status;

    *init = (struct init){
        .choices = {.listen = "127.0.0.1:8080",
                    .admin_listen = "127.0.0.1:8443",
                    .kds_url = "https://kdsintf.amd.com"},
        .host_count = 3,
        .hosts = {"localhost", "127.0.0.1", "::1"},
    };
    status = parse_options(argc, argv, init);
    if (status != EXIT_DONE)
        return status;
    if (!take_addresses(init))
        return EXIT_USAGE;
    if (!make_absolute("amd-certs", &choices->amd_certs, init->amd_certs) ||
        !make_absolute("trust-emulated", &choices->emulated_root, init->emulated_root) ||
        !make_absolute("certs", &choices->emulated_certificates, init->emulated_certificates))
        return EXIT_FILE;
    if (!choose_store(init))
        return complain(EXIT_FILE, "--store %s: the path is too long", choices->store);
    return EXIT_DONE;
}

/* The path of name in the folder; NULL, having said so, when it is too long. */
MUST_CHECK static const char *path_of(const struct init *init, const char *name,
                                      char path[PATH_MAX])
{
    if (snprintf(path, PATH_MAX, "%s/%s", init->folder, name) < PATH_MAX)
        return path;
    complain(EXIT_FILE, "%s/%s: the path is too long", init->folder, name);
    return NULL;
}

/* Notes a file for the case that it has to be removed; false, having said so, when it was not
 * made. */
static bool note(struct init *init, const char *path, bool made)
{
    if (made)
        strcpy(init->made[init->made_count++], path);
    else
        complain(EXIT_FILE, "%s: %s", path,
                 errno ? strerror(errno) : "the key or certificate could not be made");
    return made;
}

static void remove_made(struct init *init)
{
    while (init->made_count > 0)
        remove(init->made[--init->made_count]);
}

/* Makes the folder if there is none; one that has a server is left alone. */
MUST_CHECK static bool make_folder(struct init *init)
{
    char path[PATH_MAX];

    if (mkdir(init->folder, 0700) == 0)
        return note(init, init->folder, true);
    if (errno != EEXIST)
        return note(init, init->folder, false);
    if (!path_of(init, "kbs.conf", path))
        return false;
    if (access(path, F_OK) != 0)
        return true;
    complain(EXIT_FILE,
             "%s: there is a server already; choose another folder, or remove it if its "
             "secrets are not needed",
             path);
    return false;
}

MUST_CHECK static bool write_issued(struct init *init, const struct issued *issued,
                                    const char *certificate, const char *key)
{
    char path[PATH_MAX];

    return path_of(init, certificate, path) &&
           note(init, path,
                new_file_write_certificate(path, 0644, FILE_NEW, issued->certificate)) &&
           path_of(init, key, path) &&
           note(init, path, new_file_write_key(path, 0600, FILE_NEW, issued->key));
}

MUST_CHECK static bool make_certificates(struct init *init)
{
    struct issued ca = {0}, server = {0};
    char path[PATH_MAX];
    bool made = false;

    if (!path_of(init, "tls", path) || !note(init, path, mkdir(path, 0700) == 0))
        return false;
    if (!issue_ca(time(NULL), &ca) ||
        !issue_server(&ca, init->hosts, init->host_count, time(NULL), &server))
        complain(EXIT_FILE, "the server's certificate could not be made");
    else
        made = write_issued(init, &ca, "tls/ca.pem", "tls/ca.key") &&
               write_issued(init, &server, "tls/server.pem", "tls/server.key");
    issued_free(&ca);
    issued_free(&server);
    return made;
}

MUST_CHECK static bool make_master_key(struct init *init)
{
    enum master_key_status status;
    char path[PATH_MAX];

    if (!path_of(init, "master.key", path))
        return false;
    status = master_key_create(path);
    if (status == MASTER_KEY_OK) {
        (void)note(init, path, true);
        status = master_keys_load(path, &init->keys);
    }
    if (status != MASTER_KEY_OK)
        complain(EXIT_FILE, "%s: %s", path,
                 status == MASTER_KEY_FAILED ? strerror(errno) : master_key_status_text(status));
    return status == MASTER_KEY_OK;
}

/* What was chosen has to be acceptable to the server. */
MUST_CHECK static bool is_acceptable(const char *text, const char *path)
{
    struct config_errors errors;
    struct config config;
    bool acceptable = config_parse(text, path, ".", &config, &errors);

    if (!acceptable)
        fputs(errors.text, stderr);
    config_free(&config);
    return acceptable;
}

MUST_CHECK static bool write_config(struct init *init)
{
    char *text = init_config(&init->choices), path[PATH_MAX];
    bool written = text && path_of(init, "kbs.conf", path) && is_acceptable(text, path) &&
                   note(init, path, file_write(path, 0600, FILE_NEW, text, strlen(text)));

    free(text);
    return written;
}

/* The key that images pin, as a file for those who build them. */
static enum store_status write_release_key(struct init *init, struct store_unit *unit,
                                           const uint8_t id[SIGNING_KEY_ID_SIZE])
{
    char path[PATH_MAX];
    EVP_PKEY *key;
    enum store_status status = keyring_load(unit, id, &key);

    if (status == STORE_OK && (!path_of(init, "release-key.pem", path) ||
                               !note(init, path, new_file_write_public(path, 0644, FILE_NEW, key))))
        status = STORE_FAILED;
    EVP_PKEY_free(key);
    return status;
}

static enum store_status write_token(struct init *init, struct store_unit *unit, time_t now)
{
    struct token token = {.name = "owner", .role = ROLE_OWNER, .created = now};
    char text[TOKEN_TEXT_MAX + 2], path[PATH_MAX];
    enum store_status status = token_create(unit, &token, text);

    if (status != STORE_OK)
        return status;
    strcat(text, "\n");
    if (!path_of(init, "owner.token", path) ||
        !note(init, path, file_write(path, 0600, FILE_NEW, text, strlen(text))))
        status = STORE_FAILED;
    OPENSSL_cleanse(text, sizeof(text));
    return status;
}

/* All of it in one unit of work. */
static enum store_status fill(struct init *init, struct store_unit *unit)
{
    time_t now = time(NULL);
    uint8_t release[SIGNING_KEY_ID_SIZE], token[SIGNING_KEY_ID_SIZE], ca[SIGNING_KEY_ID_SIZE];
    enum store_status status = policy_put(unit, "default", policy_default_text, false, now);

    if (status == STORE_OK)
        status = keyring_generate(unit, SIGNING_KEY_RELEASE, now, release);
    if (status == STORE_OK)
        status = keyring_generate(unit, SIGNING_KEY_TOKEN, now, token);
    if (status == STORE_OK)
        status = ca_make(unit, now, ca);
    if (status == STORE_OK)
        status = write_release_key(init, unit, release);
    if (status == STORE_OK)
        status = write_token(init, unit, now);
    if (status == STORE_OK)
        status = audit_append(unit, "init",
                              json_pack("{s:s, s:s}", "policy", "default", "token", "owner"), now);
    return status;
}

/* A database that init made goes away with it. */
static void note_database(struct init *init, const char *path)
{
    static const char *const beside[] = {"", "-wal", "-shm"};

    for (size_t i = 0; i < sizeof(beside) / sizeof(beside[0]); i++)
        snprintf(init->made[init->made_count++], PATH_MAX, "%s%s", path, beside[i]);
}

/* The store's URL as it is from here rather than from the folder. */
MUST_CHECK static const char *store_here(const struct init *init, char path[PATH_MAX])
{
    return strcmp(init->choices.store, "kbs.db") == 0 ? path_of(init, "kbs.db", path)
                                                      : init->choices.store;
}

MUST_CHECK static bool make_store(struct init *init)
{
    char path[PATH_MAX];
    const char *url = store_here(init, path);
    struct store *store = NULL;
    struct store_unit *unit = NULL;
    enum store_status status;

    if (!url)
        return false;
    if (!strstr(url, "://") && access(url, F_OK) != 0)
        note_database(init, url);
    status = store_open(url, true, &init->keys, &store);
    if (status != STORE_OK) {
        complain(EXIT_FILE, "store: %s", store_reason(store, status));
        goto out;
    }
    status = store_begin(store, &unit);
    if (status == STORE_OK)
        status = fill(init, unit);
    if (status == STORE_OK)
        status = store_commit(unit);
    else
        store_abandon(unit);
    if (status == STORE_EXISTS || status == STORE_RETIRED || status == STORE_NAME_USED)
        complain(EXIT_FILE, "store: another server was made with it; to add a server to the same "
                            "store, copy that one's folder");
    else if (status != STORE_OK)
        complain(EXIT_FILE, "store: %s", store_status_text(status));
out:
    store_close(store);
    return status == STORE_OK;
}

static void tell(const struct init *init)
{
    printf("%s: a new server\n"
           "  owner.token      the owner's token; keep it where only the owner can read it\n"
           "  master.key       without it the store's secrets are lost: keep a copy elsewhere\n"
           "  release-key.pem  what images pin: igvm build --kbs-key\n"
           "  tls/ca.pem       what clients of the server check its certificate with\n"
           "start it: kbs serve --config %s/kbs.conf\n",
           init->folder, init->folder);
}

/* The store is last: until it is complete, nothing lasts. */
int command_init(int argc, char **argv)
{
    struct init *init = calloc(1, sizeof(*init));
    int status = EXIT_FILE;

    if (!init)
        return complain(EXIT_FILE, "out of memory");
    status = take_options(argc, argv, init);
    if (status != EXIT_DONE)
        goto out;
    umask(077);
    if (make_folder(init) && make_master_key(init) && make_certificates(init) &&
        write_config(init) && make_store(init)) {
        tell(init);
    } else {
        remove_made(init);
        status = EXIT_FILE;
    }
out:
    master_keys_wipe(&init->keys);
    free(init);
    return status;
}
