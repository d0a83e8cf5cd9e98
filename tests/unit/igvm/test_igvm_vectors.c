/* SPDX-License-Identifier: MIT */
/* Files and launch digests against vectors that were computed independently. */
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "expect.h"
#include "igvm/launch.h"
#include "lib/igvm/boot_state.h"
#include "samples.h"
#include "tests/unit/registered.h"

/* The headers of the sample image's file, spelled out. */
static const char SAMPLE_HEADERS[] =
    "4947564d01000000180000005001000068210000342430350100000010000000"
    "0100000000020100000000000000000001010000100000000000030000000000"
    "0100000000000000050300001800000000000000800000000100000000008000"
    "0000000000000000010300001000000000100000000000000000000000000000"
    "0703000008000000000000000000000003030000100000000000020000000000"
    "0100000000000000020300001800000000000100000000000100000068010000"
    "0000000000000000020300001800000000100200000000000100000000000000"
    "0000000002000000020300001800000000200200000000000100000000000000"
    "0000000001000000020300001800000000300200000000000100000000000000"
    "0000000000000000020300001800000000400200000000000100000000000000"
    "0200000000000000040300001400000000f0ffffffff00000100000068110000"
    "0000000000000000";

static void sha(const EVP_MD *md, const void *bytes, size_t size, const char *wanted)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned length;

    assert_int_equal(EVP_Digest(bytes, size, digest, &length, md, NULL), 1);
    expect_hex(digest, length, wanted);
}

TEST(the_sample_file_is_byte_exact)
{
    struct file_bytes file = sample_file();

    assert_int_equal(file.size, 0x2168);
    assert_int_equal(sizeof(SAMPLE_HEADERS) - 1, 2 * 0x168);
    for (size_t i = 0; i < 0x168; i++) {
        char hex[3];

        snprintf(hex, sizeof(hex), "%02x", file.bytes[i]);
        if (memcmp(hex, &SAMPLE_HEADERS[2 * i], 2) != 0)
            fail_msg("byte 0x%zx is %s, not %.2s", i, hex, &SAMPLE_HEADERS[2 * i]);
    }
    assert_int_equal(get_le32(file.bytes + 0x14), 0x35302434);
    sha(EVP_sha256(), file.bytes, file.size,
        "3a3586ff96d8022394a3c9a5556e855773ccaedaaf8e03d6ab38f1daed77fe41");
    sha(EVP_sha384(), file.bytes + 0x1168, PAGE_SIZE,
        "42ab77da8009e5ab05484bb704b7a50175fe00bb1047be0da13fe7c8674692b1"
        "618a772aa63ce503bb2615c7fab8cafc");
    free(file.bytes);
}

static const struct launch_options BOOT_PROCESSOR_ONLY = {.platform_mask = 1, .vcpus = 1};

TEST(the_sample_file_has_its_launch_digest)
{
    struct file_bytes file = sample_file();
    struct image image = {0};
    struct launch_digest digest;

    assert_int_equal(image_load(&image, file.bytes, file.size), IGVM_OK);
    sample_measure(&image, &BOOT_PROCESSOR_ONLY, NULL, &digest);
    expect_hex(digest.ld, sizeof(digest.ld),
               "6e97aba47cb87499de5c1bacde7b367f35fb06633b4312f67b652658c2a41508"
               "562bfc8427a200617403a6e4f67c289f");
    image_free(&image);
    free(file.bytes);
}

TEST(each_step_of_the_sample_launch_is_listed)
{
    static const char *LISTING =
        "0x000000020000 UNMEASURED "
        "1e6b36232763034c65d4e2ec17d02c293de4e0ef6736da48f6d9a024818699519a4f8031c7955b65258b00d7"
        "a50a253d unmeasured memory\n"
        "0x000000010000 NORMAL     "
        "3e6edc2274b2eec70ba2d26d2020b0bcb97ccdd52d58d6b99456f604285b26f3399e6e541cf58882b4788d15"
        "cfd6f95a memory\n"
        "0x000000021000 CPUID      "
        "516b96595d969c992364dd9ec0847ecfb1c3da1df01e0e14458af2a5a7cbcf6a84aa5dede5a8fbf0e0255674"
        "c20c23ab CPUID\n"
        "0x000000022000 SECRETS    "
        "c8f998c5cf8f69c2d3d4fe1143ac4c59824fdcfb4d4556f3533cc5983b76cf40204e82334d790f3c06a377f9"
        "165e9da3 secrets\n"
        "0x000000023000 NORMAL     "
        "a057b597a1266617509c0629e13a473e86f74b1787696d6ebd1aa74d07753656326cf8bf1e05cb0196a1d57b"
        "27500688 memory\n"
        "0x000000024000 UNMEASURED "
        "eb38c7e976bb9e347671f6a9652fc1ae55841241181d9cee88f2b01fd1fc0229cd144288dfd7371ce0101d20"
        "4e1b0948 unmeasured memory\n"
        "0xfffffffff000 VMSA       "
        "6e97aba47cb87499de5c1bacde7b367f35fb06633b4312f67b652658c2a41508562bfc8427a200617403a6e4"
        "f67c289f VMSA\n"
        "0xfffffffff000 VMSA       "
        "d6b9d7b0002efdc63a609f5aaa0e770196c482df2a964e45fdd47e7c9a45931508304c43735a036df278e2ad"
        "7a2fce41 VMSA of other processors\n";
    struct image image = {0};
    struct launch_digest digest;
    char *listing;
    size_t size;
    FILE *stream = open_memstream(&listing, &size);
    struct launch_options with_one_ap = {.platform_mask = 1, .vcpus = 2, .cpu_signature = 0x800F12};

    sample_image(&image);
    sample_measure(&image, &with_one_ap, stream, &digest);
    fclose(stream);
    assert_string_equal(listing, LISTING);
    free(listing);
    image_free(&image);
}

TEST(a_processor_after_reset_has_the_expected_page)
{
    struct vmsa vmsa = boot_state_reset(0x800F12, SEV_FEATURE_SNP_ACTIVE);

    sha(EVP_sha384(), &vmsa, sizeof(vmsa),
        "77920c4c629ff47e90c0e174fc1ad0eb6fa664f88cd4739488058a8c6cb1a77b"
        "3856f55378e9518d0da99452d51c553a");
}

TEST(each_page_type_gives_its_first_digest)
{
    static const uint8_t zeros[PAGE_SIZE];
    const struct {
        enum snp_page_type type;
        const uint8_t *page;
        const char *digest;
    } steps[] = {
        {SNP_PAGE_NORMAL, zeros,
         "e6e4d78904d9d6b33c0cbfd121998fd2d11744dae606b3aee35e2a45d6869b60"
         "b35c63928a9232bef72d6be386f48ec6"},
        {SNP_PAGE_NORMAL, sample_page(),
         "0008ec48544088b72890fe9c997274f54b71b8667527c0a48ddf10053cce7020"
         "f95a9b43650c800db58b39bbaaa198a2"},
        {SNP_PAGE_VMSA, sample_page(),
         "7bee562a4b400f6ba5df8243250371d61a234aed1813b77f827426cb8bc6c765"
         "af568a4479840ccd9fed64deadd6ebff"},
        {SNP_PAGE_ZERO, NULL,
         "4bd4147976a1e7554c1c778a781affc1c672f1965a727ba16084989b7e356044"
         "a28bbe585a2f75dac9356fa5ab78f061"},
        {SNP_PAGE_UNMEASURED, NULL,
         "81475a112c0223cebe1ccb31a0aa2567772871200b33515a3cbbd5ed6a68a8e6"
         "30902dd83469ea6553554bfb67111fad"},
        {SNP_PAGE_SECRETS, NULL,
         "ede71fa5ddc72c3de70c6ff1149b8ecb6ef08b74b1d3a72c2cece10bd140c06a"
         "6181343d33def7db6cc0da1ff9ba4805"},
        {SNP_PAGE_CPUID, NULL,
         "af3c8d305f882f039a48318a961572ddc7ebf40b3d1eae828f4fa6e27a7b3078"
         "cf2d84b459e002fb58b4ae83efd7f29c"},
    };

    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        struct launch_digest digest = {0};

        assert_true(launch_digest_update(&digest, steps[i].type, 0x1000, steps[i].page, 0));
        expect_hex(digest.ld, sizeof(digest.ld), steps[i].digest);
    }
}
