/* SPDX-License-Identifier: MIT */
/* What systemd is told, and where. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/systemd/notify.h"
#include "tests/unit/registered.h"

static int listen_at(const struct sockaddr_un *address, size_t length)
{
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    assert_int_equal(bind(fd, (const struct sockaddr *)address,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)),
                     0);
    return fd;
}

static void assert_told(int fd, const char *expected)
{
    char told[128];
    ssize_t size = recv(fd, told, sizeof(told) - 1, 0);

    assert_true(size > 0);
    told[size] = '\0';
    assert_int_equal(strncmp(told, expected, strlen(expected)), 0);
}

TEST(a_socket_by_its_path_is_told)
{
    char folder[] = "/tmp/snp-vtpm-notify-XXXXXX";
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd;

    assert_non_null(mkdtemp(folder));
    snprintf(address.sun_path, sizeof(address.sun_path), "%s/socket", folder);
    fd = listen_at(&address, strlen(address.sun_path));
    setenv("NOTIFY_SOCKET", address.sun_path, 1);
    notify("READY=1");
    assert_told(fd, "READY=1");
    notify_reloading();
    assert_told(fd, "RELOADING=1\nMONOTONIC_USEC=");
    close(fd);
    notify("STOPPING=1"); /* nobody hears it */
    unlink(address.sun_path);
    rmdir(folder);
}

TEST(an_abstract_socket_of_the_longest_name_is_told)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char name[sizeof(address.sun_path)];
    int fd;

    memset(name, 'n', sizeof(name));
    snprintf(name, sizeof(name), "@snp-vtpm-test-%ld", (long)getpid());
    name[strlen(name)] = '-';
    name[sizeof(name) - 1] = '\0';
    memcpy(address.sun_path, name, sizeof(name));
    address.sun_path[0] = '\0';
    fd = listen_at(&address, strlen(name));
    setenv("NOTIFY_SOCKET", name, 1);
    notify("READY=1");
    assert_told(fd, "READY=1");
    close(fd);
}

TEST(names_that_are_none_are_passed_over)
{
    char name[sizeof(((struct sockaddr_un *)NULL)->sun_path) + 1];

    memset(name, 'n', sizeof(name) - 1);
    name[0] = '@';
    name[sizeof(name) - 1] = '\0';
    setenv("NOTIFY_SOCKET", name, 1);
    notify("READY=1");
    setenv("NOTIFY_SOCKET", "relative", 1);
    notify("READY=1");
    setenv("NOTIFY_SOCKET", "", 1);
    notify("READY=1");
    unsetenv("NOTIFY_SOCKET");
    notify("READY=1");
}
