/* http/rule.c - which rule of a set answers a request; see rule.h and rule_set.h. */

#include "http/rule.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "http/rule_set.h"

#include "base/hostile.h"

/* ---- the set ----------------------------------------------------------------------------- */

static void reset(struct rule_set *set)
{
    *set = (struct rule_set){
        .all = BUF_INIT(RULE_ROOM),
        .lists = BUF_INIT(RULES_MAX * sizeof(struct rule_list)),
        .others.rules = BUF_INIT(RULE_ROOM),
        .patterns = BUF_INIT(16 * RULE_ROOM),
        .state = "",
    };
}

struct rule_set *rule_set_new(void)
{
    struct rule_set *set = malloc(sizeof *set);

    if (!set)
        arena_give_up(sizeof *set);
    reset(set);
    return set;
}

static void free_patterns(struct buf *patterns)
{
    struct match_pattern **at = (struct match_pattern **)(void *)patterns->data;

    for (size_t i = 0; i < patterns->size / sizeof *at; i++)
        match_pattern_free(at[i]);
    buf_fini(patterns);
}

static void free_lists(struct buf *lists)
{
    struct rule_list *at = (struct rule_list *)(void *)lists->data;

    for (size_t i = 0; i < lists->size / sizeof *at; i++)
        buf_fini(&at[i].rules);
    buf_fini(lists);
}

void rule_set_clear(struct rule_set *set)
{
    for (struct rule_group *group = set->groups; group; group = group->next)
        buf_fini(&group->rules);
    free_patterns(&set->patterns);
    free_lists(&set->lists);
    buf_fini(&set->others.rules);
    buf_fini(&set->all);
    map_fini(&set->index);
    arena_fini(&set->arena);
    reset(set);
}

void rule_set_free(struct rule_set *set)
{
    if (set)
        rule_set_clear(set);
    free(set);
}

/* ---- lists ------------------------------------------------------------------------------- */

/* Whether `a` is tried before `b`. */
static bool is_before(const struct rule *a, const struct rule *b)
{
    if (a->priority != b->priority)
        return a->priority > b->priority;
    if (a->kind != b->kind)
        return a->kind > b->kind;
    if (a->weight != b->weight)
        return a->weight > b->weight;
    return a->number < b->number;
}

static int list_insert(struct rule_list *list, struct rule *rule)
{
    size_t at = rule_list_count(&list->rules);
    struct rule **rules;
    int r = buf_add(&list->rules, &rule, sizeof(struct rule *));

    if (r < 0)
        return r;
    rules = (struct rule **)(void *)list->rules.data;
    for (; at > 0 && is_before(rule, rules[at - 1]); at--)
        rules[at] = rules[at - 1];
    rules[at] = rule;
    return 0;
}

/* No method or host has a blank in it. */
static char *index_key(struct arena *arena, const char *method, const char *host,
                       const char *path)
{
    size_t method_size = strlen(method);
    size_t host_size = strlen(host);
    size_t path_size = strlen(path);
    char *key = arena_zero(arena, method_size + host_size + path_size + 3);

    memcpy(key, method, method_size);
    key[method_size] = ' ';
    memcpy(key + method_size + 1, host, host_size);
    key[method_size + 1 + host_size] = ' ';
    memcpy(key + method_size + host_size + 2, path, path_size);
    return key;
}

static const char *or_empty(const char *text)
{
    return text ? text : "";
}

/* The list of a literal rule, made when it is the first of its kind. */
static struct rule_list *list_of(struct rule_set *set, const struct rule *rule)
{
    const struct rule_list empty = { BUF_INIT(RULE_ROOM) };
    const char *key =
        index_key(&set->arena, or_empty(rule->method), or_empty(rule->host), rule->path);
    uint32_t *place = map_at(&set->index, key);

    if (!place)
        return NULL;
    if (*place == 0) {
        if (buf_add(&set->lists, &empty, sizeof empty) < 0)
            return NULL;
        *place = (uint32_t)(set->lists.size / sizeof empty);
    }
    return (struct rule_list *)(void *)set->lists.data + (*place - 1);
}

int rule_insert(struct rule_set *set, struct rule *rule)
{
    struct rule_list *list = rule->kind == RULE_LITERAL ? list_of(set, rule) : &set->others;
    int r;

    if (!list)
        return -ENOMEM;
    rule->number = rule_list_count(&set->all);
    r = buf_add(&set->all, &rule, sizeof(struct rule *));
    if (r == 0)
        r = list_insert(list, rule);
    if (r == 0 && rule->group) {
        rule->place = rule_list_count(&rule->group->rules);
        r = buf_add(&rule->group->rules, &rule, sizeof(struct rule *));
    }
    set->has_any_method |= !rule->method;
    set->has_any_host |= !rule->host;
    set->asks_user |= rule->matches != NULL;
    return r;
}

/* ---- whether a rule may answer ------------------------------------------------------------- */

size_t rule_most(const struct rule *rule)
{
    if (rule->any_times || rule->never)
        return SIZE_MAX;
    return rule->times > 0 ? rule->times : rule->reply_count;
}

size_t rule_least(const struct rule *rule)
{
    return rule->any_times || rule->never || rule->optional ? 0 : rule_most(rule);
}

static const seam_http_reply *next_reply(const struct rule *rule)
{
    size_t at = rule->used < rule->reply_count ? rule->used : rule->reply_count - 1;

    return rule->reply_count > 0 ? &rule->replies[at] : NULL;
}

bool rule_is_connection_fault(int fault)
{
    return fault == SEAM_HTTP_REFUSE || fault == SEAM_HTTP_UNREACHABLE ||
           fault == SEAM_HTTP_UNKNOWN_HOST || fault == SEAM_HTTP_TLS_EXPIRED ||
           fault == SEAM_HTTP_TLS_WRONG_NAME || fault == SEAM_HTTP_TLS_UNKNOWN_CA;
}

static enum rule_bar order_bar(const struct rule *rule)
{
    const struct rule_group *group = rule->group;

    if (rule->place < group->at)
        return RULE_TOO_LATE;
    for (size_t i = group->at; i < rule->place; i++) {
        const struct rule *earlier = rule_list_at(&group->rules, i);

        if (earlier->used < rule_least(earlier))
            return RULE_TOO_EARLY;
    }
    return RULE_FREE;
}

enum rule_bar rule_bar(const struct rule_set *set, const struct rule *rule)
{
    const seam_http_reply *reply = next_reply(rule);
    enum rule_bar bar = rule->group ? order_bar(rule) : RULE_FREE;

    if (rule->used >= rule_most(rule))
        return RULE_USED_UP;
    if (rule->state && strcmp(rule->state, set->state) != 0)
        return RULE_OTHER_STATE;
    if (bar != RULE_FREE)
        return bar;
    return reply && rule_is_connection_fault(reply->fault) ? RULE_WHEN_CONNECTING : RULE_FREE;
}

bool rule_method_holds(const struct rule *rule, const struct http_call *call)
{
    return !rule->method || strcmp(rule->method, call->message->method) == 0;
}

bool rule_host_holds(const struct rule *rule, const struct http_call *call)
{
    return !rule->host || strcmp(rule->host, call->host) == 0;
}

bool rule_path_holds(const struct rule *rule, struct http_call *call)
{
    struct http_target target = call_target(call);
    const char *path;

    switch (rule->kind) {
    case RULE_LITERAL:
        return strcmp(rule->path, call_path(call)) == 0;
    case RULE_TEMPLATE:
        return path_template_holds(&rule->path_template, call->arena, target.path,
                                   target.path_size);
    case RULE_PATTERN:
        path = call_path(call);
        return match_pattern_found(rule->path_pattern, path, strlen(path), NULL);
    case RULE_ANY_PATH:
    default:
        return true;
    }
}

/* Whether all holds but for what the user's own function says. */
static bool holds(const struct rule *rule, struct http_call *call)
{
    if (!rule_method_holds(rule, call) || !rule_host_holds(rule, call) ||
        !rule_path_holds(rule, call))
        return false;
    for (size_t i = 0; i < rule->conditions.count; i++)
        if (!condition_holds(&rule->conditions.at[i], &rule->conditions, call))
            return false;
    return true;
}

/* ---- the rules that a request may mean, in the order in which they are tried ---------------- */

enum { LISTS_MAX = 5 };

struct candidates {
    const struct buf *lists[LISTS_MAX];
    size_t at[LISTS_MAX];
    size_t count;
};

static void add_list(struct candidates *candidates, const struct rule_set *set,
                     struct http_call *call, const char *method, const char *host)
{
    const struct rule_list *lists = (const struct rule_list *)(const void *)set->lists.data;
    const uint32_t *place =
        map_find(&set->index, index_key(call->arena, method, host, call_path(call)));

    if (place && *place > 0)
        candidates->lists[candidates->count++] = &lists[*place - 1].rules;
}

static struct candidates candidates_of(const struct rule_set *set, struct http_call *call)
{
    struct candidates candidates = { .lists = { &set->others.rules }, .count = 1 };
    const char *method = call->message->method;

    if (set->index.count == 0)
        return candidates;
    add_list(&candidates, set, call, method, call->host);
    if (set->has_any_method)
        add_list(&candidates, set, call, "", call->host);
    if (set->has_any_host)
        add_list(&candidates, set, call, method, "");
    if (set->has_any_method && set->has_any_host)
        add_list(&candidates, set, call, "", "");
    return candidates;
}

static struct rule *next_candidate(struct candidates *candidates)
{
    struct rule *first = NULL;
    size_t from = 0;

    for (size_t i = 0; i < candidates->count; i++) {
        struct rule *rule;

        if (candidates->at[i] == rule_list_count(candidates->lists[i]))
            continue;
        rule = rule_list_at(candidates->lists[i], candidates->at[i]);
        if (!first || is_before(rule, first)) {
            first = rule;
            from = i;
        }
    }
    candidates->at[from] += first != NULL;
    return first;
}

/* ---- choosing ---------------------------------------------------------------------------- */

/* The first rule that matches and may answer, as far as is known: it may have a function of the user's that
 * was not asked yet. */
static struct rule *first_match(const struct rule_set *set, struct http_call *call)
{
    struct candidates candidates = candidates_of(set, call);
    struct rule *rule;

    while ((rule = next_candidate(&candidates)))
        if (rule_bar(set, rule) == RULE_FREE &&
            (!rule->matches || call_verdict(call, rule) != CALL_NO) && holds(rule, call))
            return rule;
    return NULL;
}

static bool is_unasked(const struct http_call *call, const struct rule *rule)
{
    return rule && rule->matches && call_verdict(call, rule) == CALL_UNASKED;
}

bool rule_needs_user(const struct rule_set *set, struct http_call *call)
{
    return set->asks_user && is_unasked(call, first_match(set, call));
}

static void use(struct rule_set *set, struct rule *rule)
{
    rule->used++;
    if (rule->group)
        rule->group->at = rule->place;
    if (rule->next_state)
        set->state = rule->next_state;
}

struct rule_choice rule_choose(struct rule_set *set, struct http_call *call)
{
    struct rule_choice choice = { NULL, NULL, false };
    struct rule *rule;

    while (is_unasked(call, rule = first_match(set, call)))
        call_set_verdict(call, rule,
                         call->exchange && rule->matches(call->exchange, rule->arg));
    if (rule) {
        choice = (struct rule_choice){ rule, next_reply(rule), rule->never };
        use(set, rule);
    }
    return choice;
}

/* A rule that asks for nothing but a host. */
static bool is_free_of_conditions(const struct rule *rule)
{
    return rule->kind == RULE_ANY_PATH && !rule->method && !rule->matches &&
           rule->conditions.count == 0;
}

enum seam_http_fault rule_connection_fault(struct rule_set *set, const char *host, bool take)
{
    const struct buf *rules = &set->others.rules;
    enum seam_http_fault fault;

    for (size_t i = 0; i < rule_list_count(rules); i++) {
        struct rule *rule = rule_list_at(rules, i);
        enum rule_bar bar = rule_bar(set, rule);

        if (!is_free_of_conditions(rule) || (rule->host && strcmp(rule->host, host) != 0) ||
            (bar != RULE_FREE && bar != RULE_WHEN_CONNECTING))
            continue;
        if (bar == RULE_FREE)
            return SEAM_HTTP_NO_FAULT;
        fault = (enum seam_http_fault)next_reply(rule)->fault;
        if (take)
            use(set, rule);
        return fault;
    }
    return SEAM_HTTP_NO_FAULT;
}

seam_site rule_site(const struct rule *rule)
{
    return rule->site;
}

bool rule_has_method(const struct rule *rule)
{
    return rule->method != NULL;
}

const char *rule_name(const struct rule *rule)
{
    return rule->name;
}

/* ---- at the end -------------------------------------------------------------------------- */

static const char *describe_unused(struct arena *arena, const struct rule *rule)
{
    size_t used = rule->used;
    size_t count = rule->reply_count;

    if (rule->times > 0)
        return arena_printf(arena, "called %zu time%s instead of %zu", used,
                            used == 1 ? "" : "s", rule->times);
    if (count == 1)
        return "its reply was never used";
    if (used + 1 == count)
        return arena_printf(arena, "reply %zu of %zu was never used", count, count);
    return arena_printf(arena, "replies %zu to %zu of %zu were never used", used + 1, count,
                        count);
}

void rule_unused(const struct rule_set *set,
                 void (*fn)(void *arg, seam_site site, const char *text), void *arg)
{
    for (size_t i = 0; i < rule_list_count(&set->all); i++) {
        const struct rule *rule = rule_list_at(&set->all, i);
        struct arena arena = { 0 };
        const char *text;

        if (rule->used >= rule_least(rule))
            continue;
        text = describe_unused(&arena, rule);
        if (rule->name)
            text = arena_printf(&arena, "%s: %s", rule->name, text);
        fn(arg, rule->site, text);
        arena_fini(&arena);
    }
}
