/* SPDX-License-Identifier: MIT */
/* Leases, with the KBS's own rules (kbs/lease/) behind the proxy, and every wrong answer. */
#include <string.h>

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

#include "lib/base/bytes.h"
#include "lib/ek/template.h"
#include "services/common/channel.h"
#include "tests/unit/attest/lease_kbs.h"
#include "tests/unit/registered.h"

TEST_FIXTURE(a_first_boot_acquires_and_confirms, lease_kbs_start, lease_kbs_end)
{
    assert_int_equal(acquire(1), ATTEST_STATUS_DONE);
    assert_int_equal(grant.flags, STATE_GRANT_LEASED | STATE_GRANT_MANUFACTURE);
    assert_int_equal(grant.epoch, kbs.record.epoch);
    assert_memory_equal(grant.volume_id, service.terms.volume, sizeof(grant.volume_id));
    assert_int_equal(grant.key[63], 63);
    assert_int_equal(kbs.record.phase, LEASE_PENDING);
    assert_int_equal(confirm(1, 1), ATTEST_STATUS_DONE);
    assert_int_equal(kbs.record.phase, LEASE_ACTIVE);
    assert_committed(1);
    assert_int_equal(kbs.asked, 2);
    assert_sequences_rise();
    assert_int_equal(kbs.last.op, RELEASE_OP_CONFIRM);
    assert_false(kbs.last.has_from);
}

TEST_FIXTURE(a_later_boot_is_told_the_committed_state, lease_kbs_start, lease_kbs_end)
{
    kbs.record.has_committed = true;
    put_be64(kbs.record.committed, 5);
    memset(kbs.record.committed + 8, 0xC0, STATE_ROOT_SIZE);
    kbs.record.committed_epoch = 6;
    kbs.record.epoch = 6;
    kbs.record.generation = 2;
    assert_int_equal(acquire(1), ATTEST_STATUS_DONE);
    assert_int_equal(grant.flags,
                     STATE_GRANT_LEASED | STATE_GRANT_COMMITTED | STATE_GRANT_SAME_EPOCH);
    assert_int_equal(grant.committed.counter, 5);
    assert_int_equal(grant.committed.root[47], 0xC0);
    assert_int_equal(grant.committed_epoch, 6);
    assert_int_equal(grant.generation, 2);
    assert_int_equal(confirm(9, 1), ATTEST_STATUS_DONE);
    assert_committed(9);
}

/* An owner who accepted a state accepts no later one of its epoch. */
TEST_FIXTURE(an_accepted_state_comes_without_its_epoch, lease_kbs_start, lease_kbs_end)
{
    kbs.record.has_committed = true;
    put_be64(kbs.record.committed, 5);
    assert_int_equal(acquire(1), ATTEST_STATUS_DONE);
    assert_int_equal(grant.flags, STATE_GRANT_LEASED | STATE_GRANT_COMMITTED);
}

TEST_FIXTURE(a_volume_without_leases_brings_its_key_as_ever, lease_kbs_start, lease_kbs_end)
{
    static const uint8_t zeros[sizeof(grant) - STATE_KEY_SIZE];

    kbs.policy.mode = LEASE_OFF;
    assert_int_equal(acquire(1), ATTEST_STATUS_DONE);
    assert_memory_equal(grant.key, proxy.secret, sizeof(grant.key));
    assert_memory_equal((uint8_t *)&grant + STATE_KEY_SIZE, zeros, sizeof(zeros));
    assert_int_equal(confirm(1, 1), ATTEST_STATUS_MALFORMED_REQUEST);
    assert_int_equal(kbs.asked, 1);
}

TEST_FIXTURE(who_finds_another_vm_there_waits_for_its_lease_to_end, lease_kbs_start, lease_kbs_end)
{
    let_another_have_it(LEASE_ACTIVE, 20);
    assert_int_equal(acquire(20), ATTEST_STATUS_DONE);
    assert_in_range(kbs.paused, 40, 41);
    assert_int_equal(kbs.record.holder[0] == 0xAA, false);
}

static void owner_breaks_lease(void)
{
    (void)!lease_break(&kbs.record);
}

TEST_FIXTURE(a_lease_that_the_owner_breaks_is_not_waited_for, lease_kbs_start, lease_kbs_end)
{
    let_another_have_it(LEASE_ACTIVE, 0);
    kbs.meanwhile = owner_breaks_lease;
    assert_int_equal(acquire(20), ATTEST_STATUS_DONE);
    assert_int_equal(kbs.paused, LEASE_ASK_AGAIN);
}

static void other_vm_renews(void)
{
    kbs.record.renewed = kbs.now;
}

TEST_FIXTURE(a_vm_that_goes_on_is_not_waited_for_longer_than_a_leases_time, lease_kbs_start,
             lease_kbs_end)
{
    let_another_have_it(LEASE_ACTIVE, 0);
    kbs.meanwhile = other_vm_renews;
    assert_int_equal(acquire(20), ATTEST_STATUS_KBS_REFUSED);
    assert_int_equal(kbs.paused, 61);
    assert_int_equal(kbs.record.epoch, 7);
}

TEST_FIXTURE(a_lease_without_end_is_not_waited_for, lease_kbs_start, lease_kbs_end)
{
    kbs.policy.active_time = LEASE_FOREVER;
    let_another_have_it(LEASE_ACTIVE, 0);
    assert_int_equal(acquire(20), ATTEST_STATUS_KBS_REFUSED);
    assert_int_equal(kbs.paused, 0);
    assert_int_equal(kbs.asked, 1);
}

TEST_FIXTURE(a_lost_grant_is_given_again, lease_kbs_start, lease_kbs_end)
{
    kbs.lose = 1;
    assert_int_equal(acquire(1), ATTEST_STATUS_KBS_GATEWAY);
    assert_int_equal(acquire(1), ATTEST_STATUS_DONE);
    assert_int_equal(grant.epoch, kbs.record.epoch);
    assert_int_equal(confirm(1, 1), ATTEST_STATUS_DONE);
    assert_sequences_rise();
}

TEST_FIXTURE(a_lost_confirmation_is_asked_for_again, lease_kbs_start, lease_kbs_end)
{
    assert_int_equal(acquire(1), ATTEST_STATUS_DONE);
    kbs.lose = LEASE_CONFIRM_ATTEMPTS - 1;
    assert_int_equal(confirm(1, LEASE_CONFIRM_ATTEMPTS), ATTEST_STATUS_DONE);
    assert_int_equal(kbs.asked, 1 + LEASE_CONFIRM_ATTEMPTS);
    assert_committed(1);
    assert_sequences_rise();
}

TEST_FIXTURE(confirmations_that_never_arrive_end_the_boot, lease_kbs_start, lease_kbs_end)
{
    assert_int_equal(acquire(1), ATTEST_STATUS_DONE);
    kbs.lose = 100;
    assert_int_equal(confirm(1, LEASE_CONFIRM_ATTEMPTS), ATTEST_STATUS_KBS_GATEWAY);
    assert_int_equal(kbs.asked, 1 + LEASE_CONFIRM_ATTEMPTS);
    assert_int_equal(confirm(1, 1), ATTEST_STATUS_MALFORMED_REQUEST);
}

TEST_FIXTURE(whoever_was_overtaken_gets_no_confirmation, lease_kbs_start, lease_kbs_end)
{
    assert_int_equal(acquire(1), ATTEST_STATUS_DONE);
    let_another_have_it(LEASE_PENDING, 0);
    assert_int_equal(confirm(1, 1), ATTEST_STATUS_KBS_REFUSED);
    assert_false(kbs.record.has_committed);
}

TEST_FIXTURE(a_frozen_volume_gets_no_confirmation, lease_kbs_start, lease_kbs_end)
{
    assert_int_equal(acquire(1), ATTEST_STATUS_DONE);
    assert_true(lease_freeze(&kbs.record));
    assert_int_equal(confirm(1, 1), ATTEST_STATUS_KBS_REFUSED);
    assert_false(kbs.record.has_committed);
}

TEST_FIXTURE(a_state_that_does_not_follow_gets_no_confirmation, lease_kbs_start, lease_kbs_end)
{
    kbs.record.has_committed = true;
    put_be64(kbs.record.committed, 5);
    assert_int_equal(acquire(1), ATTEST_STATUS_DONE);
    assert_int_equal(confirm(5, 1), ATTEST_STATUS_KBS_REFUSED);
}

TEST_FIXTURE(a_vm_that_confirmed_gets_no_second_key, lease_kbs_start, lease_kbs_end)
{
    assert_int_equal(acquire(1), ATTEST_STATUS_DONE);
    assert_int_equal(confirm(1, 1), ATTEST_STATUS_DONE);
    assert_int_equal(acquire(1), ATTEST_STATUS_KBS_REFUSED);
}

/* Answers of a KBS that is not as it should be */

static void without_epoch(const struct release_request *request, struct release_record *record)
{
    (void)request;
    record->has_epoch = false;
}

static void epoch_zero(const struct release_request *request, struct release_record *record)
{
    (void)request;
    record->epoch = 0;
}

static void without_lease(const struct release_request *request, struct release_record *record)
{
    (void)request;
    record->has_lease = false;
}

static void without_time(const struct release_request *request, struct release_record *record)
{
    (void)request;
    record->has_ttl = false;
}

static void without_policy(const struct release_request *request, struct release_record *record)
{
    (void)request;
    record->has_flags = false;
}

static void without_generation(const struct release_request *request, struct release_record *record)
{
    (void)request;
    record->has_generation = false;
}

static void only_a_committed_state(const struct release_request *request,
                                   struct release_record *record)
{
    (void)request;
    record->has_epoch = record->has_lease = record->has_ttl = record->has_flags = false;
    record->has_committed = true;
}

static void epoch_of_no_state(const struct release_request *request, struct release_record *record)
{
    (void)request;
    record->has_committed = false;
    record->has_committed_epoch = true;
}

static void without_volume(const struct release_request *request, struct release_record *record)
{
    (void)request;
    record->has_volume = false;
}

TEST_FIXTURE(a_lease_of_no_volume_is_refused, lease_kbs_start, lease_kbs_end)
{
    service.terms.has_volume = false;
    kbs.spoil = without_volume;
    assert_int_equal(acquire(1), ATTEST_STATUS_PROTOCOL);
}

TEST_FIXTURE(half_a_lease_is_refused, lease_kbs_start, lease_kbs_end)
{
    static void (*const spoils[])(const struct release_request *, struct release_record *) = {
        without_epoch,  epoch_zero,         without_lease,     without_time,
        without_policy, without_generation, epoch_of_no_state, only_a_committed_state,
    };

    for (size_t i = 0; i < sizeof(spoils) / sizeof(spoils[0]); i++) {
        kbs.spoil = spoils[i];
        assert_int_equal(acquire(1), ATTEST_STATUS_PROTOCOL);
        assert_int_equal(confirm(1, 1), ATTEST_STATUS_MALFORMED_REQUEST);
        lease_kbs_end(state);
        lease_kbs_start(state);
    }
}

static uint32_t other_policy;

static void another_policy(const struct release_request *request, struct release_record *record)
{
    (void)request;
    record->flags = other_policy;
}

TEST_FIXTURE(a_policy_that_cannot_be_kept_is_refused, lease_kbs_start, lease_kbs_end)
{
    static const uint32_t policies[] = {
        0,
        RELEASE_FLAG_BOOT,
        RELEASE_FLAG_SAME_EPOCH,
        RELEASE_FLAG_CLASSED,
        RELEASE_FLAG_STRICT | RELEASE_FLAG_CLASSED | RELEASE_FLAG_SAME_EPOCH,
        RELEASE_FLAG_BOOT | RELEASE_FLAG_SAME_EPOCH | RELEASE_FLAG_STRICT,
    };

    for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++) {
        kbs.spoil = another_policy;
        other_policy = policies[i];
        assert_int_equal(acquire(1), ATTEST_STATUS_VERSION);
        lease_kbs_end(state);
        lease_kbs_start(state);
    }
}

TEST_FIXTURE(what_is_anchored_while_the_guest_runs_is_the_policys, lease_kbs_start, lease_kbs_end)
{
    static const struct {
        enum lease_mode mode;
        bool same_epoch;
        uint64_t flags;
    } policies[] = {
        {LEASE_BOOT, true, 0},
        {LEASE_CLASSED, true, STATE_GRANT_ANCHOR_MAJOR},
        {LEASE_STRICT, true, STATE_GRANT_ANCHOR_ALL},
        {LEASE_STRICT, false, STATE_GRANT_ANCHOR_ALL},
    };

    for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++) {
        kbs.policy.mode = policies[i].mode;
        kbs.policy.same_epoch = policies[i].same_epoch;
        assert_int_equal(acquire(1), ATTEST_STATUS_DONE);
        assert_int_equal(grant.flags,
                         STATE_GRANT_LEASED | STATE_GRANT_MANUFACTURE | policies[i].flags);
        lease_kbs_end(state);
        lease_kbs_start(state);
    }
}

/* Without states of the same epoch the KBS takes each state's successor only. */
TEST_FIXTURE(strictly_each_state_is_anchored_after_the_one_before, lease_kbs_start, lease_kbs_end)
{
    kbs.policy.mode = LEASE_STRICT;
    kbs.policy.same_epoch = false;
    assert_int_equal(acquire(1), ATTEST_STATUS_DONE);
    assert_int_equal(confirm(1, 1), ATTEST_STATUS_DONE);
    kbs.lose = 1;
    assert_int_equal(keep(ATTEST_ANCHOR, 2, 1), ATTEST_STATUS_KBS_GATEWAY);
    assert_int_equal(keep(ATTEST_ANCHOR, 2, 1), ATTEST_STATUS_DONE);
    assert_int_equal(keep(ATTEST_RELEASE, 3, 1), ATTEST_STATUS_DONE);
    assert_committed(3);
}

/* The host hands an answer of ACQUIRE to CONFIRM. */
static void about_acquire(const struct release_request *request, struct release_record *record)
{
    (void)request;
    record->op = RELEASE_OP_ACQUIRE;
}

TEST_FIXTURE(a_confirmation_is_an_answer_to_that_question, lease_kbs_start, lease_kbs_end)
{
    assert_int_equal(acquire(1), ATTEST_STATUS_DONE);
    kbs.spoil = about_acquire;
    assert_int_equal(confirm(1, 1), ATTEST_STATUS_UNSIGNED);
}

TEST_FIXTURE(a_confirmation_of_the_host_itself_is_none, lease_kbs_start, lease_kbs_end)
{
    EVP_PKEY *other = EVP_EC_gen("P-384");

    assert_int_equal(acquire(1), ATTEST_STATUS_DONE);
    proxy.signer = other;
    assert_int_equal(confirm(1, 1), ATTEST_STATUS_UNSIGNED);
    EVP_PKEY_free(other);
}

TEST_FIXTURE(a_host_that_says_yes_confirms_nothing, lease_kbs_start, lease_kbs_end)
{
    assert_int_equal(acquire(1), ATTEST_STATUS_DONE);
    proxy.attestation = "{\"success\":true}";
    assert_int_equal(confirm(1, 1), ATTEST_STATUS_PROTOCOL);
    assert_false(kbs.record.has_committed);
}

TEST_FIXTURE(a_confirmation_that_is_malformed_is_asked_of_nobody, lease_kbs_start, lease_kbs_end)
{
    const uint8_t bytes[sizeof(struct state_name) + 1] = {0};

    assert_int_equal(acquire(1), ATTEST_STATUS_DONE);
    assert_int_equal(ask(ATTEST_CONFIRM, bytes, sizeof(bytes), 1), ATTEST_STATUS_MALFORMED_REQUEST);
    assert_int_equal(ask(ATTEST_CONFIRM, bytes, sizeof(bytes) - 2, 1),
                     ATTEST_STATUS_MALFORMED_REQUEST);
    assert_int_equal(kbs.asked, 1);
}

/* While the guest runs */

static uint32_t renew(unsigned int exchanges)
{
    return ask(ATTEST_RENEW, "", 0, exchanges);
}

static void boot(void)
{
    assert_int_equal(acquire(1), ATTEST_STATUS_DONE);
    assert_int_equal(confirm(1, 1), ATTEST_STATUS_DONE);
    assert_int_equal(get_le32(last_body + 4), 60);
}

TEST_FIXTURE(a_lease_that_is_given_back_is_anybodys_at_once, lease_kbs_start, lease_kbs_end)
{
    boot();
    assert_int_equal(keep(ATTEST_RELEASE, 5, 1), ATTEST_STATUS_DONE);
    assert_int_equal(kbs.record.phase, LEASE_RELEASED);
    assert_committed(5);
    assert_int_equal(kbs.last.op, RELEASE_OP_RELEASE);
    assert_int_equal(lease_left(&kbs.record, &kbs.policy, kbs.now), 0);
    assert_sequences_rise();
}

TEST_FIXTURE(without_a_change_since_the_boot_it_is_given_back_too, lease_kbs_start, lease_kbs_end)
{
    boot();
    assert_int_equal(keep(ATTEST_RELEASE, 1, 1), ATTEST_STATUS_DONE);
    assert_int_equal(kbs.record.phase, LEASE_RELEASED);
    assert_committed(1);
}

TEST_FIXTURE(the_same_vm_takes_it_up_again_as_long_as_nobody_else_did, lease_kbs_start,
             lease_kbs_end)
{
    boot();
    assert_int_equal(keep(ATTEST_RELEASE, 5, 1), ATTEST_STATUS_DONE);
    assert_int_equal(renew(1), ATTEST_STATUS_DONE);
    assert_int_equal(kbs.record.phase, LEASE_ACTIVE);
    assert_int_equal(keep(ATTEST_RELEASE, 9, 1), ATTEST_STATUS_DONE);
    assert_committed(9);
    let_another_have_it(LEASE_PENDING, 0);
    assert_int_equal(renew(1), ATTEST_STATUS_LEASE_LOST);
    assert_committed(9);
}

/* The KBS has done it, or never heard of it: the VM cannot tell, and asks the same again. */
TEST_FIXTURE(a_lost_release_is_made_up_for, lease_kbs_start, lease_kbs_end)
{
    for (int before = 0; before <= 1; before++) {
        boot();
        kbs.before = before;
        kbs.lose = 1;
        assert_int_equal(keep(ATTEST_RELEASE, 5, 1), ATTEST_STATUS_KBS_GATEWAY);
        assert_int_equal(kbs.record.phase, before ? LEASE_ACTIVE : LEASE_RELEASED);
        assert_int_equal(keep(ATTEST_RELEASE, 5, 1), ATTEST_STATUS_DONE);
        assert_int_equal(kbs.record.phase, LEASE_RELEASED);
        assert_committed(5);
        assert_sequences_rise();
        lease_kbs_end(state);
        lease_kbs_start(state);
    }
}

TEST_FIXTURE(a_vm_that_goes_on_after_a_lost_release_is_not_taken_for_another, lease_kbs_start,
             lease_kbs_end)
{
    for (int before = 0; before <= 1; before++) {
        boot();
        kbs.before = before;
        kbs.lose = 1;
        assert_int_equal(keep(ATTEST_RELEASE, 5, 1), ATTEST_STATUS_KBS_GATEWAY);
        assert_int_equal(renew(1), ATTEST_STATUS_DONE);
        assert_int_equal(kbs.record.phase, LEASE_ACTIVE);
        /* It builds on state 5, if that is the committed one, and on state 1 otherwise. */
        assert_int_equal(keep(ATTEST_RELEASE, 8, 2), ATTEST_STATUS_DONE);
        assert_int_equal(kbs.record.phase, LEASE_RELEASED);
        assert_committed(8);
        lease_kbs_end(state);
        lease_kbs_start(state);
    }
}

TEST_FIXTURE(a_renewal_lets_the_lease_last_from_now_on, lease_kbs_start, lease_kbs_end)
{
    boot();
    kbs.now += 50;
    assert_int_equal(renew(1), ATTEST_STATUS_DONE);
    assert_int_equal(get_le32(last_body + 4), 60);
    assert_int_equal(lease_left(&kbs.record, &kbs.policy, kbs.now), 60);
    kbs.now += 1000; /* it is over, and nobody took over */
    assert_int_equal(renew(1), ATTEST_STATUS_DONE);
    assert_committed(1);
    assert_int_equal(kbs.last.has_from, false);
}

/* Without a proxy that plays: the call comes back. */
static uint32_t renew_unanswered(void)
{
    const uint8_t request[] = {ATTEST_RENEW, 0, 0, 0};

    assert_int_equal(
        channel_answer(attest_service_handle, &service, request, sizeof(request), last_body), 4);
    return get_le32(last_body);
}

TEST_FIXTURE(nobody_waits_for_the_answer, lease_kbs_start, lease_kbs_end)
{
    boot();
    for (int i = 0; i < 3; i++)
        assert_int_equal(renew_unanswered(), ATTEST_STATUS_PENDING);
    assert_int_equal(renew(1), ATTEST_STATUS_DONE);
    assert_int_equal(kbs.asked, 3);
}

TEST_FIXTURE(a_short_lease_outlasts_an_answer_that_is_lost, lease_kbs_start, lease_kbs_end)
{
    time_t began = time(NULL);
    uint32_t status;

    boot();
    kbs.policy.active_time = 6;
    assert_int_equal(renew(1), ATTEST_STATUS_DONE);
    do {
        status = renew_unanswered();
        assert_true(time(NULL) - began < 15); /* 20 s are what a longer lease allows */
    } while (status == ATTEST_STATUS_PENDING);
    assert_int_equal(status, ATTEST_STATUS_PROXY_SILENT);
}

TEST_FIXTURE(what_was_begun_is_ended_before_something_else_begins, lease_kbs_start, lease_kbs_end)
{
    boot();
    assert_int_equal(renew_unanswered(), ATTEST_STATUS_PENDING);
    assert_int_equal(keep(ATTEST_RELEASE, 5, 2), ATTEST_STATUS_DONE);
    assert_int_equal(kbs.asked, 4);
    assert_int_equal(kbs.record.phase, LEASE_RELEASED);
}

TEST_FIXTURE(whoever_was_overtaken_is_told_so_for_ever, lease_kbs_start, lease_kbs_end)
{
    unsigned int asked;

    boot();
    let_another_have_it(LEASE_ACTIVE, 0);
    assert_int_equal(renew(1), ATTEST_STATUS_LEASE_LOST);
    asked = kbs.asked;
    assert_int_equal(renew(1), ATTEST_STATUS_LEASE_LOST);
    assert_int_equal(keep(ATTEST_RELEASE, 5, 1), ATTEST_STATUS_LEASE_LOST);
    assert_int_equal(kbs.asked, asked);
    assert_committed(1);
}

TEST_FIXTURE(a_broken_lease_is_lost_though_nobody_took_over, lease_kbs_start, lease_kbs_end)
{
    boot();
    owner_breaks_lease();
    assert_int_equal(renew(1), ATTEST_STATUS_LEASE_LOST);
}

TEST_FIXTURE(a_frozen_volume_keeps_the_lease_and_takes_no_state, lease_kbs_start, lease_kbs_end)
{
    boot();
    assert_true(lease_freeze(&kbs.record));
    assert_int_equal(renew(1), ATTEST_STATUS_KBS_REFUSED);
    assert_int_equal(keep(ATTEST_RELEASE, 5, 1), ATTEST_STATUS_KBS_REFUSED);
    assert_committed(1);
    assert_true(lease_thaw(&kbs.record));
    assert_int_equal(renew(1), ATTEST_STATUS_DONE);
    assert_int_equal(keep(ATTEST_RELEASE, 5, 1), ATTEST_STATUS_DONE);
    assert_committed(5);
}

static void another_epoch(const struct release_request *request, struct release_record *record)
{
    (void)request;
    record->epoch++;
}

static void another_lease(const struct release_request *request, struct release_record *record)
{
    (void)request;
    record->lease[0] ^= 1;
}

/* The host's answers are no answers, and cost neither the lease nor a state. */
TEST_FIXTURE(what_the_kbs_did_not_sign_for_this_lease_is_no_answer, lease_kbs_start, lease_kbs_end)
{
    static void (*const spoils[])(const struct release_request *, struct release_record *) = {
        another_epoch, another_lease, without_epoch, without_lease, without_time, about_acquire,
    };
    EVP_PKEY *other = EVP_EC_gen("P-384");

    boot();
    for (size_t i = 0; i < sizeof(spoils) / sizeof(spoils[0]); i++) {
        kbs.spoil = spoils[i];
        assert_int_not_equal(keep(ATTEST_RELEASE, 5, 1), ATTEST_STATUS_DONE);
        assert_int_equal(service.lease.stage, LEASE_STAGE_KEPT);
        assert_true(service.lease.in_doubt);
    }
    kbs.spoil = NULL;
    proxy.signer = other;
    assert_int_equal(renew(1), ATTEST_STATUS_UNSIGNED);
    fake_proxy_advertise(&proxy, kbs_key, 0x11);
    proxy.attestation = "{\"success\":true}";
    assert_int_equal(renew(1), ATTEST_STATUS_PROTOCOL);
    assert_int_equal(keep(ATTEST_RELEASE, 5, 1), ATTEST_STATUS_DONE);
    assert_committed(5);
    EVP_PKEY_free(other);
}

TEST_FIXTURE(before_the_confirmation_there_is_nothing_to_keep, lease_kbs_start, lease_kbs_end)
{
    assert_int_equal(renew(1), ATTEST_STATUS_MALFORMED_REQUEST);
    assert_int_equal(acquire(1), ATTEST_STATUS_DONE);
    assert_int_equal(renew(1), ATTEST_STATUS_MALFORMED_REQUEST);
    assert_int_equal(keep(ATTEST_ANCHOR, 1, 1), ATTEST_STATUS_MALFORMED_REQUEST);
    assert_int_equal(kbs.asked, 1);
}

TEST_FIXTURE(a_state_is_anchored_while_the_guest_runs, lease_kbs_start, lease_kbs_end)
{
    boot();
    assert_int_equal(keep(ATTEST_ANCHOR, 2, 1), ATTEST_STATUS_DONE);
    assert_committed(2);
    kbs.lose = 1;
    assert_int_equal(keep(ATTEST_ANCHOR, 3, 1), ATTEST_STATUS_KBS_GATEWAY);
    assert_int_equal(keep(ATTEST_ANCHOR, 4, 2), ATTEST_STATUS_DONE);
    assert_committed(4);
    assert_int_equal(kbs.record.phase, LEASE_ACTIVE);
}

/* COMPLAIN */

TEST_FIXTURE(the_owner_learns_what_a_refused_disk_shows, lease_kbs_start, lease_kbs_end)
{
    kbs.record.has_committed = true;
    put_be64(kbs.record.committed, 5);
    assert_int_equal(acquire(1), ATTEST_STATUS_DONE);
    assert_int_equal(keep(ATTEST_COMPLAIN, 3, 1), ATTEST_STATUS_DONE);
    assert_true(kbs.record.complaint.has_state);
    assert_int_equal(lease_counter(kbs.record.complaint.state), 3);
    assert_int_equal(kbs.record.complaint.state[8], 3);
    assert_int_equal(lease_left(&kbs.record, &kbs.policy, kbs.now), 0);
    assert_int_equal(keep(ATTEST_COMPLAIN, 3, 1), ATTEST_STATUS_MALFORMED_REQUEST);
    assert_int_equal(confirm(6, 1), ATTEST_STATUS_MALFORMED_REQUEST);
}

TEST_FIXTURE(of_a_disk_that_shows_nothing_it_is_said_so, lease_kbs_start, lease_kbs_end)
{
    assert_int_equal(acquire(1), ATTEST_STATUS_DONE);
    assert_int_equal(ask(ATTEST_COMPLAIN, "", 0, 1), ATTEST_STATUS_DONE);
    assert_int_not_equal(kbs.record.complaint.when, 0);
    assert_false(kbs.record.complaint.has_state);
}

TEST_FIXTURE(after_the_confirmation_there_is_nothing_to_complain_of, lease_kbs_start, lease_kbs_end)
{
    boot();
    assert_int_equal(keep(ATTEST_COMPLAIN, 3, 1), ATTEST_STATUS_MALFORMED_REQUEST);
    assert_int_equal(kbs.record.complaint.when, 0);
}

/* Endorsement keys */

struct unconfirmed {
    struct state_name state;
    struct ek_request ek;
};

static struct unconfirmed with_keys(void)
{
    struct unconfirmed unconfirmed = {.state = {.counter = 1, .root = {1}}};

    memset(&unconfirmed.ek.keys, 0xE5, sizeof(unconfirmed.ek.keys));
    return unconfirmed;
}

TEST_FIXTURE(a_confirmation_brings_certificates_of_the_endorsement_keys, lease_kbs_start,
             lease_kbs_end)
{
    struct unconfirmed unconfirmed = with_keys();
    uint8_t public[EK_PUBLIC_MAX], digest[EK_DIGEST_SIZE];
    struct writer w = writer_over(public, sizeof(public));

    memset(certificates.sent, 0xCE, sizeof(certificates.sent));
    certificates.size = EK_CERTIFICATES_MAX;
    assert_int_equal(acquire(1), ATTEST_STATUS_DONE);
    assert_int_equal(certificates.given_size, 0);
    assert_int_equal(ask(ATTEST_CONFIRM, &unconfirmed, sizeof(unconfirmed), 1), ATTEST_STATUS_DONE);
    assert_int_equal(certificates.given_size, certificates.size);
    assert_memory_equal(certificates.given, certificates.sent, certificates.size);

    assert_true(kbs.last.has_ek_keys && kbs.last.has_ek_digest);
    assert_false(kbs.last.has_ek_certificates);
    assert_memory_equal(kbs.last.ek_keys, &unconfirmed.ek.keys, sizeof(unconfirmed.ek.keys));
    assert_true(ek_public_write(&w, EK_RSA_2048, &unconfirmed.ek.keys));
    SHA384(public, w.used, digest);
    assert_memory_equal(kbs.last.ek_digest, digest, sizeof(digest));
}

TEST_FIXTURE(a_tpm_that_has_certificates_says_which, lease_kbs_start, lease_kbs_end)
{
    struct unconfirmed unconfirmed = with_keys();

    unconfirmed.ek.certificates[3] = 9;
    assert_int_equal(acquire(1), ATTEST_STATUS_DONE);
    assert_int_equal(ask(ATTEST_CONFIRM, &unconfirmed, sizeof(unconfirmed), 1), ATTEST_STATUS_DONE);
    assert_int_equal(certificates.given_size, 0);
    assert_true(kbs.last.has_ek_certificates);
    assert_memory_equal(kbs.last.ek_certificates, unconfirmed.ek.certificates, EK_DIGEST_SIZE);
}

TEST_FIXTURE(half_of_what_is_to_be_certified_is_malformed, lease_kbs_start, lease_kbs_end)
{
    struct unconfirmed unconfirmed = with_keys();

    assert_int_equal(acquire(1), ATTEST_STATUS_DONE);
    assert_int_equal(ask(ATTEST_CONFIRM, &unconfirmed, sizeof(unconfirmed) - 1, 0),
                     ATTEST_STATUS_MALFORMED_REQUEST);
    assert_int_equal(ask(ATTEST_CONFIRM, &unconfirmed, sizeof(unconfirmed.state) + 1, 0),
                     ATTEST_STATUS_MALFORMED_REQUEST);
    assert_int_equal(kbs.asked, 1);
}

static void deny_all(const struct release_request *request, struct release_record *record)
{
    (void)request;
    record->status = RELEASE_STATUS_DENIED;
}

TEST_FIXTURE(certificates_of_a_refusal_are_not_looked_at, lease_kbs_start, lease_kbs_end)
{
    struct unconfirmed unconfirmed = with_keys();

    certificates.size = 100;
    assert_int_equal(acquire(1), ATTEST_STATUS_DONE);
    kbs.spoil = deny_all;
    assert_int_equal(ask(ATTEST_CONFIRM, &unconfirmed, sizeof(unconfirmed), 1),
                     ATTEST_STATUS_KBS_REFUSED);
    assert_int_equal(certificates.given_size, 0);
}
