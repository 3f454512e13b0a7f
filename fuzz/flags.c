/* flags.c - command lines, a word a line: taken, or refused with words. */

#include "cmd/flags.h"

#include "fuzz.h"

enum { WORDS_MAX = 50 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(data, size), *rest = text, *word;
    char *argv[WORDS_MAX + 1] = { (char *)"seam" };
    struct options options = { 0 };
    struct err err = { "" };
    int argc = 1;

    while (argc < WORDS_MAX && (word = strsep(&rest, "\n")))
        argv[argc++] = word;
    if (flags_parse(argc, argv, &options, &err) < 0)
        MUST(*err.text && !strchr(err.text, '\n'));
    else {
        MUST(options.argument_count < argc);
        MUST(options.count >= 1 && options.parallel >= 1 && options.jobs >= 1);
        MUST(options.timeout_ms >= 0 && options.reuse_s >= 0);
    }
    free(options.arguments);
    free(text);
    return 0;
}
