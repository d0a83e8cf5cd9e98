/* SPDX-License-Identifier: MIT */
/*
 * kbs-load: many clients that attest to a KBS at the same time, each with a chip's report of its
 * own image, and what they saw: how many a second, how long each waited, and whether any got what
 * is not its own.
 */
#include <errno.h>
#include <getopt.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <curl/curl.h>

#include "tests/load/anchor.h"

#define CLIENTS_MAX      1024
#define ATTESTATIONS_MAX 10000000
#define PROBLEMS_SHOWN   5
#define THREAD_STACK     (256 << 10)
#define PROFILE_ANCHOR   "anchor"

enum exit_status { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_SETUP = 3 };

static const char usage[] =
    "Usage: kbs-load --url URL --chip DIR --profile PROFILE [OPTION]...\n"
    "       kbs-load --identities N\n"
    "\n"
    "Attests to a KBS with many clients at the same time. Each has an image and a secret of its\n"
    "own, and reports signed by an emulated chip, which the KBS must trust.\n"
    "\n"
    "  --profile PROFILE  how clients ask: coconut, signed (with a signed release record), coco\n"
    "                     (as Trustee's clients, for a secret by its path), or anchor: each is a\n"
    "                     VM whose volume has a lease, and an attestation commits a state\n"
    "  --url URL          the KBS's public address\n"
    "  --ca FILE          the certificate authority of an https URL\n"
    "  --chip DIR         identity of the chip, as amd-sp --init-chip makes it\n"
    "  --release-key PEM  for signed and anchor: the only key that may have signed\n"
    "  --clients N        how many at the same time (default 1)\n"
    "  --attestations N   of all clients together (default: one each)\n"
    "  --unchecked        do not decrypt what comes: less work for this side; with anchor the\n"
    "                     answers are read nevertheless\n"
    "  --identities N     only print what the first N clients need to be registered: a line with\n"
    "                     number, launch measurement and secret for each, in hexadecimal; clients\n"
    "                     with the coco profile ask for load/key/NUMBER\n"
    "  -h, --help         this text\n"
    "\n"
    "Prints JSON: latencies are of the three requests of an attestation together, without what\n"
    "the client does in between. Each client has attested once before anything is measured.\n"
    "\n"
    "Exit status: 0 all went well, 1 a client got nothing or another's secret, 2 wrong usage, 3 "
    "the\n"
    "chip or a key cannot be used.\n";

struct options {
    const char *url, *ca, *chip, *profile, *release_key;
    long clients, attestations, identities;
    bool unchecked, help;
};

/* Shared by all clients. */
struct load {
    pthread_barrier_t ready;
    atomic_long left; /* attestations that no client has begun */
    atomic_long begun, failed, crossed;
    double *latencies; /* of each that went well, in seconds */
    atomic_long measured;
};

struct worker {
    pthread_t thread;
    struct client client;
    bool anchors;
    struct anchor anchor;
    struct load *load;
};

MUST_CHECK static bool parse_number(const char *text, long max, long *number)
{
    char *end;

    errno = 0;
    *number = strtol(text, &end, 10);
    return errno == 0 && end != text && *end == '\0' && *number >= 1 && *number <= max;
}

MUST_CHECK static bool parse_options(int argc, char **argv, struct options *options)
{
    static const struct option known[] = {
        {"url", required_argument, NULL, 'u'},
        {"ca", required_argument, NULL, 'a'},
        {"chip", required_argument, NULL, 'c'},
        {"profile", required_argument, NULL, 'p'},
        {"release-key", required_argument, NULL, 'k'},
        {"clients", required_argument, NULL, 'n'},
        {"attestations", required_argument, NULL, 't'},
        {"identities", required_argument, NULL, 'i'},
        {"unchecked", no_argument, NULL, 'x'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    int option;

    *options = (struct options){.clients = 1};
    while ((option = getopt_long(argc, argv, "h", known, NULL)) != -1) {
        switch (option) {
        case 'u':
            options->url = optarg;
            break;
        case 'a':
            options->ca = optarg;
            break;
        case 'c':
            options->chip = optarg;
            break;
        case 'p':
            options->profile = optarg;
            break;
        case 'k':
            options->release_key = optarg;
            break;
        case 'n':
            if (!parse_number(optarg, CLIENTS_MAX, &options->clients))
                return false;
            break;
        case 't':
            if (!parse_number(optarg, ATTESTATIONS_MAX, &options->attestations))
                return false;
            break;
        case 'i':
            if (!parse_number(optarg, CLIENTS_MAX, &options->identities))
                return false;
            break;
        case 'x':
            options->unchecked = true;
            break;
        case 'h':
            options->help = true;
            break;
        default:
            return false;
        }
    }
    return optind == argc && (options->help || options->identities ||
                              (options->url && options->chip && options->profile));
}

MUST_CHECK static bool dialect_named(const char *name, enum dialect *dialect)
{
    static const char *const names[] = {
        [DIALECT_COCONUT] = "coconut", [DIALECT_SIGNED] = "signed", [DIALECT_COCO] = "coco"};

    if (strcmp(name, PROFILE_ANCHOR) == 0)
        name = names[DIALECT_SIGNED];
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(names[i], name) == 0) {
            *dialect = (enum dialect)i;
            return true;
        }
    }
    return false;
}

static void print_hex(const uint8_t *bytes, size_t size)
{
    putchar(' ');
    for (size_t i = 0; i < size; i++)
        printf("%02x", bytes[i]);
}

static enum exit_status print_identities(long count)
{
    for (unsigned i = 0; i < (unsigned)count; i++) {
        struct identity identity;

        if (!identity_make(i, &identity))
            return EXIT_SETUP;
        printf("%u", i);
        print_hex(identity.measurement, sizeof(identity.measurement));
        print_hex(identity.secret, sizeof(identity.secret));
        putchar('\n');
    }
    return EXIT_DONE;
}

/* The key that must have signed; false after saying what is wrong with it. */
MUST_CHECK static bool pin_key(const char *path, struct release_terms *terms)
{
    enum release_key_status status;

    if (!path) {
        fputs("kbs-load: signed and anchor need --release-key\n", stderr);
        return false;
    }
    status = release_pin_read(path, &terms->pins[0]);
    terms->pin_count = 1;
    if (status != RELEASE_KEY_OK)
        fprintf(stderr, "kbs-load: --release-key %s %s\n", path, release_key_text(status));
    return status == RELEASE_KEY_OK;
}

static double seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void take(struct worker *worker, enum client_result result)
{
    struct load *load = worker->load;

    if (result == CLIENT_OK)
        return;
    if (result == CLIENT_CROSSED)
        atomic_fetch_add(&load->crossed, 1);
    if (atomic_fetch_add(&load->failed, 1) < PROBLEMS_SHOWN)
        fprintf(stderr, "kbs-load: client %u: %s\n", worker->client.prover.identity.number,
                worker->client.problem);
}

/* What is measured, again and again. */
static enum client_result attest(struct worker *worker)
{
    return worker->anchors ? anchor_next(&worker->client, &worker->anchor)
                           : client_attest(&worker->client);
}

/* A thread of its own for each client. */
static void *work(void *context)
{
    struct worker *worker = context;
    struct load *load = worker->load;

    take(worker, worker->anchors ? anchor_begin(&worker->client, &worker->anchor)
                                 : client_attest(&worker->client));
    pthread_barrier_wait(&load->ready);
    while (atomic_fetch_sub(&load->left, 1) > 0) {
        enum client_result result = attest(worker);

        take(worker, result);
        if (result == CLIENT_OK)
            load->latencies[atomic_fetch_add(&load->measured, 1)] = worker->client.latency;
    }
    return NULL;
}

static int by_value(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;

    return (a > b) - (a < b);
}

/* Nearest rank: the smallest that is not exceeded by that many percent of all. */
static double percentile(const double *sorted, long count, long percent)
{
    return count == 0 ? 0 : sorted[(count * percent + 99) / 100 - 1];
}

static void print_results(const struct options *options, struct load *load, double took)
{
    long count = atomic_load(&load->measured);

    qsort(load->latencies, (size_t)count, sizeof(*load->latencies), by_value);
    printf("{\"profile\":\"%s\",\"clients\":%ld,\"attestations\":%ld,\"failed\":%ld,"
           "\"crossed\":%ld,\"seconds\":%.3f,\"per_second\":%.1f,\"p50_ms\":%.2f,"
           "\"p99_ms\":%.2f}\n",
           options->profile, options->clients, count, atomic_load(&load->failed),
           atomic_load(&load->crossed), took, (double)count / took,
           1e3 * percentile(load->latencies, count, 50),
           1e3 * percentile(load->latencies, count, 99));
}

/* Those that run already wait for the missing one, and cannot be told: the process ends. */
static void start_thread(struct worker *worker, const pthread_attr_t *attributes)
{
    int error = pthread_create(&worker->thread, attributes, work, worker);

    if (error != 0) {
        fprintf(stderr, "kbs-load: a client more cannot have a thread: %s\n", strerror(error));
        exit(EXIT_SETUP);
    }
}

/* All clients; tells how long, from the moment when all are ready to the end of the last. */
static double run_all(struct worker *workers, long count, struct load *load)
{
    pthread_attr_t attributes;
    double start;

    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, THREAD_STACK);
    for (long i = 0; i < count; i++)
        start_thread(&workers[i], &attributes);
    pthread_attr_destroy(&attributes);
    pthread_barrier_wait(&load->ready);
    start = seconds();
    for (long i = 0; i < count; i++)
        pthread_join(workers[i].thread, NULL);
    return seconds() - start;
}

/* So that the next ones wait for nothing. */
static void give_back_leases(struct worker *workers, long count)
{
    for (long i = 0; i < count; i++)
        if (workers[i].anchors)
            take(&workers[i], anchor_end(&workers[i].client, &workers[i].anchor));
}

MUST_CHECK static bool start_client(struct worker *worker, const struct options *options,
                                    unsigned number)
{
    worker->client.check = !options->unchecked;
    worker->anchors = strcmp(options->profile, PROFILE_ANCHOR) == 0;
    worker->client.exchange = exchange_new(options->url, options->ca);
    return prover_start(&worker->client.prover, number) && worker->client.exchange;
}

/* What each client begins with is in base. */
static enum exit_status run_with(const struct options *options, const struct prover *base)
{
    long attestations = options->attestations ? options->attestations : options->clients;
    struct load load = {.left = attestations,
                        .latencies = calloc((size_t)attestations, sizeof(double))};
    struct worker *workers = calloc((size_t)options->clients, sizeof(*workers));
    bool ready = load.latencies && workers;
    double took;

    pthread_barrier_init(&load.ready, NULL, (unsigned)options->clients + 1);
    for (long i = 0; ready && i < options->clients; i++) {
        workers[i].load = &load;
        workers[i].client.prover = *base;
        ready = start_client(&workers[i], options, (unsigned)i);
    }
    if (ready) {
        took = run_all(workers, options->clients, &load);
        give_back_leases(workers, options->clients);
        print_results(options, &load, took);
    } else {
        fputs("kbs-load: out of memory or entropy\n", stderr);
    }
    for (long i = 0; workers && i < options->clients; i++) {
        prover_end(&workers[i].client.prover);
        exchange_free(workers[i].client.exchange);
    }
    pthread_barrier_destroy(&load.ready);
    free(workers);
    free(load.latencies);
    return !ready ? EXIT_SETUP : atomic_load(&load.failed) == 0 ? EXIT_DONE : EXIT_FAILED;
}

static enum exit_status run(const struct options *options)
{
    struct release_terms terms = {0};
    struct chip chip = {0};
    struct prover base = {.chip = &chip, .terms = &terms};
    enum exit_status status = EXIT_SETUP;
    enum chip_error error;

    if (!dialect_named(options->profile, &base.dialect)) {
        fprintf(stderr, "kbs-load: there is no profile %s; --help shows them\n", options->profile);
        return EXIT_USAGE;
    }
    if (base.dialect == DIALECT_SIGNED && !pin_key(options->release_key, &terms))
        return EXIT_SETUP;
    error = chip_open(&chip, options->chip);
    if (error != CHIP_OK)
        fprintf(stderr, "kbs-load: --chip %s: %s\n", options->chip, chip_error_text(error));
    else
        status = run_with(options, &base);
    chip_close(&chip);
    return status;
}

int main(int argc, char **argv)
{
    struct options options;
    enum exit_status status;

    if (!parse_options(argc, argv, &options)) {
        fputs(usage, stderr);
        return EXIT_USAGE;
    }
    if (options.help) {
        fputs(usage, stdout);
        return EXIT_DONE;
    }
    if (options.identities)
        return print_identities(options.identities);
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return EXIT_SETUP;
    status = run(&options);
    curl_global_cleanup();
    return status;
}
