/* SPDX-License-Identifier: MIT */
#include <openssl/evp.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "lib/snp/launch_digest.h"
#include "lib/snp/vmsa.h"
#include "tests/unit/amd-sp/hex.h"
#include "tests/unit/registered.h"

static const uint8_t zero_page[PAGE_SIZE];
static uint8_t pattern_page[PAGE_SIZE];
static struct vmsa small_file_vmsa; /* that of the minimal IGVM file of the reference vectors */

struct step {
    enum snp_page_type type;
    uint64_t gpa;
    const void *page;
    const char *ld; /* after this step */
};

static void assert_chain(const struct step *steps, size_t count)
{
    struct launch_digest digest = {0};

    for (size_t i = 0; i < count; i++) {
        assert_true(launch_digest_update(&digest, steps[i].type, steps[i].gpa, steps[i].page, 0));
        assert_hex(digest.ld, sizeof(digest.ld), steps[i].ld);
    }
}

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

TEST(the_chain_of_all_page_types_gives_the_reference_digests)
{
    const struct step steps[] = {
        {SNP_PAGE_NORMAL, 0x100000, zero_page,
         "1ef58146b29937229db9c09edd5a124a1a77ffa91be387be7524e7a85fd0c2b1"
         "ed9ffd0536219fb839457a25c6f46923"},
        {SNP_PAGE_ZERO, 0x101000, NULL,
         "f4db5ee2a5cdf913ea1b66f6583f0661efed0996265b8cc03df064b43c758ce9"
         "5d0c725e132668a9004603ec988abe5d"},
        {SNP_PAGE_UNMEASURED, 0x102000, NULL,
         "bdede8cc7fb8319149a071e28e957d17e9ac89f76449ea7c29cdf600092b829a"
         "bb49064677f1f89df0a63f6f93abbffb"},
        {SNP_PAGE_SECRETS, 0x103000, NULL,
         "4e7a927a657691363177f559804ca1bded991f3bad841a0fc4705d1e72b85712"
         "91ce3f2c41f1490eada688a1b07ec305"},
        {SNP_PAGE_CPUID, 0x104000, NULL,
         "baf74e586e2aec90a72cab39d956f1ec58802a18601f5e1653a3c14615624881"
         "2138040dddf26af846b6cd6754214a54"},
        {SNP_PAGE_VMSA, VMSA_LAUNCH_GPA, zero_page,
         "20e832b2f6b4eb72784f0d16b9775e64e9db422e9301eb59b37a0cb865642fe9"
         "0d47bdb46757194fcc3d713284b935c6"},
    };

    assert_chain(steps, COUNT(steps));
}

TEST(each_page_type_alone_gives_the_reference_digest)
{
    const struct step steps[] = {
        {SNP_PAGE_NORMAL, 0x1000, zero_page,
         "e6e4d78904d9d6b33c0cbfd121998fd2d11744dae606b3aee35e2a45d6869b60"
         "b35c63928a9232bef72d6be386f48ec6"},
        {SNP_PAGE_NORMAL, 0x1000, pattern_page,
         "0008ec48544088b72890fe9c997274f54b71b8667527c0a48ddf10053cce7020"
         "f95a9b43650c800db58b39bbaaa198a2"},
        {SNP_PAGE_VMSA, 0x1000, pattern_page,
         "7bee562a4b400f6ba5df8243250371d61a234aed1813b77f827426cb8bc6c765"
         "af568a4479840ccd9fed64deadd6ebff"},
        {SNP_PAGE_ZERO, 0x1000, NULL,
         "4bd4147976a1e7554c1c778a781affc1c672f1965a727ba16084989b7e356044"
         "a28bbe585a2f75dac9356fa5ab78f061"},
        {SNP_PAGE_UNMEASURED, 0x1000, NULL,
         "81475a112c0223cebe1ccb31a0aa2567772871200b33515a3cbbd5ed6a68a8e6"
         "30902dd83469ea6553554bfb67111fad"},
        {SNP_PAGE_SECRETS, 0x1000, NULL,
         "ede71fa5ddc72c3de70c6ff1149b8ecb6ef08b74b1d3a72c2cece10bd140c06a"
         "6181343d33def7db6cc0da1ff9ba4805"},
        {SNP_PAGE_CPUID, 0x1000, NULL,
         "af3c8d305f882f039a48318a961572ddc7ebf40b3d1eae828f4fa6e27a7b3078"
         "cf2d84b459e002fb58b4ae83efd7f29c"},
    };

    for (size_t i = 0; i < COUNT(steps); i++)
        assert_chain(&steps[i], 1);
}

TEST(the_minimal_igvm_file_gives_its_reference_digest)
{
    const struct step steps[] = {
        {SNP_PAGE_UNMEASURED, 0x20000, NULL,
         "1e6b36232763034c65d4e2ec17d02c293de4e0ef6736da48f6d9a02481869951"
         "9a4f8031c7955b65258b00d7a50a253d"},
        {SNP_PAGE_NORMAL, 0x10000, pattern_page,
         "3e6edc2274b2eec70ba2d26d2020b0bcb97ccdd52d58d6b99456f604285b26f3"
         "399e6e541cf58882b4788d15cfd6f95a"},
        {SNP_PAGE_CPUID, 0x21000, NULL,
         "516b96595d969c992364dd9ec0847ecfb1c3da1df01e0e14458af2a5a7cbcf6a"
         "84aa5dede5a8fbf0e0255674c20c23ab"},
        {SNP_PAGE_SECRETS, 0x22000, NULL,
         "c8f998c5cf8f69c2d3d4fe1143ac4c59824fdcfb4d4556f3533cc5983b76cf40"
         "204e82334d790f3c06a377f9165e9da3"},
        {SNP_PAGE_NORMAL, 0x23000, zero_page,
         "a057b597a1266617509c0629e13a473e86f74b1787696d6ebd1aa74d07753656"
         "326cf8bf1e05cb0196a1d57b27500688"},
        {SNP_PAGE_UNMEASURED, 0x24000, NULL,
         "eb38c7e976bb9e347671f6a9652fc1ae55841241181d9cee88f2b01fd1fc0229"
         "cd144288dfd7371ce0101d204e1b0948"},
        {SNP_PAGE_VMSA, VMSA_LAUNCH_GPA, &small_file_vmsa,
         "6e97aba47cb87499de5c1bacde7b367f35fb06633b4312f67b652658c2a41508"
         "562bfc8427a200617403a6e4f67c289f"},
    };

    assert_chain(steps, COUNT(steps));
}

TEST(permission_masks_stand_in_bytes_65_to_67_of_page_info)
{
    uint8_t page_info[0x70] = {0};
    uint8_t expected[LAUNCH_DIGEST_SIZE];
    struct launch_digest digest = {0};

    put_le16(page_info + 0x60, 0x70);
    page_info[0x62] = SNP_PAGE_ZERO;
    page_info[0x65] = 1;
    page_info[0x66] = 0xF;
    page_info[0x67] = 3;
    put_le64(page_info + 0x68, 0x5000);
    assert_int_equal(EVP_Digest(page_info, sizeof(page_info), expected, NULL, EVP_sha384(), NULL),
                     1);

    assert_true(
        launch_digest_update(&digest, SNP_PAGE_ZERO, 0x5000, NULL, LAUNCH_PERMISSIONS(1, 0xF, 3)));
    assert_memory_equal(digest.ld, expected, sizeof(expected));
}

TEST(what_is_no_page_is_refused_and_changes_nothing)
{
    struct launch_digest digest = {0};
    struct launch_digest before = digest;

    assert_false(launch_digest_update(&digest, SNP_PAGE_NORMAL, 0x1000, NULL, 0));
    assert_false(launch_digest_update(&digest, SNP_PAGE_VMSA, 0x1000, NULL, 0));
    assert_false(launch_digest_update(&digest, SNP_PAGE_ZERO, 0x1001, NULL, 0));
    assert_false(launch_digest_update(&digest, SNP_PAGE_ZERO, 0x1000, NULL, 1u << 24));
    assert_false(launch_digest_update(&digest, (enum snp_page_type)0, 0x1000, zero_page, 0));
    assert_false(launch_digest_update(&digest, (enum snp_page_type)7, 0x1000, zero_page, 0));
    assert_memory_equal(&digest, &before, sizeof(digest));
}

static int make_pages(void **state)
{
    struct vmsa *v = &small_file_vmsa;
    struct vmsa_segment data = {0x10, 0xC93, 0xFFFFFFFF, 0};

    (void)state;
    for (size_t i = 0; i < PAGE_SIZE; i++)
        pattern_page[i] = (uint8_t)(7 * i + 3);
    v->es = v->ss = v->ds = v->fs = v->gs = data;
    v->cs = (struct vmsa_segment){0x08, 0xC9B, 0xFFFFFFFF, 0};
    v->efer = EFER_SVME;
    v->cr4 = 0x40;
    v->cr0 = 0x31;
    v->dr7 = VMSA_DR7_RESET;
    v->dr6 = VMSA_DR6_RESET;
    v->rflags = VMSA_RFLAGS_RESET;
    v->rip = 0x10000;
    v->rsp = 0x20000;
    v->g_pat = VMSA_G_PAT_RESET;
    v->sev_features = SEV_FEATURE_SNP_ACTIVE;
    v->xcr0 = 1;
    v->mxcsr = VMSA_MXCSR_RESET;
    v->x87_fcw = 0x37F;
    return 0;
}

TEST_GROUP(make_pages, NULL)
