/* SPDX-License-Identifier: MIT */
/*
 * tpm-latency: how long a TPM takes to answer, seen by the program that asks.
 *
 * It sends the bytes of TPM 2.0 commands (TCG TPM 2.0 Library, part 3) to a TPM device node, since
 * the start of a tpm2-tools process takes longer than most commands.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/bytes.h"
#include "lib/base/writer.h"

#define CALLS_MAX    1000000
#define MESSAGE_MAX  4096
#define HEADER_SIZE  10
#define RANDOM_BYTES 32
#define SHA256_BYTES 32
#define NV_BYTES     8

enum exit_status { EXIT_DONE = 0, EXIT_USAGE = 2, EXIT_DEVICE = 3, EXIT_TPM = 4 };

/* TCG TPM 2.0 Library, part 2 */
enum {
    TPM_ST_NO_SESSIONS = 0x8001,
    TPM_ST_SESSIONS = 0x8002,

    TPM_CC_NV_UndefineSpace = 0x122,
    TPM_CC_NV_DefineSpace = 0x12A,
    TPM_CC_CreatePrimary = 0x131,
    TPM_CC_NV_Write = 0x137,
    TPM_CC_FlushContext = 0x165,
    TPM_CC_GetRandom = 0x17B,
    TPM_CC_PCR_Extend = 0x182,

    TPM_RH_OWNER = 0x40000001,
    TPM_RS_PW = 0x40000009,
    DEBUG_PCR = 16,
    NV_INDEX = 0x01500BE0,

    MSSIM_SEND_COMMAND = 8, /* TPM simulator: TPM_SEND_COMMAND */

    TPM_ALG_AES = 0x06,
    TPM_ALG_SHA256 = 0x0B,
    TPM_ALG_NULL = 0x10,
    TPM_ALG_ECC = 0x23,
    TPM_ALG_CFB = 0x43,
    TPM_ECC_NIST_P256 = 3,
    /* fixedTPM, fixedParent, sensitiveDataOrigin, userWithAuth, noDA, restricted, decrypt */
    STORAGE_KEY_ATTRIBUTES = 0x30472,
    /* TPMA_NV_OWNERWRITE, TPMA_NV_OWNERREAD, TPMA_NV_NO_DA */
    NV_ATTRIBUTES = 0x02020002,
};

struct tpm {
    int fd;
    bool mssim; /* the simulator's protocol around commands and responses */
    uint8_t response[MESSAGE_MAX];
    size_t response_size;
};

/* A function that appends a command to w; n is the number of the call. */
typedef bool command_fn(struct writer *w, uint32_t n);

struct operation {
    const char *name;
    command_fn *prepare; /* once before all calls, or NULL */
    command_fn *call;    /* what is measured; NULL: nothing but the clock */
    command_fn *restore; /* once after all calls, or NULL */
    bool makes_object;   /* the response begins with a handle, to be flushed */
};

/* The size is known, and written, when the command is complete. */
static bool header(struct writer *w, uint16_t tag, uint32_t code)
{
    return writer_be16(w, tag) && writer_be32(w, 0) && writer_be32(w, code);
}

/* One session: the empty password. */
static bool empty_password(struct writer *w)
{
    uint32_t size = 9;

    return writer_be32(w, size) && writer_be32(w, TPM_RS_PW) && writer_be16(w, 0) &&
           writer_u8(w, 0) && writer_be16(w, 0);
}

static bool get_random(struct writer *w, uint32_t n)
{
    (void)n;
    return header(w, TPM_ST_NO_SESSIONS, TPM_CC_GetRandom) && writer_be16(w, RANDOM_BYTES);
}

static bool pcr_extend(struct writer *w, uint32_t n)
{
    return header(w, TPM_ST_SESSIONS, TPM_CC_PCR_Extend) && writer_be32(w, DEBUG_PCR) &&
           empty_password(w) && writer_be32(w, 1) && writer_be16(w, TPM_ALG_SHA256) &&
           writer_be32(w, n) && writer_zeros(w, SHA256_BYTES - 4);
}

/* TPM2B_PUBLIC of a storage key on P-256: all sizes in it are constant. */
static bool ecc_template(struct writer *w)
{
    uint16_t size = 26;

    return writer_be16(w, size) && writer_be16(w, TPM_ALG_ECC) && writer_be16(w, TPM_ALG_SHA256) &&
           writer_be32(w, STORAGE_KEY_ATTRIBUTES) && writer_be16(w, 0) &&
           writer_be16(w, TPM_ALG_AES) && writer_be16(w, 128) && writer_be16(w, TPM_ALG_CFB) &&
           writer_be16(w, TPM_ALG_NULL) && writer_be16(w, TPM_ECC_NIST_P256) &&
           writer_be16(w, TPM_ALG_NULL) && writer_be16(w, 0) && writer_be16(w, 0);
}

static bool create_primary(struct writer *w, uint32_t n)
{
    uint16_t empty_sensitive_size = 4;

    (void)n;
    return header(w, TPM_ST_SESSIONS, TPM_CC_CreatePrimary) && writer_be32(w, TPM_RH_OWNER) &&
           empty_password(w) && writer_be16(w, empty_sensitive_size) &&
           writer_zeros(w, empty_sensitive_size) && ecc_template(w) && writer_be16(w, 0) &&
           writer_be32(w, 0);
}

static bool nv_define(struct writer *w, uint32_t n)
{
    uint16_t public_size = 14;

    (void)n;
    return header(w, TPM_ST_SESSIONS, TPM_CC_NV_DefineSpace) && writer_be32(w, TPM_RH_OWNER) &&
           empty_password(w) && writer_be16(w, 0) && writer_be16(w, public_size) &&
           writer_be32(w, NV_INDEX) && writer_be16(w, TPM_ALG_SHA256) &&
           writer_be32(w, NV_ATTRIBUTES) && writer_be16(w, 0) && writer_be16(w, NV_BYTES);
}

/* Other bytes in each call: a TPM need not store what it holds already. */
static bool nv_write(struct writer *w, uint32_t n)
{
    return header(w, TPM_ST_SESSIONS, TPM_CC_NV_Write) && writer_be32(w, TPM_RH_OWNER) &&
           writer_be32(w, NV_INDEX) && empty_password(w) && writer_be16(w, NV_BYTES) &&
           writer_be64(w, n) && writer_be16(w, 0);
}

static bool nv_undefine(struct writer *w, uint32_t n)
{
    (void)n;
    return header(w, TPM_ST_SESSIONS, TPM_CC_NV_UndefineSpace) && writer_be32(w, TPM_RH_OWNER) &&
           writer_be32(w, NV_INDEX) && empty_password(w);
}

static bool flush_context(struct writer *w, uint32_t handle)
{
    return header(w, TPM_ST_NO_SESSIONS, TPM_CC_FlushContext) && writer_be32(w, handle);
}

static const struct operation operations[] = {
    {.name = "Clock"},
    {.name = "GetRandom", .call = get_random},
    {.name = "PCR_Extend", .call = pcr_extend},
    {.name = "CreatePrimary", .call = create_primary, .makes_object = true},
    {.name = "NV_Write", .prepare = nv_define, .call = nv_write, .restore = nv_undefine},
};
#define OPERATION_COUNT (sizeof(operations) / sizeof(operations[0]))

static const char usage[] =
    "Usage: tpm-latency [--device NODE | --swtpm PORT | --mssim PORT] [--calls N] OPERATION...\n"
    "\n"
    "Measures how long a TPM takes for commands, each sent N times, one after the other.\n"
    "\n"
    "  -d, --device NODE  the TPM (default /dev/tpm0)\n"
    "      --swtpm PORT   a TPM on 127.0.0.1 that takes bare commands, as swtpm does\n"
    "      --mssim PORT   one that speaks the simulator's protocol, as this project's does\n"
    "  -n, --calls N      how often (default 1000)\n"
    "  -h, --help         show this text\n"
    "\n"
    "Operations:\n"
    "  Clock          no command: one reading of the clock, which is part of each other time\n"
    "  GetRandom      32 bytes\n"
    "  PCR_Extend     PCR 16, which is for such use\n"
    "  CreatePrimary  a P-256 storage key in the owner hierarchy, which must have no password\n"
    "  NV_Write       8 bytes; index 0x1500be0 must be free\n"
    "\n"
    "Each prints a line: OPERATION CALLS MEDIAN P99 RATE, the times in microseconds, the rate in\n"
    "calls per second.\n"
    "\n"
    "Exit status: 0 done, 2 wrong usage, 3 the device cannot be used, 4 the TPM refused.\n";

struct options {
    const char *device;
    uint16_t port; /* of a TPM on this host; 0: the device */
    bool mssim;
    size_t calls;
};

static double now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static bool receive(int fd, uint8_t *bytes, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t got = read(fd, bytes + done, size - done);

        if (got <= 0)
            return false;
        done += (size_t)got;
    }
    return true;
}

/* TPM simulator: code, locality and size before the command; size before, 0 after the response. */
static ssize_t exchange_mssim(struct tpm *tpm, const uint8_t *command, size_t size)
{
    uint8_t message[MESSAGE_MAX + 9];
    struct writer w = writer_over(message, sizeof(message));
    uint8_t word[4];
    uint32_t response_size;

    if (!writer_be32(&w, MSSIM_SEND_COMMAND) || !writer_u8(&w, 0) ||
        !writer_be32(&w, (uint32_t)size) || !writer_put(&w, command, size) ||
        write(tpm->fd, message, w.used) != (ssize_t)w.used || !receive(tpm->fd, word, 4))
        return -1;
    response_size = get_be32(word);
    return response_size <= MESSAGE_MAX && receive(tpm->fd, tpm->response, response_size) &&
                   receive(tpm->fd, word, 4)
               ? (ssize_t)response_size
               : -1;
}

/* The size of the response, or -1. A response comes whole, from a device and from swtpm. */
static ssize_t exchange(struct tpm *tpm, const uint8_t *command, size_t size)
{
    if (tpm->mssim)
        return exchange_mssim(tpm, command, size);
    return write(tpm->fd, command, size) == (ssize_t)size
               ? read(tpm->fd, tpm->response, sizeof(tpm->response))
               : -1;
}

/* Sends a command and takes its response, whose response code must be 0. */
static enum exit_status transact(struct tpm *tpm, const char *name, command_fn *command, uint32_t n)
{
    uint8_t bytes[MESSAGE_MAX];
    struct writer w = writer_over(bytes, sizeof(bytes));
    ssize_t got;

    if (!command(&w, n))
        abort(); /* the buffer is larger than any command here */
    put_be32(bytes + 2, (uint32_t)w.used);

    got = exchange(tpm, bytes, w.used);
    if (got < 0) {
        fprintf(stderr, "tpm-latency: %s: the TPM device failed: %s\n", name, strerror(errno));
        return EXIT_DEVICE;
    }
    tpm->response_size = (size_t)got;
    if (tpm->response_size < HEADER_SIZE || get_be32(tpm->response + 6) != 0) {
        fprintf(stderr, "tpm-latency: the TPM refused %s: response code 0x%x\n", name,
                tpm->response_size < HEADER_SIZE ? 0 : get_be32(tpm->response + 6));
        return EXIT_TPM;
    }
    return EXIT_DONE;
}

/* A TPM holds few objects: each goes before the next is made, outside of the time measured. */
static enum exit_status flush_object(struct tpm *tpm, const char *name)
{
    if (tpm->response_size < HEADER_SIZE + 4) {
        fprintf(stderr, "tpm-latency: %s gave no handle\n", name);
        return EXIT_TPM;
    }
    return transact(tpm, "FlushContext", flush_context, get_be32(tpm->response + HEADER_SIZE));
}

static enum exit_status measure_calls(struct tpm *tpm, const struct operation *operation,
                                      double *samples, size_t calls)
{
    for (size_t i = 0; i < calls; i++) {
        double start = now_us();
        enum exit_status status = EXIT_DONE;

        if (operation->call)
            status = transact(tpm, operation->name, operation->call, (uint32_t)i + 1);
        samples[i] = now_us() - start;
        if (status == EXIT_DONE && operation->makes_object)
            status = flush_object(tpm, operation->name);
        if (status != EXIT_DONE)
            return status;
    }
    return EXIT_DONE;
}

static enum exit_status measure(struct tpm *tpm, const struct operation *operation, double *samples,
                                size_t calls)
{
    enum exit_status status = EXIT_DONE, restored = EXIT_DONE;

    if (operation->prepare)
        status = transact(tpm, operation->name, operation->prepare, 0);
    if (status != EXIT_DONE)
        return status;
    status = measure_calls(tpm, operation, samples, calls);
    if (operation->restore)
        restored = transact(tpm, operation->name, operation->restore, 0);
    return status != EXIT_DONE ? status : restored;
}

static int by_value(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;

    return (a > b) - (a < b);
}

/* Nearest rank: the smallest sample that is not exceeded by that many percent of all. */
static double percentile(const double *sorted, size_t count, size_t percent)
{
    return sorted[(count * percent + 99) / 100 - 1];
}

static void print_result(const struct operation *operation, double *samples, size_t calls)
{
    double total = 0;

    for (size_t i = 0; i < calls; i++)
        total += samples[i];
    qsort(samples, calls, sizeof(*samples), by_value);
    printf("%s %zu %.1f %.1f %.1f\n", operation->name, calls, percentile(samples, calls, 50),
           percentile(samples, calls, 99), (double)calls * 1e6 / total);
}

static const struct operation *operation_named(const char *name)
{
    for (size_t i = 0; i < OPERATION_COUNT; i++) {
        if (strcmp(operations[i].name, name) == 0)
            return &operations[i];
    }
    return NULL;
}

static _Noreturn void usage_error(const char *what, const char *value)
{
    fprintf(stderr, "tpm-latency: %s%s; --help shows the usage\n", what, value);
    exit(EXIT_USAGE);
}

static size_t calls_of(const char *text)
{
    char *end;
    long calls;

    errno = 0;
    calls = strtol(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || calls < 1 || calls > CALLS_MAX)
        usage_error("--calls is a number from 1 to 1000000, not ", text);
    return (size_t)calls;
}

static uint16_t port_of(const char *text)
{
    char *end;
    long port = strtol(text, &end, 10);

    if (end == text || *end != '\0' || port < 1 || port > UINT16_MAX)
        usage_error("a port is a number from 1 to 65535, not ", text);
    return (uint16_t)port;
}

static int connect_to(uint16_t port)
{
    int one = 1;
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd >= 0 && setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) == 0 &&
        connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

static struct options parse_options(int argc, char **argv)
{
    static const struct option names[] = {
        {"device", required_argument, NULL, 'd'}, {"swtpm", required_argument, NULL, 's'},
        {"mssim", required_argument, NULL, 'm'},  {"calls", required_argument, NULL, 'n'},
        {"help", no_argument, NULL, 'h'},         {0},
    };
    struct options options = {.device = "/dev/tpm0", .calls = 1000};
    int option;

    while ((option = getopt_long(argc, argv, "d:n:h", names, NULL)) != -1) {
        switch (option) {
        case 'd':
            options.device = optarg;
            break;
        case 's':
        case 'm':
            options.port = port_of(optarg);
            options.mssim = option == 'm';
            break;
        case 'n':
            options.calls = calls_of(optarg);
            break;
        case 'h':
            fputs(usage, stdout);
            exit(EXIT_DONE);
        default:
            exit(EXIT_USAGE); /* getopt_long has said why */
        }
    }
    if (optind == argc)
        usage_error("which operation?", "");
    for (int i = optind; i < argc; i++) {
        if (!operation_named(argv[i]))
            usage_error("there is no operation ", argv[i]);
    }
    return options;
}

int main(int argc, char **argv)
{
    struct options options = parse_options(argc, argv);
    enum exit_status status = EXIT_DONE;
    struct tpm tpm = {.mssim = options.mssim,
                      .fd = options.port != 0 ? connect_to(options.port)
                                              : open(options.device, O_RDWR | O_CLOEXEC)};
    double *samples = calloc(options.calls, sizeof(*samples));

    if (tpm.fd < 0 || !samples) {
        fprintf(stderr, "tpm-latency: cannot use %s: %s\n",
                options.port != 0 ? "the TPM on that port" : options.device, strerror(errno));
        status = EXIT_DEVICE;
    }
    for (int i = optind; i < argc && status == EXIT_DONE; i++) {
        const struct operation *operation = operation_named(argv[i]);

        status = measure(&tpm, operation, samples, options.calls);
        if (status == EXIT_DONE)
            print_result(operation, samples, options.calls);
    }
    free(samples);
    if (tpm.fd >= 0)
        close(tpm.fd);
    return status;
}
