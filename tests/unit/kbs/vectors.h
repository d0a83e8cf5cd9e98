/* SPDX-License-Identifier: MIT */
/* Test vectors of other implementations: ECDH-ES+A256KW with P-521, and a signed report. */
#ifndef SNPVTPM_TESTS_UNIT_KBS_VECTORS_H
#define SNPVTPM_TESTS_UNIT_KBS_VECTORS_H

struct jwe_vector {
    const char *own_d, *own_x, *own_y; /* the recipient's key */
    const char *epk_d, *epk_x, *epk_y;
    const char *cek, *wrapped_cek, *iv, *plaintext, *ciphertext, *tag;
    const char *protected; /* base64url */
};

static const struct jwe_vector tv1 = {
    .own_d = "00aa2099c58dc865d5ca3d75222e84b70ffa3d2291e9b402222f38f4552d01953d805c1725a36063"
             "f8d46d865de55769fcfb0ec24fbd76d0d68a86d6eaaf50fe9217",
    .own_x = "011a50e4aa3df23acb172a2b12e575439c770ef059254e6d174bcb82e392bf0c9413c44c3a555526"
             "4d245f3ade0296345bb61d420331e82ccfa54fdb3c053d9844ff",
    .own_y = "014cf70d2566a884fd1f43ab300a9725abdde4a91fae71eda42fee1f3453b79967b685d0f8e60207"
             "cda164152dff58f3695333c7f9c6fa8d5d1a7d10295a906ed066",
    .epk_d = "00009488e37c4b7cd1402ba2495ec58b1ba00297f42173bc7134a0a6b2c5ecd5c45a966a1b02b18b"
             "f551c03ac5dfc2838c492f8d597fd4c7cdd01c8aa7572827ebf6",
    .epk_x = "01481302db09c63a00abbfb5800d8fbfb303c8c79168761108b8fc6e13383aed1e9fa07a707a12dc"
             "bf4c4839c179312602c3c339d692a74ae2886855879139d775e9",
    .epk_y = "0016359d9a885d3c3bbe3a2afb63d9f5e6f9be66d0126b6a9f4b8b58055cd824980d4d640443cbb3"
             "064aa0c7f95ffef386f4748986d8b757265830804757b28dbc99",
    .cek = "19dc731bcfa375c1130845d78faa7047264ef6fc046b285ecf66b4e6002e7017",
    .wrapped_cek =
        "4d97426c1de7b1fb55d61b1b63f775d6ed47d0ab6dc84f0ad6458f5f85d870ffd87c9243dfa59c7b",
    .iv = "000102030405060708090a0b",
    .plaintext = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f2021222324252627"
                 "28292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f",
    .ciphertext = "9d90ebff016762e6de68c98d338679639469b4f299f86523fa4ecc9f14cf5f91879887a54c0e02f9"
                  "9b90687584bcca8574a5ffaed053d552e07839c4263f077b",
    .tag = "f2bf9051ef6911a93b8b1133225c6996",
    .protected = "eyJhbGciOiJFQ0RILUVTK0EyNTZLVyIsImVuYyI6IkEyNTZHQ00iLCJlcGsiOnsiY3J2IjoiUC01MjEi"
                 "LCJrdHkiOiJFQyIsIngiOiJBVWdUQXRzSnhqb0FxNy0xZ0EyUHY3TUR5TWVSYUhZUkNMajhiaE00T3Uw"
                 "ZW42QjZjSG9TM0w5TVNEbkJlVEVtQXNQRE9kYVNwMHJpaUdoVmg1RTUxM1hwIiwieSI6IkFCWTFuWnFJ"
                 "WFR3N3Zqb3EtMlBaOWViNXZtYlFFbXRxbjB1TFdBVmMyQ1NZRFUxa0JFUExzd1pLb01mNVhfN3podlIw"
                 "aVliWXQxY21XRENBUjFleWpieVoifX0",
};

/* Z begins with two zero bytes, plaintext "hello, world". */
static const struct jwe_vector tv2 = {
    .own_d = "0033df414cdd8268ec4aab75ca0ea123f9da0745b36d21e25c4ca5fb69a1ee1f25e88708a210ed71"
             "d3cad101a6f7395bc7764dc3765d3f3581865705941248a7b163",
    .own_x = "01049237a4332f2d1437e6e3bf6b44e72d5a868a29423c5374c3f53153eec0370f05506b519e6d35"
             "bdcaca5104637c684df83df9540e6e5171fd541056b623582e18",
    .own_y = "0120502d4df135d9ab36ec77868f1a5094cc44f3556ce59d8ba3b87a6ae75b399cb3b842a519522d"
             "f3a51e7092f0ba0205938f0a65165507a46fa0c610843a70ef78",
    .epk_d = "00d21a85f8f3e24428a004946a9f683d1ee630c2d0fc6228137bad257129e83e2d05c92bca5d8fbe"
             "46f46be90f92c346ba8744a46f68b8b1a50a2ef57f72f54e7853",
    .epk_x = "00a367813f5ac2714cdbdcc69ea8de7c54b638d5b1f8d43f16b670f1fd7e6998f57af00611f64a2f"
             "f5536d81fe49d43ac402c46f6623005062b3aacdb2751fe8d858",
    .epk_y = "017dd43da73f930dea6c3e73a881b2ae3ecb2e6a9771246c4157ba157af818614e3a1a78db15c775"
             "04c4b5d28408e48492d3ce7d172fdbf5d6e1bdaa6d41cef0bab6",
    .cek = "5498651d44c5d3ddd8e8e4272f29f1faa44e09f3e4d19ffc0939194cf56611e9",
    .wrapped_cek =
        "a47faffb401d376439ab410c65f0b74e09fd498933296fa67eb807fa58f2bb67f29e9bd32615fd66",
    .iv = "f0f1f2f3f4f5f6f7f8f9fafb",
    .plaintext = "68656c6c6f2c20776f726c64",
    .ciphertext = "6f27459752ff692b8b5e7976",
    .tag = "a3e0c1042605e01c6a7c591c7eb7dd18",
    .protected = "eyJhbGciOiJFQ0RILUVTK0EyNTZLVyIsImVuYyI6IkEyNTZHQ00iLCJlcGsiOnsiY3J2IjoiUC01MjEi"
                 "LCJrdHkiOiJFQyIsIngiOiJBS05uZ1Q5YXduRk0yOXpHbnFqZWZGUzJPTld4LU5RX0ZyWnc4ZjEtYVpq"
                 "MWV2QUdFZlpLTF9WVGJZSC1TZFE2eEFMRWIyWWpBRkJpczZyTnNuVWY2TmhZIiwieSI6IkFYM1VQYWNf"
                 "a3czcWJENXpxSUd5cmo3TExtcVhjU1JzUVZlNkZYcjRHR0ZPT2hwNDJ4WEhkUVRFdGRLRUNPU0VrdFBP"
                 "ZlJjdjJfWFc0YjJxYlVITzhMcTIifX0",
};

/* REPORT_DATA for TV1's recipient and the nonce a0..bf; then with the two swapped: to refuse. */
#define TV1_REPORT_DATA                                                                            \
    "d67c12fd856b6c394c4f9a511eddc681d9b90ab063763cc57dd20333529a6ddf01e4b561f7823f1e"             \
    "3e02b930a29a59e82dd7c28133c40228d1ae152857cfbe65"
#define TV1_REPORT_DATA_SWAPPED                                                                    \
    "d0808d09827ed6c4d17cfa63c56762e1773b03bc4235807d1732a4148e0809db04c5940a21e8643a"             \
    "90cc996f88c08d7f5a09b8a5096b686c4d7b36c84e2e88ea"

/* A report signed by another implementation: its fields that are not counted up, its key, its
 * signature. */
#define TV3_REPORT_DATA                                                                            \
    "2fcb273f9dac23b3d8c2a28e98bb50d027af4e750d5bf5fa5ccf95b098e7495f634fafd2c6b0"                 \
    "25d16eb0e089fa6cb2f24a96e5c9f81668405877b373add61b8d"
#define REPORT_VECTOR_X                                                                            \
    "5789d4bb3833e7f9c960ebb170978114172d6ae328d887d8260969fc0a8f465e38d51bf835d1"                 \
    "68389026d330d1ecace4"
#define REPORT_VECTOR_Y                                                                            \
    "f18ab1b1fc2c841822631c73983f34f6d8a7c3e01d77118c9b575df76c9935632fca5d09181b"                 \
    "46909f85398c05c70f1b"
#define REPORT_VECTOR_R                                                                            \
    "93aab28f6b1f86f31260c74c694884858dc37e71c9edd63fab13ba8f96ceb70c0bb3415e7ff8"                 \
    "2f565c1bf7ac50abdbc1"
#define REPORT_VECTOR_S                                                                            \
    "e3ed6607a1e29aeeae75dfb9c8b8a69c684e419e52f49fc94ad9b04330340e407db1b6ca08c6"                 \
    "214f6b5bffe5a5de1df7"

#endif
