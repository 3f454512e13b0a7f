/*
 * http/rule_set.h - what a set of rules holds; for rule*.c and nearest.c alone.
 *
 *   index: "POST api.pay.test /v1/charges" ── list of rules   (a rule for any method or host has "" there)
 *   others: rules with a template, a pattern or no path
 *
 * Each list is ordered as rules are tried: by priority, kind of path, number of conditions, time of adding.
 */
#ifndef HTTP_RULE_SET_H
#define HTTP_RULE_SET_H

#include "base/buf.h"
#include "base/map.h"
#include "http/match_path.h"
#include "http/rule_condition.h"

enum rule_path { RULE_ANY_PATH, RULE_PATTERN, RULE_TEMPLATE, RULE_LITERAL };

struct rule {
    size_t number; /* of adding, from 0 */
    seam_site site;
    const char *name; /* NULL: none */
    const char *method; /* NULL: any */
    const char *host; /* NULL: any */
    enum rule_path kind;
    const char *path; /* or template or pattern, as the rule has it */
    struct path_template path_template;
    const struct match_pattern *path_pattern;
    struct conditions conditions;
    bool (*matches)(const seam_http_exchange *x, void *arg); /* NULL: none */
    void *arg;
    size_t weight; /* how many conditions there are, of all kinds */

    const seam_http_reply *replies;
    size_t reply_count; /* 0 with `never` alone */
    size_t times; /* 0: as many as there are replies */
    bool any_times, optional, never;
    struct rule_group *group; /* NULL: in no order */
    size_t place; /* in it */
    const char *state, *next_state; /* NULL: any; the same */
    int priority;

    size_t used; /* how often it answered */
};

/* Rules that answer in the order they were added. */
struct rule_group {
    struct rule_group *next;
    const char *word;
    struct buf rules; /* of struct rule * */
    size_t at; /* those before this one have had their turn */
};

struct rule_list {
    struct buf rules; /* of struct rule * */
};

struct rule_set {
    struct arena arena;
    struct buf all; /* of struct rule *, as added */
    struct map index; /* to the place in `lists`, and 1 */
    struct buf lists; /* of struct rule_list */
    struct rule_list others;
    bool has_any_method, has_any_host; /* in the index */
    bool asks_user; /* a rule has a function of the user's */
    struct rule_group *groups;
    struct buf patterns; /* of struct match_pattern *, to be freed */
    const char *state;
};

enum { RULES_MAX = 1000000, RULE_ROOM = RULES_MAX * sizeof(void *) };

static inline size_t rule_list_count(const struct buf *rules)
{
    return rules->size / sizeof(struct rule *);
}

static inline struct rule *rule_list_at(const struct buf *rules, size_t i)
{
    return ((struct rule **)(void *)rules->data)[i];
}

/* Why a rule does not answer now, whatever the request. */
enum rule_bar {
    RULE_FREE,
    RULE_USED_UP,
    RULE_OTHER_STATE,
    RULE_TOO_EARLY, /* one before it in its order has not had its turn */
    RULE_TOO_LATE, /* one behind it has */
    RULE_WHEN_CONNECTING /* its next reply is a fault of the connection */
};
enum rule_bar rule_bar(const struct rule_set *set, const struct rule *rule);

/* Parts of a rule's question. */
bool rule_path_holds(const struct rule *rule, struct http_call *call);
bool rule_host_holds(const struct rule *rule, const struct http_call *call);
bool rule_method_holds(const struct rule *rule, const struct http_call *call);

/* How often it answers at most (SIZE_MAX: for ever), and at least. */
size_t rule_most(const struct rule *rule);
size_t rule_least(const struct rule *rule);

/* Put a whole rule into the set's lists: from now on it answers. -ENOMEM. */
int rule_insert(struct rule_set *set, struct rule *rule);

/* Faults that happen when the program connects. */
bool rule_is_connection_fault(int fault);

#endif
