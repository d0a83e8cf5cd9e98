/* SPDX-License-Identifier: MIT */
/* A folder for the files of one test program. */
#ifndef SNPVTPM_TESTS_UNIT_KBS_SCRATCH_H
#define SNPVTPM_TESTS_UNIT_KBS_SCRATCH_H

#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

static char scratch_folder[1024];

/* For cmocka's group set-up. */
static inline int scratch_make(void **state)
{
    (void)state;
    snprintf(scratch_folder, sizeof(scratch_folder), "%s/snp-vtpm-test-XXXXXX",
             getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    return mkdtemp(scratch_folder) ? 0 : -1;
}

static inline int scratch_remove_entry(const char *path, const struct stat *file, int kind,
                                       struct FTW *where)
{
    (void)file;
    (void)kind;
    (void)where;
    return remove(path);
}

static inline int scratch_remove(void **state)
{
    (void)state;
    return nftw(scratch_folder, scratch_remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

/* Writes the path of name in the folder to path. */
static inline const char *scratch_path(const char *name, char path[PATH_MAX])
{
    int length = snprintf(path, PATH_MAX, "%s/%s", scratch_folder, name);

    return length < PATH_MAX ? path : NULL;
}

#endif
