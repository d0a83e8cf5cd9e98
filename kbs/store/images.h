/* SPDX-License-Identifier: MIT */
/* Launch images that the owner knows, by name and by launch measurement. A name is one
 * measurement's for ever: volumes and policies name images. */
#ifndef SNPVTPM_KBS_STORE_IMAGES_H
#define SNPVTPM_KBS_STORE_IMAGES_H

#include "kbs/store/store.h"
#include "lib/snp/report.h"

#define IMAGE_PAGES_MAX (4u << 20) /* bytes of a description of an image's pages */

struct image {
    char name[STORE_NAME_MAX + 1];
    uint8_t measurement[LAUNCH_DIGEST_SIZE];
    time_t added;
    time_t retired; /* 0: it may have secrets */
};

/* Adds an image, or a retired one again. pages: what `igvm` says of each measured page
 * (lib/igvm/launch_pages.h), for explaining; may be NULL. STORE_EXISTS when name or measurement is
 * taken, STORE_NAME_USED when a retired image with another measurement has the name. */
MUST_CHECK enum store_status image_add(struct store_unit *unit, const struct image *image,
                                       const void *pages, size_t pages_size);

MUST_CHECK enum store_status image_by_name(struct store_unit *unit, const char *name,
                                           struct image *image);

/* Of several with that measurement the one that is not retired, else the one retired last. */
MUST_CHECK enum store_status image_by_measurement(struct store_unit *unit,
                                                  const uint8_t measurement[LAUNCH_DIGEST_SIZE],
                                                  struct image *image);

/* The description given to image_add, which the caller frees; NULL, 0 when there was none. */
MUST_CHECK enum store_status image_pages(struct store_unit *unit, const char *name, uint8_t **pages,
                                         size_t *size);

/* From now on it gets nothing. It stays listed. */
MUST_CHECK enum store_status image_retire(struct store_unit *unit, const char *name, time_t now);

/* Oldest first. */
MUST_CHECK enum store_status image_each(struct store_unit *unit,
                                        void (*visit)(void *context, const struct image *image),
                                        void *context);

#endif
