/* SPDX-License-Identifier: MIT */
/* Vector TV1 as frames of the protocol: what stands behind the length prefix of each. */
#ifndef SNPVTPM_TESTS_UNIT_ATTEST_TV1_FRAMES_H
#define SNPVTPM_TESTS_UNIT_ATTEST_TV1_FRAMES_H

#define TV1_NEGOTIATION_REQUEST_LENGTH 0x1f

#define TV1_NEGOTIATION_RESPONSE_LENGTH 0x66
#define TV1_NEGOTIATION_RESPONSE                                                                   \
    "{\"challenge\":\"oKGio6SlpqeoqaqrrK2ur7CxsrO0tba3uLm6u7y9vr8=\",\"params\":[\"EcPublic"       \
    "KeyBytes\",\"Challenge\"]}"

#define TV1_ATTESTATION_RESPONSE_LENGTH 0x3c5
#define TV1_ATTESTATION_RESPONSE                                                                   \
    "{\"success\":true,\"secret\":\"nZDr/wFnYubeaMmNM4Z5Y5RptPKZ+GUj+k7MnxTPX5GHmIelTA4C+Zu"       \
    "QaHWEvMqFdKX/rtBT1VLgeDnEJj8Hew==\",\"decryption\":{\"epk\":{\"x\":\"AUgTAtsJxjoAq7+1g"       \
    "A2Pv7MDyMeRaHYRCLj8bhM4Ou0en6B6cHoS3L9MSDnBeTEmAsPDOdaSp0riiGhVh5E513Xp\",\"y\":\"ABY1"       \
    "nZqIXTw7vjoq+2PZ9eb5vmbQEmtqn0uLWAVc2CSYDU1kBEPLswZKoMf5X/7zhvR0iYbYt1cmWDCAR1eyjbyZ\""       \
    "},\"wrapped_cek\":\"TZdCbB3nsftV1hsbY/d11u1H0KttyE8K1kWPX4XYcP/YfJJD36Wcew==\",\"aad\""       \
    ":\"ZXlKaGJHY2lPaUpGUTBSSUxVVlRLMEV5TlRaTFZ5SXNJbVZ1WXlJNklrRXlOVFpIUTAwaUxDSmxjR3NpT25"       \
    "zaVkzSjJJam9pVUMwMU1qRWlMQ0pyZEhraU9pSkZReUlzSW5naU9pSkJWV2RVUVhSelNuaHFiMEZ4TnkweFowR"       \
    "XlVSFkzVFVSNVRXVlNZVWhaVWtOTWFqaGlhRTAwVDNVd1pXNDJRalpqU0c5VE0wdzVUVk5FYmtKbFZFVnRRWE5"       \
    "RUkU5a1lWTndNSEpwYVVkb1ZtZzFSVFV4TTFod0lpd2llU0k2SWtGQ1dURnVXbkZKV0ZSM04zWnFiM0V0TWxCY"       \
    "U9XVmlOWFp0WWxGRmJYUnhiakIxVEZkQlZtTXlRMU5aUkZVeGEwSkZVRXh6ZDFwTGIwMW1OVmhmTjNwb2RsSXd"       \
    "hVmxpV1hReFkyMVhSRU5CVWpGbGVXcGllVm9pZlgw\",\"iv\":\"AAECAwQFBgcICQoL\",\"tag\":\"8r+Q"       \
    "Ue9pEak7ixEzIlxplg==\"},\"token\":{\"Jwt\":\"test-token\"}}"

#endif
