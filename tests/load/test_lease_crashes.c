/* SPDX-License-Identifier: MIT */
/*
 * Two servers on one store, of either kind, and VMs of one volume with leases, through real
 * connections. One of the servers is killed (SIGKILL) before each of its writes, or at random ones
 * while VMs race; what lies between them and VMs drops, repeats and reorders. There is one holder
 * at any time, each of its requests can be asked again at the other server, and no state is lost.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <curl/curl.h>

#include "kbs/audit/audit.h"
#include "kbs/store/leases.h"
#include "lib/base/bytes.h"
#include "tests/load/lease_talk.h"
#include "tests/unit/kbs-server/program.h"
#include "tests/unit/kbs-store/fixture.h"
#include "tests/unit/registered.h"

#define MORTAL    0 /* the server that is killed */
#define STEADY    1
#define SERVERS   2
#define STRIDE    4 /* of the writes at which it is killed, unless $STRIDE says otherwise */
#define RACERS    3
#define LIVES     4 /* of each racer */
#define TRIES     400
#define PAUSE_US  10000
#define DEAD_MAX  60 /* writes from now, at most */
#define LONG_TIME 3600

static const char *kbs_program, *sp_program, *die_at;
static char url[PATH_MAX + 64], config[PATH_MAX];
static struct program_server servers[SERVERS];
static char addresses[SERVERS][64];
static _Atomic uint32_t *until_death;
static struct chip chip;
static struct release_terms terms;
static struct master_keys keys;
static struct store *store;
static atomic_uint next_vm = 1;

static const struct lease_policy policy = {.mode = LEASE_BOOT,
                                           .same_epoch = true,
                                           .manufacture = true,
                                           .pending_time = LONG_TIME,
                                           .active_time = LONG_TIME};
static const struct volume volume = {
    .id = {1}, .name = "web", .image = "svsm", .policy = "default", .created = 1};

/* The servers */

static void start(unsigned which)
{
    char log[PATH_MAX], preload[PATH_MAX + 16];

    snprintf(preload, sizeof(preload), "LD_PRELOAD=%s", which == MORTAL ? die_at : "");
    program_path = kbs_program;
    servers[which] = program_serve_with(preload, config, fixture_path("log", log));
    snprintf(addresses[which], sizeof(addresses[which]), "http://127.0.0.1:%u",
             servers[which].port);
}

/* Whether it is dead; it must have been killed. */
static bool is_dead(unsigned which, int options)
{
    int status;

    if (servers[which].pid <= 0 ||
        waitpid(servers[which].pid, &status, options) != servers[which].pid)
        return false;
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    return true;
}

static void make_death(void)
{
    char path[PATH_MAX];
    int fd = open(fixture_path("die", path), O_RDWR | O_CREAT, 0600);

    assert_int_equal(ftruncate(fd, sizeof(*until_death)), 0);
    until_death = mmap(NULL, sizeof(*until_death), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_ptr_not_equal(until_death, MAP_FAILED);
    close(fd);
    setenv("DIE_FILE", path, 1);
}

static void make_chip(char chip_folder[PATH_MAX])
{
    program_path = sp_program;
    assert_int_equal(program_run("--chip", fixture_path("chip", chip_folder), "--init-chip"), 0);
    assert_int_equal(chip_open(&chip, chip_folder), CHIP_OK);
}

/* What of one client's address is limited is not what this is about. */
static void make_server(const char *chip_folder)
{
    char folder[PATH_MAX], ark[PATH_MAX + 16], key[PATH_MAX + 32], command[PATH_MAX + 128];

    program_path = kbs_program;
    fixture_path("kbs", folder);
    snprintf(ark, sizeof(ark), "%s/ark.pem", chip_folder);
    fixture_new_url(url, sizeof(url));
    if (program_run("init", folder, "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0",
                    "--kds", "none", "--trust-emulated", ark, "--certs", chip_folder, "--store",
                    url) != 0)
        fail_msg("%s", program_output);
    snprintf(config, sizeof(config), "%.4000s/kbs.conf", folder);
    snprintf(command, sizeof(command),
             "sed -i -E 's/^( *(rate|total-rate|connections-per-client)) = [0-9]+;/\\1 = 0;/' %s",
             config);
    assert_int_equal(system(command), 0);
    snprintf(key, sizeof(key), "%s/release-key.pem", folder);
    terms.pin_count = 1;
    assert_int_equal(release_pin_read(key, &terms.pins[0]), RELEASE_KEY_OK);
    snprintf(key, sizeof(key), "%s/master.key", folder);
    assert_int_equal(master_keys_load(key, &keys), MASTER_KEY_OK);
    assert_int_equal(store_open(url, false, &keys, &store), STORE_OK);
}

static void make_volume(void)
{
    static const uint8_t key[STATE_KEY_SIZE] = {1};
    struct image image = {.name = "svsm", .added = 1};
    struct identity identity;
    struct store_unit *unit;

    assert_true(identity_make(0, &identity));
    memcpy(image.measurement, identity.measurement, sizeof(image.measurement));
    assert_int_equal(store_begin(store, &unit), STORE_OK);
    assert_int_equal(image_add(unit, &image, NULL, 0), STORE_OK);
    assert_int_equal(volume_add(unit, &volume, key), STORE_OK);
    assert_int_equal(lease_set_policy(unit, volume.id, &policy), STORE_OK);
    assert_int_equal(store_commit(unit), STORE_OK);
}

static int begin(void **state)
{
    char chip_folder[PATH_MAX];

    if (fixture_begin_group(state) != 0 || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return -1;
    /* A sanitizer wants to be the first library. */
    setenv("ASAN_OPTIONS", "verify_asan_link_order=0", 1);
    make_death();
    make_chip(chip_folder);
    make_server(chip_folder);
    make_volume();
    start(MORTAL);
    start(STEADY);
    return 0;
}

static int end(void **state)
{
    for (unsigned i = 0; i < SERVERS; i++)
        if (servers[i].pid > 0) {
            kill(servers[i].pid, SIGKILL);
            waitpid(servers[i].pid, NULL, 0);
        }
    store_close(store);
    chip_close(&chip);
    return fixture_end_group(state);
}

/* VMs */

struct vm {
    struct prover prover;
    unsigned number;
    uint64_t sequence;
    struct release_record granted;
};

static bool vm_start(struct vm *vm)
{
    *vm = (struct vm){.number = atomic_fetch_add(&next_vm, 1),
                      .prover = {.chip = &chip, .terms = &terms, .dialect = DIALECT_SIGNED}};
    put_be64(vm->prover.report_id, vm->number);
    return prover_start(&vm->prover, 0);
}

static void state_of(const struct vm *vm, uint64_t counter, uint8_t state[RELEASE_STATE_SIZE])
{
    memset(state, (int)vm->number, RELEASE_STATE_SIZE);
    put_be64(state, counter);
}

/* Makes this the VM's next request; from is what the KBS last said, to the state after it. */
static void vm_asks(struct vm *vm, uint8_t op)
{
    const struct release_record *granted = &vm->granted;
    struct release_request *request = &vm->prover.request;

    *request = (struct release_request){.op = op, .has_sequence = true, .sequence = ++vm->sequence};
    if (op == RELEASE_OP_ACQUIRE)
        return;
    request->has_epoch = request->has_lease = true;
    request->epoch = granted->epoch;
    memcpy(request->lease, granted->lease, sizeof(request->lease));
    request->has_from = granted->has_committed && op != RELEASE_OP_RENEW;
    memcpy(request->from, granted->committed, sizeof(request->from));
    request->has_to = op == RELEASE_OP_CONFIRM || op == RELEASE_OP_ANCHOR;
    state_of(vm, (granted->has_committed ? lease_counter(granted->committed) : 0) + 1, request->to);
}

/* The same once more, as another request. */
static void vm_asks_again(struct vm *vm)
{
    vm->prover.request.sequence = ++vm->sequence;
}

/* What was asked has happened. */
static void vm_takes(struct vm *vm, const struct release_record *answer)
{
    const struct release_request *request = &vm->prover.request;

    if (request->op == RELEASE_OP_ACQUIRE)
        vm->granted = *answer;
    if (request->has_to) {
        vm->granted.has_committed = true;
        memcpy(vm->granted.committed, request->to, RELEASE_STATE_SIZE);
    }
}

/* Killed before each write */

static bool mortal_lives;

/* Asks the one server, and the other one when that dies of it. */
static int ask_both(struct vm *vm, uint8_t op)
{
    struct release_record answer;
    int status = TALK_NO_ANSWER;

    vm_asks(vm, op);
    if (mortal_lives) {
        status = talk(&vm->prover, addresses[MORTAL], &answer);
        if (status == TALK_NO_ANSWER) {
            assert_true(is_dead(MORTAL, 0));
            mortal_lives = false;
            vm_asks_again(vm);
        }
    }
    if (status == TALK_NO_ANSWER)
        status = talk(&vm->prover, addresses[STEADY], &answer);
    if (status == RELEASE_STATUS_OK)
        vm_takes(vm, &answer);
    return status;
}

static void expect_rivals_to_wait(struct vm *rival)
{
    struct release_record answer;

    vm_asks(rival, RELEASE_OP_ACQUIRE);
    assert_int_equal(talk(&rival->prover, addresses[STEADY], &answer), RELEASE_STATUS_BUSY);
}

/* A VM's life, while a server is killed before its nth write. False: there are not so many. */
static bool live_while_killing(struct vm *rival, uint32_t n, uint64_t *committed, uint64_t *epoch)
{
    static const uint8_t ops[] = {RELEASE_OP_ACQUIRE, RELEASE_OP_CONFIRM, RELEASE_OP_ANCHOR,
                                  RELEASE_OP_RELEASE};
    struct vm vm;

    assert_true(vm_start(&vm));
    mortal_lives = true;
    *until_death = n;
    for (size_t i = 0; i < sizeof(ops); i++) {
        int status = ask_both(&vm, ops[i]);

        if (status != RELEASE_STATUS_OK)
            fail_msg("write %u, operation %u: %d", n, ops[i], status);
        if (i == 0)
            assert_int_equal(vm.granted.has_committed ? lease_counter(vm.granted.committed) : 0,
                             *committed);
        if (ops[i] != RELEASE_OP_RELEASE)
            expect_rivals_to_wait(rival);
    }
    assert_true(vm.granted.epoch > *epoch);
    *epoch = vm.granted.epoch;
    *committed = lease_counter(vm.granted.committed);
    *until_death = 0;
    prover_end(&vm.prover);
    if (mortal_lives)
        return false;
    start(MORTAL);
    return true;
}

static void expect_whole_log(void)
{
    struct audit_check check;
    struct store_unit *unit;

    assert_int_equal(store_begin_reading(store, &unit), STORE_OK);
    assert_int_equal(audit_verify(unit, &check), STORE_OK);
    assert_null(check.problem);
    store_abandon(unit);
}

static struct lease_record look(void)
{
    struct lease_policy found;
    struct lease_record record;
    struct store_unit *unit;

    assert_int_equal(store_begin_reading(store, &unit), STORE_OK);
    assert_int_equal(lease_load(unit, &volume, &found, &record), STORE_OK);
    store_abandon(unit);
    return record;
}

TEST(whatever_a_killed_server_did_another_one_goes_on_from_there)
{
    const char *given = getenv("STRIDE");
    uint32_t stride = given ? (uint32_t)strtoul(given, NULL, 10) : STRIDE;
    uint64_t committed = 0, epoch = 0;
    uint32_t n = 1;
    struct vm rival;

    assert_true(vm_start(&rival));
    while (live_while_killing(&rival, n, &committed, &epoch))
        n += stride;
    prover_end(&rival.prover);
    assert_true(n > 10);
    assert_int_equal(lease_counter(look().committed), committed);
    expect_whole_log();
    print_message("killed before writes 1 to %u, every %u\n", n - 1, stride);
}

/* Races and liars */

static atomic_uint holder, problems, racing;
static _Atomic uint64_t last_committed;

static void complain(const char *what, unsigned number, int status)
{
    fprintf(stderr, "VM %u: %s (%d)\n", number, what, status);
    problems++;
}

static int ask_anywhere(struct vm *vm, uint8_t op)
{
    struct release_record answer;
    int status = TALK_NO_ANSWER;

    vm_asks(vm, op);
    for (unsigned i = 0; i < TRIES; i++) {
        status = talk(&vm->prover, addresses[(vm->number + i) % SERVERS], &answer);
        /* A session may die with its server between two requests. */
        if (status != TALK_NO_ANSWER && status != TALK_REFUSED)
            break;
        usleep(PAUSE_US);
        vm_asks_again(vm);
    }
    if (status == RELEASE_STATUS_OK)
        vm_takes(vm, &answer);
    return status;
}

static bool get_lease(struct vm *vm)
{
    int status = RELEASE_STATUS_BUSY;
    unsigned other;

    for (unsigned i = 0; i < TRIES && status == RELEASE_STATUS_BUSY; i++) {
        status = ask_anywhere(vm, RELEASE_OP_ACQUIRE);
        if (status == RELEASE_STATUS_BUSY)
            usleep(PAUSE_US);
    }
    if (status != RELEASE_STATUS_OK) {
        complain("it gets no lease", vm->number, status);
        return false;
    }
    other = atomic_exchange(&holder, vm->number);
    if (other != 0)
        complain("another one has the lease, too", vm->number, (int)other);
    if ((vm->granted.has_committed ? lease_counter(vm->granted.committed) : 0) != last_committed)
        complain("it is told of another state than the last", vm->number, 0);
    return true;
}

static void advance(struct vm *vm, uint8_t op)
{
    int status = ask_anywhere(vm, op);

    if (status != RELEASE_STATUS_OK)
        complain("it cannot go on", vm->number, status);
    last_committed = lease_counter(vm->granted.committed);
}

/* One request is held back until a later one was answered, and comes twice then; the answer to
 * another is not fetched. */
static void be_lied_to(struct vm *vm)
{
    const char *address = addresses[STEADY];
    struct release_record answer;
    struct talk late, dropped;

    vm_asks(vm, RELEASE_OP_RELEASE);
    talk_begin(&late, &vm->prover, address);
    vm_asks(vm, RELEASE_OP_RENEW);
    talk_begin(&dropped, &vm->prover, address);
    (void)talk_deliver(&dropped, false, &answer);
    advance(vm, RELEASE_OP_ANCHOR);
    for (unsigned i = 0; i < 2; i++) {
        int status = talk_deliver(&late, true, &answer);

        if (status == RELEASE_STATUS_OK)
            complain("what was held back ends its lease", vm->number, status);
    }
    if (talk_deliver(&dropped, true, &answer) != TALK_REFUSED)
        complain("a request counts twice", vm->number, 0);
    talk_end(&late);
    talk_end(&dropped);
}

static void release(struct vm *vm)
{
    int status;

    /* From here on another one may have it, even if the answer is lost. */
    holder = 0;
    status = ask_anywhere(vm, RELEASE_OP_RELEASE);
    if (status != RELEASE_STATUS_OK && status != RELEASE_STATUS_SUPERSEDED)
        complain("it cannot give the lease back", vm->number, status);
    status = ask_anywhere(vm, RELEASE_OP_ACQUIRE);
    if (status != RELEASE_STATUS_RETRY && status != RELEASE_STATUS_SUPERSEDED)
        complain("it gets a second lease", vm->number, status);
}

static void *race(void *context)
{
    (void)context;
    for (unsigned i = 0; i < LIVES; i++) {
        struct vm vm;

        if (vm_start(&vm) && get_lease(&vm)) {
            advance(&vm, RELEASE_OP_CONFIRM);
            be_lied_to(&vm);
            release(&vm);
        }
        prover_end(&vm.prover);
    }
    racing--;
    return NULL;
}

TEST(two_servers_never_both_grant_while_one_dies_and_the_host_lies)
{
    pthread_t racers[RACERS];
    unsigned deaths = 0;

    racing = RACERS;
    last_committed = look().has_committed ? lease_counter(look().committed) : 0;
    for (unsigned i = 0; i < RACERS; i++)
        assert_int_equal(pthread_create(&racers[i], NULL, race, NULL), 0);
    while (racing > 0) {
        if (is_dead(MORTAL, WNOHANG)) {
            deaths++;
            *until_death = 0;
            start(MORTAL);
        } else if (*until_death == 0) {
            *until_death = 1 + (uint32_t)rand() % DEAD_MAX;
        }
        usleep(PAUSE_US);
    }
    *until_death = 0;
    for (unsigned i = 0; i < RACERS; i++)
        pthread_join(racers[i], NULL);
    assert_int_equal(problems, 0);
    assert_int_equal(lease_counter(look().committed), last_committed);
    expect_whole_log();
    print_message("%u lives, and %u deaths of a server\n", RACERS * LIVES, deaths);
}

TEST_GROUP(begin, end)

int main(int count, char **arguments)
{
    if (count != 4)
        return 2;
    kbs_program = arguments[1];
    sp_program = arguments[2];
    die_at = arguments[3];
    signal(SIGPIPE, SIG_IGN);
    return tests_run();
}
