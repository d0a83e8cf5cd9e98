/* SPDX-License-Identifier: MIT */
#include "proxy/workers.h"

#include <stdlib.h>
#include <time.h>

#include <openssl/crypto.h>

/* TLS is the deepest that is called; JSON is bounded in depth (messages.c). */
#define STACK_SIZE (512 * 1024)

struct task {
    struct workers *workers;
    void (*work)(void *context);
    void *context;
};

void workers_init(struct workers *workers)
{
    pthread_condattr_t monotonic;

    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&workers->lock, NULL);
    pthread_cond_init(&workers->ended, &monotonic);
    pthread_condattr_destroy(&monotonic);
    workers->running = 0;
}

void workers_destroy(struct workers *workers)
{
    pthread_cond_destroy(&workers->ended);
    pthread_mutex_destroy(&workers->lock);
}

static void count(struct workers *workers, int change)
{
    pthread_mutex_lock(&workers->lock);
    workers->running += (unsigned)change;
    pthread_cond_broadcast(&workers->ended);
    pthread_mutex_unlock(&workers->lock);
}

/* What OpenSSL keeps for a thread is freed when that ends, which is after it was counted out: the
 * program, and OpenSSL with it, may end before. */
static void *run(void *context)
{
    struct task task = *(struct task *)context;

    free(context);
    task.work(task.context);
    OPENSSL_thread_stop();
    count(task.workers, -1);
    return NULL;
}

static bool start_thread(struct task *task)
{
    pthread_attr_t attributes;
    pthread_t thread;
    bool started;

    if (pthread_attr_init(&attributes) != 0)
        return false;
    started = pthread_attr_setstacksize(&attributes, STACK_SIZE) == 0 &&
              pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED) == 0 &&
              pthread_create(&thread, &attributes, run, task) == 0;
    pthread_attr_destroy(&attributes);
    return started;
}

bool workers_start(struct workers *workers, void (*work)(void *context), void *context)
{
    struct task *task = malloc(sizeof(*task));

    if (!task)
        return false;
    *task = (struct task){.workers = workers, .work = work, .context = context};
    count(workers, 1);
    if (start_thread(task))
        return true;
    count(workers, -1);
    free(task);
    return false;
}

unsigned workers_wait(struct workers *workers, int64_t deadline_ms)
{
    struct timespec deadline = {
        .tv_sec = deadline_ms / 1000,
        .tv_nsec = deadline_ms % 1000 * 1000000,
    };
    unsigned running;
    int expired = 0;

    pthread_mutex_lock(&workers->lock);
    while (workers->running > 0 && !expired)
        expired = pthread_cond_timedwait(&workers->ended, &workers->lock, &deadline);
    running = workers->running;
    pthread_mutex_unlock(&workers->lock);
    return running;
}
