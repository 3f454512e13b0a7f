/* http/nearest.c - the rule that a request came nearest to, beside it; see rule.h. */

#include "http/nearest.h"

#include <string.h>

#include "base/base_name.h"

enum {
    WEIGHT_METHOD = 8000,
    WEIGHT_HOST = 8000,
    WEIGHT_PATH = 16000,
    WEIGHT_CONDITIONS = 8000, /* of all together */
    WHOLE = 1000, /* a condition that holds */
    DISTANCE_MAX = 128 /* bytes of a path that are compared */
};

/* ---- how near ---------------------------------------------------------------------------- */

struct share {
    size_t same, all;
};

static void count_row(void *arg, const char *path, const struct json_node *want,
                      const struct json_node *got, bool same)
{
    struct share *share = arg;

    (void)path;
    (void)want;
    (void)got;
    share->all++;
    share->same += same;
}

/* Of WHOLE. A JSON body that holds in part counts for that part: else all rules for one path were alike. */
static size_t weigh_condition(const struct condition *condition, const struct conditions *all,
                              struct http_call *call)
{
    const struct json_node *got;
    struct share share = { 0 };

    if (condition_holds(condition, all, call))
        return WHOLE;
    if (condition->part != CONDITION_JSON || !(got = call_json(call, NULL)))
        return 0;
    json_want_rows(&condition->json, got, count_row, &share);
    return share.all > 0 ? share.same * (WHOLE - 1) / share.all : 0;
}

static size_t weigh_conditions(const struct rule *rule, struct http_call *call)
{
    enum call_verdict verdict = rule->matches ? call_verdict(call, rule) : CALL_UNASKED;
    size_t count = rule->conditions.count + (verdict != CALL_UNASKED);
    size_t sum = verdict == CALL_YES ? WHOLE : 0;

    for (size_t i = 0; i < rule->conditions.count; i++)
        sum += weigh_condition(&rule->conditions.at[i], &rule->conditions, call);
    return count > 0 ? sum * WEIGHT_CONDITIONS / (count * WHOLE) : WEIGHT_CONDITIONS;
}

static size_t weigh(const struct rule *rule, struct http_call *call)
{
    return (rule_method_holds(rule, call) ? WEIGHT_METHOD : 0) +
           (rule_host_holds(rule, call) ? WEIGHT_HOST : 0) +
           (rule_path_holds(rule, call) ? WEIGHT_PATH : 0) + weigh_conditions(rule, call);
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* How many bytes have to be changed, put in or taken out to make one of the other. */
static size_t distance(const char *a, size_t a_size, const char *b, size_t b_size)
{
    size_t row[DISTANCE_MAX + 1];

    for (size_t j = 0; j <= b_size; j++)
        row[j] = j;
    for (size_t i = 0; i < a_size; i++) {
        size_t corner = row[0];

        row[0] = i + 1;
        for (size_t j = 0; j < b_size; j++) {
            size_t changed = corner + (a[i] != b[j]);

            corner = row[j + 1];
            row[j + 1] = least(changed, 1 + least(row[j], row[j + 1]));
        }
    }
    return row[b_size];
}

static size_t path_distance(const struct rule *rule, struct http_call *call)
{
    const char *wanted = rule->path ? rule->path : "";
    const char *path = call_path(call);

    if (rule_path_holds(rule, call))
        return 0;
    return distance(wanted, least(strlen(wanted), DISTANCE_MAX), path,
                    least(strlen(path), DISTANCE_MAX));
}

/* The first of those that are as near as any. A rule that forbids is nothing to come near to. */
static const struct rule *find_nearest(const struct rule_set *set, struct http_call *call)
{
    const struct rule *nearest = NULL;
    size_t most = 0;
    size_t apart = 0; /* of `nearest`, worked out for ties */

    for (size_t i = 0; i < rule_list_count(&set->all); i++) {
        const struct rule *rule = rule_list_at(&set->all, i);
        size_t weight = rule->never ? 0 : weigh(rule, call);

        if (rule->never || (nearest && weight < most))
            continue;
        if (nearest && weight == most) {
            size_t own = path_distance(rule, call);

            if (own >= apart)
                continue;
            apart = own;
        } else {
            apart = path_distance(rule, call);
        }
        nearest = rule;
        most = weight;
    }
    return nearest;
}

/* ---- the table --------------------------------------------------------------------------- */

static void add_plain(struct nearest_table *table, const char *kind, const char *want,
                      const char *got, bool holds)
{
    struct arena *arena = table->call->arena;
    bool is_beside = !holds && strcmp(kind, "path") == 0;

    beside_add(
        &table->beside, kind,
        beside_value(arena, "", want, strlen(want), is_beside ? got : NULL, strlen(got), 0),
        beside_value(arena, "", got, strlen(got), is_beside ? want : NULL, strlen(want), 0),
        holds ? BESIDE_OK : BESIDE_DIFFERS);
}

static void add_head(struct nearest_table *table, const struct rule *rule)
{
    struct http_call *call = table->call;

    if (rule->method)
        add_plain(table, "method", rule->method, call->message->method,
                  rule_method_holds(rule, call));
    if (rule->host)
        add_plain(table, "host", rule->host, call->host, rule_host_holds(rule, call));
    if (rule->path)
        add_plain(table, "path", rule->path, call_path(call), rule_path_holds(rule, call));
}

static void add_function(struct nearest_table *table, const struct rule *rule)
{
    static const char *const words[] = { "(not asked)", "said no", "said yes" };
    enum call_verdict verdict = call_verdict(table->call, rule);

    if (rule->matches)
        beside_add(&table->beside, "matches", "(function)", words[verdict],
                   verdict == CALL_UNASKED ? BESIDE_UNKNOWN
                   : verdict == CALL_YES   ? BESIDE_OK
                                           : BESIDE_DIFFERS);
}

static const char *name_site(struct arena *arena, const struct rule *rule)
{
    return arena_printf(arena, "%s:%d", base_name(rule->site.file), rule->site.line);
}

static void add_order(struct nearest_table *table, const struct rule *rule, enum rule_bar bar)
{
    struct arena *arena = table->call->arena;
    const struct rule_group *group = rule->group;
    const struct rule *other = rule_list_at(&group->rules, group->at);

    /* Of those before it the first that still has to answer. */
    for (size_t i = group->at; bar == RULE_TOO_EARLY && i < rule->place; i++) {
        other = rule_list_at(&group->rules, i);
        if (other->used < rule_least(other))
            break;
    }
    beside_add(&table->beside, "order", arena_printf(arena, "'%s'", group->word),
               arena_printf(arena,
                            bar == RULE_TOO_EARLY ? "waits for the rule at %s"
                                                  : "the rule at %s has answered",
                            name_site(arena, other)),
               BESIDE_DIFFERS);
}

/* Why the rule does not answer now, whatever the request. */
static void add_bar(struct nearest_table *table, const struct rule_set *set,
                    const struct rule *rule)
{
    struct arena *arena = table->call->arena;
    enum rule_bar bar = rule_bar(set, rule);

    if (rule->state)
        beside_add(&table->beside, "state", arena_printf(arena, "'%s'", rule->state),
                   arena_printf(arena, "'%s'", set->state),
                   strcmp(rule->state, set->state) == 0 ? BESIDE_OK : BESIDE_DIFFERS);
    if (bar == RULE_USED_UP)
        beside_add(&table->beside, "used",
                   arena_printf(arena, "%zu of %zu %s", rule->used, rule_most(rule),
                                rule->times > 0 ? "times" : "replies"),
                   "", BESIDE_DIFFERS);
    if (bar == RULE_TOO_EARLY || bar == RULE_TOO_LATE)
        add_order(table, rule, bar);
    if (bar == RULE_WHEN_CONNECTING)
        beside_add(&table->beside, "fault", "when the program connects",
                   "on a connection that exists", BESIDE_DIFFERS);
}

bool rule_nearest(const struct rule_set *set, struct http_call *call, seam_site *ret_site,
                  struct buf *to)
{
    const struct rule *rule = find_nearest(set, call);
    struct nearest_table table = { .call = call,
                                   .beside = { "rule", "request", BUF_INIT(1 << 20) } };

    if (!rule)
        return false;
    add_head(&table, rule);
    for (size_t i = 0; i < rule->conditions.count; i++)
        nearest_condition(&table, &rule->conditions.at[i], &rule->conditions);
    add_function(&table, rule);
    add_bar(&table, set, rule);
    if (table.beside.rows.size > 0)
        beside_write(&table.beside, to);
    buf_fini(&table.beside.rows);
    *ret_site = rule->site;
    return true;
}
