/* SPDX-License-Identifier: MIT */
/* What a configuration may say, and what is said of one that may not. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "kbs/server/config.h"
#include "kbs/server/init_config.h"
#include "kbs/server/new_file.h"
#include "tests/unit/kbs/scratch.h"
#include "tests/unit/registered.h"

#define TLS     "tls = { certificate = \"cert.pem\"; key = \"key.pem\"; };"
#define LISTEN  "listen = { address = \"127.0.0.1:8080\"; };\n"
#define ADMIN   "admin-listen = { address = \"127.0.0.1:8443\"; " TLS " };\n"
#define STORE   "store = \"kbs.db\";\n"
#define KEY     "master-key = \"master.key\";\n"
#define MINIMUM LISTEN ADMIN STORE KEY

static struct config config;
static struct config_errors errors;

static int forget(void **state)
{
    (void)state;
    config_free(&config);
    return 0;
}

TEST_TEARDOWN(the_least_that_is_needed_has_defaults_for_the_rest, forget)
{
    assert_true(config_parse(MINIMUM, "kbs.conf", "/etc/kbs", &config, &errors));
    assert_int_equal(config.listen.count, 1);
    assert_string_equal(config.listen.listeners[0].address.text, "127.0.0.1:8080");
    assert_null(config.listen.listeners[0].certificate.text);
    assert_string_equal(config.admin_listen.listeners[0].key.text, "/etc/kbs/key.pem");
    assert_string_equal(config.store.text, "/etc/kbs/kbs.db");
    assert_int_equal(config.store.line, 3);
    assert_string_equal(config.attestation_policy.text, "default");
    assert_string_equal(config.log_format.text, "json");
    assert_int_equal(config.sessions, 4096);
    assert_int_equal(config.limits.rate, 5);
    assert_int_equal(config.limits.burst, 20);
    assert_int_equal(config.limits.idle_time, 10);
    assert_int_equal(config.limits.request_time, 30);
    assert_int_equal(config.kds_timeout, 10);
    assert_null(config.kds_url.text);
    assert_null(config.emulated_root.text);
}

TEST_TEARDOWN(every_setting_can_be_set, forget)
{
    assert_true(config_parse(
        "listen = ( { address = \"0.0.0.0:8443\"; " TLS " }, { address = \"[::1]:80\"; } );\n"
        "admin-listen = ( { address = \"[::]:0\"; " TLS " } );\n"
        "store = \"postgresql://kbs@db/kbs\"; master-key = \"credential:master\";\n"
        "amd-certs = \"/amd\"; kds = { url = \"https://kds\"; cache = \"cache\"; timeout = 3; };\n"
        "trust-emulated = { root = \"ark.pem\"; certificates = \"certs\"; };\n"
        "attestation-policy = \"strict\"; sessions = 17;\n"
        "limits = { connections = 1; connections-per-client = 0; admin-connections = 2;\n"
        "  admin-connections-per-client = 3; header-size = 4096; idle-time = 4;\n"
        "  request-time = 5; shutdown-time = 0; rate = 0; burst = 6; total-rate = 7;\n"
        "  total-burst = 8; };\n"
        "log = { format = \"text\"; };\n",
        "kbs.conf", ".", &config, &errors));
    assert_int_equal(config.listen.count, 2);
    assert_string_equal(config.listen.listeners[1].address.text, "[::1]:80");
    assert_string_equal(config.store.text, "postgresql://kbs@db/kbs");
    assert_string_equal(config.master_key.text, "credential:master");
    assert_string_equal(config.amd_certs.text, "/amd");
    assert_string_equal(config.kds_cache.text, "cache");
    assert_int_equal(config.kds_timeout, 3);
    assert_string_equal(config.emulated_certificates.text, "certs");
    assert_string_equal(config.attestation_policy.text, "strict");
    assert_int_equal(config.sessions, 17);
    assert_int_equal(config.limits.admin_connections_per_client, 3);
    assert_int_equal(config.limits.total_burst, 8);
    assert_string_equal(config.log_format.text, "text");
}

static const struct {
    const char *text, *error;
} mistakes[] = {
    {"", "kbs.conf: listen is missing\nkbs.conf: admin-listen is missing\n"
         "kbs.conf: store is missing\nkbs.conf: master-key is missing\n"},
    {MINIMUM "\nlisen = 1;",
     "kbs.conf:6: there is no setting \"lisen\"; there are: listen, admin-listen, "
     "store, master-key, amd-certs, kds, trust-emulated, attestation-policy, sessions, limits, "
     "log\n"},
    {MINIMUM "limits = { brust = 1; };",
     "kbs.conf:5: there is no setting \"brust\" in limits; there are: connections, "
     "connections-per-client, "},
    {MINIMUM "limits = { burst = 0; };",
     "kbs.conf:5: limits.burst is 0; it may be from 1 to 1000000\n"},
    {MINIMUM "limits = { burst = 1000001; };", "it may be from 1 to 1000000"},
    {MINIMUM "limits = { burst = \"20\"; };",
     "kbs.conf:5: limits.burst must be a whole number from 1 to 1000000\n"},
    {MINIMUM "limits = { burst = 2.5; };", "burst must be a whole number"},
    {MINIMUM "limits = { burst = 5000000000L; };", "burst must be a whole number"},
    {MINIMUM "limits = 1;", "kbs.conf:5: limits must be a group of settings in braces\n"},
    {MINIMUM "sessions = true;", "sessions must be a whole number"},
    {MINIMUM "limits.burst = 1;", "syntax error"},
    {"listen = { address = \"127.0.0.1:1\"; tls = 1; port = 2; };\n" ADMIN STORE KEY,
     "kbs.conf:1: tls must be a group of settings in braces\n"
     "kbs.conf:1: there is no setting \"port\"; there are: address, tls\n"},
    {MINIMUM "log = { format = \"xml\"; };",
     "kbs.conf:5: log.format is \"xml\"; it must be one of: json text\n"},
    {MINIMUM "log = { format = \"json text\"; };", "it must be one of: json text\n"},
    {MINIMUM "attestation-policy = \"\";", "must be a text in quotes that is not empty\n"},
    {MINIMUM "attestation-policy = 7;", "must be a text in quotes that is not empty\n"},
    {MINIMUM "kds = { url = \"ftp://x\"; };", "it must be an https:// URL"},
    {MINIMUM "kds = { url = \"https://x/\"; };", "does not end in a slash"},
    {MINIMUM "kds = { url = \"http://kds.example\"; };", "it must be an https:// URL"},
    {MINIMUM "kds = { cache = \"x\"; };", "kds needs a url where it has a cache"},
    {MINIMUM "kds = { url = \"https://x\"; timeout = 0; };",
     "kds.timeout is 0; it may be from 1 to 60"},
    {MINIMUM "trust-emulated = { certificates = \"x\"; };", "trust-emulated needs root"},
    {"listen = { address = \"0.0.0.0:8080\"; };\n" ADMIN STORE KEY,
     "kbs.conf:1: listen: 0.0.0.0:8080 can be reached from other machines: it needs tls"},
    {"listen = { address = \"[2001:db8::1]:8080\"; };\n" ADMIN STORE KEY,
     "can be reached from other machines"},
    {"listen = { address = \"kbs.example:8080\"; };\n" ADMIN STORE KEY,
     "it must be an ADDRESS:PORT in numbers"},
    {"listen = { address = \"127.0.0.1\"; };\n" ADMIN STORE KEY,
     "it must be an ADDRESS:PORT in numbers"},
    {"listen = { address = \"127.0.0.1:65536\"; };\n" ADMIN STORE KEY,
     "it must be an ADDRESS:PORT in numbers"},
    {"listen = { address = \"::1:80\"; };\n" ADMIN STORE KEY,
     "it must be an ADDRESS:PORT in numbers"},
    {"listen = { };\n" ADMIN STORE KEY, "kbs.conf:1: listen needs an address\n"},
    {"listen = ( );\n" ADMIN STORE KEY, "listen has 0 listeners; there may be 1 to 8\n"},
    {"listen = \"127.0.0.1:80\";\n" ADMIN STORE KEY,
     "listen must be a group of settings in braces\n"},
    {"listen = ( \"127.0.0.1:80\" );\n" ADMIN STORE KEY,
     "listen must be a group of settings in braces\n"},
    {LISTEN "admin-listen = { address = \"127.0.0.1:8443\"; };\n" STORE KEY,
     "kbs.conf:2: admin-listen needs tls: { certificate, key }\n"},
    {LISTEN "admin-listen = { address = \"127.0.0.1:1\"; tls = { key = \"k\"; }; };\n" STORE KEY,
     "kbs.conf:2: admin-listen: tls needs both certificate and key\n"},
    {MINIMUM "store = \"other.db\";", "kbs.conf:5: duplicate setting name\n"},
    {MINIMUM "sessions = ;", "kbs.conf:5: syntax error\n"},
    {MINIMUM " \t@include \"/etc/passwd\"\n", "kbs.conf:5: other files cannot be included\n"},
};

TEST_TEARDOWN(mistakes_are_named_with_their_line_and_what_is_allowed, forget)
{
    for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
        if (config_parse(mistakes[i].text, "kbs.conf", ".", &config, &errors))
            fail_msg("accepted: %s", mistakes[i].text);
        if (!strstr(errors.text, mistakes[i].error))
            fail_msg("expected \"%s\" of:\n%s\nfound:\n%s", mistakes[i].error, mistakes[i].text,
                     errors.text);
        config_free(&config);
    }
}

TEST_TEARDOWN(all_mistakes_are_said_at_once, forget)
{
    assert_false(
        config_parse("a = 1;\nb = 2;\nsessions = 0;\n" MINIMUM, "kbs.conf", ".", &config, &errors));
    assert_int_equal(errors.count, 3);
    assert_non_null(strstr(errors.text, "kbs.conf:1: "));
    assert_non_null(strstr(errors.text, "kbs.conf:2: "));
    assert_non_null(strstr(errors.text, "kbs.conf:3: "));
}

TEST_TEARDOWN(more_mistakes_than_fit_are_still_counted, forget)
{
    static char text[65536];
    size_t used = 0;

    for (int i = 0; i < 2000; i++)
        used += (size_t)sprintf(text + used, "x%d = 1;\n", i);
    assert_false(config_parse(text, "kbs.conf", ".", &config, &errors));
    assert_int_equal(errors.count, 2004);
    assert_true(strlen(errors.text) < sizeof(errors.text));
}

static void write_file(const char *name, mode_t mode, const char *text)
{
    char path[PATH_MAX];

    assert_true(file_write(scratch_path(name, path), mode, FILE_REPLACE, text, strlen(text)));
}

/* Loads a configuration with this text and returns what was said about it. */
static const char *load(const char *text, mode_t mode)
{
    char path[PATH_MAX];

    write_file("kbs.conf", mode, text);
    if (config_load(scratch_path("kbs.conf", path), &config, &errors))
        return "";
    return errors.text;
}

static void assert_said(const char *said, const char *part)
{
    if (!strstr(said, part))
        fail_msg("expected \"%s\" in \"%s\"", part, said);
}

TEST_TEARDOWN(files_are_looked_for_beside_the_configuration, forget)
{
    assert_said(load(MINIMUM, 0600), "kbs.conf:2: tls.certificate: ");
    assert_said(errors.text, "/cert.pem: No such file or directory\n");
    assert_said(errors.text, "kbs.conf:4: master-key: ");
    assert_int_equal(errors.count, 3);
    config_free(&config);

    write_file("cert.pem", 0644, "x");
    write_file("key.pem", 0600, "x");
    write_file("master.key", 0600, "x");
    assert_string_equal(load(MINIMUM, 0644), "");
}

TEST_TEARDOWN(keys_that_others_may_read_are_refused, forget)
{
    write_file("cert.pem", 0644, "x");
    write_file("key.pem", 0640, "x");
    write_file("master.key", 0602, "x");
    assert_said(load(MINIMUM, 0600), "/key.pem: others than its owner may read or change it");
    assert_said(errors.text, "/master.key: others than its owner may read or change it");
    assert_int_equal(errors.count, 2);
    write_file("key.pem", 0600, "x");
    write_file("master.key", 0600, "x");
}

TEST_TEARDOWN(a_password_in_a_file_that_others_may_read_is_refused, forget)
{
    assert_string_equal(load(LISTEN ADMIN KEY "store = \"postgresql://kbs:pw@db/kbs\";", 0600), "");
    config_free(&config);
    assert_said(load(LISTEN ADMIN KEY "store = \"postgresql://kbs:pw@db/kbs\";", 0640),
                "kbs.conf:4: store has a password, and others may read this file; chmod 600");
    assert_null(strstr(errors.text, "kbs:pw"));
    config_free(&config);
    assert_said(load(LISTEN ADMIN KEY "store = \"postgresql:///kbs?password=pw\";", 0644),
                "store has a password");
    config_free(&config);
    assert_string_equal(load(LISTEN ADMIN KEY "store = \"postgresql://kbs@db:5432/kbs\";", 0644),
                        "");
}

TEST_TEARDOWN(folders_and_credentials_must_be_there, forget)
{
    unsetenv("CREDENTIALS_DIRECTORY");
    assert_said(load(MINIMUM "amd-certs = \"cert.pem\";", 0600), "/cert.pem: not a folder");
    config_free(&config);
    assert_said(load(MINIMUM "amd-certs = \"nowhere\";", 0600), "nowhere: No such file");
    config_free(&config);
    assert_string_equal(load(MINIMUM "kds = { url = \"https://x\"; cache = \"new\"; };", 0600), "");
    config_free(&config);
    assert_said(load(MINIMUM "kds = { url = \"https://x\"; cache = \"no/new\"; };", 0600),
                "kbs.conf:5: kds.cache: ");
    config_free(&config);
    assert_said(load(LISTEN ADMIN STORE "master-key = \"credential:m\";", 0600),
                "credential:m: systemd gave no such credential");
    config_free(&config);
    write_file("m", 0644, "x");
    setenv("CREDENTIALS_DIRECTORY", scratch_folder, 1);
    assert_string_equal(load(LISTEN ADMIN STORE "master-key = \"credential:m\";", 0600), "");
    config_free(&config);
    assert_said(load(LISTEN ADMIN STORE "master-key = \"credential:../m\";", 0600), "no such");
    unsetenv("CREDENTIALS_DIRECTORY");
}

TEST_TEARDOWN(what_is_no_configuration_file_is_refused, forget)
{
    char path[PATH_MAX];

    assert_false(config_load(scratch_path("absent.conf", path), &config, &errors));
    assert_said(errors.text, "absent.conf: No such file or directory");
    assert_false(config_load(scratch_folder, &config, &errors));
    assert_said(errors.text, "not a regular file");
    assert_true(file_write(scratch_path("nul.conf", path), 0600, FILE_REPLACE, "a\0b", 3));
    assert_false(config_load(path, &config, &errors));
    assert_said(errors.text, "NUL");
}

TEST_TEARDOWN(what_init_writes_is_acceptable_and_means_what_was_chosen, forget)
{
    struct init_choices choices = {
        .listen = "192.0.2.1:8080",
        .listen_tls = true,
        .admin_listen = "127.0.0.1:1",
        .store = "/srv/a \"b\" \\c.db",
        .amd_certs = "/amd",
        .emulated_root = "/ark.pem",
    };
    char *text = init_config(&choices);

    if (!config_parse(text, "kbs.conf", ".", &config, &errors))
        fail_msg("%s", errors.text);
    assert_string_equal(config.listen.listeners[0].address.text, "192.0.2.1:8080");
    assert_string_equal(config.listen.listeners[0].certificate.text, "tls/server.pem");
    assert_string_equal(config.store.text, "/srv/a \"b\" \\c.db");
    assert_string_equal(config.amd_certs.text, "/amd");
    assert_null(config.kds_url.text);
    assert_null(config.kds_cache.text);
    assert_string_equal(config.emulated_root.text, "/ark.pem");
    assert_null(config.emulated_certificates.text);
    assert_int_equal(config.limits.total_rate, 500);
    free(text);
}

TEST_GROUP(scratch_make, scratch_remove)
