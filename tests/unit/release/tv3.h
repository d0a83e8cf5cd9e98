/* SPDX-License-Identifier: MIT */
/*
 * Test vector TV3: ACQUIRE of volume 00112233-4455-6677-8899-aabbccddeeff, answered OK with epoch
 * 8, lease 16 times 5A for 60 seconds, committed counter 41. Keys of SVSM and ephemeral key, and so
 * KEK, are those of TV1 (tests/unit/kbs/vectors.h), as is the plaintext. Made and opened with other
 * implementations. Hexadecimal but for svsm_rel.
 */
#ifndef SNPVTPM_TESTS_UNIT_RELEASE_TV3_H
#define SNPVTPM_TESTS_UNIT_RELEASE_TV3_H

static const char tv3_signing_d[] =
    "000f7711ee45a50fcafb3a751a7b7b8d96ccb185e05313eaf29f0f300d1c17638f67853dafdcbbab"
    "e7231664afd95b5e";
static const char tv3_signing_x[] =
    "2ac321203b151945d0b8d39d2c547662897f0f4aea0f4153bb7d88a3d5bf39dc8dfda0ca8b9ba9d1"
    "83a7cf23a0dbb78b";
static const char tv3_signing_y[] =
    "cb6d0c9df28d712ef6d6271570f02f06376f38b05b34259cf128532858d80d763ed5d0f17d545f1e"
    "501ac0760d28a2e5";
static const char tv3_spki[] =
    "3076301006072a8648ce3d020106052b81040022036200042ac321203b151945d0b8d39d2c547662"
    "897f0f4aea0f4153bb7d88a3d5bf39dc8dfda0ca8b9ba9d183a7cf23a0dbb78bcb6d0c9df28d712e"
    "f6d6271570f02f06376f38b05b34259cf128532858d80d763ed5d0f17d545f1e501ac0760d28a2e5";
static const char tv3_kid[] = "99b065ff9cbf535531c3a89656ee8a18";
static const char tv3_advert[] =
    "5356534d4b425331000799b065ff9cbf535531c3a89656ee8a18a0a1a2a3a4a5a6a7a8a9aaabacad"
    "aeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebf";
static const char tv3_request[] = "53565851001900010001010002001000112233445566778899aabbccddeeff";
static const char tv3_report_data[] =
    "2fcb273f9dac23b3d8c2a28e98bb50d027af4e750d5bf5fa5ccf95b098e7495f634fafd2c6b025d1"
    "6eb0e089fa6cb2f24a96e5c9f81668405877b373add61b8d";
static const char tv3_committed_root[] =
    "9db98a0c1df86607f73612a56bc23f921bc5ff673cd880b77a2422e1ec5e651da91c009a0dd8009a"
    "559454ba00cd0426";
static const char tv3_cek[] = "d75fdef7ef67e81fda08973b3d700d2927985360a6372be5a9ee304df4377ae7";
static const char tv3_cek_commit[] =
    "63f36752e04c4cfde4b79c7470175bcba3ab69d0b89ae758cfcc95c33e8f87599ef63cd74f91a493"
    "7b4440e09fcb8843";
static const char tv3_key_digest[] =
    "077c8c8b911c95203ec43461658f74270e72a0499fe49a828b896d811a621dbbb90ba4c59fe0e122"
    "0815538dde18d14c";
static const char tv3_record_body[] =
    "53565852015600010001010002001000112233445566778899aabbccddeeff000300010000040008"
    "0000000000000008000500105a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a000600040000003c00070038"
    "00000000000000299db98a0c1df86607f73612a56bc23f921bc5ff673cd880b77a2422e1ec5e651d"
    "a91c009a0dd8009a559454ba00cd042600100020a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3"
    "b4b5b6b7b8b9babbbcbdbebf00110030ea7f9f45f3c72bc52fc87e1c684658d40b5a42b287669dff"
    "e4ec104dbc655509ab8902a06c21e509e908f6a7f9dd4bad00120030077c8c8b911c95203ec43461"
    "658f74270e72a0499fe49a828b896d811a621dbbb90ba4c59fe0e1220815538dde18d14c00130030"
    "63f36752e04c4cfde4b79c7470175bcba3ab69d0b89ae758cfcc95c33e8f87599ef63cd74f91a493"
    "7b4440e09fcb88430014000400000001001700080000000000000000";
static const char tv3_signature_r[] =
    "fb28aebd3514b3e6b65be18b6d40e7053c3dc62c69a1a3f04ae3ecd33dfe0f452370e0cc2b7c6103"
    "cd29a4ce579db3cc";
static const char tv3_signature_s[] =
    "b379da2bd277b0a0c32daada7071e63b36141cc17dd0961f8d848d13839c54100b21c9bd54b06ffd"
    "9d4ca84764795202";
static const char tv3_wrapped_cek[] =
    "4f6c1d72d3dde075a981481a9833b17beb816144b8a608db6a5c44206cdb7c1fca9abfd83d86b66f";
static const char tv3_iv[] = "101112131415161718191a1b";
static const char tv3_ciphertext[] =
    "e92f7cc22843206d4c5772ea9bab710af64f969645cc37b8223504630b1fa27f89b38501aa433e7d"
    "ee0f445565a609b4ae932ec03556cb56be5564bce905c3fd";
static const char tv3_tag[] = "9f26908ccc4eb03717d4dfebec0a6161";
static const char tv3_svsm_rel[] =
    "U1ZYUgFWAAEAAQEAAgAQABEiM0RVZneImaq7zN3u_wADAAEAAAQACAAAAAAAAAAIAAUAEFpaWlpaWlpa"
    "WlpaWlpaWloABgAEAAAAPAAHADgAAAAAAAAAKZ25igwd-GYH9zYSpWvCP5Ibxf9nPNiAt3okIuHsXmUd"
    "qRwAmg3YAJpVlFS6AM0EJgAQACCgoaKjpKWmp6ipqqusra6vsLGys7S1tre4ubq7vL2-vwARADDqf59F"
    "88crxS_IfhxoRljUC1pCsodmnf_k7BBNvGVVCauJAqBsIeUJ6Qj2p_ndS60AEgAwB3yMi5EclSA-xDRh"
    "ZY90Jw5yoEmf5JqCi4ltgRpiHbu5C6TFn-DhIggVU43eGNFMABMAMGPzZ1LgTEz95LecdHAXW8ujq2nQ"
    "uJrnWM_MlcM-j4dZnvY810-RpJN7REDgn8uIQwAUAAQAAAABABcACAAAAAAAAAAA-yiuvTUUs-a2W-GL"
    "bUDnBTw9xixpoaPwSuPs0z3-D0UjcODMK3xhA80ppM5XnbPMs3naK9J3sKDDLaracHHmOzYUHMF90JYf"
    "jYSNE4OcVBALIcm9VLBv_Z1MqEdkeVIC";
/* SHA-256 of the 1159 characters of the protected header. */
static const char tv3_protected_digest[] =
    "70d770371d6f721b1bdd873c60e93baf071facbb96c3a006d40134e3f171826c";

#endif
