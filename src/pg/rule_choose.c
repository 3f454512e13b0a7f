/* pg/rule_choose.c - which rule of a set answers a statement; see rule.h and rule_set.h. */

#include <string.h>
#include <strings.h>

#include "pg/rule_set.h"

enum { QUESTION_MAX = 64 << 20, FEW = 8 /* rules that are looked at one by one */ };

/* ---- whether a rule is about a call -------------------------------------------------------- */

/* Whether a statement is executed: what a rule without an event may be about. */
static bool is_execution(const struct pg_call *call)
{
    return call->event == SEAM_PG_STATEMENT ||
           (call->event >= SEAM_PG_BEGIN && call->event <= SEAM_PG_ROLLBACK_TO);
}

const char *rule_isolation(const struct pg_call *call)
{
    return call->isolation ? call->isolation : "read committed";
}

static bool begin_holds(const struct pg_rule *rule, const struct pg_call *call)
{
    const char *isolation = rule->said->isolation;

    return (!isolation || strcasecmp(isolation, rule_isolation(call)) == 0) &&
           (!rule->said->read_only || call->read_only);
}

/* A pattern or a function that takes any statement has nothing to say of transactions: they are answered as the
 * server would, unless a rule names them. */
bool rule_event_holds(const struct pg_rule *rule, const struct pg_call *call)
{
    if (rule->event != SEAM_PG_STATEMENT)
        return rule->event == call->event;
    return call->event == SEAM_PG_STATEMENT ||
           (rule->kind == RULE_LITERAL && is_execution(call));
}

static bool pattern_holds(const struct pg_rule *rule, const struct pg_call *call)
{
    return !rule->pattern || (call->sql && match_pattern_found(rule->pattern, call->sql,
                                                               strlen(call->sql), NULL));
}

static bool name_holds(const struct pg_rule *rule, const struct pg_call *call)
{
    return !rule->name ||
           (call->is && call->is->name && strcmp(rule->name, call->is->name) == 0);
}

static bool function_holds(const struct pg_rule *rule, const struct pg_call *call)
{
    return !rule->said->sql_fn || (call->sql && rule->said->sql_fn(call->sql, rule->said->arg));
}

/* Whether it is about this statement, or events of this one's kind and name. */
static bool is_about(const struct pg_rule *rule, const struct pg_call *call,
                     const struct rule_statement *statement)
{
    return rule_event_holds(rule, call) && (!rule->statement || rule->statement == statement) &&
           pattern_holds(rule, call) && name_holds(rule, call);
}

bool rule_is_for(const struct pg_rule *rule, struct pg_call *call,
                 const struct rule_statement *statement, bool ask)
{
    return is_about(rule, call, statement) &&
           (call->event != SEAM_PG_BEGIN || begin_holds(rule, call)) &&
           (!ask || function_holds(rule, call));
}

static bool holds(const struct pg_rule *rule, struct pg_call *call,
                  const struct rule_statement *statement)
{
    return rule_is_for(rule, call, statement, true) &&
           (!call->arguments || rule_arguments_hold(rule, call));
}

/* ---- in order ---------------------------------------------------------------------------- */

static bool is_more_specific(const struct pg_rule *a, const struct pg_rule *b)
{
    return !b || a->kind > b->kind || (a->kind == b->kind && a->weight > b->weight);
}

static const struct pg_rule *choose_of_turn(const struct rule_turn *turn, struct pg_call *call,
                                            const struct rule_statement *statement)
{
    const struct pg_rule *best = NULL;

    for (const struct pg_rule *rule = turn->open; rule; rule = rule->next_open)
        if (is_more_specific(rule, best) && holds(rule, call, statement))
            best = rule;
    return best;
}

static const struct pg_rule *choose_in_order(const struct pg_rule_set *set,
                                             struct pg_call *call,
                                             const struct rule_statement *statement)
{
    for (size_t i = set->turn; i < rule_turn_count(set); i++) {
        const struct rule_turn *turn = rule_turn_at(set, i);
        const struct pg_rule *rule = choose_of_turn(turn, call, statement);

        if (rule)
            return rule;
        if (turn->missing > 0)
            break;
    }
    return NULL;
}

/* ---- in any order ------------------------------------------------------------------------- */

static void add_question_value(struct buf *to, const char *text, size_t size)
{
    if (!text) {
        buf_add_text(to, "\nNULL");
        return;
    }
    buf_printf(to, "\n%zu:", size);
    for (size_t i = 0; i < size; i++) /* the text has to end at its first NUL */
        buf_add_char(to, text[i] ? text[i] : '\1');
}

static const char *question_take(struct arena *arena, struct buf *from)
{
    const char *copy = arena_copy(arena, buf_text(from), from->size);

    buf_fini(from);
    return copy;
}

static void add_question_argument(struct buf *to, const struct rule_argument *argument)
{
    if (argument->value.kind == SEAM_KIND_LIKE)
        buf_printf(to, "\n~%s", argument->text);
    else if (argument->value.kind == SEAM_KIND_MATCHES)
        buf_printf(to, "\nf%jx", (uintmax_t)(uintptr_t)argument->value.as.matches);
    else if (argument->value.kind == SEAM_KIND_ANY)
        buf_add_text(to, "\nany");
    else
        add_question_value(to, argument->text, argument->size);
}

const char *rule_question(const struct pg_rule *rule, struct arena *arena)
{
    const struct pg_said *said = rule->said;
    struct buf text = BUF_INIT(QUESTION_MAX);

    if (rule->kind == RULE_LITERAL)
        buf_add_text(&text, rule->statement->normal);
    else
        buf_printf(&text, "\n%d %d %s\n%s\n%s\n%s\n%d\n", (int)said->event, (int)rule->kind,
                   rule->statement ? rule->statement->normal : "",
                   said->sql_regex ? said->sql_regex : "", rule->name ? rule->name : "",
                   said->isolation ? said->isolation : "", said->read_only);
    if (said->sql_fn) /* each function is a question of its own */
        buf_printf(&text, "\n%zu", rule->number);
    if (!rule->counts_arguments)
        buf_add_text(&text, "\n*");
    for (size_t i = 0; i < rule->argument_count; i++)
        add_question_argument(&text, &rule->arguments[i]);
    return question_take(arena, &text);
}

/* Of a call, as a literal rule has it that says what each argument is. */
static const char *question_of(struct pg_call *call, const struct rule_statement *statement)
{
    struct buf text = BUF_INIT(QUESTION_MAX);

    buf_add_text(&text, statement->normal);
    for (size_t i = 0; i < call->argument_count; i++) {
        size_t size = 0;
        const char *value = pg_argument_text(&call->arguments[i], call->arena, &size);

        add_question_value(&text, value, size);
    }
    return question_take(call->arena, &text);
}

/* Whether nothing comes of it any more, whatever is sent. */
static bool is_over(const struct pg_rule_set *set, const struct pg_rule *rule)
{
    return !rule_is_open(rule) || (!set->unordered && rule->turn < set->turn);
}

static void list_pass(const struct pg_rule_set *set, struct rule_list *list)
{
    while (list->first < rule_count(&list->rules) &&
           is_over(set, rule_at(&list->rules, list->first)))
        list->first++;
}

static const struct pg_rule *choose_of_list(const struct pg_rule_set *set,
                                            struct rule_list *list, struct pg_call *call,
                                            const struct rule_statement *statement)
{
    list_pass(set, list);
    for (size_t i = list->first; i < rule_count(&list->rules); i++) {
        const struct pg_rule *rule = rule_at(&list->rules, i);

        if (rule_is_open(rule) && holds(rule, call, statement))
            return rule;
    }
    return NULL;
}

/* Of many rules with one statement those with just these arguments. What is not found here may still be equal by
 * value. */
static const struct pg_rule *choose_by_question(const struct pg_rule_set *set,
                                                struct pg_call *call,
                                                const struct rule_statement *statement)
{
    const uint32_t *place;

    if (!call->arguments || rule_count(&statement->list.rules) <= FEW)
        return NULL;
    place = map_find(&set->questions, question_of(call, statement));
    if (!place || *place == 0)
        return NULL;
    return choose_of_list(set, ((struct rule_list **)(void *)set->asked.data)[*place - 1], call,
                          statement);
}

static const struct pg_rule *choose_in_any_order(struct pg_rule_set *set, struct pg_call *call,
                                                 struct rule_statement *statement)
{
    const struct pg_rule *rule = NULL;

    if (statement) {
        rule = choose_by_question(set, call, statement);
        rule = rule ? rule : choose_of_list(set, &statement->list, call, statement);
    }
    return rule ? rule : choose_of_list(set, &set->others, call, statement);
}

/* ---- choosing ---------------------------------------------------------------------------- */

static const struct pg_rule *find_forbidden(const struct pg_rule_set *set, struct pg_call *call,
                                            const struct rule_statement *statement)
{
    const struct pg_rule *best = NULL;

    for (size_t i = 0; i < rule_count(&set->forbidden.rules); i++) {
        const struct pg_rule *rule = rule_at(&set->forbidden.rules, i);

        if (is_more_specific(rule, best) && holds(rule, call, statement))
            best = rule;
    }
    return best;
}

/* What forbids has the word only where it is the more specific: "never that" beside "this one". */
const struct pg_rule *pg_rule_choose(struct pg_rule_set *set, struct pg_call *call,
                                     bool *ret_forbidden)
{
    struct rule_statement *statement = rule_statement_find(set, call);
    const struct pg_rule *rule = set->unordered ? choose_in_any_order(set, call, statement)
                                                : choose_in_order(set, call, statement);
    const struct pg_rule *forbidden = find_forbidden(set, call, statement);

    *ret_forbidden = forbidden && is_more_specific(forbidden, rule);
    return *ret_forbidden ? forbidden : rule;
}

static bool has_asking_turn(const struct pg_rule_set *set, struct pg_call *call,
                            const struct rule_statement *statement)
{
    for (size_t i = set->turn; i < rule_turn_count(set); i++) {
        const struct rule_turn *turn = rule_turn_at(set, i);

        for (const struct pg_rule *rule = turn->open; rule; rule = rule->next_open)
            if (rule->has_function && rule_is_for(rule, call, statement, false))
                return true;
        if (turn->missing > 0)
            break;
    }
    return false;
}

static bool has_asking_rule(const struct rule_list *list, struct pg_call *call,
                            const struct rule_statement *statement)
{
    for (size_t i = list->first; i < rule_count(&list->rules); i++) {
        const struct pg_rule *rule = rule_at(&list->rules, i);

        if (rule->has_function && rule_is_open(rule) &&
            rule_is_for(rule, call, statement, false))
            return true;
    }
    return false;
}

bool pg_rule_needs_user(const struct pg_rule_set *set, const struct pg_call *call)
{
    struct pg_call own = *call; /* what is worked out is the arena's */
    const struct rule_statement *statement;

    if (set->function_count == 0)
        return false;
    statement = rule_statement_find(set, &own);
    if (has_asking_rule(&set->forbidden, &own, statement))
        return true;
    if (!set->unordered)
        return has_asking_turn(set, &own, statement);
    return (statement && has_asking_rule(&statement->list, &own, statement)) ||
           has_asking_rule(&set->others, &own, statement);
}

/* ---- what rules there are ------------------------------------------------------------------ */

static bool list_is_about(const struct rule_list *list, const struct pg_call *call,
                          const struct rule_statement *statement)
{
    for (size_t i = 0; i < rule_count(&list->rules); i++) {
        const struct pg_rule *rule = rule_at(&list->rules, i);

        if (rule->kind != RULE_FUNCTION && is_about(rule, call, statement))
            return true;
    }
    return false;
}

bool pg_rule_is_about(const struct pg_rule_set *set, struct pg_call *call)
{
    const struct rule_statement *statement = rule_statement_find(set, call);

    if (statement && rule_count(&statement->list.rules) > 0 && is_execution(call))
        return true;
    if (call->event != SEAM_PG_STATEMENT && !set->is_about[call->event] &&
        rule_count(&set->forbidden.rules) == 0)
        return false;
    return list_is_about(&set->others, call, statement) ||
           list_is_about(&set->forbidden, call, statement);
}

/* The first that is still to come, else the last of those that are over. */
static const struct pg_rule *peek_list(const struct pg_rule_set *set, struct rule_list *list,
                                       struct pg_call *call,
                                       const struct rule_statement *statement)
{
    const struct pg_rule *over = NULL;

    list_pass(set, list);
    for (size_t i = list->first; i < rule_count(&list->rules); i++) {
        const struct pg_rule *rule = rule_at(&list->rules, i);

        if (rule->event == SEAM_PG_STATEMENT && rule->kind != RULE_FUNCTION &&
            is_about(rule, call, statement) && !is_over(set, rule))
            return rule;
    }
    for (size_t i = list->first; i > 0 && !over; i--) {
        const struct pg_rule *rule = rule_at(&list->rules, i - 1);

        if (rule->event == SEAM_PG_STATEMENT && rule->kind != RULE_FUNCTION &&
            is_about(rule, call, statement))
            over = rule;
    }
    return over;
}

const struct pg_rule *pg_rule_peek(struct pg_rule_set *set, struct pg_call *call)
{
    struct rule_statement *statement = rule_statement_find(set, call);
    const struct pg_rule *rule =
        statement ? peek_list(set, &statement->list, call, statement) : NULL;

    return rule ? rule : peek_list(set, &set->others, call, statement);
}
