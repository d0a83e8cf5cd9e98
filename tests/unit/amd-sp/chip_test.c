/* SPDX-License-Identifier: MIT */
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "emulator/amd-sp/chip.h"
#include "emulator/amd-sp/tcb.h"
#include "tests/unit/registered.h"

static const char *chip_path; /* of the chip that all tests share: never changed here */
static struct chip chip;

static X509 *parse(const struct chip_certificate *certificate)
{
    const unsigned char *der = certificate->der;
    X509 *parsed = d2i_X509(NULL, &der, (long)certificate->size);

    assert_non_null(parsed);
    return parsed;
}

/* The content of one of the VCEK's extensions of AMD's arc. */
static const ASN1_OCTET_STRING *extension(const X509 *vcek, const char *oid)
{
    ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
    int position = X509_get_ext_by_OBJ(vcek, object, -1);

    ASN1_OBJECT_free(object);
    assert_true(position >= 0);
    return X509_EXTENSION_get_data(X509_get_ext(vcek, position));
}

static void assert_spl(const X509 *vcek, const char *oid, uint8_t value)
{
    const ASN1_OCTET_STRING *octets = extension(vcek, oid);
    const unsigned char *der = ASN1_STRING_get0_data(octets);
    ASN1_INTEGER *integer = d2i_ASN1_INTEGER(NULL, &der, ASN1_STRING_length(octets));

    assert_non_null(integer);
    assert_int_equal(ASN1_INTEGER_get(integer), value);
    ASN1_INTEGER_free(integer);
}

TEST(the_chain_verifies_up_to_the_ark_and_no_further)
{
    X509 *vcek = parse(&chip.vcek_certificate), *ask = parse(&chip.ask_certificate);
    X509 *ark = parse(&chip.ark_certificate);
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    STACK_OF(X509) *untrusted = sk_X509_new_null();

    sk_X509_push(untrusted, ask);
    assert_int_equal(X509_STORE_CTX_init(context, store, vcek, untrusted), 1);
    assert_int_not_equal(X509_verify_cert(context), 1);
    X509_STORE_CTX_cleanup(context);

    assert_int_equal(X509_STORE_add_cert(store, ark), 1);
    assert_int_equal(X509_STORE_CTX_init(context, store, vcek, untrusted), 1);
    assert_int_equal(X509_verify_cert(context), 1);

    sk_X509_free(untrusted);
    X509_STORE_CTX_free(context);
    X509_STORE_free(store);
    X509_free(ark);
    X509_free(ask);
    X509_free(vcek);
}

TEST(the_vcek_names_the_chip_and_its_tcb)
{
    X509 *vcek = parse(&chip.vcek_certificate);
    const ASN1_OCTET_STRING *hwid = extension(vcek, "1.3.6.1.4.1.3704.1.4");

    assert_spl(vcek, "1.3.6.1.4.1.3704.1.3.1", tcb_component(chip.tcb, TCB_BOOT_LOADER_BYTE));
    assert_spl(vcek, "1.3.6.1.4.1.3704.1.3.2", tcb_component(chip.tcb, TCB_TEE_BYTE));
    assert_spl(vcek, "1.3.6.1.4.1.3704.1.3.3", tcb_component(chip.tcb, TCB_SNP_BYTE));
    assert_spl(vcek, "1.3.6.1.4.1.3704.1.3.8", tcb_component(chip.tcb, TCB_MICROCODE_BYTE));
    assert_int_equal(ASN1_STRING_length(hwid), CHIP_ID_SIZE);
    assert_memory_equal(ASN1_STRING_get0_data(hwid), chip.chip_id, CHIP_ID_SIZE);
    assert_int_equal(ASN1_INTEGER_get(X509_get0_serialNumber(vcek)), 0);
    X509_free(vcek);
}

TEST(no_certificate_passes_as_amds)
{
    const struct chip_certificate *all[] = {&chip.vcek_certificate, &chip.ask_certificate,
                                            &chip.ark_certificate};

    for (size_t i = 0; i < 3; i++) {
        X509 *certificate = parse(all[i]);
        char organization[128];

        X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_organizationName,
                                  organization, sizeof(organization));
        assert_string_equal(organization, "snp-vtpm emulated platform, NOT AMD");
        X509_free(certificate);
    }
}

TEST(opening_again_gives_the_same_chip)
{
    struct chip again;

    assert_int_equal(chip_open(&again, chip_path), CHIP_OK);
    assert_memory_equal(again.chip_id, chip.chip_id, sizeof(chip.chip_id));
    assert_memory_equal(again.secret, chip.secret, sizeof(chip.secret));
    assert_int_equal(EVP_PKEY_eq(again.vcek, chip.vcek), 1);
    chip_close(&again);
}

TEST(secrets_are_for_their_owner_only)
{
    static const char *const names[] = {"ark.key", "ask.key", "vcek.key", "chip_secret"};
    struct stat status;
    char path[4096];

    assert_int_equal(stat(chip_path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0700);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s", chip_path, names[i]);
        assert_int_equal(stat(path, &status), 0);
        assert_int_equal(status.st_mode & 0777, 0600);
    }
}

/* A copy of the shared chip, to be damaged. */
static void copy_chip(char *path)
{
    char command[8192];

    assert_non_null(mkdtemp(path));
    snprintf(command, sizeof(command), "cp '%s'/* '%s'", chip_path, path);
    assert_int_equal(system(command), 0);
}

static void remove_chip(const char *path)
{
    char command[4200];

    snprintf(command, sizeof(command), "rm -r '%s'", path);
    assert_int_equal(system(command), 0);
}

TEST(a_damaged_or_foreign_directory_is_refused_and_left_alone)
{
    char path[] = "/tmp/amd-sp-test-chip-XXXXXX", file[sizeof(path) + 16];
    struct chip damaged;

    copy_chip(path);
    snprintf(file, sizeof(file), "%s/chip_secret", path);
    assert_int_equal(truncate(file, CHIP_SECRET_SIZE - 1), 0);
    assert_int_equal(chip_open(&damaged, path), CHIP_DAMAGED);
    assert_int_equal(unlink(file), 0);
    assert_int_equal(chip_open(&damaged, path), CHIP_CANNOT_READ);
    assert_int_not_equal(access(file, F_OK), 0);
    remove_chip(path);
}

TEST(a_key_of_another_chip_is_noticed)
{
    char path[] = "/tmp/amd-sp-test-chip-XXXXXX", key_path[sizeof(path) + 16];
    EVP_PKEY *key = EVP_EC_gen("P-384");
    struct chip damaged;
    FILE *file;

    copy_chip(path);
    snprintf(key_path, sizeof(key_path), "%s/vcek.key", path);
    file = fopen(key_path, "we");
    assert_non_null(file);
    assert_int_equal(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL), 1);
    fclose(file);
    EVP_PKEY_free(key);
    assert_int_equal(chip_open(&damaged, path), CHIP_DAMAGED);
    remove_chip(path);
}

TEST(a_chip_in_a_missing_parent_is_an_error)
{
    struct chip missing;

    assert_int_equal(chip_open(&missing, "/nonexistent/chip"), CHIP_CANNOT_CREATE);
}

int main(int argc, char **argv)
{
    int failed;

    if (argc != 2 || chip_open(&chip, argv[1]) != CHIP_OK)
        return 1;
    chip_path = argv[1];
    failed = tests_run();
    chip_close(&chip);
    return failed;
}
