/* SPDX-License-Identifier: MIT */
/* The status page: what it says, and that nothing that it shows can become part of it. */
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "kbs/admin/html.h"
#include "kbs/audit/audit_watch.h"
#include "lib/jose/base64.h"
#include "tests/unit/kbs-admin/asking.h"
#include "tests/unit/registered.h"

static struct answer get_page(void)
{
    struct answer answer =
        ask(&admin, &(struct asked){.method = "GET", .path = "/", .token = admin.auditor});

    assert_int_equal(answer.reply.status, 200);
    assert_string_equal(answer.reply.content_type, "text/html; charset=utf-8");
    return answer;
}

static void assert_has(const struct answer *answer, const char *part)
{
    if (!strstr(answer->reply.body, part))
        fail_msg("expected \"%s\" in the page", part);
}

static void assert_lacks(const struct answer *answer, const char *part)
{
    const char *found = strstr(answer->reply.body, part);

    if (found)
        fail_msg("\"%s\" is in the page: %.120s", part, found);
}

TEST(the_page_has_every_section)
{
    static const char *const parts[] = {
        "<caption>Volumes</caption>",
        "<caption>Last attestations</caption>",
        "<caption>Images</caption>",
        "<caption>Policies</caption>",
        "<caption>Administrators&#39; tokens</caption>",
        "<caption>Signing keys</caption>",
        "✓ whole",
        "AMD only",
        "legacy-build",
        "a0a0a0a0-a0a0-a0a0-a0a0-a0a0a0a0a0a0",
        "reported microcode: expected at least 213, found 209",
        "<time datetime=\"2026-05-29T22:56:40Z\">2026-05-29 22:56:40</time>",
        "<span class=\"warn\">emulated</span>",
        "for auditor (auditor)",
    };
    struct answer answer = get_page();

    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        assert_has(&answer, parts[i]);
    assert_lacks(&answer, "An emulated platform is trusted");
    asking_done(&answer);
}

TEST(what_is_shown_is_escaped)
{
    struct answer answer = get_page();

    assert_lacks(&answer, "<script");
    assert_has(&answer,
               "# &lt;/pre&gt;&lt;script&gt;alert(&quot;no&quot;)&lt;/script&gt; &amp; so");
    assert_has(&answer, "found &lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&quot;&amp;");
    asking_done(&answer);
}

TEST(the_newest_attestation_comes_first)
{
    struct answer answer = get_page();
    const char *newest = strstr(answer.reply.body, "2026-05-29T23:03:20Z");
    const char *oldest = strstr(answer.reply.body, "2026-05-29T22:50:00Z");

    assert_non_null(newest);
    assert_true(newest < oldest);
    asking_done(&answer);
}

TEST(the_policy_for_content_allows_the_pages_own_style_alone)
{
    struct answer answer = get_page();
    const char *style = strstr(answer.reply.body, "<style>") + strlen("<style>");
    const char *csp = header_of(&answer.reply, "Content-Security-Policy");
    uint8_t hash[32];
    char text[64], wanted[128];

    assert_int_equal(EVP_Digest(style, (size_t)(strstr(style, "</style>") - style), hash, NULL,
                                EVP_sha256(), NULL),
                     1);
    base64_encode(BASE64_STANDARD, hash, sizeof(hash), text);
    snprintf(wanted, sizeof(wanted), "default-src 'none'; style-src 'sha256-%s';", text);
    assert_int_equal(strncmp(csp, wanted, strlen(wanted)), 0);
    assert_non_null(strstr(csp, "frame-ancestors 'none'"));
    assert_string_equal(header_of(&answer.reply, "X-Content-Type-Options"), "nosniff");
    assert_string_equal(header_of(&answer.reply, "Referrer-Policy"), "no-referrer");
    asking_done(&answer);
}

TEST(an_emulated_platform_that_is_trusted_is_said_loudly)
{
    struct answer answer;

    admin.trust.emulated_ark = X509_new();
    answer = get_page();
    assert_has(&answer, "An emulated platform is trusted");
    asking_done(&answer);
    X509_free(admin.trust.emulated_ark);
    admin.trust.emulated_ark = NULL;
}

TEST(text_means_itself_wherever_it_stands)
{
    char *written = NULL;
    size_t size;
    FILE *out = open_memstream(&written, &size);

    html_text(out, "a<b>&\"'\x01\x7f\t\n\xc3\xa4");
    html_text(out, NULL);
    fclose(out);
    assert_string_equal(written, "a&lt;b&gt;&amp;&quot;&#39;&#xFFFD;&#xFFFD;\t\n\xc3\xa4");
    free(written);
}

/* Last: the log does not heal. */
TEST(a_broken_chain_is_shown_with_the_line)
{
    sqlite3 *database;
    struct answer answer;

    assert_int_equal(sqlite3_open(admin.path, &database), SQLITE_OK);
    assert_int_equal(sqlite3_exec(database,
                                  "UPDATE audit SET line = "
                                  "replace(line, 'refused', 'granted') WHERE seq = 3",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_changes(database), 1);
    sqlite3_close(database);
    assert_true(audit_watch_verify(admin.kbs.watch, 60));
    answer = get_page();
    assert_has(&answer, "The audit log is broken at line 3:");
    assert_has(&answer, "✗ broken");
    asking_done(&answer);
}

TEST_GROUP(admin_begin_filled, admin_end)
