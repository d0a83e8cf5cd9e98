/* SPDX-License-Identifier: MIT */
/* Threads of which it is only known how many there are, and which can be awaited together. */
#ifndef SNPVTPM_PROXY_WORKERS_H
#define SNPVTPM_PROXY_WORKERS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/base/must_check.h"

struct workers {
    pthread_mutex_t lock;
    pthread_cond_t ended;
    unsigned running;
};

void workers_init(struct workers *workers);
void workers_destroy(struct workers *workers);

/* Runs work(context) in a thread with a small stack; false: there can be no more threads. */
MUST_CHECK bool workers_start(struct workers *workers, void (*work)(void *context), void *context);

/* Waits until none runs, at most until the time by the monotonic clock; returns how many do. */
unsigned workers_wait(struct workers *workers, int64_t deadline_ms);

#endif
