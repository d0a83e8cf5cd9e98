/* SPDX-License-Identifier: MIT */
#include "kbs/server/client.h"

#include <string.h>

#include <arpa/inet.h>

#include "lib/base/bytes.h"

/* In a part of the IPv6 address space that is reserved, apart from every /64 in use. */
#define KEY_OF_IPV4 0x0000ffff00000000u

static uint64_t key_of_ipv4(const void *address)
{
    return KEY_OF_IPV4 | get_be32(address);
}

static uint64_t key_of_ipv6(const struct in6_addr *address)
{
    if (IN6_IS_ADDR_V4MAPPED(address))
        return key_of_ipv4(address->s6_addr + 12);
    return get_be64(address->s6_addr);
}

/* ::1 is in the /64 of zeros; its key must not be 0, which stands for what is no address. */
static uint64_t never_zero(uint64_t key)
{
    return key != 0 ? key : 1;
}

uint64_t client_key(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET)
        return key_of_ipv4(&((const struct sockaddr_in *)address)->sin_addr);
    if (address->sa_family == AF_INET6)
        return never_zero(key_of_ipv6(&((const struct sockaddr_in6 *)address)->sin6_addr));
    return 0;
}

uint64_t client_key_of_text(const char *text)
{
    struct in6_addr v6;
    struct in_addr v4;

    if (inet_pton(AF_INET, text, &v4) == 1)
        return key_of_ipv4(&v4);
    if (inet_pton(AF_INET6, text, &v6) == 1)
        return never_zero(key_of_ipv6(&v6));
    return 0;
}

void client_name(const struct sockaddr *address, char name[INET6_ADDRSTRLEN])
{
    strcpy(name, "unknown");
    if (address->sa_family == AF_INET) {
        inet_ntop(AF_INET, &((const struct sockaddr_in *)address)->sin_addr, name,
                  INET6_ADDRSTRLEN);
    } else if (address->sa_family == AF_INET6) {
        const struct in6_addr *v6 = &((const struct sockaddr_in6 *)address)->sin6_addr;

        if (IN6_IS_ADDR_V4MAPPED(v6))
            inet_ntop(AF_INET, v6->s6_addr + 12, name, INET6_ADDRSTRLEN);
        else
            inet_ntop(AF_INET6, v6, name, INET6_ADDRSTRLEN);
    }
}
