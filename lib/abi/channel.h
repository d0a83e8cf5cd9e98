/* SPDX-License-Identifier: MIT */
/* What the kernel and every service agree on (docs/service-abi.md): descriptors and the channel. */
#ifndef SNPVTPM_LIB_ABI_CHANNEL_H
#define SNPVTPM_LIB_ABI_CHANNEL_H

#define SERVICE_FD_STDOUT 1
#define SERVICE_FD_STDERR 2
#define CHANNEL_FD        3

#define CHANNEL_MESSAGE_MAX 8192 /* bytes of a request or response, the first u32 included */
#define CHANNEL_STATUS_DONE 0

#define STATE_KEY_SIZE 64 /* AES-256-XTS, from one service to the other */

#endif
