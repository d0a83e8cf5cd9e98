/* SPDX-License-Identifier: MIT */
/* For programs through whose JSON keys, tokens or secrets go: what jansson frees is wiped before.
 */
#ifndef SNPVTPM_LIB_BASE_WIPED_JSON_H
#define SNPVTPM_LIB_BASE_WIPED_JSON_H

#include <malloc.h>
#include <stdlib.h>

#include <jansson.h>
#include <openssl/crypto.h>

static inline void wiped_json_free(void *memory)
{
    if (memory)
        OPENSSL_cleanse(memory, malloc_usable_size(memory));
    free(memory);
}

/* To be called once, before any JSON. Texts of json_dumps may still be freed with free(). */
static inline void wiped_json_use(void)
{
    json_set_alloc_funcs(malloc, wiped_json_free);
}

#endif
