/* SPDX-License-Identifier: MIT */
/*
 * The kernel's own stubs (svsm/trap/vectors.S) on a stack of this process: a hostile host pushes an
 * error code or leaves it out as it likes. IRETQ works in ring 3, too, as long as it stays there.
 */
#include <string.h>

#include "svsm/arch/cpu_area.h"
#include "svsm/trap/frame.h"
#include "tests/unit/registered.h"

#define STUB_SIZE     16
#define RFLAGS_AC     0x40000ull
#define STALE         0x5EC4E75EC4E75EC4ull /* what lies about on a stack that was used before */
#define INJECTED_CODE 0x1234

extern const uint8_t trap_stubs[], trap_stubs_end[];
void trap_handle(struct trap_frame *frame);
_Noreturn void trap_nested(const struct trap_frame *frame);

/* Pushes what the CPU pushes, goes to the stub, and comes back by its IRETQ. */
__asm__(".text\n"
        "inject: pushq %rbx; pushq %rbp; pushq %r12; pushq %r13; pushq %r14; pushq %r15\n"
        "movq %rsp, %r12\n"
        "movq %rdi, %rsp\n" /* top of the stack */
        "movq %ss, %rax; pushq %rax\n"
        "pushq %r12\n"
        "pushq $2\n"
        "movq %cs, %rax; pushq %rax\n"
        "leaq 2f(%rip), %rax; pushq %rax\n"
        "testq %rdx, %rdx; jz 1f\n"
        "pushq %rcx\n"
        "1: movabsq $0xABCDEF, %r13\n"
        "pushfq; orq $0x40400, (%rsp); popfq\n" /* AC and DF */
        "jmp *%rsi\n"
        "2: movq %r13, %rax\n"
        "popq %r15; popq %r14; popq %r13; popq %r12; popq %rbp; popq %rbx; ret\n");
uint64_t inject(const void *stack_top, const void *stub, uint64_t with_error, uint64_t error);

/* A vCPU's area, which the stubs find by the stack pointer; the dynamic linker may run on it. */
#define STACK_WORDS (CPU_AREA_SIZE / sizeof(uint64_t))
static union {
    struct cpu_local local;
    uint64_t words[STACK_WORDS];
} area __attribute__((aligned(CPU_AREA_SIZE)));
#define stack (area.words)
static struct trap_frame seen;
static struct trap_place place;
static uint64_t flags_in_handler;
static uint64_t vector_that_nests;
static unsigned handled;
static jmp_buf nested;

static const void *stub_of(unsigned vector)
{
    return trap_stubs + vector * STUB_SIZE;
}

void trap_handle(struct trap_frame *frame)
{
    __asm__ volatile("pushfq; popq %0" : "=r"(flags_in_handler));
    seen = *frame;
    handled++;
    place.stack_top = stack + STACK_WORDS;
    place.kernel_selector = frame->cs;
    assert_ptr_equal(frame + 1, place.stack_top);
    if (vector_that_nests != 0)
        inject(stack + STACK_WORDS / 2, stub_of((unsigned)vector_that_nests), false, 0);
}

_Noreturn void trap_nested(const struct trap_frame *frame)
{
    seen = *frame;
    longjmp(nested, 1);
}

static const char *mistake_of(unsigned vector, bool with_error)
{
    for (size_t i = sizeof(area.local) / sizeof(uint64_t) + 1; i < STACK_WORDS; i++)
        stack[i] = STALE;
    assert_int_equal(inject(stack + STACK_WORDS, stub_of(vector), with_error, INJECTED_CODE),
                     0xABCDEF);
    return trap_frame_mistake(&seen, &(struct trap_place){
                                         .stack_top = (const uint8_t *)(&seen + 1),
                                         .kernel_selector = place.kernel_selector,
                                         .user_selector = 0x23,
                                     });
}

static bool has_error_code(unsigned vector)
{
    static const unsigned with[] = {8, 10, 11, 12, 13, 14, 17, 21, 29, 30};

    for (size_t i = 0; i < sizeof(with) / sizeof(with[0]); i++) {
        if (with[i] == vector)
            return true;
    }
    return false;
}

TEST(every_vector_is_taken_with_and_without_an_error_code)
{
    for (unsigned vector = 0; vector < TRAP_VECTORS; vector++) {
        for (int with_error = 0; with_error < 2; with_error++) {
            const char *mistake = mistake_of(vector, with_error);

            assert_int_equal(trap_vector(&seen), vector);
            assert_int_equal(seen.error, with_error ? INJECTED_CODE : 0);
            assert_int_equal((seen.vector & TRAP_HAS_ERROR) != 0, with_error);
            assert_int_equal(seen.cs, place.kernel_selector);
            assert_int_equal(seen.rflags, 2);
            assert_int_equal(seen.r13, 0xABCDEF);
            assert_true(seen.rip != INJECTED_CODE && seen.rip != STALE);
            assert_int_equal(!mistake, has_error_code(vector) == (with_error != 0));
        }
    }
}

TEST(the_host_cannot_make_rip_pass_for_cs)
{
    assert_string_equal(mistake_of(6, true), "with an error code that it does not have");
    assert_string_equal(mistake_of(14, false), "without the error code that it has");
    assert_string_equal(mistake_of(28, true), "with an error code that it does not have");
    assert_string_equal(mistake_of(0x80, true), "with an error code that it does not have");
}

TEST(a_handler_runs_with_ac_and_df_clear)
{
    (void)mistake_of(14, true);
    assert_int_equal(flags_in_handler & (RFLAGS_AC | 0x400), 0);
}

TEST(an_event_during_a_handler_is_told)
{
    vector_that_nests = TRAP_HV;
    handled = 0;
    if (setjmp(nested) == 0) {
        (void)mistake_of(TRAP_VC, true);
        fail_msg("the inner one was handled");
    }
    vector_that_nests = 0;
    assert_int_equal(area.local.trap_active, 1);
    area.local.trap_active = 0;
    assert_int_equal(handled, 1);
    assert_int_equal(trap_vector(&seen), TRAP_HV);
    /* Once it has returned, the next one is no nested one. */
    assert_null(mistake_of(TRAP_HV, false));
    assert_null(mistake_of(TRAP_HV, false));
}

/* usermode.S: no service runs, so there is no stack to go back to. */
_Noreturn void usermode_leave(struct cpu_local *local, enum user_exit reason);
_Noreturn void usermode_not_running(void);
static jmp_buf refused;

_Noreturn void usermode_not_running(void)
{
    longjmp(refused, 1);
}

TEST(a_stack_that_was_left_is_not_left_again)
{
    if (setjmp(refused) == 0)
        usermode_leave(&area.local, USER_EXIT_FAULT);
}

static struct trap_frame good_frame(void)
{
    return (struct trap_frame){.vector = TRAP_HV, .cs = 0x08, .rip = 0x5000};
}

static const char *judge(const struct trap_frame *frame)
{
    return trap_frame_mistake(frame, &(struct trap_place){.stack_top = frame + 1,
                                                          .entry_start = 0x1000,
                                                          .entry_end = 0x2000,
                                                          .kernel_selector = 0x08,
                                                          .user_selector = 0x23});
}

TEST(a_frame_proves_where_it_comes_from)
{
    struct trap_frame frame = good_frame();

    assert_null(judge(&frame));
    frame.cs = 0x23;
    assert_null(judge(&frame));
    frame.cs = 0x10;
    assert_string_equal(judge(&frame), "from an unknown code segment");
    frame.cs = 0x202; /* RFLAGS in its place */
    assert_string_equal(judge(&frame), "from an unknown code segment");
    frame = good_frame();
    frame.rip = 0x1000;
    assert_string_equal(judge(&frame), "while another is being entered");
    frame.rip = 0x1FFF;
    assert_string_equal(judge(&frame), "while another is being entered");
    frame.cs = 0x23; /* a service may be linked there */
    assert_null(judge(&frame));
}

TEST(a_frame_below_the_top_of_its_stack_is_none)
{
    struct trap_frame frame = good_frame();

    assert_string_equal(trap_frame_mistake(&frame, &(struct trap_place){.stack_top = &frame.ss,
                                                                        .kernel_selector = 0x08,
                                                                        .user_selector = 0x23}),
                        "not at the top of its stack");
}
