# SPDX-License-Identifier: MIT
# The job disk carries one command into the demo guest, its status and its output back. To be sourced.
#
#   0      "snp-vtpm-job LENGTH BOOT\n"; any other beginning: no job, the guest shows its login prompt. BOOT is 1, and one
#          more after each reboot: a command that reboots the guest runs again, and finds the number in $BOOT
#   4 KiB  the command, LENGTH bytes
#   1 MiB  "snp-vtpm-started\n" when the command begins; at the end, written last:
#          "snp-vtpm-result STATUS STDOUT_LENGTH STDERR_LENGTH\n"
#   2 MiB  standard output, then at once standard error
#
# The disk is always attached, with or without a job: the guest's PCRs must not tell a difference.
# guest/rootfs/usr/sbin/run-job is the other side.
# shellcheck shell=bash

JOB_COMMAND_MAX=$((0x100000 - 4096))

# job_disk_create FILE [COMMAND]
job_disk_create() {
    local length
    truncate -s 16M "$1"
    [ $# = 2 ] || return 0
    length=$(printf '%s' "$2" | wc -c)
    [ "$length" -le $JOB_COMMAND_MAX ] || return 1
    printf 'snp-vtpm-job %s 1\n' "$length" | dd of="$1" conv=notrunc status=none
    printf '%s' "$2" | dd of="$1" bs=4096 seek=1 conv=notrunc status=none
}

# job_disk_again FILE BOOT: the same command once more, if there is one
job_disk_again() {
    local magic length
    read -r magic length _ < <(piece "$1" 0 64 | tr -d '\0') || return 0
    [ "$magic" = snp-vtpm-job ] || return 0
    printf 'snp-vtpm-job %s %s\n' "$length" "$2" | dd of="$1" conv=notrunc status=none
    dd if=/dev/zero of="$1" bs=1M seek=1 count=1 conv=notrunc status=none
}

# piece FILE OFFSET LENGTH
piece() { dd if="$1" bs=64K iflag=skip_bytes,count_bytes skip="$2" count="$3" status=none; }

# job_disk_started FILE: whether the guest's command has begun, or has ended
job_disk_started() { [ "$(piece "$1" $((1 << 20)) 9 2>/dev/null | tr -d '\0')" = snp-vtpm- ]; }

# job_disk_result FILE: copies the guest's output to standard output and error, and leaves the command's status
# in job_status. Fails when the guest left no complete result.
job_disk_result() {
    local magic out err
    read -r magic job_status out err < <(piece "$1" $((1 << 20)) 64 | tr -d '\0') || return 1
    [[ $magic == snp-vtpm-result && $job_status =~ ^[0-9]{1,3}$ && $out =~ ^[0-9]{1,8}$ && $err =~ ^[0-9]{1,8}$ ]] ||
        return 1
    piece "$1" $((2 << 20)) "$out"
    piece "$1" $(((2 << 20) + out)) "$err" >&2
}
