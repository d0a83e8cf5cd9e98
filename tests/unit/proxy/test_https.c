/* SPDX-License-Identifier: MIT */
/* Whom the proxy takes for the KBS. */
#include <curl/curl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/clock.h"
#include "proxy/kbs_client.h"
#include "proxy/messages.h"
#include "tests/unit/kbs/scratch.h"
#include "tests/unit/proxy/canned_kbs.h"
#include "tests/unit/proxy/certificates.h"
#include "tests/unit/registered.h"

static struct authority ours, theirs;
static char our_ca[PATH_MAX], their_ca[PATH_MAX];

static int make_authorities(void **state)
{
    if (scratch_make(state) != 0)
        return -1;
    authority_make(&ours, "ours");
    authority_make(&theirs, "theirs");
    authority_write(&ours, scratch_path("ours.pem", our_ca));
    authority_write(&theirs, scratch_path("theirs.pem", their_ca));
    return 0;
}

static int free_authorities(void **state)
{
    authority_free(&ours);
    authority_free(&theirs);
    return scratch_remove(state);
}

/* What becomes of a request to the target. */
static enum kbs_status ask(const struct http_target *target)
{
    struct turns *turns = turns_new(1);
    struct turn_share share = {0};
    struct kbs_session *session = kbs_session_new(target, turns, &share);
    json_t *body = auth_request(), *reply;
    struct kbs_request request = {KBS_STEP_AUTH, "/kbs/v0/auth", body};
    enum kbs_status status;

    assert_non_null(session);
    status = kbs_session_request(session, &request, clock_now_ms() + 10000, -1, &reply);
    if (status != KBS_OK)
        print_message("%s\n", kbs_session_problem(session));
    json_decref(reply);
    json_decref(body);
    kbs_session_free(session);
    turns_free(turns);
    return status;
}

/* The same to a KBS with that identity, when ca and pin (NULL: none) are believed. */
static enum kbs_status ask_kbs(const struct identity *identity, const char *ca, const char *pin,
                               const char *priorities)
{
    struct canned_kbs kbs = {
        .certificate = identity->certificate,
        .key = identity->key,
        .priorities = priorities,
    };
    enum kbs_status status;

    canned_kbs_start(&kbs);
    status = ask(&(struct http_target){.url = kbs.url, .ca = ca, .pin = pin});
    canned_kbs_stop(&kbs);
    return status;
}

TEST(only_the_given_authority_is_believed)
{
    struct identity identity;

    identity_make(&identity, &ours, "IP:127.0.0.1", 10);
    assert_int_equal(ask_kbs(&identity, our_ca, NULL, NULL), KBS_OK);
    assert_int_equal(ask_kbs(&identity, their_ca, NULL, NULL), KBS_NOT_TRUSTED);
    assert_int_equal(ask_kbs(&identity, NULL, NULL, NULL), KBS_NOT_TRUSTED);
    assert_int_equal(ask_kbs(&identity, "/nonexistent", NULL, NULL), KBS_NOT_TRUSTED);
    identity_free(&identity);
}

TEST(the_name_in_the_certificate_must_be_the_kbss)
{
    struct identity identity;

    identity_make(&identity, &ours, "IP:127.0.0.2, DNS:localhost", 10);
    assert_int_equal(ask_kbs(&identity, our_ca, NULL, NULL), KBS_NOT_TRUSTED);
    identity_free(&identity);
}

TEST(a_certificate_out_of_date_is_not_believed)
{
    struct identity identity;

    identity_make(&identity, &ours, "IP:127.0.0.1", -1);
    assert_int_equal(ask_kbs(&identity, our_ca, NULL, NULL), KBS_NOT_TRUSTED);
    identity_free(&identity);
}

TEST(a_pinned_key_is_demanded_besides)
{
    struct identity identity, other;
    char pins[160];

    identity_make(&identity, &ours, "IP:127.0.0.1", 10);
    identity_make(&other, &ours, "IP:127.0.0.1", 10);
    assert_int_equal(ask_kbs(&identity, our_ca, identity.pin, NULL), KBS_OK);
    assert_int_equal(ask_kbs(&identity, our_ca, other.pin, NULL), KBS_NOT_TRUSTED);
    assert_int_equal(ask_kbs(&identity, their_ca, identity.pin, NULL), KBS_NOT_TRUSTED);
    snprintf(pins, sizeof(pins), "%s;%s", other.pin, identity.pin);
    assert_int_equal(ask_kbs(&identity, our_ca, pins, NULL), KBS_OK); /* while keys change */
    identity_free(&identity);
    identity_free(&other);
}

TEST(tls_before_1_2_is_refused)
{
    struct identity identity;

    identity_make(&identity, &ours, "IP:127.0.0.1", 10);
    assert_int_equal(ask_kbs(&identity, our_ca, NULL, "NORMAL:-VERS-ALL:+VERS-TLS1.2"), KBS_OK);
    assert_int_equal(ask_kbs(&identity, our_ca, NULL, "NORMAL:-VERS-ALL:+VERS-TLS1.1"),
                     KBS_NOT_TRUSTED);
    identity_free(&identity);
}

TEST(a_kbs_without_tls_is_not_believed)
{
    struct canned_kbs kbs = {0};
    char url[64];

    canned_kbs_start(&kbs);
    snprintf(url, sizeof(url), "https://127.0.0.1:%u", kbs.port);
    assert_int_equal(ask(&(struct http_target){.url = url, .ca = our_ca}), KBS_NOT_TRUSTED);
    canned_kbs_stop(&kbs);
}

/* Whatever the environment says. */
TEST(no_web_proxy_is_used)
{
    struct identity identity;

    setenv("https_proxy", "http://127.0.0.1:1", 1);
    setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
    identity_make(&identity, &ours, "IP:127.0.0.1", 10);
    assert_int_equal(ask_kbs(&identity, our_ca, NULL, NULL), KBS_OK);
    identity_free(&identity);
}

TEST_GROUP(make_authorities, free_authorities)

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    return tests_run();
}
