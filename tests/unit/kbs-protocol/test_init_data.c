/* SPDX-License-Identifier: MIT */
#include <openssl/sha.h>
#include <string.h>

#include "kbs/protocol/init_data.h"
#include "tests/unit/registered.h"

static bool digests(const char *toml)
{
    uint8_t host_data[HOST_DATA_SIZE];

    return init_data_digest(toml, strlen(toml), host_data);
}

TEST(the_named_algorithm_digests_the_whole_document)
{
    static const char sha256[] = "version = \"0.1.0\"\nalgorithm = \"sha256\"\n\n[data]\n"
                                 "\"aa.toml\" = '''\nalgorithm = \"sha512\"\n'''\n";
    static const char sha384[] = "algorithm = \"sha384\"\nversion = \"0.1.0\"";
    static const char sha512[] = "# one\r\n  algorithm=\"sha512\" # two\r\n[data]\r\n";
    uint8_t host_data[HOST_DATA_SIZE], digest[SHA512_DIGEST_LENGTH];

    assert_true(init_data_digest(sha256, strlen(sha256), host_data));
    SHA256((const uint8_t *)sha256, strlen(sha256), digest);
    assert_memory_equal(host_data, digest, HOST_DATA_SIZE);
    assert_true(init_data_digest(sha384, strlen(sha384), host_data));
    SHA384((const uint8_t *)sha384, strlen(sha384), digest);
    assert_memory_equal(host_data, digest, HOST_DATA_SIZE);
    assert_true(init_data_digest(sha512, strlen(sha512), host_data));
    SHA512((const uint8_t *)sha512, strlen(sha512), digest);
    assert_memory_equal(host_data, digest, HOST_DATA_SIZE);
}

TEST(refuses_what_does_not_name_one_algorithm_plainly)
{
    assert_false(digests(""));
    assert_false(digests("version = \"0.1.0\"\n"));
    assert_false(digests("algorithm = \"md5\"\n"));
    assert_false(digests("algorithm = \"SHA256\"\n"));
    assert_false(digests("algorithm = 'sha256'\n"));
    assert_false(digests("algorithm = sha256\n"));
    assert_false(digests("algorithm = \"sha256\" x\n"));
    assert_false(digests("algorithm = \"sha256\n\"\n"));
    assert_false(digests("algorithm = \"sha\\u003256\"\n"));
    assert_false(digests("algorithm = \"sha256\"\nalgorithm = \"sha256\"\n"));
    assert_false(digests("[data]\nalgorithm = \"sha256\"\n"));
    assert_false(digests("version = \"\"\"\nalgorithm = \"sha256\"\n\"\"\"\n"));
    assert_false(digests("algorithm.x = \"sha256\"\n"));
    assert_false(digests("= \"sha256\"\n"));
}
