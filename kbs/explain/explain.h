/* SPDX-License-Identifier: MIT */
/*
 * Why a launch measurement is not accepted, in words: compares it with the registered images, one
 * after the other, by all that their lists of pages (lib/igvm/launch_pages.h) allow.
 *
 * From a measurement alone one cannot tell what was launched. But launches that went wrong in one
 * of the usual ways can be recomputed: one that ended early, that measured more processors or
 * measured them elsewhere, that left out a page. With the pages of what was launched, each page
 * that differs can be named.
 */
#ifndef SNPVTPM_KBS_EXPLAIN_EXPLAIN_H
#define SNPVTPM_KBS_EXPLAIN_EXPLAIN_H

#include "lib/igvm/launch_pages.h"

#define EXPLANATION_LINES_MAX 40
#define EXPLANATION_LINE_MAX  240 /* characters */
#define EXPLANATION_IMAGE_MAX 63
#define EXPLANATION_STEPS_MAX 2000000u /* pages hashed for one explanation: a few seconds */

enum explanation_verdict {
    EXPLANATION_UNKNOWN,         /* nothing fits */
    EXPLANATION_DIFFERENT_PAGES, /* from the closest image, page by page */
    EXPLANATION_WENT_WRONG,      /* the image, launched in an unusual way */
    EXPLANATION_RETIRED,
    EXPLANATION_REGISTERED,
};

struct explanation {
    enum explanation_verdict verdict;
    char image[EXPLANATION_IMAGE_MAX + 1]; /* that it is about; empty for UNKNOWN */
    size_t line_count;
    char lines[EXPLANATION_LINES_MAX][EXPLANATION_LINE_MAX + 1];
};

/* A registered image. */
struct explained_image {
    const char *name;
    bool retired;
    uint8_t measurement[LAUNCH_DIGEST_SIZE];
    const struct launch_pages *pages; /* NULL: not known */
};

struct explainer {
    uint8_t measurement[LAUNCH_DIGEST_SIZE];
    const struct launch_pages *pages; /* of what was launched; NULL: not known */
    size_t steps;                     /* that are left */
    size_t registered, retired;       /* images considered so far */
    size_t with_pages;                /* of these */
    size_t without_pages;             /* of those that are not retired */
    size_t distance;                  /* of the closest image: pages that differ */
    struct explanation explanation;
};

/* Begins to explain a measurement; pages are borrowed. */
void explain_begin(struct explainer *explainer, const uint8_t measurement[LAUNCH_DIGEST_SIZE],
                   const struct launch_pages *pages);

/* Compares with one image. False when libcrypto fails. */
MUST_CHECK bool explain_consider(struct explainer *explainer, const struct explained_image *image);

/* What came out; valid as long as the explainer. */
const struct explanation *explain_end(struct explainer *explainer);

/* "registered", "retired", "launched-differently", "pages-differ", "unknown". */
const char *explanation_code(enum explanation_verdict verdict);

#endif
