/* fake/broker_wish.c - properties and arguments of exchanges and queues, as clients say them; see broker_state.h. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fake/broker_state.h"

struct broker_wish broker_copy_wish(struct broker *broker, const struct broker_wish *wish)
{
    struct broker_wish copy = *wish;
    struct broker_argument *arguments =
        arena_zero(&broker->arena, wish->argument_count * sizeof *arguments + 1);

    for (size_t i = 0; i < wish->argument_count; i++) {
        const struct broker_argument *from = &wish->arguments[i];

        arguments[i] = (struct broker_argument){ arena_dup(&broker->arena, from->name),
                                                 arena_dup(&broker->arena, from->type),
                                                 arena_dup(&broker->arena, from->value) };
    }
    copy.type = arena_dup(&broker->arena, wish->type);
    copy.arguments = arguments;
    return copy;
}

const struct broker_argument *broker_find_argument(const struct broker_wish *wish,
                                                   const char *name)
{
    for (size_t i = 0; i < wish->argument_count; i++)
        if (strcmp(wish->arguments[i].name, name) == 0)
            return &wish->arguments[i];
    return NULL;
}

/* ---- what may be wished ------------------------------------------------------------------ */

static int invalid(const struct broker *broker, const char *queue,
                   const struct broker_argument *argument, const char *words, struct err *err)
{
    return err_set(err, -EINVAL,
                   "PRECONDITION_FAILED - invalid arg '%s' for queue '%s' in vhost '%s': %s",
                   argument->name, queue, broker->vhost, words);
}

static bool is_integer(const struct broker_argument *argument)
{
    static const char *const types[] = { "signedint",    "long",          "short",      "byte",
                                         "unsignedbyte", "unsignedshort", "unsignedint" };

    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strcmp(argument->type, types[i]) == 0)
            return true;
    return false;
}

static int check_count(const struct broker *broker, const char *queue,
                       const struct broker_argument *argument, struct err *err)
{
    char words[100];

    if (!is_integer(argument)) {
        snprintf(words, sizeof words, "\"expected integer, got %.40s\"", argument->type);
        return invalid(broker, queue, argument, words, err);
    }
    if (argument->value[0] == '-') {
        snprintf(words, sizeof words, "{value_negative,%.40s}", argument->value);
        return invalid(broker, queue, argument, words, err);
    }
    return 0;
}

static int check_exchange(const struct broker *broker, const char *queue,
                          const struct broker_argument *argument, struct err *err)
{
    if (strcmp(argument->type, "longstr") == 0)
        return 0;
    return err_set(
        err, -EINVAL,
        "PRECONDITION_FAILED - invalid type '%s' for arg '%s' in queue '%s' in vhost "
        "'%s'",
        argument->type, argument->name, queue, broker->vhost);
}

static int check_key(const struct broker *broker, const char *queue,
                     const struct broker_wish *wish, const struct broker_argument *argument,
                     struct err *err)
{
    char words[100];

    if (strcmp(argument->type, "longstr") != 0) {
        snprintf(words, sizeof words, "{unacceptable_type,%.40s}", argument->type);
        return invalid(broker, queue, argument, words, err);
    }
    if (!broker_find_argument(wish, "x-dead-letter-exchange"))
        return invalid(broker, queue, argument, "routing_key_but_no_dlx_defined", err);
    return 0;
}

int broker_check_queue_wish(const struct broker *broker, const char *name,
                            const struct broker_wish *wish, struct err *err)
{
    int r = 0;

    for (size_t i = 0; i < wish->argument_count && r == 0; i++) {
        const struct broker_argument *argument = &wish->arguments[i];

        if (strcmp(argument->name, "x-message-ttl") == 0 ||
            strcmp(argument->name, "x-max-length") == 0)
            r = check_count(broker, name, argument, err);
        else if (strcmp(argument->name, "x-dead-letter-exchange") == 0)
            r = check_exchange(broker, name, argument, err);
        else if (strcmp(argument->name, "x-dead-letter-routing-key") == 0)
            r = check_key(broker, name, wish, argument, err);
    }
    return r;
}

/* ---- a wish for what is there ------------------------------------------------------------ */

struct place {
    const struct broker *broker;
    const char *kind, *name;
};

static int differs(const struct place *at, const char *what, const char *got, const char *has,
                   struct err *err)
{
    return err_set(err, -EEXIST,
                   "PRECONDITION_FAILED - inequivalent arg '%s' for %s '%s' in vhost '%s': "
                   "received %.500s but current is %.500s",
                   what, at->kind, at->name, at->broker->vhost, got, has);
}

static int compare_bool(const struct place *at, const char *what, bool got, bool has,
                        struct err *err)
{
    return got == has
               ? 0
               : differs(at, what, got ? "'true'" : "'false'", has ? "'true'" : "'false'", err);
}

static bool is_same(const struct broker_argument *a, const struct broker_argument *b)
{
    return strcmp(a->value, b->value) == 0 &&
           (is_integer(a) ? is_integer(b) : strcmp(a->type, b->type) == 0);
}

static int compare_argument(const struct place *at, const char *name,
                            const struct broker_argument *got,
                            const struct broker_argument *has, struct err *err)
{
    struct err received, current;

    if (got && has && is_same(got, has))
        return 0;
    err_set(&received, 0,
            got && has ? "'%s'"
            : got      ? "the value '%s' of type '%s'"
                       : "none",
            got ? got->value : "", got ? got->type : "");
    err_set(&current, 0,
            got && has ? "'%s'"
            : has      ? "the value '%s' of type '%s'"
                       : "none",
            has ? has->value : "", has ? has->type : "");
    return differs(at, name, received.text, current.text, err);
}

int broker_compare_wish(const struct broker *broker, const char *kind, const char *name,
                        const struct broker_wish *got, const struct broker_wish *has,
                        bool arguments_alone, struct err *err)
{
    static const char *const known[] = { "alternate-exchange",     "x-message-ttl",
                                         "x-dead-letter-exchange", "x-dead-letter-routing-key",
                                         "x-max-length",           "x-overflow",
                                         "x-queue-mode",           "x-queue-type" };
    const struct place at = { broker, kind, name };
    int r = arguments_alone ? 0 : compare_bool(&at, "durable", got->durable, has->durable, err);

    if (r == 0 && !arguments_alone)
        r = compare_bool(&at, "auto_delete", got->auto_delete, has->auto_delete, err);
    if (r == 0 && !arguments_alone)
        r = compare_bool(&at, "internal", got->internal, has->internal, err);
    for (size_t i = 0; i < sizeof known / sizeof *known && r == 0; i++) {
        const struct broker_argument *one = broker_find_argument(got, known[i]);
        const struct broker_argument *other = broker_find_argument(has, known[i]);

        if (one || other)
            r = compare_argument(&at, known[i], one, other, err);
    }
    return r;
}
