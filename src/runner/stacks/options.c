/* runner/stacks/options.c - the command line of `stacks`; see options.h. */

#include "runner/stacks/options.h"

#include <getopt.h>
#include <limits.h>
#include <stdlib.h>

static bool parse_number(const char *text, int base, uint64_t *ret)
{
    char *end;

    *ret = strtoull(text, &end, base);
    return end != text && !*end;
}

static bool parse_pid(const char *text, pid_t *ret)
{
    uint64_t number;

    if (!parse_number(text, 10, &number) || number < 1 || number > INT_MAX)
        return false;
    *ret = (pid_t)number;
    return true;
}

/* What is beyond the room in a trace is left out. */
static bool parse_addresses(const char *text, struct trace *ret)
{
    char *end;

    for (;; text = end + 1) {
        uint64_t address = strtoull(text, &end, 16);

        if (end == text || (*end && *end != ','))
            return false;
        if (ret->count < TRACE_MAX)
            ret->frame[ret->count++] = (struct frame){ .pc = address };
        if (!*end)
            return true;
    }
}

/* A handler's backtrace begins in the handler; the fault is where the program counter was.
 * Where that is not on the list, the backtrace did not get out of the handler. */
static void begin_at_fault(struct trace *raw, uint64_t pc)
{
    size_t at = 0;

    while (at < raw->count && raw->frame[at].pc != pc)
        at++;
    if (at < raw->count)
        unwind_drop(raw, at);
    else
        raw->count = 1;
    raw->frame[0] = (struct frame){ .pc = pc, .exact = true };
}

bool options_parse(int argc, char **argv, struct options *ret)
{
    static const struct option known[] = {
        { "crashed", required_argument, NULL, 't' }, { "signal", required_argument, NULL, 'n' },
        { "pc", required_argument, NULL, 'p' },      { "sp", required_argument, NULL, 's' },
        { "raw", required_argument, NULL, 'r' },     { 0 },
    };
    bool good = true, has_pc = false;
    uint64_t signal;
    int option;

    *ret = (struct options){ 0 };
    while (good && (option = getopt_long(argc, argv, "", known, NULL)) != -1)
        if (option == 't')
            good = parse_pid(optarg, &ret->fault.tid);
        else if (option == 'n')
            good = parse_number(optarg, 10, &signal); /* the runner knows what to do with it */
        else if (option == 'p')
            good = has_pc = parse_number(optarg, 16, &ret->fault.pc);
        else if (option == 's')
            good = parse_number(optarg, 16, &ret->fault.sp);
        else
            good = option == 'r' && parse_addresses(optarg, &ret->raw);
    if (has_pc)
        begin_at_fault(&ret->raw, ret->fault.pc);
    return good && optind + 1 == argc && parse_pid(argv[optind], &ret->pid);
}
