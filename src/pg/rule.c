/* pg/rule.c - the life of a set of rules, and the order in which they are met; see rule.h and rule_set.h. */

#include "pg/rule.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/base_name.h"
#include "pg/rule_set.h"
#include "pg/secret.h"
#include "test/quote.h"
#include "wire/pg_sql.h"

#include "base/hostile.h"

enum { HEAD_COLUMNS = 60 }; /* of a statement in a message */

/* ---- the set ----------------------------------------------------------------------------- */

static void reset(struct pg_rule_set *set)
{
    *set = (struct pg_rule_set){
        .all = BUF_INIT(RULE_ROOM),
        .turns = BUF_INIT(RULES_MAX * sizeof(struct rule_turn)),
        .statements = BUF_INIT(RULE_ROOM),
        .columns = BUF_INIT(RULE_ROOM),
        .others.rules = BUF_INIT(RULE_ROOM),
        .forbidden.rules = BUF_INIT(RULE_ROOM),
        .asked = BUF_INIT(RULE_ROOM),
        .patterns = BUF_INIT(RULE_ROOM),
    };
}

struct pg_rule_set *pg_rule_set_new(void)
{
    struct pg_rule_set *set = malloc(sizeof *set);

    if (!set)
        arena_give_up(sizeof *set);
    reset(set);
    return set;
}

static size_t pointer_count(const struct buf *pointers)
{
    return pointers->size / sizeof(void *);
}

static void free_patterns(struct buf *patterns)
{
    struct match_pattern **at = (struct match_pattern **)(void *)patterns->data;

    for (size_t i = 0; i < pointer_count(patterns); i++)
        match_pattern_free(at[i]);
    buf_fini(patterns);
}

static void free_questions(struct pg_rule_set *set)
{
    struct rule_list **at = (struct rule_list **)(void *)set->asked.data;

    for (size_t i = 0; i < pointer_count(&set->asked); i++)
        buf_fini(&at[i]->rules);
    buf_fini(&set->asked);
    map_fini(&set->questions);
}

static void free_statements(struct pg_rule_set *set)
{
    struct rule_statement **at = (struct rule_statement **)(void *)set->statements.data;

    for (size_t i = 0; i < pointer_count(&set->statements); i++)
        buf_fini(&at[i]->list.rules);
    buf_fini(&set->statements);
    map_fini(&set->texts);
}

void pg_rule_set_clear(struct pg_rule_set *set)
{
    bool unordered = set->unordered;

    free_patterns(&set->patterns);
    free_questions(set);
    free_statements(set);
    buf_fini(&set->others.rules);
    buf_fini(&set->forbidden.rules);
    buf_fini(&set->columns);
    map_fini(&set->column_texts);
    buf_fini(&set->turns);
    buf_fini(&set->all);
    arena_fini(&set->arena);
    reset(set);
    set->unordered = unordered;
}

void pg_rule_set_free(struct pg_rule_set *set)
{
    if (set)
        pg_rule_set_clear(set);
    free(set);
}

/* ---- statements -------------------------------------------------------------------------- */

static struct rule_statement *statement_at(const struct pg_rule_set *set, uint32_t place)
{
    return ((struct rule_statement **)(void *)set->statements.data)[place - 1];
}

static const char *name_mistake(struct arena *arena, const char *sql)
{
    const char *mistake = pg_sql_mistake(sql, arena, &(int){ 0 });

    if (mistake)
        return mistake;
    return pg_sql_is_several(sql) ? "several statements" : NULL;
}

/* Make one for a text in normal form; 0 when memory ends. */
static uint32_t add_statement(struct pg_rule_set *set, const char *sql, const char *normal)
{
    struct rule_statement *statement = arena_zero(&set->arena, sizeof *statement);

    *statement = (struct rule_statement){
        .normal = normal,
        .mistake = name_mistake(&set->arena, sql),
        .list.rules = BUF_INIT(RULE_ROOM),
    };
    pg_sql_classify(&statement->is, normal, &set->arena);
    if (buf_add(&set->statements, &statement, sizeof(void *)) < 0)
        return 0;
    return (uint32_t)pointer_count(&set->statements);
}

struct rule_statement *rule_statement_of(struct pg_rule_set *set, const char *sql)
{
    const uint32_t *found = map_find(&set->texts, sql);
    const char *normal;
    uint32_t *at;
    uint32_t place;

    if (found && *found > 0)
        return statement_at(set, *found);
    normal = pg_sql_normal(sql, &set->arena);
    at = map_at(&set->texts, normal);
    place = at ? *at : 0;
    if (at && place == 0)
        *at = place = add_statement(set, sql, normal);
    at = place > 0 ? map_at(&set->texts, arena_dup(&set->arena, sql)) : NULL;
    if (!at)
        return NULL;
    *at = place;
    return statement_at(set, place);
}

/* A program sends most statements as their rules have them: so that form is looked for first. */
static struct rule_statement *look_up(struct pg_rule_set *set, struct pg_call *call)
{
    const uint32_t *place;

    if (!call->sql || set->texts.count == 0)
        return NULL;
    place = map_find_again(&set->texts, call->normal ? call->normal : call->sql);
    if (!place && !call->normal) {
        call->normal = pg_sql_normal(call->sql, call->arena);
        place = map_find(&set->texts, call->normal);
    }
    return place && *place > 0 ? statement_at(set, *place) : NULL;
}

struct rule_statement *rule_statement_find(struct pg_rule_set *set, struct pg_call *call)
{
    if (call->found_in != set || call->found_of != set->texts.count)
        call->found = look_up(set, call);
    call->found_in = set;
    call->found_of = set->texts.count;
    return call->found;
}

/* ---- lists ------------------------------------------------------------------------------- */

/* Whether `a` is tried before `b`. */
static bool is_before(const struct pg_rule_set *set, const struct pg_rule *a,
                      const struct pg_rule *b)
{
    if (set->unordered && a->kind != b->kind)
        return a->kind > b->kind;
    if (set->unordered && a->weight != b->weight)
        return a->weight > b->weight;
    return a->number < b->number;
}

static int list_insert(const struct pg_rule_set *set, struct rule_list *list,
                       struct pg_rule *rule)
{
    size_t at = rule_count(&list->rules);
    struct pg_rule **rules;
    int r = buf_add(&list->rules, &rule, sizeof(struct pg_rule *));

    if (r < 0)
        return r;
    rules = (struct pg_rule **)(void *)list->rules.data;
    for (; at > 0 && is_before(set, rule, rules[at - 1]); at--)
        rules[at] = rules[at - 1];
    rules[at] = rule;
    if (at < list->first)
        list->first = at;
    return 0;
}

static struct rule_list *list_of(struct pg_rule_set *set, const struct pg_rule *rule)
{
    if (rule->is_forbidden)
        return &set->forbidden;
    return rule->kind == RULE_LITERAL ? &rule->statement->list : &set->others;
}

static struct rule_list *question_list(struct pg_rule_set *set, const struct pg_rule *rule)
{
    uint32_t *place = map_at(&set->questions, rule_question(rule, &set->arena));
    struct rule_list *list;

    if (!place)
        return NULL;
    if (*place == 0) {
        list = arena_zero(&set->arena, sizeof *list);
        list->rules = BUF_INIT(RULE_ROOM);
        if (buf_add(&set->asked, &list, sizeof(void *)) < 0)
            return NULL;
        *place = (uint32_t)pointer_count(&set->asked);
    }
    return ((struct rule_list **)(void *)set->asked.data)[*place - 1];
}

/* ---- turns ------------------------------------------------------------------------------- */

static bool is_same_group(const char *a, const char *b)
{
    return a && b && strcmp(a, b) == 0;
}

/* The turn that a rule is part of: the last one, when it is not over and of the same group, or a new one. */
static struct rule_turn *turn_for(struct pg_rule_set *set, const struct pg_rule *rule)
{
    size_t count = rule_turn_count(set);
    struct rule_turn turn = { .group = rule->said->group };

    if (count > set->turn && is_same_group(rule_turn_at(set, count - 1)->group, turn.group))
        return rule_turn_at(set, count - 1);
    if (buf_add(&set->turns, &turn, sizeof turn) < 0)
        return NULL;
    return rule_turn_at(set, count);
}

static int turn_insert(struct pg_rule_set *set, struct pg_rule *rule)
{
    struct rule_turn *turn = turn_for(set, rule);

    if (!turn)
        return -ENOMEM;
    rule->turn = rule_turn_count(set) - 1;
    rule->previous_open = turn->last_open;
    if (turn->last_open)
        turn->last_open->next_open = rule;
    else
        turn->open = rule;
    turn->last_open = rule;
    turn->missing += rule->least > 0;
    return 0;
}

static void turn_drop(struct rule_turn *turn, struct pg_rule *rule)
{
    if (rule->previous_open)
        rule->previous_open->next_open = rule->next_open;
    else
        turn->open = rule->next_open;
    if (rule->next_open)
        rule->next_open->previous_open = rule->previous_open;
    else
        turn->last_open = rule->previous_open;
    rule->next_open = rule->previous_open = NULL;
}

static void pass_turns(struct pg_rule_set *set)
{
    while (set->turn < rule_turn_count(set) && !rule_turn_at(set, set->turn)->open)
        set->turn++;
}

void pg_rule_use(struct pg_rule_set *set, const struct pg_rule *used)
{
    struct pg_rule *rule = rule_at(&set->all, used->number);
    struct rule_turn *turn = rule->is_forbidden ? NULL : rule_turn_at(set, rule->turn);

    rule->used++;
    if (!turn)
        return;
    turn->missing -= rule->used == rule->least;
    if (rule->turn > set->turn)
        set->turn = rule->turn;
    if (rule_is_open(rule))
        return;
    turn_drop(turn, rule);
    pass_turns(set);
}

/* ---- adding ------------------------------------------------------------------------------ */

static bool is_same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool is_same_error(const struct pg_error *a, const struct pg_error *b)
{
    return a == b ||
           (a && b && is_same_text(a->severity, b->severity) &&
            is_same_text(a->sqlstate, b->sqlstate) && is_same_text(a->message, b->message) &&
            is_same_text(a->detail, b->detail) && is_same_text(a->hint, b->hint) &&
            is_same_text(a->where, b->where) && is_same_text(a->schema, b->schema) &&
            is_same_text(a->table, b->table) && is_same_text(a->column, b->column) &&
            is_same_text(a->type, b->type) && is_same_text(a->constraint, b->constraint) &&
            a->position == b->position);
}

static bool is_same_cell(const struct pg_cell *a, const struct pg_cell *b)
{
    return a->size == b->size && !a->text == !b->text &&
           (!a->text || memcmp(a->text, b->text, a->size) == 0);
}

static bool are_same_rows(const struct pg_rule *a, const struct pg_rule *b)
{
    if (a->has_rows != b->has_rows || a->columns != b->columns ||
        a->row_count != b->row_count || a->said->row_fn != b->said->row_fn ||
        (a->said->row_fn && a->said->arg != b->said->arg))
        return false;
    for (size_t i = 0; a->cells && i < a->row_count * a->columns->count; i++)
        if (!is_same_cell(&a->cells[i], &b->cells[i]))
            return false;
    return true;
}

static bool are_same_notices(const struct pg_rule *a, const struct pg_rule *b)
{
    if (a->notice_count != b->notice_count)
        return false;
    for (size_t i = 0; i < a->notice_count; i++)
        if (!is_same_error(&a->notices[i], &b->notices[i]))
            return false;
    return true;
}

static bool is_same_answer(const struct pg_rule *a, const struct pg_rule *b)
{
    const struct pg_said *x = a->said;
    const struct pg_said *y = b->said;

    return a->is_forbidden == b->is_forbidden && are_same_rows(a, b) &&
           is_same_error(a->error, b->error) && are_same_notices(a, b) &&
           is_same_text(x->tag, y->tag) && is_same_text(x->copy_out, y->copy_out) &&
           is_same_text(x->copy_in, y->copy_in) &&
           is_same_text(x->notify.channel, y->notify.channel) &&
           is_same_text(x->notify.payload, y->notify.payload) && x->delay_ms == y->delay_ms &&
           x->fault == y->fault && x->fault_after == y->fault_after;
}

static int ask(struct pg_rule_set *set, struct pg_rule *rule, struct err *err)
{
    struct rule_list *list = question_list(set, rule);
    /* Those in the list agree with each other: one is enough. */
    const struct pg_rule *rival =
        list && rule_count(&list->rules) > 0 ? rule_at(&list->rules, 0) : NULL;

    if (!list)
        return err_set(err, -ENOMEM, "too many rules, or out of memory");
    if (rival && !is_same_answer(rival, rule))
        return err_set(err, -EINVAL,
                       "the rule at %s:%d has the same statement and arguments, and another "
                       "answer\ntry: .args that tell them apart",
                       base_name(rival->said->site.file), rival->said->site.line);
    if (list_insert(set, list, rule) < 0)
        return err_set(err, -ENOMEM, "too many rules, or out of memory");
    return 0;
}

int pg_rule_insert(struct pg_rule_set *set, struct pg_rule *rule, struct err *err)
{
    int r;

    rule->number = rule_count(&set->all);
    r = set->unordered ? ask(set, rule, err) : 0;
    if (r < 0)
        return r;
    r = buf_add(&set->all, &rule, sizeof(struct pg_rule *));
    if (r == 0)
        r = list_insert(set, list_of(set, rule), rule);
    if (r == 0 && !rule->is_forbidden)
        r = turn_insert(set, rule);
    set->function_count += rule->has_function;
    set->is_about[rule->event] = true;
    return r < 0 ? err_set(err, r, "too many rules, or out of memory") : 0;
}

/* ---- any order --------------------------------------------------------------------------- */

static void clear_list(struct rule_list *list)
{
    buf_clear(&list->rules);
    list->first = 0;
}

static void clear_lists(struct pg_rule_set *set)
{
    for (size_t i = 0; i < pointer_count(&set->statements); i++)
        clear_list(&statement_at(set, (uint32_t)i + 1)->list);
    clear_list(&set->others);
    clear_list(&set->forbidden);
}

void pg_rule_set_unordered(struct pg_rule_set *set)
{
    if (set->unordered)
        return;
    set->unordered = true;
    clear_lists(set);
    for (size_t i = 0; i < rule_count(&set->all); i++) {
        struct pg_rule *rule = rule_at(&set->all, i);
        struct rule_list *list = question_list(set, rule);

        if (!list || list_insert(set, list, rule) < 0 ||
            list_insert(set, list_of(set, rule), rule) < 0)
            arena_give_up(sizeof(struct pg_rule *)); /* they had room before */
    }
}

const char *pg_rule_set_ambiguity(const struct pg_rule_set *set, struct arena *arena,
                                  seam_site *ret_site)
{
    struct rule_list **lists = (struct rule_list **)(void *)set->asked.data;

    for (size_t i = 0; i < pointer_count(&set->asked); i++)
        for (size_t j = 1; j < rule_count(&lists[i]->rules); j++) {
            const struct pg_rule *first = rule_at(&lists[i]->rules, 0);
            const struct pg_rule *rule = rule_at(&lists[i]->rules, j);

            if (is_same_answer(first, rule))
                continue;
            *ret_site = rule->said->site;
            return arena_printf(arena,
                                "the rule at %s:%d has the same statement and arguments, and "
                                "another answer\ntry: .args that tell them apart",
                                base_name(first->said->site.file), first->said->site.line);
        }
    return NULL;
}

/* ---- what a rule answers ------------------------------------------------------------------ */

const struct pg_columns *pg_rule_columns(const struct pg_rule *rule)
{
    return rule->columns;
}

bool pg_rule_has_rows(const struct pg_rule *rule)
{
    return rule->has_rows;
}

size_t pg_rule_row_count(const struct pg_rule *rule)
{
    return rule->row_count;
}

const struct pg_cell *pg_rule_row(const struct pg_rule *rule, size_t n)
{
    return rule->cells + n * rule->columns->count;
}

const struct pg_error *pg_rule_error(const struct pg_rule *rule)
{
    return rule->error;
}

const struct pg_error *pg_rule_notices(const struct pg_rule *rule, size_t *ret_count)
{
    *ret_count = rule->notice_count;
    return rule->notices;
}

const struct pg_said *pg_rule_said(const struct pg_rule *rule)
{
    return rule->said;
}

seam_site pg_rule_site(const struct pg_rule *rule)
{
    return rule->said->site;
}

/* ---- at the end -------------------------------------------------------------------------- */

const char *rule_event_word(enum seam_pg_event event)
{
    static const char *const words[] = {
        [SEAM_PG_STATEMENT] = "a statement",
        [SEAM_PG_CONNECT] = "CONNECT",
        [SEAM_PG_BEGIN] = "BEGIN",
        [SEAM_PG_COMMIT] = "COMMIT",
        [SEAM_PG_ROLLBACK] = "ROLLBACK",
        [SEAM_PG_SAVEPOINT] = "SAVEPOINT",
        [SEAM_PG_RELEASE] = "RELEASE",
        [SEAM_PG_ROLLBACK_TO] = "ROLLBACK TO",
        [SEAM_PG_PREPARE] = "PREPARE",
        [SEAM_PG_DEALLOCATE] = "DEALLOCATE",
        [SEAM_PG_PING] = "PING",
        [SEAM_PG_CLOSE] = "CLOSE",
    };

    return words[event];
}

static const char *shorten(struct arena *arena, const char *text, char delimiter)
{
    struct buf out = BUF_INIT(8 * HEAD_COLUMNS);
    const char *copy;

    quote_add_head(&out, text, strlen(text), HEAD_COLUMNS, delimiter);
    copy = arena_dup(arena, buf_text(&out));
    buf_fini(&out);
    return copy;
}

const char *rule_head(const struct pg_rule *rule, struct arena *arena)
{
    const struct pg_said *said = rule->said;
    const char *event = rule_event_word(said->event);

    if (said->event != SEAM_PG_STATEMENT)
        return said->sql ? arena_printf(arena, "%s %s", event,
                                        shorten(arena, pg_secret_masked(said->sql, arena), 0))
                         : event;
    if (said->sql)
        return shorten(arena, pg_secret_masked(said->sql, arena), '\'');
    if (said->sql_regex)
        return arena_printf(arena, "~ %s", shorten(arena, said->sql_regex, '\''));
    return "the statement that .sql_fn takes";
}

static const char *describe_unused(struct arena *arena, const struct pg_rule *rule)
{
    const char *head = rule_head(rule, arena);
    const char *name = rule->said->name;
    const char *text;

    if (rule->used == 0 && rule->least == 1)
        text = arena_printf(arena, "%s was never used", head);
    else
        text = arena_printf(arena, "%s answered %zu time%s instead of %zu", head, rule->used,
                            rule->used == 1 ? "" : "s", rule->least);
    return name ? arena_printf(arena, "%s: %s", name, text) : text;
}

void pg_rule_unused(const struct pg_rule_set *set,
                    void (*fn)(void *arg, seam_site site, const char *text), void *arg)
{
    for (size_t i = 0; i < rule_count(&set->all); i++) {
        const struct pg_rule *rule = rule_at(&set->all, i);
        struct arena arena = { 0 };

        if (rule->used >= rule->least)
            continue;
        fn(arg, rule->said->site, describe_unused(&arena, rule));
        arena_fini(&arena);
    }
}
