/* SPDX-License-Identifier: MIT */
#include "kbs/explain/explain.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "kbs/explain/guesses.h"
#include "lib/igvm/launch_difference.h"

const char *explanation_code(enum explanation_verdict verdict)
{
    switch (verdict) {
    case EXPLANATION_REGISTERED:
        return "registered";
    case EXPLANATION_RETIRED:
        return "retired";
    case EXPLANATION_WENT_WRONG:
        return "launched-differently";
    case EXPLANATION_DIFFERENT_PAGES:
        return "pages-differ";
    case EXPLANATION_UNKNOWN:
        break;
    }
    return "unknown";
}

void explain_begin(struct explainer *explainer, const uint8_t measurement[LAUNCH_DIGEST_SIZE],
                   const struct launch_pages *pages)
{
    *explainer =
        (struct explainer){.pages = pages, .steps = EXPLANATION_STEPS_MAX, .distance = SIZE_MAX};
    memcpy(explainer->measurement, measurement, LAUNCH_DIGEST_SIZE);
}

/* Adds a line; what does not fit any more is left out. */
__attribute__((format(printf, 2, 3))) static void say(struct explanation *explanation,
                                                      const char *format, ...)
{
    va_list arguments;

    if (explanation->line_count == EXPLANATION_LINES_MAX)
        return;
    va_start(arguments, format);
    vsnprintf(explanation->lines[explanation->line_count++], EXPLANATION_LINE_MAX + 1, format,
              arguments);
    va_end(arguments);
}

/* Takes a verdict that tells more than what was found before; the lines begin anew. */
static struct explanation *conclude(struct explainer *explainer, enum explanation_verdict verdict,
                                    const char *image)
{
    struct explanation *explanation = &explainer->explanation;

    *explanation = (struct explanation){.verdict = verdict};
    snprintf(explanation->image, sizeof(explanation->image), "%s", image);
    return explanation;
}

static const char *plural(size_t count)
{
    return count == 1 ? "" : "s";
}

static void consider_same(struct explainer *explainer, const struct explained_image *image)
{
    if (image->retired)
        say(conclude(explainer, EXPLANATION_RETIRED, image->name),
            "it is image %s, which was retired and gets nothing any more", image->name);
    else
        say(conclude(explainer, EXPLANATION_REGISTERED, image->name),
            "it is image %s, which is registered; a policy or a volume that does not name this "
            "image may still refuse it",
            image->name);
}

/* Page by page */

struct comparison {
    struct explanation *explanation;
    size_t pages; /* that differ */
    size_t left_out;
};

static void count_difference(void *context, const struct launch_difference *difference)
{
    ((struct comparison *)context)->pages += difference->pages;
}

/* What a difference in this part usually means; NULL for nothing in particular. */
static const char *hint(const char *part)
{
    static const struct {
        const char *part, *hint;
    } hints[] = {
        {"boot parameters",
         "the pinned KBS keys or volume, the consoles, or the sizes of the other "
         "parts differ"},
        {"SVSM kernel", "another build of the SVSM"},
        {"service ", "another build of this service"},
        {"firmware", "another firmware file"},
        {"VMSA", "another entry point or other SEV features"},
    };

    for (size_t i = 0; i < sizeof(hints) / sizeof(hints[0]); i++)
        if (strncmp(part, hints[i].part, strlen(hints[i].part)) == 0)
            return hints[i].hint;
    return NULL;
}

static void say_difference(void *context, const struct launch_difference *difference)
{
    struct comparison *comparison = context;
    const char *meaning = difference->kind == LAUNCH_CONTENTS ? hint(difference->part) : NULL;
    char text[EXPLANATION_LINE_MAX + 1];

    /* One line is kept for the sum of what is left out. */
    if (comparison->explanation->line_count + 1 >= EXPLANATION_LINES_MAX) {
        comparison->left_out++;
        return;
    }
    launch_difference_text(difference, text, sizeof(text));
    say(comparison->explanation, "%s%s%s%s", text, meaning ? " (" : "", meaning ? meaning : "",
        meaning ? ")" : "");
}

static void say_differences(struct explainer *explainer, const struct explained_image *image)
{
    struct comparison comparison = {
        .explanation = conclude(explainer, EXPLANATION_DIFFERENT_PAGES, image->name)};

    say(comparison.explanation,
        "the closest registered image is %s%s, with %zu page%s that differ%s", image->name,
        image->retired ? " (retired)" : "", explainer->distance, plural(explainer->distance),
        explainer->distance == 1 ? "s" : "");
    launch_difference_each(image->pages, explainer->pages, say_difference, &comparison);
    if (comparison.left_out > 0)
        say(comparison.explanation, "and %zu more differences", comparison.left_out);
}

static void consider_pages(struct explainer *explainer, const struct explained_image *image)
{
    struct comparison comparison = {0};

    launch_difference_each(image->pages, explainer->pages, count_difference, &comparison);
    if (comparison.pages >= explainer->distance)
        return;
    explainer->distance = comparison.pages;
    say_differences(explainer, image);
}

static bool consider_guesses(struct explainer *explainer, const struct explained_image *image)
{
    struct guess guess = {
        .pages = image->pages, .measurement = explainer->measurement, .steps = &explainer->steps};

    if (!guesses_make(&guess))
        return false;
    if (guess.met)
        say(conclude(explainer, EXPLANATION_WENT_WRONG, image->name), "it is image %s%s, but %s",
            image->name, image->retired ? " (retired)" : "", guess.text);
    return true;
}

bool explain_consider(struct explainer *explainer, const struct explained_image *image)
{
    *(image->retired ? &explainer->retired : &explainer->registered) += 1;
    if (explainer->explanation.verdict >= EXPLANATION_RETIRED)
        return true;
    if (memcmp(image->measurement, explainer->measurement, LAUNCH_DIGEST_SIZE) == 0) {
        consider_same(explainer, image);
        return true;
    }
    if (!image->pages) {
        explainer->without_pages += !image->retired;
        return true;
    }
    explainer->with_pages++;
    /* What pages are at hand is better known than guessed. */
    if (explainer->pages) {
        consider_pages(explainer, image);
        return true;
    }
    return explainer->explanation.verdict == EXPLANATION_WENT_WRONG ||
           consider_guesses(explainer, image);
}

const struct explanation *explain_end(struct explainer *explainer)
{
    struct explanation *explanation = &explainer->explanation;

    if (explanation->verdict != EXPLANATION_UNKNOWN)
        return explanation;
    if (memcmp(explainer->measurement, (const uint8_t[LAUNCH_DIGEST_SIZE]){0},
               LAUNCH_DIGEST_SIZE) == 0) {
        say(explanation, "it is all zeros: nothing was measured");
        return explanation;
    }
    say(explanation, "it is none of the %zu registered image%s", explainer->registered,
        plural(explainer->registered));
    if (explainer->retired > 0)
        say(explanation, "nor of the %zu retired image%s, which would get nothing any more",
            explainer->retired, plural(explainer->retired));
    if (explainer->without_pages > 0)
        say(explanation,
            "the pages of %zu registered image%s are not known: add images with --igvm to compare "
            "with them",
            explainer->without_pages, plural(explainer->without_pages));
    if (explainer->with_pages > 0 && !explainer->pages)
        say(explanation,
            "nor is it one of the %zu whose pages are known, cut short, with other processors, in "
            "another order or without one page; with the IGVM file that was launched, its "
            "pages could be compared",
            explainer->with_pages);
    if (explainer->steps == 0)
        say(explanation, "not every single page could be tried: the images are too large");
    return explanation;
}
