/* SPDX-License-Identifier: MIT */
/* The messages of one attestation as two other implementations exchanged them. */
#ifndef SNPVTPM_TESTS_UNIT_PROXY_FRAMES_H
#define SNPVTPM_TESTS_UNIT_PROXY_FRAMES_H

#define NEGOTIATION_REQUEST "{\"version\":[0,1,0],\"tee\":\"snp\"}"

#define CHALLENGE_REPLY                                                                            \
    "{\"nonce\":\"oKGio6SlpqeoqaqrrK2ur7CxsrO0tba3uLm6u7y9vr8=\",\"extra-params\":\"\"}"
#define NEGOTIATION_RESPONSE                                                                       \
    "{\"challenge\":\"oKGio6SlpqeoqaqrrK2ur7CxsrO0tba3uLm6u7y9vr8=\",\"params\":[\""               \
    "EcPublicKeyBytes\",\"Challenge\"]}"

/* The "type" of an error, which a variant follows. */
#define KBS_ERROR_TYPE "https://github.com/confidential-containers/kbs/errors/"

/* What the KBS answered to /attest and to the request for the resource. */
#define TOKEN_REPLY "{\"token\":\"test-token\"}"
#define RESOURCE_REPLY                                                                             \
    "{\"protected\":\"eyJhbGciOiJFQ0RILUVTK0EyNTZLVyIsImVuYyI6IkEyNTZHQ00iLCJlcGsiO"               \
    "nsiY3J2IjoiUC01MjEiLCJrdHkiOiJFQyIsIngiOiJBVWdUQXRzSnhqb0FxNy0xZ0EyUHY3TUR5TWV"               \
    "SYUhZUkNMajhiaE00T3UwZW42QjZjSG9TM0w5TVNEbkJlVEVtQXNQRE9kYVNwMHJpaUdoVmg1RTUxM"               \
    "1hwIiwieSI6IkFCWTFuWnFJWFR3N3Zqb3EtMlBaOWViNXZtYlFFbXRxbjB1TFdBVmMyQ1NZRFUxa0J"               \
    "FUExzd1pLb01mNVhfN3podlIwaVliWXQxY21XRENBUjFleWpieVoifX0\",\"encrypted_key\":"                \
    "\"TZdCbB3nsftV1hsbY_d11u1H0KttyE8K1kWPX4XYcP_YfJJD36Wcew\",\"iv\":\"AAECAwQFBg"               \
    "cICQoL\",\"ciphertext\":\"nZDr_wFnYubeaMmNM4Z5Y5RptPKZ-GUj-k7MnxTPX5GHmIelTA4C"               \
    "-ZuQaHWEvMqFdKX_rtBT1VLgeDnEJj8Hew\",\"tag\":\"8r-QUe9pEak7ixEzIlxplg\"}"
#define ATTESTATION_RESPONSE                                                                       \
    "{\"success\":true,\"secret\":\"nZDr/wFnYubeaMmNM4Z5Y5RptPKZ+GUj+k7MnxTPX5GHmIe"               \
    "lTA4C+ZuQaHWEvMqFdKX/rtBT1VLgeDnEJj8Hew==\",\"decryption\":{\"epk\":{\"x\":\"A"               \
    "UgTAtsJxjoAq7+1gA2Pv7MDyMeRaHYRCLj8bhM4Ou0en6B6cHoS3L9MSDnBeTEmAsPDOdaSp0riiGh"               \
    "Vh5E513Xp\",\"y\":\"ABY1nZqIXTw7vjoq+2PZ9eb5vmbQEmtqn0uLWAVc2CSYDU1kBEPLswZKoM"               \
    "f5X/7zhvR0iYbYt1cmWDCAR1eyjbyZ\"},\"wrapped_cek\":\"TZdCbB3nsftV1hsbY/d11u1H0K"               \
    "ttyE8K1kWPX4XYcP/YfJJD36Wcew==\",\"aad\":\"ZXlKaGJHY2lPaUpGUTBSSUxVVlRLMEV5TlR"               \
    "aTFZ5SXNJbVZ1WXlJNklrRXlOVFpIUTAwaUxDSmxjR3NpT25zaVkzSjJJam9pVUMwMU1qRWlMQ0pyZ"               \
    "EhraU9pSkZReUlzSW5naU9pSkJWV2RVUVhSelNuaHFiMEZ4TnkweFowRXlVSFkzVFVSNVRXVlNZVWh"               \
    "aVWtOTWFqaGlhRTAwVDNVd1pXNDJRalpqU0c5VE0wdzVUVk5FYmtKbFZFVnRRWE5RUkU5a1lWTndNS"               \
    "EpwYVVkb1ZtZzFSVFV4TTFod0lpd2llU0k2SWtGQ1dURnVXbkZKV0ZSM04zWnFiM0V0TWxCYU9XVml"               \
    "OWFp0WWxGRmJYUnhiakIxVEZkQlZtTXlRMU5aUkZVeGEwSkZVRXh6ZDFwTGIwMW1OVmhmTjNwb2RsS"               \
    "XdhVmxpV1hReFkyMVhSRU5CVWpGbGVXcGllVm9pZlgw\",\"iv\":\"AAECAwQFBgcICQoL\",\"ta"               \
    "g\":\"8r+QUe9pEak7ixEzIlxplg==\"},\"token\":{\"Jwt\":\"test-token\"}}"

/* Evidence that a proxy cannot tell from real evidence. */
#define ATTESTATION_REQUEST                                                                        \
    "{\"tee\":\"snp\",\"evidence\":{\"Snp\":{\"report\":\"cmVwb3J0\",\"certs_buf\":\"+/+/\"}},"    \
    "\"challenge\":\"oKGi\",\"key\":{\"x\":\"eA==\",\"y\":\"/+8=\"}}"
#define ATTEST_BODY                                                                                \
    "{\"init-data\":null,\"runtime-data\":{\"nonce\":\"oKGi\",\"tee-pubkey\":{\"kty\":\"EC\","     \
    "\"crv\":\"P-521\",\"alg\":\"ECDH-ES+A256KW\",\"x\":\"eA\",\"y\":\"_-8\"}},\"tee-evidence\":{" \
    "\"primary_evidence\":{\"snp-report\":\"cmVwb3J0\",\"certs-buf\":\"+/+/\"},"                   \
    "\"additional_evidence\":\"\"}}"

#endif
