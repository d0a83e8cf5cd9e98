/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "proxy/kbs_answer.h"
#include "tests/unit/registered.h"

#define TYPE                       "https://github.com/confidential-containers/kbs/errors/"
#define OWN_WORDS(variant, detail) "{\"type\":\"" TYPE variant "\",\"detail\":\"" detail "\"}"
#define UNKNOWN_IMAGE              OWN_WORDS("PolicyDeny", "measurement-unknown")

static enum kbs_status judge(enum kbs_step step, long http_status, const char *body,
                             struct kbs_problem *problem)
{
    json_t *reply;
    enum kbs_status status =
        kbs_answer_judge(step, http_status, reader_over(body, strlen(body)), &reply, problem);

    assert_int_equal(status == KBS_OK, reply != NULL);
    json_decref(reply);
    return status;
}

struct answer {
    enum kbs_step step;
    int http_status;
    const char *body;
    enum kbs_status status;
    const char *problem;
};

static void check(const struct answer *answers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct kbs_problem problem = {""};
        const struct answer *answer = &answers[i];

        assert_int_equal(judge(answer->step, answer->http_status, answer->body, &problem),
                         answer->status);
        assert_string_equal(problem.text, answer->problem);
    }
}

#define CHECK(answers) check(answers, sizeof(answers) / sizeof((answers)[0]))

TEST(only_the_kbss_own_words_are_a_refusal)
{
    static const struct answer answers[] = {
        {KBS_STEP_ATTEST, 401, UNKNOWN_IMAGE, KBS_REFUSED, "HTTP status 401, measurement-unknown"},
        {KBS_STEP_RESOURCE, 403, OWN_WORDS("PolicyDeny", "Access denied by policy"), KBS_REFUSED,
         "HTTP status 403, PolicyDeny"}, /* Trustee's */
        {KBS_STEP_RESOURCE, 404, OWN_WORDS("PluginNotFound", "Plugin x not found"), KBS_REFUSED,
         "HTTP status 404, PluginNotFound"},
        {KBS_STEP_ATTEST, 417, "", KBS_REFUSED, "HTTP status 417"}, /* kbs-test's */
#define FOREIGN ", and not in a KBS's words: is there one at this address?"
        {KBS_STEP_ATTEST, 401, "", KBS_PROTOCOL, "HTTP status 401" FOREIGN},
        {KBS_STEP_ATTEST, 404, "<html>", KBS_PROTOCOL, "HTTP status 404" FOREIGN},
        {KBS_STEP_ATTEST, 400, "{}", KBS_PROTOCOL, "HTTP status 400" FOREIGN},
        {KBS_STEP_ATTEST, 401, "{\"detail\":\"measurement-unknown\"}", KBS_PROTOCOL,
         "HTTP status 401" FOREIGN},
        {KBS_STEP_ATTEST, 401, "{\"type\":\"about:blank\",\"detail\":\"measurement-unknown\"}",
         KBS_PROTOCOL, "HTTP status 401" FOREIGN},
        {KBS_STEP_ATTEST, 401, "{\"type\":5,\"detail\":\"measurement-unknown\"}", KBS_PROTOCOL,
         "HTTP status 401" FOREIGN},
        {KBS_STEP_ATTEST, 401, OWN_WORDS("", "measurement-unknown"), KBS_PROTOCOL,
         "HTTP status 401" FOREIGN},
    };

    CHECK(answers);
}

/* Before there is evidence, what is refused is the protocol. */
TEST(a_kbs_of_another_version_is_no_refusal)
{
#define VERSION ": it does not take this protocol (0.4.0), or not for SEV-SNP"
    static const struct answer answers[] = {
        {KBS_STEP_AUTH, 401, OWN_WORDS("AttestationError", "request-unsupported"), KBS_VERSION,
         "HTTP status 401, request-unsupported" VERSION},
        {KBS_STEP_AUTH, 401, OWN_WORDS("AttestationError", "Attestation error: RCAR handshake"),
         KBS_VERSION, "HTTP status 401, AttestationError" VERSION},
        {KBS_STEP_AUTH, 417, "", KBS_VERSION, "HTTP status 417" VERSION},
        {KBS_STEP_AUTH, 404, "<html>", KBS_PROTOCOL, "HTTP status 404" FOREIGN},
    };

    CHECK(answers);
}

TEST(trouble_of_the_kbs_or_on_the_way_is_no_refusal)
{
#define FAILED   ": it failed, or what answers in its place"
#define GATEWAY  ": what stands before the KBS does not reach it"
#define REDIRECT ": a redirect, which is not followed"
    static const struct answer answers[] = {
        {KBS_STEP_ATTEST, 500, "<html>", KBS_ERROR, "HTTP status 500" FAILED},
        {KBS_STEP_ATTEST, 500, UNKNOWN_IMAGE, KBS_ERROR,
         "HTTP status 500, measurement-unknown" FAILED},
        {KBS_STEP_AUTH, 503, OWN_WORDS("PluginInternalError", "storage-failed"), KBS_ERROR,
         "HTTP status 503, storage-failed" FAILED},
        {KBS_STEP_AUTH, 501, "", KBS_ERROR, "HTTP status 501" FAILED},
        {KBS_STEP_ATTEST, 502, "<html>", KBS_GATEWAY, "HTTP status 502" GATEWAY},
        {KBS_STEP_ATTEST, 504, "", KBS_GATEWAY, "HTTP status 504" GATEWAY},
        {KBS_STEP_ATTEST, 302, "", KBS_REDIRECT, "HTTP status 302" REDIRECT},
        {KBS_STEP_AUTH, 308, UNKNOWN_IMAGE, KBS_REDIRECT,
         "HTTP status 308, measurement-unknown" REDIRECT},
        {KBS_STEP_AUTH, 503, "", KBS_BUSY, "HTTP status 503"},
        {KBS_STEP_AUTH, 429, OWN_WORDS("RequestRefused", "too-many-requests"), KBS_BUSY,
         "HTTP status 429, too-many-requests"},
        {KBS_STEP_AUTH, 204, "", KBS_PROTOCOL, "HTTP status 204" FOREIGN},
        {KBS_STEP_AUTH, 999, "", KBS_PROTOCOL, "HTTP status 999" FOREIGN},
        {KBS_STEP_AUTH, 200, "[]", KBS_PROTOCOL, "its answer is no JSON object"},
        {KBS_STEP_AUTH, 200, "{\"nonce\":1}", KBS_OK, ""},
    };

    CHECK(answers);
}

/* Of what the KBS says only a code goes to the log. */
TEST(nothing_but_a_code_is_quoted)
{
    static const char *const details[] = {
        "\\u001b[31mgotcha",
        "two words",
        "measurement-unknown-and-so-on-and-so-on-and-so-on-and-so-on-and-so-on",
        "",
        "line\\nbreak",
        "caf\\u00e9",
    };
    char body[256];

    for (size_t i = 0; i < sizeof(details) / sizeof(details[0]); i++) {
        struct kbs_problem problem;

        snprintf(body, sizeof(body), OWN_WORDS("PolicyDeny", "%s"), details[i]);
        assert_int_equal(judge(KBS_STEP_ATTEST, 401, body, &problem), KBS_REFUSED);
        assert_string_equal(problem.text, "HTTP status 401, PolicyDeny");
        snprintf(body, sizeof(body), OWN_WORDS("%s", "measurement-unknown"), details[i]);
        assert_int_equal(judge(KBS_STEP_ATTEST, 401, body, &problem), KBS_PROTOCOL);
        assert_string_equal(problem.text, "HTTP status 401" FOREIGN);
    }
}

TEST(each_outcome_is_told_by_its_own_reason)
{
    for (int one = KBS_OK; one <= KBS_PROTOCOL; one++)
        for (int other = one + 1; other <= KBS_PROTOCOL; other++)
            assert_string_not_equal(kbs_status_reason((enum kbs_status)one),
                                    kbs_status_reason((enum kbs_status)other));
}
