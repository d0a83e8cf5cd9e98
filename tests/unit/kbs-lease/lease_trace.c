/* SPDX-License-Identifier: MIT */
/*
 * Holds kbs/lease/lease.c and tests/model/kbs.pml together.
 *
 * usage: lease_trace check          reads what the model's KBS did (tests/model/explore.sh
 * --traces) and does the same with the rules in C lease_trace generate SEED COUNT writes what the
 * rules in C did with random requests, for tests/model/replay.pml
 *
 * Exit status: 0 they agree, 1 the output says where they do not, 2 usage.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/kbs-lease/numbers.h"

#define LINE_MAX_SIZE 256

/* The model's traces */

static void apply_command(struct numbers *numbers, const char *command)
{
    struct lease_record *record = &numbers->record;
    bool done = false;

    if (strcmp(command, "break") == 0)
        done = lease_break(record);
    else if (strcmp(command, "accept") == 0)
        done = lease_accept(record);
    else if (strcmp(command, "freeze") == 0)
        done = lease_freeze(record);
    else if (strcmp(command, "thaw") == 0)
        done = lease_thaw(record);
    else if (strcmp(command, "rekey") == 0)
        done = lease_rekey(record, record->key_version + 1);
    else if (strcmp(command, "cancel") == 0)
        done = lease_cancel_rekey(record);
    else if (strcmp(command, "restored") == 0) {
        lease_restored(record, numbers->now);
        done = true;
    }
    if (!done)
        printf("the command %s did nothing\n", command);
}

static bool parse_step(const char *line, struct numbers_request *r, struct numbers_record *e)
{
    return sscanf(line, " KBS %u %u %u %u %u %u %u : %u : %u %u %u %u %u %u %u %u %u %u %u", &r->op,
                  &r->vm, &r->lease, &r->from, &r->to, &r->key, &r->sequence, &e->status, &e->phase,
                  &e->holder, &e->lease, &e->sequence, &e->epoch, &e->committed, &e->written_in,
                  &e->frozen, &e->complaint, &e->key, &e->rekeying) == 19;
}

/* False when the rules in C do something else. */
static bool check_line(struct numbers *numbers, struct numbers_request *request, const char *line)
{
    struct numbers_record expected, found;
    char word[16];
    unsigned expired;

    if (strncmp(line, "RUN", 3) == 0)
        numbers_begin(numbers, false);
    else if (strstr(line, "POLICY same-epoch"))
        numbers->policy.same_epoch = true;
    else if (sscanf(line, " OWNER %15s", word) == 1)
        apply_command(numbers, word);
    else if (sscanf(line, " AT %u %u %u", &expired, &request->from_counter, &request->to_counter) ==
             3)
        request->expired = expired;
    else if (parse_step(line, request, &expected)) {
        found = numbers_step(numbers, request);
        return numbers_equal(&found, &expected);
    }
    return true;
}

static int check(void)
{
    struct numbers numbers;
    struct numbers_request request = {0};
    char line[LINE_MAX_SIZE];
    unsigned steps = 0;

    numbers_begin(&numbers, false);
    for (unsigned number = 1; fgets(line, sizeof(line), stdin); number++) {
        steps += strstr(line, "KBS") != NULL;
        if (!check_line(&numbers, &request, line)) {
            printf("line %u: the rules in C do not do this: %s", number, line);
            return 1;
        }
    }
    printf("%u steps of the model's\n", steps);
    return steps > 0 ? 0 : 1;
}

/* Traces for the model */

static unsigned random_below(unsigned limit)
{
    return (unsigned)rand() % limit;
}

/* Mostly what could be: the newest lease's holder, the committed state, the next counter. */
static struct numbers_request random_request(const struct numbers *numbers, unsigned *sequence)
{
    const struct lease_record *record = &numbers->record;
    unsigned committed = record->has_committed ? record->committed[RELEASE_STATE_SIZE - 1] : 0;
    struct numbers_request r = {
        .op = random_below(7),
        .vm = 1 + random_below(12),
        .lease = numbers->grants,
        .expired = record->phase != LEASE_NONE && random_below(4) == 0,
        .sequence = random_below(5) == 0 ? *sequence : ++*sequence,
    };

    if (record->phase != LEASE_NONE && record->holder[0] != 0 && random_below(5) > 0)
        r.vm = record->holder[0];
    if (numbers->grants > 0 && random_below(8) == 0)
        r.lease = 1 + random_below(numbers->grants);
    if (r.op == RELEASE_OP_CONFIRM || r.op == RELEASE_OP_ANCHOR || r.op == RELEASE_OP_RELEASE)
        r.from = random_below(8) == 0 ? 1 + random_below(12) : committed;
    if (r.op == RELEASE_OP_CONFIRM || r.op == RELEASE_OP_ANCHOR ||
        ((r.op == RELEASE_OP_RELEASE || r.op == RELEASE_OP_COMPLAIN) && random_below(2)))
        r.to = random_below(6) == 0 ? 1 + random_below(12) : committed % 12 + 1;
    if ((r.op == RELEASE_OP_ANCHOR || r.op == RELEASE_OP_RELEASE) && r.from == 0)
        r.op = RELEASE_OP_RENEW, r.to = 0;
    if (r.op == RELEASE_OP_CONFIRM)
        r.key = random_below(8) == 0
                    ? random_below(4)
                    : record->key_version + (record->next_version ? random_below(2) : 0);
    /* In the replay state N has counter N. */
    r.from_counter = r.from;
    r.to_counter = r.to;
    return r;
}

static void random_command(struct numbers *numbers)
{
    const struct lease_record *record = &numbers->record;
    const struct {
        const char *name;
        bool has_effect;
    } commands[] = {
        {"break", record->phase != LEASE_NONE},
        {"accept", record->complaint.when != 0},
        {"freeze", !record->frozen},
        {"thaw", record->frozen},
        {"rekey", record->next_version == 0 && record->has_committed},
        {"cancel", record->next_version != 0},
        {"restored", true},
    };
    unsigned which = random_below(sizeof(commands) / sizeof(commands[0]));

    if (!commands[which].has_effect)
        return;
    apply_command(numbers, commands[which].name);
    printf("command_%s();\n", commands[which].name);
}

static int generate(unsigned count, bool same_epoch)
{
    struct numbers numbers;
    unsigned sequence = 0;

    numbers_begin(&numbers, same_epoch);
    printf("k_same_epoch = %d;\n", same_epoch);
    for (unsigned i = 0; i < count && sequence < 200; i++) {
        struct numbers_request r = random_request(&numbers, &sequence);
        struct numbers_record e = numbers_step(&numbers, &r);

        printf("step(%u, %u, %u, %u, %u, %u, %u, %d, %u, %u, %u, %u, %u, %u, %u, %u, %u, %u, %u, "
               "%u);\n",
               r.op, r.vm, r.lease, r.from, r.to, r.key, r.sequence, r.expired, e.status, e.phase,
               e.holder, e.lease, e.sequence, e.epoch, e.committed, e.written_in, e.frozen,
               e.complaint, e.key, e.rekeying);
        if (random_below(10) == 0)
            random_command(&numbers);
        if (numbers.record.frozen && random_below(2) == 0 && lease_thaw(&numbers.record))
            printf("command_thaw();\n");
    }
    return 0;
}

int main(int count, char **words)
{
    if (count == 2 && strcmp(words[1], "check") == 0)
        return check();
    if (count == 4 && strcmp(words[1], "generate") == 0) {
        unsigned seed = (unsigned)strtoul(words[2], NULL, 10);

        srand(seed);
        return generate((unsigned)strtoul(words[3], NULL, 10), seed % 2 == 1);
    }
    fprintf(stderr, "usage: %s check|generate SEED COUNT\n", words[0]);
    return 2;
}
