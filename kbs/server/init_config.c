/* SPDX-License-Identifier: MIT */
#include "kbs/server/init_config.h"

#include <stdio.h>
#include <stdlib.h>

#include "kbs/server/config_table.h"

/* As libconfig reads it. */
static void print_quoted(FILE *out, const char *text)
{
    fputc('"', out);
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            fprintf(out, "\\%c", *text);
        else if ((unsigned char)*text < 0x20)
            fprintf(out, "\\x%02x", (unsigned char)*text);
        else
            fputc(*text, out);
    }
    fputc('"', out);
}

static void print_text(FILE *out, const char *name, const char *value)
{
    fprintf(out, "%s = ", name);
    print_quoted(out, value);
    fputs(";\n", out);
}

/* A setting, or an example as a comment when it has no value. */
static void print_optional(FILE *out, const char *indent, const char *name, const char *value,
                           const char *example)
{
    fprintf(out, "%s%s", indent, value ? "" : "# ");
    print_text(out, name, value ? value : example);
}

static void print_listener(FILE *out, const char *name, const char *address, bool tls)
{
    fprintf(out, "%s = {\n", name);
    print_text(out, "    address", address);
    fprintf(out,
            "    %stls = { certificate = \"tls/server.pem\"; key = \"tls/server.key\"; };\n"
            "};\n\n",
            tls ? "" : "# ");
}

static void print_listeners(FILE *out, const struct init_choices *choices)
{
    fputs("# Configuration of a Key Broker Server; docs/kbs.md says more about each setting.\n"
          "# `kbs serve --config FILE --check-config` tells whether all is well.\n"
          "# Relative paths begin at the folder of this file.\n\n"
          "# Where VMs come, by their hosts' proxies. Several: ( { ... }, { ... } ). Without tls\n"
          "# only on addresses of the loopback.\n",
          out);
    print_listener(out, "listen", choices->listen, choices->listen_tls);
    fputs("# Where administrators come.\n", out);
    print_listener(out, "admin-listen", choices->admin_listen, true);
}

static void print_storage(FILE *out, const struct init_choices *choices)
{
    fputs("# Where everything is kept: the path of an SQLite database, or postgresql://...\n", out);
    print_text(out, "store", choices->store);
    fputs("\n# What secrets in the store are wrapped under: a file, or \"credential:NAME\" of\n"
          "# systemd's LoadCredential= or LoadCredentialEncrypted=. Without it they are lost.\n"
          "master-key = \"master.key\";\n\n",
          out);
}

static void print_trust(FILE *out, const struct init_choices *choices)
{
    fputs("# AMD's certificates and revocation lists at hand: {milan,genoa,turin}-{ark,ask}.pem,\n"
          "# vcek/CHIP_ID/vcek.der, ...\n",
          out);
    print_optional(out, "", "amd-certs", choices->amd_certs, "/usr/share/amd-certs");
    fputs("\n# Where the others are fetched: AMD's Key Distribution Service, or a mirror.\n"
          "kds = {\n",
          out);
    print_optional(out, "    ", "url", choices->kds_url, "https://kdsintf.amd.com");
    print_optional(out, "    ", "cache", choices->kds_url ? "kds-cache" : NULL, "kds-cache");
    fprintf(out, "    timeout = %d; # seconds\n};\n\n", config_defaults.kds_timeout);
    if (!choices->emulated_root)
        return;
    fputs("# NOT CONFIDENTIAL: whoever has the emulated platform gets the secrets. For tests.\n"
          "trust-emulated = {\n",
          out);
    print_text(out, "    root", choices->emulated_root);
    print_optional(out, "    ", "certificates", choices->emulated_certificates, "certs");
    fputs("};\n\n", out);
}

static void print_limits(FILE *out)
{
    const struct config_limits *limits = &config_defaults.limits;

    fputs("# The policy of attestations that are not for a volume.\n"
          "attestation-policy = \"default\";\n\n",
          out);
    fprintf(out,
            "# Sessions at once, of those who began an attestation.\nsessions = %d;\n\n"
            "limits = {\n"
            "    # Connections of each listener, and of them from one IPv4 address or IPv6 /64;\n"
            "    # the latter 0 where all come through a load balancer.\n"
            "    connections = %d;\n    connections-per-client = %d;\n"
            "    admin-connections = %d;\n    admin-connections-per-client = %d;\n"
            "    header-size = %d; # bytes\n"
            "    # Seconds: until a header is there, from there to the end of the reply, and for\n"
            "    # what is under way when the server stops.\n"
            "    idle-time = %d;\n    request-time = %d;\n    shutdown-time = %d;\n",
            config_defaults.sessions, limits->connections, limits->connections_per_client,
            limits->admin_connections, limits->admin_connections_per_client, limits->header_size,
            limits->idle_time, limits->request_time, limits->shutdown_time);
    fprintf(
        out,
        "    # New sessions a second of each client, with a burst; as many requests that are\n"
        "    # refused, and failed administrators. And the same of all clients together. A rate\n"
        "    # of 0 is no limit.\n"
        "    rate = %d;\n    burst = %d;\n    total-rate = %d;\n    total-burst = %d;\n"
        "};\n\n"
        "# Events and the audit log on stderr: json or text.\n"
        "log = { format = \"json\"; };\n",
        limits->rate, limits->burst, limits->total_rate, limits->total_burst);
}

char *init_config(const struct init_choices *choices)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    if (!out)
        return NULL;
    print_listeners(out, choices);
    print_storage(out, choices);
    print_trust(out, choices);
    print_limits(out);
    if (fclose(out) == 0)
        return text;
    free(text);
    return NULL;
}
