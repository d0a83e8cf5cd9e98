/* SPDX-License-Identifier: MIT */
/* The settings there are, for those that read them (config.c) and check their files
 * (config_files.c). */
#ifndef SNPVTPM_KBS_SERVER_CONFIG_TABLE_H
#define SNPVTPM_KBS_SERVER_CONFIG_TABLE_H

#include "kbs/server/config.h"

enum config_kind {
    CONFIG_NUMBER,      /* min to max */
    CONFIG_TEXT,        /* anything */
    CONFIG_CHOICE,      /* one of choices */
    CONFIG_ADDRESS,     /* where to listen */
    CONFIG_URL,         /* of the KDS */
    CONFIG_STORE,       /* a store's URL, or the path of a database */
    CONFIG_FILE,        /* that must be there */
    CONFIG_SECRET_FILE, /* likewise, for its owner only; or a credential */
    CONFIG_FOLDER,      /* that must be there */
    CONFIG_NEW_FOLDER,  /* whose parent must be there */
    CONFIG_LISTENERS,   /* a listener, or a list of them */
};

struct config_rule {
    const char *name; /* "burst", or "limits.burst" in a group */
    enum config_kind kind;
    size_t offset; /* of an int, a struct config_text or a struct config_listeners */
    int min, max;
    const char *choices; /* "json text" */
};

/* Those of a struct config, and those of a struct config_listener. Each ends with one without a
 * name. */
extern const struct config_rule config_rules[], config_listener_rules[];

/* What is not set; texts have their defaults elsewhere. */
extern const struct config config_defaults;

/* Adds a line to errors. */
__attribute__((format(printf, 4, 5))) void
config_complain(struct config_errors *errors, const char *name, int line, const char *format, ...);

#endif
