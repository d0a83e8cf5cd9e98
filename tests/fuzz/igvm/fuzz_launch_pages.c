/* SPDX-License-Identifier: MIT */
/* The input is a list of launch pages. What decodes survives its encoding and differs in nothing.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/igvm/launch_difference.h"

static void nothing_differs(void *context, const struct launch_difference *difference)
{
    (void)context;
    (void)difference;
    abort();
}

/* Small lists only: the digest of a large one takes its time. */
static void check(const struct launch_pages *pages)
{
    struct launch_digest before, after;
    struct launch_pages again;
    uint8_t *bytes;
    size_t size;

    if (launch_pages_encode(pages, &bytes, &size) != LAUNCH_PAGES_OK ||
        launch_pages_decode(&again, bytes, size) != LAUNCH_PAGES_OK)
        abort();
    if (!launch_pages_digest(pages, &before) || !launch_pages_digest(&again, &after) ||
        memcmp(&before, &after, sizeof(before)) != 0)
        abort();
    launch_difference_each(pages, &again, nothing_differs, NULL);
    launch_pages_free(&again);
    free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct launch_pages pages;

    if (launch_pages_decode(&pages, data, size) == LAUNCH_PAGES_OK && pages.count <= 64)
        check(&pages);
    launch_pages_free(&pages);
    return 0;
}
