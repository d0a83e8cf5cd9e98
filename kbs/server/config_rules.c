/* SPDX-License-Identifier: MIT */
#include "kbs/server/config_table.h"

#define IN(member) offsetof(struct config, member)
#define OF(member) offsetof(struct config_listener, member)

#define LIMIT(text, member, least, most)                                                           \
    .name = ("limits." text), .kind = CONFIG_NUMBER, .offset = IN(limits.member), .min = (least),  \
    .max = (most)

const struct config_rule config_rules[] = {
    {.name = "listen", .kind = CONFIG_LISTENERS, .offset = IN(listen)},
    {.name = "admin-listen", .kind = CONFIG_LISTENERS, .offset = IN(admin_listen)},
    {.name = "store", .kind = CONFIG_STORE, .offset = IN(store)},
    {.name = "master-key", .kind = CONFIG_SECRET_FILE, .offset = IN(master_key)},
    {.name = "amd-certs", .kind = CONFIG_FOLDER, .offset = IN(amd_certs)},
    {.name = "kds.url", .kind = CONFIG_URL, .offset = IN(kds_url)},
    {.name = "kds.cache", .kind = CONFIG_NEW_FOLDER, .offset = IN(kds_cache)},
    {.name = "kds.timeout", .kind = CONFIG_NUMBER, .offset = IN(kds_timeout), .min = 1, .max = 60},
    {.name = "trust-emulated.root", .kind = CONFIG_FILE, .offset = IN(emulated_root)},
    {.name = "trust-emulated.certificates",
     .kind = CONFIG_FOLDER,
     .offset = IN(emulated_certificates)},
    {.name = "attestation-policy", .kind = CONFIG_TEXT, .offset = IN(attestation_policy)},
    {.name = "sessions", .kind = CONFIG_NUMBER, .offset = IN(sessions), .min = 16, .max = 1000000},
    {LIMIT("connections", connections, 1, 4096)},
    {LIMIT("connections-per-client", connections_per_client, 0, 4096)},
    {LIMIT("admin-connections", admin_connections, 1, 1024)},
    {LIMIT("admin-connections-per-client", admin_connections_per_client, 0, 1024)},
    {LIMIT("header-size", header_size, 4096, 65536)},
    {LIMIT("idle-time", idle_time, 1, 3600)},
    {LIMIT("request-time", request_time, 1, 3600)},
    {LIMIT("shutdown-time", shutdown_time, 0, 600)},
    {LIMIT("rate", rate, 0, 1000000)},
    {LIMIT("burst", burst, 1, 1000000)},
    {LIMIT("total-rate", total_rate, 0, 1000000)},
    {LIMIT("total-burst", total_burst, 1, 1000000)},
    {.name = "log.format", .kind = CONFIG_CHOICE, .offset = IN(log_format), .choices = "json text"},
    {0},
};

const struct config_rule config_listener_rules[] = {
    {.name = "address", .kind = CONFIG_ADDRESS, .offset = OF(address)},
    {.name = "tls.certificate", .kind = CONFIG_FILE, .offset = OF(certificate)},
    {.name = "tls.key", .kind = CONFIG_SECRET_FILE, .offset = OF(key)},
    {0},
};

const struct config config_defaults = {
    .kds_timeout = 10,
    .sessions = 4096,
    .limits =
        {
            .connections = 512,
            .connections_per_client = 64,
            .admin_connections = 64,
            .admin_connections_per_client = 16,
            .header_size = 16384,
            .idle_time = 10,
            .request_time = 30,
            .shutdown_time = 30,
            .rate = 5,
            .burst = 20,
            .total_rate = 500,
            .total_burst = 1000,
        },
};
