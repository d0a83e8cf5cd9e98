/* SPDX-License-Identifier: MIT */
#include "tests/unit/attest/lease_kbs.h"

#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/ec.h>
#include <openssl/evp.h>

#include "lib/base/bytes.h"
#include "services/common/channel.h"
#include "tests/unit/attest/fake_amd_sp.h"
#include "tests/unit/registered.h"

#define START 1000000 /* the KBS's clock */

struct fake_proxy proxy;
struct attest_service service;
EVP_PKEY *kbs_key;
struct state_grant grant;
struct lease_kbs kbs;
struct lease_certificates certificates;
uint8_t last_body[CHANNEL_MESSAGE_MAX];

static struct fake_amd_sp sp;
static int key_pipe[2];

static bool decide(const struct release_request *request, const struct snp_report *report,
                   struct release_record *answer)
{
    struct lease_input input = {
        .request = request, .policy = &kbs.policy, .now = kbs.now, .new_lease = {0x1e}};
    struct lease_output output;

    kbs.last = *request;
    kbs.sequences[kbs.asked++ % 16] = request->sequence;
    if (kbs.before && kbs.lose > 0) {
        kbs.lose--;
        return false;
    }
    if (kbs.policy.mode != LEASE_OFF) {
        memcpy(input.report_id, report->report_id, sizeof(input.report_id));
        output = lease_step(&kbs.record, &input);
        answer->status = (uint8_t)lease_status(output.reason);
        lease_tell(&kbs.record, &input, &output, answer);
        answer->has_key_version = answer->has_lease;
        answer->key_version =
            kbs.record.next_version ? kbs.record.next_version : kbs.record.key_version;
    }
    if (kbs.spoil)
        kbs.spoil(request, answer);
    return kbs.lose == 0 || kbs.lose-- == 0;
}

static void pause_kbs(unsigned int seconds)
{
    kbs.now += seconds;
    kbs.paused += seconds;
    if (kbs.meanwhile)
        kbs.meanwhile();
}

int lease_kbs_start(void **state)
{
    (void)state;
    memset(&service, 0, sizeof(service));
    memset(&kbs, 0, sizeof(kbs));
    memset(&certificates, 0, sizeof(certificates));
    fake_amd_sp_init(&sp);
    guest_requester_init(&service.requester, fake_amd_sp_interface(&sp), sp.vmpck0);
    kbs_key = EVP_EC_gen("P-384");
    service.terms = (struct release_terms){.pin_count = 1, .has_volume = true, .volume = {0xAB}};
    service.timeout = 20000;
    service.lease.pause = pause_kbs;
    fake_proxy_init(&proxy, &service.proxy);
    fake_proxy_advertise(&proxy, kbs_key, 0x11);
    proxy.decide = decide;
    kbs.now = START;
    kbs.policy = (struct lease_policy){.mode = LEASE_BOOT,
                                       .same_epoch = true,
                                       .manufacture = true,
                                       .pending_time = 120,
                                       .active_time = 60};
    kbs.record.key_version = 1;
    assert_int_equal(pipe(key_pipe), 0);
    service.state_key = key_pipe[1];
    return release_pin_of(kbs_key, &service.terms.pins[0]) ? 0 : -1;
}

int lease_kbs_end(void **state)
{
    (void)state;
    exchange_end(service.lease.exchange);
    fake_proxy_release(&proxy);
    close(service.proxy);
    close(key_pipe[0]);
    close(key_pipe[1]);
    EVP_PKEY_free(kbs_key);
    return 0;
}

static void set_payload(uint32_t operation)
{
    if (operation == ATTEST_FETCH_KEY && kbs.record.next_version)
        proxy.secret_size = 2 * STATE_KEY_SIZE;
    if (operation != ATTEST_CONFIRM)
        return;
    proxy.secret_size = certificates.size > 0 ? certificates.size : 1;
    memcpy(proxy.secret, certificates.sent, proxy.secret_size);
}

static unsigned int pendings;

/* As the SVSM does, which has the guest run between: until it is something else than pending. */
static uint32_t answer_of(const uint8_t *request, size_t size)
{
    size_t answered;

    pendings = 0;
    do
        answered = channel_answer(attest_service_handle, &service, request, size, last_body);
    while (get_le32(last_body) == ATTEST_STATUS_PENDING && ++pendings < 10000);
    /* The seconds that the lease lasts, and perhaps certificates, or what is wrong. */
    assert_true(answered == 4 || (answered >= 8 && get_le32(last_body) == 0));
    certificates.given_size = answered > 8 ? answered - 8 : 0;
    memcpy(certificates.given, last_body + 8, certificates.given_size);
    return get_le32(last_body);
}

/* One request on the channel, which may take so many exchanges; the status. */
uint32_t ask(uint32_t operation, const void *arguments, size_t size, unsigned int exchanges)
{
    uint8_t request[CHANNEL_MESSAGE_MAX];
    int client = service.proxy;
    uint32_t status;

    /* The thread ends when it has played them all, or when the client hangs up. */
    put_le32(request, operation);
    memcpy(request + 4, arguments, size);
    proxy.exchanges = exchanges;
    set_payload(operation);
    fake_proxy_start(&proxy);
    status = answer_of(request, 4 + size);
    shutdown(client, SHUT_WR);
    fake_proxy_join(&proxy);
    fake_proxy_release(&proxy);
    close(client);
    fake_proxy_init(&proxy, &service.proxy);
    fake_proxy_advertise(&proxy, kbs_key, 0x11);
    proxy.decide = decide;
    return status;
}

uint32_t acquire(unsigned int exchanges)
{
    uint32_t status = ask(ATTEST_FETCH_KEY, "", 0, exchanges);
    struct pollfd key = {.fd = key_pipe[0], .events = POLLIN};

    memset(&grant, 0xEE, sizeof(grant));
    if (status == ATTEST_STATUS_DONE)
        assert_int_equal(read(key_pipe[0], &grant, sizeof(grant)), sizeof(grant));
    assert_int_equal(poll(&key, 1, 0), 0); /* the TPM is handed nothing besides */
    return status;
}

/* An operation about a state. */
uint32_t keep(uint32_t operation, uint64_t counter, unsigned int exchanges)
{
    struct state_name to = {.counter = counter, .root = {(uint8_t)counter}};

    return ask(operation, &to, sizeof(to), exchanges);
}

uint32_t confirm(uint64_t counter, unsigned int exchanges)
{
    return keep(ATTEST_CONFIRM, counter, exchanges);
}

/* Another VM got the lease some time ago. */
void let_another_have_it(enum lease_phase phase, time_t ago)
{
    kbs.record.phase = phase;
    kbs.record.epoch = 7;
    memset(kbs.record.holder, 0xAA, sizeof(kbs.record.holder));
    kbs.record.granted = kbs.now - 1000;
    kbs.record.renewed = kbs.now - ago;
}

void assert_committed(uint64_t counter)
{
    assert_true(kbs.record.has_committed);
    assert_int_equal(lease_counter(kbs.record.committed), counter);
    assert_int_equal(kbs.record.committed[8], counter);
}

void assert_sequences_rise(void)
{
    for (unsigned int i = 1; i < kbs.asked; i++)
        assert_true(kbs.sequences[i - 1] < kbs.sequences[i]);
}
