/* SPDX-License-Identifier: MIT */
/* The program itself: its output, its exit statuses. Its path is the only argument. */
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "expect.h"
#include "igvm/files.h"
#include "igvm/tool.h"
#include "lib/igvm/launch_pages.h"
#include "samples.h"
#include "tests/unit/registered.h"

static char *program; /* absolute: the commands run in another folder */
static char folder[] = "/tmp/test-igvm-XXXXXX";

/* Runs the program in the folder; returns its exit status and the start of its stdout. */
static int run(const char *arguments, char *output, size_t size)
{
    char command[1024];
    FILE *pipe;
    size_t got;

    snprintf(command, sizeof(command), "cd %s && %s %s 2>/dev/null", folder, program, arguments);
    pipe = popen(command, "r");
    assert_non_null(pipe);
    got = fread(output, 1, size - 1, pipe);
    output[got] = '\0';
    return WEXITSTATUS(pclose(pipe));
}

static void expect_status(const char *arguments, int status)
{
    char output[4096];
    int got = run(arguments, output, sizeof(output));

    if (got != status)
        fail_msg("igvm %s: exit status %d, not %d", arguments, got, status);
}

/* A file of that name, to be written. */
static FILE *begin(const char *name)
{
    char path[256];
    FILE *file;

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    file = fopen(path, "wb");
    assert_non_null(file);
    return file;
}

static void finish(FILE *file)
{
    int unwritten = fclose(file);

    assert_int_equal(unwritten, 0);
}

static void put_file(const char *name, const void *bytes, size_t size)
{
    FILE *file = begin(name);

    assert_int_equal(fwrite(bytes, 1, size, file), size);
    finish(file);
}

static void put_pem(const char *name, EVP_PKEY *key)
{
    FILE *file = begin(name);

    assert_int_equal(PEM_write_PUBKEY(file, key), 1);
    finish(file);
    EVP_PKEY_free(key);
}

/* A self-signed certificate of a fresh key on P-384. */
static void put_certificate(const char *name)
{
    EVP_PKEY *key = EVP_EC_gen("P-384");
    X509 *certificate = X509_new();
    FILE *file;

    assert_true(X509_set_version(certificate, X509_VERSION_3) &&
                X509_set_pubkey(certificate, key) &&
                X509_gmtime_adj(X509_getm_notBefore(certificate), 0) &&
                X509_gmtime_adj(X509_getm_notAfter(certificate), 3600) &&
                X509_sign(certificate, key, EVP_sha384()));
    file = begin(name);
    assert_int_equal(PEM_write_X509(file, certificate), 1);
    finish(file);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

static void make_keys(void)
{
    static const char *const names[] = {"one.pem", "two.pem", "three.pem", "four.pem"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        put_pem(names[i], EVP_EC_gen("P-384"));
    put_pem("p256.pem", EVP_EC_gen("P-256"));
    put_pem("rsa.pem", EVP_RSA_gen(2048));
    put_certificate("certificate.pem");
}

static int make_inputs(void **state)
{
    static uint8_t elf[SAMPLE_ELF_SIZE], firmware[SAMPLE_FIRMWARE_SIZE];
    struct file_bytes sample = sample_file(), foreign = sample_foreign_file();

    (void)state;
    assert_non_null(mkdtemp(folder));
    sample_elf(elf, 0x8000000, &(struct sample_segment){0x8000000, 0x100, 0x3000}, 1);
    put_file("kernel.elf", elf, sizeof(elf));
    sample_firmware(firmware, SAMPLE_SEV_SECTIONS, 7, SAMPLE_IGVM_SECTIONS, 4);
    put_file("firmware.fd", firmware, sizeof(firmware));
    put_file("text", "no ELF", 6);
    put_file("sample.igvm", sample.bytes, sample.size);
    put_file("foreign.igvm", foreign.bytes, foreign.size);
    free(sample.bytes);
    free(foreign.bytes);
    make_keys();
    return 0;
}

static int remove_inputs(void **state)
{
    char command[300];

    (void)state;
    snprintf(command, sizeof(command), "rm -r %s", folder);
    return system(command);
}

TEST(measure_prints_the_digest_and_a_newline)
{
    char output[256];

    assert_int_equal(run("measure sample.igvm", output, sizeof(output)), 0);
    assert_string_equal(output, "6e97aba47cb87499de5c1bacde7b367f35fb06633b4312f67b652658c2a41508"
                                "562bfc8427a200617403a6e4f67c289f\n");
    assert_int_equal(run("measure --verbose sample.igvm", output, sizeof(output)), 0);
    assert_int_equal(strlen(output), 97);
}

/* The vectors of test_igvm_vectors.c: the first processor's state alone, and with another one's. */
TEST(measure_prints_the_digest_by_both_rules_for_several_processors)
{
    char output[4096];

    assert_int_equal(run("measure --vcpus 2 sample.igvm", output, sizeof(output)), 0);
    assert_string_equal(
        output,
        "6e97aba47cb87499de5c1bacde7b367f35fb06633b4312f67b652658c2a41508562bfc8427a200617403a6e4"
        "f67c289f  a kernel with SVSM support: the first vCPU\n"
        "d6b9d7b0002efdc63a609f5aaa0e770196c482df2a964e45fdd47e7c9a45931508304c43735a036df278e2ad"
        "7a2fce41  mainline Linux: all vCPUs\n");
    assert_int_equal(run("measure --vcpus 1 sample.igvm", output, sizeof(output)), 0);
    assert_string_equal(
        output,
        "6e97aba47cb87499de5c1bacde7b367f35fb06633b4312f67b652658c2a41508562bfc8427a200617403a6e4"
        "f67c289f\n");
}

TEST(measure_writes_the_pages_that_give_the_digest)
{
    char path[256], hex[2 * LAUNCH_DIGEST_SIZE + 1], output[256];
    struct launch_pages pages;
    struct launch_digest digest;
    struct file_bytes file;

    assert_int_equal(run("measure --pages sample.pages sample.igvm", output, sizeof(output)), 0);
    snprintf(path, sizeof(path), "%s/sample.pages", folder);
    assert_int_equal(files_read(path, &file), TOOL_OK);
    assert_int_equal(launch_pages_decode(&pages, file.bytes, file.size), LAUNCH_PAGES_OK);
    assert_true(launch_pages_digest(&pages, &digest));
    for (size_t i = 0; i < sizeof(digest.ld); i++)
        snprintf(hex + 2 * i, 3, "%02x", digest.ld[i]);
    assert_memory_equal(output, hex, strlen(hex));
    launch_pages_free(&pages);
    free(file.bytes);
    expect_status("measure --pages missing/sample.pages sample.igvm", TOOL_FILE);
}

TEST(an_image_of_format_2_with_other_platforms_is_shown_and_measured)
{
    char output[4096];

    assert_int_equal(run("dump foreign.igvm", output, sizeof(output)), 0);
    assert_non_null(strstr(output, "DEVICE_TREE"));
    assert_int_equal(run("measure foreign.igvm", output, sizeof(output)), 0);
    assert_string_equal(output, "e917703ce82ba0477e6a1be311b681fe426f740bfe12da18b8590aa6d0349138"
                                "7db8555171cd00e6c7e26985cc70cab0\n");
}

#define VOLUME "--volume 00112233-4455-6677-8899-aabbccddeeff"

TEST(keys_of_the_kbs_are_pinned_in_the_image)
{
    char output[8192];

    expect_status("build --svsm kernel.elf --kbs-key one.pem --kbs-key two.pem --kbs-key three.pem "
                  "--kbs-key certificate.pem " VOLUME " -o pinned.igvm",
                  0);
    assert_int_equal(run("dump pinned.igvm", output, sizeof(output)), 0);
    assert_non_null(strstr(output, "\n  takes key releases signed with "));
    assert_non_null(strstr(output, "\n  asks for volume 00112233-4455-6677-8899-aabbccddeeff\n"));
    expect_status("build --svsm kernel.elf -o unpinned.igvm", 0);
    assert_int_equal(run("dump unpinned.igvm", output, sizeof(output)), 0);
    assert_non_null(strstr(output, "takes unsigned key releases"));
}

TEST(only_a_key_of_a_kbs_can_be_pinned)
{
    expect_status("build --svsm kernel.elf --kbs-key p256.pem -o x.igvm", TOOL_INVALID);
    expect_status("build --svsm kernel.elf --kbs-key rsa.pem -o x.igvm", TOOL_INVALID);
    expect_status("build --svsm kernel.elf --kbs-key text -o x.igvm", TOOL_INVALID);
    expect_status("build --svsm kernel.elf --kbs-key missing -o x.igvm", TOOL_FILE);
    expect_status("build --svsm kernel.elf --kbs-key one.pem --kbs-key two.pem --kbs-key three.pem "
                  "--kbs-key four.pem --kbs-key certificate.pem -o x.igvm",
                  TOOL_USAGE);
    expect_status("build --firmware firmware.fd --kbs-key one.pem -o x.igvm", TOOL_USAGE);
    expect_status("build --svsm kernel.elf " VOLUME " -o x.igvm", TOOL_USAGE);
    expect_status("build --svsm kernel.elf --kbs-key one.pem --volume 12 -o x.igvm", TOOL_USAGE);
    expect_status("build --svsm kernel.elf --kbs-key one.pem "
                  "--volume 00000000-0000-0000-0000-000000000000 -o x.igvm",
                  TOOL_USAGE);
}

TEST(pcr_banks_are_those_of_a_list_and_sha256_by_default)
{
    static const struct {
        const char *options, *dumped;
    } cases[] = {
        {"", "\n  PCR banks sha256\n"},
        {"--pcr-banks sha384,sha1", "\n  PCR banks sha1, sha384\n"},
        {"--pcr-banks as-found", "\n  leaves the TPM the PCR banks that it has\n"},
    };
    static const char *const wrong[] = {"''",           "sha",        "sha256,", ",sha256",
                                        "sha256,,sha1", "sha256,md5", "SHA256",  "as-found,sha1"};
    char arguments[128], output[8192];

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        snprintf(arguments, sizeof(arguments), "build --svsm kernel.elf %s -o banks.igvm",
                 cases[i].options);
        expect_status(arguments, 0);
        assert_int_equal(run("dump banks.igvm", output, sizeof(output)), 0);
        assert_non_null(strstr(output, cases[i].dumped));
    }
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        snprintf(arguments, sizeof(arguments),
                 "build --svsm kernel.elf --pcr-banks %s -o banks.igvm", wrong[i]);
        expect_status(arguments, TOOL_USAGE);
    }
}

TEST(what_build_writes_can_be_dumped_and_measured)
{
    expect_status("build --svsm kernel.elf --firmware firmware.fd --service attest=kernel.elf "
                  "--service tpm=kernel.elf --output svsm.igvm",
                  0);
    expect_status("build --firmware firmware.fd -o plain.igvm", 0);
    expect_status("dump svsm.igvm", 0);
    expect_status("measure svsm.igvm", 0);
    expect_status("dump plain.igvm", 0);
    expect_status("measure --check plain.igvm", 0);
}

TEST(measure_says_by_the_rules_of_which_qemu_it_checks)
{
    char output[4096];

    assert_int_equal(run("measure --help", output, sizeof(output)), TOOL_OK);
    assert_non_null(strstr(output, "rules of QEMU 10.2"));
    assert_non_null(strstr(output, "of the COCONUT project's QEMU"));
}

TEST(the_same_inputs_give_the_same_file)
{
    char output[16];

    expect_status("build --svsm kernel.elf --firmware firmware.fd -o one.igvm", 0);
    expect_status("build --svsm kernel.elf --firmware firmware.fd -o two.igvm", 0);
    assert_int_equal(run("--help >/dev/null && cmp one.igvm two.igvm", output, sizeof(output)), 0);
}

TEST(each_option_changes_the_measurement_or_the_file)
{
    static const char *const OPTIONS[] = {
        "--region-size 33M",
        "--policy 0x20000",
        "--sev-features 0x21",
        "--guest-vmpl 1",
        "--console-port 0x2f8",
        "--proxy-port 0x2e8",
        "--service tpm=kernel.elf",
        "--pcr-banks sha384",
        "--pcr-banks as-found",
        "--kbs-key one.pem",
        "--kbs-key one.pem --volume 00112233-4455-6677-8899-aabbccddeeff",
    };
    char output[16];

    expect_status("build --svsm kernel.elf -o one.igvm", 0);
    for (size_t i = 0; i < sizeof(OPTIONS) / sizeof(OPTIONS[0]); i++) {
        char arguments[128];

        snprintf(arguments, sizeof(arguments), "build --svsm kernel.elf -o two.igvm %s",
                 OPTIONS[i]);
        expect_status(arguments, 0);
        assert_int_equal(
            run("--help >/dev/null && cmp one.igvm two.igvm >/dev/null", output, sizeof(output)),
            1);
    }
}

static void expect_features(const char *arguments, const char *features)
{
    char command[256], output[8192];

    snprintf(command, sizeof(command), "build %s -o features.igvm", arguments);
    expect_status(command, 0);
    assert_int_equal(run("dump features.igvm", output, sizeof(output)), 0);
    if (!strstr(output, features))
        fail_msg("no \"%s\" in %s", features, output);
}

TEST(an_svsm_has_restricted_injection_unless_told_otherwise)
{
    expect_features("--svsm kernel.elf", "SEV_FEATURES 0x9\n");
    expect_features("--svsm kernel.elf --firmware firmware.fd", "SEV_FEATURES 0x9\n");
    expect_features("--svsm kernel.elf --sev-features 0x1", "SEV_FEATURES 0x1\n");
    expect_features("--firmware firmware.fd", "SEV_FEATURES 0x1\n");
    expect_status("build --svsm kernel.elf --sev-features 0 -o x.igvm", TOOL_INVALID);
}

TEST(a_wrong_command_line_ends_with_status_2)
{
    expect_status("", TOOL_USAGE);
    expect_status("frobnicate", TOOL_USAGE);
    expect_status("build", TOOL_USAGE);
    expect_status("build -o x.igvm", TOOL_USAGE);
    expect_status("build --firmware firmware.fd", TOOL_USAGE);
    expect_status("build --firmware firmware.fd --service tpm=kernel.elf -o x.igvm", TOOL_USAGE);
    expect_status("build --svsm kernel.elf --service kernel.elf -o x.igvm", TOOL_USAGE);
    expect_status("build --svsm kernel.elf --service a=text --service a=text -o x.igvm",
                  TOOL_USAGE);
    expect_status("build --svsm kernel.elf --policy 0x10000 -o x.igvm", TOOL_USAGE);
    expect_status("build --svsm kernel.elf --guest-vmpl 0 -o x.igvm", TOOL_USAGE);
    expect_status("build --svsm kernel.elf --guest-vmpl 4 -o x.igvm", TOOL_USAGE);
    expect_status("build --svsm kernel.elf --console-port 0x10000 -o x.igvm", TOOL_USAGE);
    expect_status("build --svsm kernel.elf --region-size -1 -o x.igvm", TOOL_USAGE);
    expect_status("build --svsm kernel.elf --region-size 32X -o x.igvm", TOOL_USAGE);
    expect_status("build --svsm kernel.elf --region-size 99999999999G -o x.igvm", TOOL_USAGE);
    expect_status("build --svsm kernel.elf -o x.igvm extra", TOOL_USAGE);
    expect_status("dump", TOOL_USAGE);
    expect_status("measure a b", TOOL_USAGE);
}

TEST(a_file_that_cannot_be_read_or_written_ends_with_status_3)
{
    expect_status("measure missing", TOOL_FILE);
    expect_status("dump .", TOOL_FILE);
    expect_status("build --svsm missing -o x.igvm", TOOL_FILE);
    expect_status("build --svsm kernel.elf --service tpm=missing -o x.igvm", TOOL_FILE);
    expect_status("build --svsm kernel.elf -o missing/x.igvm", TOOL_FILE);
}

TEST(an_invalid_input_ends_with_status_4_and_writes_nothing)
{
    char output[16];

    expect_status("measure text", TOOL_INVALID);
    expect_status("dump kernel.elf", TOOL_INVALID);
    expect_status("build --svsm text -o x.igvm", TOOL_INVALID);
    expect_status("build --firmware text -o x.igvm", TOOL_INVALID);
    expect_status("build --firmware firmware.fd --sev-features 0x20 -o x.igvm", TOOL_INVALID);
    expect_status("build --svsm kernel.elf --service tpm=text -o x.igvm", TOOL_INVALID);
    expect_status("build --svsm kernel.elf --region-base 0x9000000 -o x.igvm", TOOL_INVALID);
    assert_int_not_equal(run("--help >/dev/null && ls x.igvm", output, sizeof(output)), 0);
}

TEST_GROUP(make_inputs, remove_inputs)

int main(int argc, char **argv)
{
    int failed;

    if (argc != 2) {
        fputs("usage: test_igvm_program PATH-OF-IGVM\n", stderr);
        return 2;
    }
    program = realpath(argv[1], NULL);
    if (!program) {
        perror(argv[1]);
        return 2;
    }
    failed = tests_run();
    free(program);
    return failed;
}
