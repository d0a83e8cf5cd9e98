/* SPDX-License-Identifier: MIT */
/*
 * Something that another does at a chosen point of a request: before or after any of its units of
 * work begins or ends, or any statement of them is run. Programs that use it are linked with
 * between_link_args of meson.build, which put it around the store's functions.
 */
#ifndef SNPVTPM_TESTS_UNIT_KBS_BETWEEN_H
#define SNPVTPM_TESTS_UNIT_KBS_BETWEEN_H

#include <stdbool.h>

enum between_points {
    BETWEEN_UNITS,
    BETWEEN_STATEMENTS, /* these too */
};

/*
 * From now on act(context) happens once, at the point of that number (from 0 on). Where a unit of
 * work that may change things is open it happens in a thread of its own, since it may have to wait
 * for that one's end; everywhere else nothing goes on until it is done. It may use the store.
 */
void between_arm(enum between_points points, unsigned point, void (*act)(void *context),
                 void *context);

/* Ends that, when what was watched is over and act is done. Whether there was such a point. */
bool between_disarm(void);

#endif
