/* SPDX-License-Identifier: MIT */
#include "services/tpm/volume_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "lib/file/io.h"
#include "lib/file/whole_file.h"
#include "services/common/log.h"

bool key_file_read(const char *path, uint8_t key[VOLUME_KEY_SIZE])
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool read_it = false;

    if (fd >= 0 && !file_is_private(fd))
        log_error("%s: others than its owner may read or change it; chmod 600", path);
    else if (fd < 0 || !io_read_secret(fd, key, VOLUME_KEY_SIZE))
        log_error("cannot read a key of exactly %d bytes from %s: %s", VOLUME_KEY_SIZE, path,
                  strerror(errno));
    else
        read_it = true;
    if (fd >= 0)
        close(fd);
    return read_it;
}

static int create(const char *path, uint64_t size)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (fd < 0 || ftruncate(fd, (off_t)size) == 0)
        return fd;
    log_error("cannot make %s %llu bytes large: %s", path, (unsigned long long)size,
              strerror(errno));
    unlink(path);
    close(fd);
    errno = 0;
    return -1;
}

int volume_file_open(const char *path, enum volume_file_use use, uint64_t size)
{
    int fd = open(path, (use == VOLUME_FILE_READ ? O_RDONLY : O_RDWR) | O_CLOEXEC);

    if (fd < 0 && errno == ENOENT && use == VOLUME_FILE_CREATE)
        fd = create(path, size);
    if (fd < 0) {
        if (errno != 0)
            log_error("cannot open the state volume %s: %s", path, strerror(errno));
    } else if (flock(fd, (use == VOLUME_FILE_READ ? LOCK_SH : LOCK_EX) | LOCK_NB) != 0) {
        log_error("cannot lock the state volume %s: %s; is another TPM using it?", path,
                  strerror(errno));
        close(fd);
        fd = -1;
    }
    return fd;
}
