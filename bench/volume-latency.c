/* SPDX-License-Identifier: MIT */
/*
 * volume-latency: how long it takes to open a state volume and to commit to it, on a file of this
 * host, and what a commit writes.
 */
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/volume/volume.h"
#include "services/tpm/disk.h"

#define STATE_SIZE  (16 * 1024)
#define VOLUME_SIZE (16 * 1024 * 1024)
#define CALLS       200

/* The storage of a file, which counts. */
struct counted {
    struct volume_storage file;
    size_t flushes;
    size_t bytes;
};

static bool counted_size(void *context, uint64_t *bytes)
{
    struct counted *counted = context;

    return counted->file.size(counted->file.context, bytes);
}

static bool counted_read(void *context, uint64_t sector, void *data, size_t sectors)
{
    struct counted *counted = context;

    return counted->file.read(counted->file.context, sector, data, sectors);
}

static bool counted_write(void *context, uint64_t sector, const void *data, size_t sectors)
{
    struct counted *counted = context;

    counted->bytes += sectors * SECTOR_SIZE;
    return counted->file.write(counted->file.context, sector, data, sectors);
}

static bool counted_flush(void *context)
{
    struct counted *counted = context;

    counted->flushes++;
    return counted->file.flush(counted->file.context);
}

static void require(bool met, const char *what)
{
    if (met)
        return;
    fprintf(stderr, "volume-latency: %s failed\n", what);
    exit(EXIT_FAILURE);
}

static double now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int by_value(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;

    return (a > b) - (a < b);
}

static void print_times(const char *name, double samples[CALLS])
{
    qsort(samples, CALLS, sizeof(*samples), by_value);
    printf("%s %d %.1f %.1f\n", name, CALLS, samples[CALLS / 2 - 1], samples[CALLS * 99 / 100 - 1]);
}

static void measure(struct counted *counted, const uint8_t key[VOLUME_KEY_SIZE])
{
    struct volume_storage storage = {counted, counted_size, counted_read, counted_write,
                                     counted_flush};
    static uint8_t state[STATE_SIZE];
    double samples[CALLS];
    struct volume volume;
    uint8_t *bytes;
    size_t size;

    require(volume_open(&volume, &storage, key, NULL) == VOLUME_BLANK, "opening a blank volume");
    for (int i = 0; i < 4; i++) /* so that the file has its blocks */
        require(volume_update(&volume, VOLUME_TPM_STATE, state, sizeof(state)) == VOLUME_OK,
                "a commit");
    counted->flushes = counted->bytes = 0;
    for (int i = 0; i < CALLS; i++) {
        double start = now_us();

        state[i] ^= 1;
        require(volume_update(&volume, VOLUME_TPM_STATE, state, sizeof(state)) == VOLUME_OK,
                "a commit");
        samples[i] = now_us() - start;
    }
    print_times("Commit", samples);
    printf("CommitFlushes %.1f\nCommitBytes %.0f\n", (double)counted->flushes / CALLS,
           (double)counted->bytes / CALLS);
    volume_close(&volume);
    for (int i = 0; i < CALLS; i++) {
        double start = now_us();

        require(volume_open(&volume, &storage, key, NULL) == VOLUME_OK &&
                    volume_read(&volume, VOLUME_TPM_STATE, &bytes, &size) == VOLUME_OK,
                "opening");
        samples[i] = now_us() - start;
        OPENSSL_clear_free(bytes, size);
        volume_close(&volume);
    }
    print_times("Open", samples);
}

int main(int argc, char **argv)
{
    static const uint8_t key[VOLUME_KEY_SIZE] = {1};
    struct counted counted = {0};
    int fd;

    if (argc != 2) {
        fputs("Usage: volume-latency NEW_FILE\n", stderr);
        return 2;
    }
    fd = open(argv[1], O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    require(fd >= 0 && ftruncate(fd, VOLUME_SIZE) == 0, "making the file");
    counted.file = disk_storage(&fd);
    measure(&counted, key);
    close(fd);
    return 0;
}
