/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "emulator/amd-sp/id_block.h"
#include "tests/unit/amd-sp/hex.h"
#include "tests/unit/registered.h"

#define COMPONENT_SIZE 48

static struct id_block block;
static struct id_auth auth;
static struct guest_context guest;
static struct guest_identity identity;

static void put_component(uint8_t out[ID_KEY_COMPONENT_SIZE], const char *big_endian)
{
    uint8_t bytes[COMPONENT_SIZE];

    from_hex(bytes, sizeof(bytes), big_endian);
    for (size_t i = 0; i < COMPONENT_SIZE; i++)
        out[i] = bytes[COMPONENT_SIZE - 1 - i];
}

static void put_keys(void)
{
    auth.id_key.curve = auth.author_key.curve = ID_KEY_CURVE_P384;
    put_component(auth.id_key.qx, "43e3af2a0db9086750976877650f426d2157a45e10de646f"
                                  "f857198b226df0d4b2243408e03ba711d9c34c51cb344413");
    put_component(auth.id_key.qy, "dd12e3cea20d5112f06b0831d2ea139ba34061f8310e9744"
                                  "fd18d915ef34f6f2c670e34c63eeb80bcc613ecb91f2c196");
    put_component(auth.author_key.qx, "316140c268c8841cddd1dcbb51a11d516d285cdda6979f1d"
                                      "b9230b9a9436f07ea3bacb8f4200e382634338484d19cdf4");
    put_component(auth.author_key.qy, "94a1a457df42b3e7e22a255300495305b5d6f0208f2aada1"
                                      "741af1a9baaa73c39db971ef06d180d9524e1a2a4d33dfa0");
}

static void put_signatures(void)
{
    put_component(auth.id_block_signature.r, "67514739db224fc976658fa4f790fbd3e5b64f97940c6040"
                                             "b01375abedbcd939a71df60ab6727f4ba61178802c0db3ef");
    put_component(auth.id_block_signature.s, "25133e5c6e9c018f0228f7e7ffafeb4cecb48ba3a1fb539c"
                                             "4ce615f9798ed28fe69ebf176624fec27918522cefb32845");
    put_component(auth.id_key_signature.r, "f05415aace7da34508d01d4ecb5f9c51e1c10fa40585fb04"
                                           "80659260773c801ceb3f0005bdcec92ef9bc502606e29b5e");
    put_component(auth.id_key_signature.s, "259efa4107fd7b45de28d5957151b740a56cf192e29e71e5"
                                           "f9eee205255b7d48d3f4444f5d284f010e5211ba337f47a7");
}

/* The reference block: signed by ID key 01..01, whose key the author key 02..02 signed. */
static int begin(void **state)
{
    (void)state;
    block = (struct id_block){
        .version = ID_BLOCK_VERSION, .guest_svn = 7, .policy = SNP_POLICY_DEFAULT};
    from_hex(block.ld, sizeof(block.ld),
             "6e97aba47cb87499de5c1bacde7b367f35fb06633b4312f6"
             "7b652658c2a41508562bfc8427a200617403a6e4f67c289f");
    for (uint8_t i = 0; i < 16; i++) {
        block.family_id[i] = i;
        block.image_id[i] = (uint8_t)(16 + i);
    }
    auth = (struct id_auth){.id_key_algo = ID_AUTH_ALGO_ECDSA_P384,
                            .author_key_algo = ID_AUTH_ALGO_ECDSA_P384};
    put_keys();
    put_signatures();
    guest = (struct guest_context){.state = GUEST_LAUNCH, .policy = SNP_POLICY_DEFAULT};
    memcpy(guest.digest.ld, block.ld, sizeof(block.ld));
    identity = (struct guest_identity){0};
    return 0;
}

static enum snp_status check(bool author_key_en)
{
    return id_block_check(&block, &auth, author_key_en, &guest, &identity);
}

TEST_SETUP(the_reference_block_is_accepted_with_its_author, begin)
{
    assert_int_equal(check(true), SNP_SUCCESS);
    assert_int_equal(identity.guest_svn, 7);
    assert_int_equal(identity.signer, IDENTITY_AUTHOR_KEY);
    assert_memory_equal(identity.family_id, block.family_id, sizeof(block.family_id));
    assert_memory_equal(identity.image_id, block.image_id, sizeof(block.image_id));
    assert_hex(identity.id_key_digest, KEY_DIGEST_SIZE,
               "070fb0a1cdfa094726c80f5a9cb4a5d0a8bb5195225d026f"
               "6102e04f6e676bbbc214e4c477f8ade7c2b37d0a470a33dd");
    assert_hex(identity.author_key_digest, KEY_DIGEST_SIZE,
               "88e72344ccbedcafc0468a2fa0d26bf8b76595347a4620fe"
               "597169f2451298b7d0b92d917ff81bf380ffbf325a216a64");
}

TEST_SETUP(without_author_the_author_key_is_ignored, begin)
{
    const uint8_t zeros[KEY_DIGEST_SIZE] = {0};

    memset(&auth.author_key, 0xEE, sizeof(auth.author_key));
    assert_int_equal(check(false), SNP_SUCCESS);
    assert_int_equal(identity.signer, IDENTITY_ID_KEY);
    assert_memory_equal(identity.author_key_digest, zeros, sizeof(zeros));
}

TEST_SETUP(another_digest_or_policy_is_refused, begin)
{
    guest.policy |= SNP_POLICY_DEBUG;
    assert_int_equal(check(true), SNP_POLICY_FAILURE);
    guest.digest.ld[47] ^= 1;
    assert_int_equal(check(true), SNP_BAD_MEASUREMENT);
}

TEST_SETUP(a_bad_signature_is_refused_and_no_identity_is_given, begin)
{
    struct guest_identity none = {0};

    auth.id_block_signature.r[0] ^= 1;
    assert_int_equal(check(true), SNP_BAD_SIGNATURE);
    auth.id_block_signature.r[0] ^= 1;
    auth.id_key_signature.s[71] = 1;
    assert_int_equal(check(true), SNP_BAD_SIGNATURE);
    auth.id_key_signature.s[71] = 0;
    block.guest_svn++;
    assert_int_equal(check(true), SNP_BAD_SIGNATURE);
    assert_memory_equal(&identity, &none, sizeof(none));
}

TEST_SETUP(a_zero_signature_is_refused, begin)
{
    memset(&auth.id_block_signature, 0, sizeof(auth.id_block_signature));
    assert_int_equal(check(false), SNP_BAD_SIGNATURE);
}

TEST_SETUP(a_key_of_another_algorithm_curve_or_off_the_curve_is_refused, begin)
{
    auth.id_key_algo = 2;
    assert_int_equal(check(true), SNP_INVALID_PARAM);
    auth.id_key_algo = ID_AUTH_ALGO_ECDSA_P384;
    auth.author_key_algo = 0;
    assert_int_equal(check(true), SNP_INVALID_PARAM);
    auth.author_key_algo = ID_AUTH_ALGO_ECDSA_P384;
    auth.id_key.curve = 1;
    assert_int_equal(check(true), SNP_INVALID_PARAM);
    auth.id_key.curve = ID_KEY_CURVE_P384;
    auth.id_key.qx[0] ^= 1;
    assert_int_equal(check(true), SNP_INVALID_PARAM);
    auth.id_key.qx[0] ^= 1;
    auth.id_key.qy[48] = 1;
    assert_int_equal(check(true), SNP_INVALID_PARAM);
    auth.id_key.qy[48] = 0;
    block.version = 2;
    assert_int_equal(check(true), SNP_INVALID_PARAM);
}
