/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "proxy/unix_listener.h"
#include "tests/unit/kbs/scratch.h"
#include "tests/unit/registered.h"

TEST(only_its_owner_may_connect)
{
    char path[PATH_MAX];
    struct stat file;
    int fd;

    assert_int_equal(unix_listener_open(scratch_path("new", path), UNIX_LISTENER_OWN_GROUP, &fd),
                     UNIX_LISTENER_OK);
    assert_int_equal(stat(path, &file), 0);
    assert_int_equal(file.st_mode & 0077, 0);
    close(fd);
}

TEST(a_group_may_be_let_in)
{
    char path[PATH_MAX];
    struct stat file;
    int fd;

    assert_int_equal(unix_listener_open(scratch_path("group", path), getegid(), &fd),
                     UNIX_LISTENER_OK);
    assert_int_equal(stat(path, &file), 0);
    assert_int_equal(file.st_mode & 0777, 0660);
    assert_int_equal(file.st_gid, getegid());
    close(fd);
}

TEST(a_served_socket_is_left_alone)
{
    char path[PATH_MAX];
    int first, second;

    assert_int_equal(
        unix_listener_open(scratch_path("served", path), UNIX_LISTENER_OWN_GROUP, &first),
        UNIX_LISTENER_OK);
    assert_int_equal(unix_listener_open(path, UNIX_LISTENER_OWN_GROUP, &second),
                     UNIX_LISTENER_IN_USE);
    assert_int_equal(access(path, F_OK), 0);
    close(first);
}

TEST(a_stale_socket_is_replaced)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char path[PATH_MAX];
    int fd, client = socket(AF_UNIX, SOCK_STREAM, 0);

    assert_int_equal(unix_listener_open(scratch_path("stale", path), UNIX_LISTENER_OWN_GROUP, &fd),
                     UNIX_LISTENER_OK);
    close(fd);
    assert_int_equal(unix_listener_open(path, UNIX_LISTENER_OWN_GROUP, &fd), UNIX_LISTENER_OK);
    strcpy(address.sun_path, path);
    assert_int_equal(connect(client, (struct sockaddr *)&address, sizeof(address)), 0);
    close(client);
    close(fd);
}

TEST(a_file_of_another_kind_is_kept)
{
    char path[PATH_MAX];
    FILE *file = fopen(scratch_path("file", path), "w");
    int fd;

    fputs("precious", file);
    fclose(file);
    assert_int_equal(unix_listener_open(path, UNIX_LISTENER_OWN_GROUP, &fd),
                     UNIX_LISTENER_NOT_SOCKET);
    assert_int_equal(access(path, F_OK), 0);
    assert_int_equal(unix_listener_open(scratch_folder, UNIX_LISTENER_OWN_GROUP, &fd),
                     UNIX_LISTENER_NOT_SOCKET);
}

TEST(says_why_a_path_is_unusable)
{
    char path[PATH_MAX], name[200];
    int fd;

    assert_int_equal(
        unix_listener_open(scratch_path("no/folder", path), UNIX_LISTENER_OWN_GROUP, &fd),
        UNIX_LISTENER_FAILED);
    assert_int_equal(errno, ENOENT);
    memset(name, 'x', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    assert_int_equal(unix_listener_open(scratch_path(name, path), UNIX_LISTENER_OWN_GROUP, &fd),
                     UNIX_LISTENER_TOO_LONG);
}

TEST_GROUP(scratch_make, scratch_remove)
