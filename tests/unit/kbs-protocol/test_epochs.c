/* SPDX-License-Identifier: MIT */
/* What attestation tokens say of the volume that a VM has a lease of, or had. */
#include <stdlib.h>

#include "lib/base/bytes.h"
#include "lib/jose/base64.h"
#include "tests/unit/kbs-protocol/lease_client.h"
#include "tests/unit/registered.h"

/* The claim of a token, which is handed over; the caller releases it. NULL: there is none. */
static json_t *volume_in(char *token)
{
    const char *start = strchr(token, '.') + 1;
    size_t length = (size_t)(strchr(start, '.') - start);
    char *text = malloc(length);
    json_t *claims, *volume;
    size_t size;

    assert_non_null(text);
    assert_true(base64_decode(BASE64_URL, start, length, text, length, &size));
    claims = json_loadb(text, size, 0, NULL);
    assert_true(json_is_object(json_object_get(claims, "snp-vtpm")));
    volume = json_incref(json_object_get(json_object_get(claims, "snp-vtpm"), "volume"));
    json_decref(claims);
    free(text);
    free(token);
    return volume;
}

static void be_the_vm(struct snp_report *report)
{
    memset(report->report_id, lease_vm, sizeof(report->report_id));
}

/* A guest attests itself, as Trustee's clients do, in VM number. */
static json_t *told_to_guest(struct world *world, uint8_t number)
{
    char *token;

    lease_vm = number;
    client_authenticate(&client, world);
    assert_int_equal(
        client_attest(&client, world, client_coco_body(&client, NULL, be_the_vm), NULL, &token),
        200);
    return volume_in(token);
}

static json_int_t number_of(const json_t *claim, const char *member)
{
    assert_true(json_is_integer(json_object_get(claim, member)));
    return json_integer_value(json_object_get(claim, member));
}

static void says_epochs(json_t *claim, uint64_t epoch, uint64_t current)
{
    assert_non_null(claim);
    assert_int_equal(number_of(claim, "epoch"), epoch);
    assert_int_equal(number_of(claim, "current_epoch"), current);
    json_decref(claim);
}

TEST_FIXTURE(a_guest_is_told_the_epoch_of_its_vm_and_the_current_one, lease_client_begin,
             client_end)
{
    struct world *world = *state;
    struct release_record first = lease_acquire(world, 1, NULL);
    struct release_record second;

    says_epochs(told_to_guest(world, 1), first.epoch, first.epoch);
    world->now += LEASE_TIME;
    second = lease_acquire(world, 2, NULL);
    assert_true(second.epoch > first.epoch);
    says_epochs(told_to_guest(world, 2), second.epoch, second.epoch);
    says_epochs(told_to_guest(world, 1), first.epoch, second.epoch);
}

/* The token for what the first VM's SVSM asks; the caller frees it. */
static char *token_for(struct world *world, const struct release_request *request)
{
    uint8_t challenge[RELEASE_CHALLENGE_MAX];
    size_t size;
    char *token;

    lease_vm = 1;
    client_authenticate(&client, world);
    size = client_challenge(&client, request, challenge);
    assert_int_equal(client_attest(&client, world,
                                   client_coconut_body(&client, challenge, size, be_the_vm), NULL,
                                   &token),
                     200);
    return token;
}

TEST_FIXTURE(an_svsm_is_told_what_its_request_led_to, lease_client_begin, client_end)
{
    struct world *world = *state;
    struct release_request request = {
        .op = RELEASE_OP_ACQUIRE, .has_sequence = true, .sequence = 1};
    char *token = token_for(world, &request);
    struct lease_policy policy;
    struct lease_record record;

    lease_look(world, &policy, &record);
    assert_true(record.epoch > 0);
    says_epochs(volume_in(token), record.epoch, record.epoch);
}

TEST_FIXTURE(who_keeps_a_lease_needs_no_further_token, lease_client_begin, client_end)
{
    struct world *world = *state;
    struct release_record granted = lease_acquire(world, 1, NULL);
    struct release_request request = lease_under(&granted, RELEASE_OP_CONFIRM, 0, 1);
    char *token;

    request.has_sequence = true;
    request.sequence = 1000;
    token = token_for(world, &request);
    assert_string_equal(token, "");
    free(token);
}

static bool confirmed_and_overridden(struct lease_record *record)
{
    record->has_ek_digest = true;
    memset(record->ek_digest, 0xec, sizeof(record->ek_digest));
    record->generation = 7;
    return true;
}

TEST_FIXTURE(volume_generation_and_endorsement_key_are_told_too, lease_client_begin, client_end)
{
    struct world *world = *state;
    json_t *claim;

    (void)lease_acquire(world, 1, NULL);
    claim = told_to_guest(world, 1);
    assert_true(json_is_null(json_object_get(claim, "ek_digest")));
    assert_int_equal(number_of(claim, "generation"), 0);
    assert_int_equal(strlen(json_string_value(json_object_get(claim, "id"))), 36);
    json_decref(claim);
    lease_change(world, NULL, confirmed_and_overridden);
    claim = told_to_guest(world, 1);
    assert_memory_equal(json_string_value(json_object_get(claim, "ek_digest")), "ecececec", 8);
    assert_int_equal(number_of(claim, "generation"), 7);
    json_decref(claim);
}

TEST_FIXTURE(vms_without_a_lease_have_no_volume_in_their_token, lease_client_begin, client_end)
{
    struct lease_policy off = {.mode = LEASE_OFF};
    struct world *world = *state;

    assert_null(told_to_guest(world, 1));
    (void)lease_acquire(world, 1, NULL);
    assert_null(told_to_guest(world, 2));
    lease_change(world, &off, NULL);
    assert_null(told_to_guest(world, 1));
}

TEST_GROUP(world_make_chip, world_free_chip)
