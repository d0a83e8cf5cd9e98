/* SPDX-License-Identifier: MIT */
/* A KBS that says whatever a test wants it to say. */
#ifndef SNPVTPM_TESTS_UNIT_PROXY_FAKE_KBS_H
#define SNPVTPM_TESTS_UNIT_PROXY_FAKE_KBS_H

#include <pthread.h>
#include <stdbool.h>

#define FAKE_KBS_REQUESTS_MAX 8

/* One answer for each request in turn, "HTTP/1.1 ..."; NULL: no answer, the connection hangs. */
struct fake_kbs {
    const char *answers[FAKE_KBS_REQUESTS_MAX];
    bool endless; /* the last answer goes on for ever */
    int delay_ms; /* before each answer but the first */

    char requests[FAKE_KBS_REQUESTS_MAX][4096]; /* as received */
    int count;
    char url[64];

    int listening;
    pthread_t thread;
};

/* Serves answers on a free port, one connection for each request, until stopped. */
void fake_kbs_start(struct fake_kbs *kbs);
void fake_kbs_stop(struct fake_kbs *kbs);

#endif
