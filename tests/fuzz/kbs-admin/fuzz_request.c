/* SPDX-License-Identifier: MIT */
/* Requests of an owner to the admin API: "METHOD PATH", a line feed, the body. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kbs/admin/admin.h"
#include "tests/unit/kbs-admin/admin_kbs.h"
#include "tests/unit/kbs/scratch.h"

#define METHOD_MAX 8
#define PATH_SIZE  512

static struct admin_kbs admin;
static char authorization[128];

static void clean_up(void)
{
    admin_kbs_stop(&admin);
    scratch_remove(NULL);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    if (scratch_make(NULL) != 0)
        return -1;
    admin_kbs_start(&admin, scratch_folder);
    admin_kbs_fill(&admin);
    snprintf(authorization, sizeof(authorization), "Bearer %s", admin.owner);
    return atexit(clean_up);
}

static const char *lookup(void *connection, enum http_value_kind kind, const char *name)
{
    (void)connection;
    if (kind != HTTP_HEADER)
        return NULL;
    if (strcmp(name, "Authorization") == 0)
        return authorization;
    return strcmp(name, "Content-Type") == 0 ? "application/json" : NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char line[METHOD_MAX + PATH_SIZE] = "", *path;
    const uint8_t *end = memchr(data, '\n', size);
    struct http_request request = {
        .method = line, .peer = "192.0.2.1", .now = 1790000000, .lookup = lookup};
    struct http_reply reply = {0};

    if (!end || (size_t)(end - data) >= sizeof(line))
        return -1;
    memcpy(line, data, (size_t)(end - data));
    path = strchr(line, ' ');
    if (!path)
        return -1;
    *path = '\0';
    request.path = path + 1;
    request.body = end + 1;
    request.body_size = size - (size_t)(end - data) - 1;
    admin_answer(&admin.kbs, &request, &reply);
    http_reply_release(&reply);
    return 0;
}
