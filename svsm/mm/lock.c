/* SPDX-License-Identifier: MIT */
#include "svsm/mm/lock.h"

#include "svsm/arch/cpu.h"
#include "svsm/arch/cpu_area.h"
#include "svsm/base/panic.h"

#define SHARED_LOCK_WRITER 0x80000000u /* one writes, or waits for the last reader to leave */

static void enter(enum lock_rank rank)
{
    struct cpu_local *local = cpu_local();

    CHECK(local->locks >> rank == 0);
    local->locks |= 1u << rank;
}

static void leave(enum lock_rank rank)
{
    struct cpu_local *local = cpu_local();

    CHECK(local->locks >> rank & 1);
    local->locks &= ~(1u << rank);
}

bool lock_try(struct lock *lock)
{
    enter(lock->rank);
    if (__atomic_exchange_n(&lock->taken, 1, __ATOMIC_ACQUIRE) == 0)
        return true;
    leave(lock->rank);
    return false;
}

void lock_take(struct lock *lock)
{
    while (!lock_try(lock))
        cpu_pause();
}

void lock_release(struct lock *lock)
{
    __atomic_store_n(&lock->taken, 0, __ATOMIC_RELEASE);
    leave(lock->rank);
}

void lock_read(struct shared_lock *lock)
{
    enter(lock->rank);
    while (__atomic_fetch_add(&lock->state, 1, __ATOMIC_ACQUIRE) & SHARED_LOCK_WRITER) {
        __atomic_fetch_sub(&lock->state, 1, __ATOMIC_RELAXED);
        while (__atomic_load_n(&lock->state, __ATOMIC_RELAXED) & SHARED_LOCK_WRITER)
            cpu_pause();
    }
}

void lock_read_release(struct shared_lock *lock)
{
    __atomic_fetch_sub(&lock->state, 1, __ATOMIC_RELEASE);
    leave(lock->rank);
}

void lock_write(struct shared_lock *lock)
{
    enter(lock->rank);
    while (__atomic_fetch_or(&lock->state, SHARED_LOCK_WRITER, __ATOMIC_ACQUIRE) &
           SHARED_LOCK_WRITER)
        cpu_pause();
    while (__atomic_load_n(&lock->state, __ATOMIC_ACQUIRE) != SHARED_LOCK_WRITER)
        cpu_pause();
}

void lock_write_release(struct shared_lock *lock)
{
    __atomic_fetch_and(&lock->state, ~SHARED_LOCK_WRITER, __ATOMIC_RELEASE);
    leave(lock->rank);
}

bool lock_any_held(void)
{
    return cpu_local()->locks != 0;
}
