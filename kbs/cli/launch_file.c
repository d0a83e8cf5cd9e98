/* SPDX-License-Identifier: MIT */
#include "kbs/cli/launch_file.h"

#include <string.h>

#include "kbs/cli/fail.h"
#include "lib/igvm/kvm_rules.h"
#include "lib/igvm/launch_pages.h"
#include "lib/igvm/loaded_file.h"

static int describe(const char *path, const struct loaded_file *loaded, struct launch_file *file)
{
    const char *broken = kvm_rule_broken(&loaded->image, loaded->platform_mask);
    struct launch_pages pages = {0};
    struct launch_digest digest;
    enum launch_pages_status status;

    if (broken)
        return complain(EXIT_REFUSED, "%s: %s", path, broken);
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
               : complain(EXIT_REFUSED, "%s: %s", path, launch_pages_text(status));
}

int launch_file_read(const char *path, struct launch_file *file)
{
    struct loaded_file loaded;
    int status = EXIT_DONE;

    *file = (struct launch_file){0};
    switch (loaded_file_open(path, &loaded)) {
    case LOADED_FILE_OK:
        status = describe(path, &loaded, file);
        break;
    case LOADED_FILE_UNREADABLE:
        status = complain(EXIT_FILE, "%s: %s", path, loaded.problem);
        break;
    case LOADED_FILE_INVALID:
        status = complain(EXIT_REFUSED, "%s: %s", path, loaded.problem);
        break;
    }
    loaded_file_close(&loaded);
    return status;
}
