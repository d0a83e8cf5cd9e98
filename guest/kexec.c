/* SPDX-License-Identifier: MIT */
/*
 * kexec: has the guest's kernel start another one, at once or after a panic (kexec_file_load(2)).
 *
 * For the demo guest, which has BusyBox and no kexec-tools.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/kexec.h>
#include <linux/reboot.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <unistd.h>

#define COMMAND_LINE_MAX 2048

enum exit_status { EXIT_LOADED = 0, EXIT_USAGE = 2, EXIT_FILE = 3, EXIT_KERNEL = 4 };

static const char help[] =
    "usage: kexec [-p] [-a WORDS] KERNEL\n"
    "\n"
    "Starts KERNEL, a bzImage, in place of the kernel that runs. It gets that kernel's command "
    "line.\n"
    "\n"
    "  -p         only load it: it starts after a panic. The kernel that runs needs "
    "crashkernel=SIZE\n"
    "  -a WORDS   are put behind the command line\n"
    "\n"
    "Exit status: 0 loaded (-p), 2 usage, 3 a file cannot be read, 4 the kernel refuses\n";

static _Noreturn void end(enum exit_status status, const char *what)
{
    fprintf(stderr, "kexec: %s: %s\n", what, strerror(errno));
    exit(status);
}

/* The command line of the kernel that runs, with more words; returns its size with the NUL. */
static size_t read_command_line(char line[COMMAND_LINE_MAX], const char *words)
{
    FILE *file = fopen("/proc/cmdline", "re");
    size_t size;

    if (!file || !fgets(line, COMMAND_LINE_MAX, file))
        end(EXIT_FILE, "/proc/cmdline");
    (void)fclose(file);
    size = strcspn(line, "\n");
    if (size + 1 + strlen(words) + 1 > COMMAND_LINE_MAX) {
        errno = E2BIG;
        end(EXIT_KERNEL, words);
    }
    return size + (size_t)sprintf(line + size, " %s", words) + 1;
}

/*
 * A cpio archive without files, for a kernel that needs no initramfs. Without any it would look for
 * the one that the firmware's boot loader left: EFI's table of it is in memory that the kernel
 * which runs uses for something else by now.
 */
static int open_empty_initramfs(void)
{
    static const char archive[] =
        "070701"                                   /* cpio(5), new ASCII format */
        "00000000000000000000000000000000"         /* inode, mode, owner, group */
        "0000000100000000000000000000000000000000" /* links, time, size, device */
        "0000000000000000"                         /* its device */
        "0000000B00000000"                         /* name, checksum */
        "TRAILER!!!\0\0\0";
    int file = memfd_create("initramfs", MFD_CLOEXEC);

    if (file < 0 || write(file, archive, sizeof(archive)) != sizeof(archive))
        end(EXIT_FILE, "initramfs");
    return file;
}

static void load(const char *kernel, const char *words, bool after_panic)
{
    unsigned long flags = after_panic ? KEXEC_FILE_ON_CRASH : 0;
    char line[COMMAND_LINE_MAX];
    size_t size = read_command_line(line, words);
    int file = open(kernel, O_RDONLY | O_CLOEXEC), initramfs = open_empty_initramfs();

    if (file < 0)
        end(EXIT_FILE, kernel);
    if (syscall(SYS_kexec_file_load, file, initramfs, size, line, flags) != 0)
        end(EXIT_KERNEL, kernel);
    (void)close(file);
    (void)close(initramfs);
}

int main(int argc, char **argv)
{
    const char *words = "";
    bool after_panic = false;
    int option;

    while ((option = getopt(argc, argv, "hpa:")) != -1) {
        switch (option) {
        case 'h':
            fputs(help, stdout);
            return 0;
        case 'p':
            after_panic = true;
            break;
        case 'a':
            words = optarg;
            break;
        default:
            fputs(help, stderr);
            return EXIT_USAGE;
        }
    }
    if (optind + 1 != argc) {
        fputs(help, stderr);
        return EXIT_USAGE;
    }
    load(argv[optind], words, after_panic);
    if (after_panic)
        return EXIT_LOADED;
    sync();
    (void)reboot(LINUX_REBOOT_CMD_KEXEC);
    end(EXIT_KERNEL, argv[optind]);
}
