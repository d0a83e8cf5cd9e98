/* SPDX-License-Identifier: MIT */
#include "kbs/cli/launch_file.h"

#include <string.h>

#include "igvm/kvm_rules.h"
#include "igvm/loaded_file.h"
#include "kbs/cli/cli.h"
#include "lib/igvm/launch_pages.h"

static int describe(const char *path, const struct loaded_file *loaded, struct launch_file *file)
{
    const char *broken = kvm_rule_broken(&loaded->image, loaded->platform_mask);
    struct launch_pages pages = {0};
    struct launch_digest digest;
    enum launch_pages_status status;

    if (broken)
        return cli_fail(EXIT_REFUSED, "%s: %s", path, broken);
    status = launch_pages_add_image(&pages, loaded->image.headers, loaded->image.count,
                                    loaded->platform_mask);
    if (status == LAUNCH_PAGES_OK && !launch_pages_digest(&pages, &digest))
        status = LAUNCH_PAGES_CRYPTO_FAILED;
    if (status == LAUNCH_PAGES_OK) {
        memcpy(file->measurement, digest.ld, sizeof(file->measurement));
        status = launch_pages_encode(&pages, &file->pages, &file->pages_size);
    }
    launch_pages_free(&pages);
    return status == LAUNCH_PAGES_OK
               ? EXIT_DONE
               : cli_fail(EXIT_REFUSED, "%s: %s", path, launch_pages_text(status));
}

int launch_file_read(const char *path, struct launch_file *file)
{
    struct loaded_file loaded;
    enum tool_status opened;
    int status;

    *file = (struct launch_file){0};
    opened = loaded_file_open(path, &loaded);
    /* The file's reader has complained, and counts as we do. */
    status = opened == TOOL_OK ? describe(path, &loaded, file) : (int)opened;
    loaded_file_close(&loaded);
    return status;
}
