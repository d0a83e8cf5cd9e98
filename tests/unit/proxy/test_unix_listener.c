/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "proxy/unix_listener.h"
#include "tests/unit/kbs/scratch.h"

static void only_its_owner_may_connect(void **state)
{
    char path[PATH_MAX];
    struct stat file;
    int fd;

    (void)state;
    assert_int_equal(unix_listener_open(scratch_path("new", path), UNIX_LISTENER_OWN_GROUP, &fd),
                     UNIX_LISTENER_OK);
    assert_int_equal(stat(path, &file), 0);
    assert_int_equal(file.st_mode & 0077, 0);
    close(fd);
}

static void a_group_may_be_let_in(void **state)
{
    char path[PATH_MAX];
    struct stat file;
    int fd;

    (void)state;
    assert_int_equal(unix_listener_open(scratch_path("group", path), getegid(), &fd),
                     UNIX_LISTENER_OK);
    assert_int_equal(stat(path, &file), 0);
    assert_int_equal(file.st_mode & 0777, 0660);
    assert_int_equal(file.st_gid, getegid());
    close(fd);
}

static void a_served_socket_is_left_alone(void **state)
{
    char path[PATH_MAX];
    int first, second;

    (void)state;
    assert_int_equal(
        unix_listener_open(scratch_path("served", path), UNIX_LISTENER_OWN_GROUP, &first),
        UNIX_LISTENER_OK);
    assert_int_equal(unix_listener_open(path, UNIX_LISTENER_OWN_GROUP, &second),
                     UNIX_LISTENER_IN_USE);
    assert_int_equal(access(path, F_OK), 0);
    close(first);
}

static void a_stale_socket_is_replaced(void **state)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char path[PATH_MAX];
    int fd, client = socket(AF_UNIX, SOCK_STREAM, 0);

    (void)state;
    assert_int_equal(unix_listener_open(scratch_path("stale", path), UNIX_LISTENER_OWN_GROUP, &fd),
                     UNIX_LISTENER_OK);
    close(fd);
    assert_int_equal(unix_listener_open(path, UNIX_LISTENER_OWN_GROUP, &fd), UNIX_LISTENER_OK);
    strcpy(address.sun_path, path);
    assert_int_equal(connect(client, (struct sockaddr *)&address, sizeof(address)), 0);
    close(client);
    close(fd);
}

static void a_file_of_another_kind_is_kept(void **state)
{
    char path[PATH_MAX];
    FILE *file = fopen(scratch_path("file", path), "w");
    int fd;

    (void)state;
    fputs("precious", file);
    fclose(file);
    assert_int_equal(unix_listener_open(path, UNIX_LISTENER_OWN_GROUP, &fd),
                     UNIX_LISTENER_NOT_SOCKET);
    assert_int_equal(access(path, F_OK), 0);
    assert_int_equal(unix_listener_open(scratch_folder, UNIX_LISTENER_OWN_GROUP, &fd),
                     UNIX_LISTENER_NOT_SOCKET);
}

static void says_why_a_path_is_unusable(void **state)
{
    char path[PATH_MAX], name[200];
    int fd;

    (void)state;
    assert_int_equal(
        unix_listener_open(scratch_path("no/folder", path), UNIX_LISTENER_OWN_GROUP, &fd),
        UNIX_LISTENER_FAILED);
    assert_int_equal(errno, ENOENT);
    memset(name, 'x', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    assert_int_equal(unix_listener_open(scratch_path(name, path), UNIX_LISTENER_OWN_GROUP, &fd),
                     UNIX_LISTENER_TOO_LONG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_its_owner_may_connect),
        cmocka_unit_test(a_group_may_be_let_in),
        cmocka_unit_test(a_served_socket_is_left_alone),
        cmocka_unit_test(a_stale_socket_is_replaced),
        cmocka_unit_test(a_file_of_another_kind_is_kept),
        cmocka_unit_test(says_why_a_path_is_unusable),
    };

    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
