/*
 * json/compare.c - one JSON value compared with another; see node.h.
 *
 * One walk serves both questions. Quietly (no row function) it ends at the first difference; loudly it calls
 * for each leaf, and where an array's elements have to be paired it asks itself quietly first.
 */

#include <stdlib.h>
#include <string.h>

#include "json/node.h"
#include "test/quote.h"

enum {
    STEPS_MAX = 4000000, /* visits of a value: pairing large arrays ends there, unequal */
    CHAIN_MAX = 500, /* pairs that one new pair may move */
    PATH_CAP = 1 << 16,
    KEY_COLUMNS = 32
};

/* Where the walk is: the way back to the root. */
struct step {
    const struct step *up;
    const char *key; /* NULL: an index */
    size_t index;
    size_t depth;
};

struct walk {
    const struct json_want *want;
    json_row_fn *fn; /* NULL: quiet */
    void *arg;
    size_t left; /* of STEPS_MAX */
};

static bool compare(struct walk *walk, const struct step *at, const struct json_node *want,
                    const struct json_node *got);

/* ---- scalars ----------------------------------------------------------------------------- */

/* Exactly: the integer is not rounded to a double. */
static bool is_same_mixed(int64_t integer, double real)
{
    return real >= -0x1p63 && real < 0x1p63 && (double)(int64_t)real == real &&
           (int64_t)real == integer;
}

static bool is_same_text(const struct json_node *a, const struct json_node *b)
{
    return a->count == b->count && memcmp(a->text, b->text, a->count) == 0;
}

static bool is_same_scalar(const struct json_node *a, const struct json_node *b)
{
    if (a->kind == NODE_INTEGER && b->kind == NODE_REAL)
        return is_same_mixed(a->integer, b->real);
    if (a->kind == NODE_REAL && b->kind == NODE_INTEGER)
        return is_same_mixed(b->integer, a->real);
    if (a->kind != b->kind)
        return false;
    switch (a->kind) {
    case NODE_INTEGER:
        return a->integer == b->integer;
    case NODE_REAL:
        return a->real == b->real;
    case NODE_BIG:
    case NODE_STRING:
        return is_same_text(a, b);
    default:
        return true;
    }
}

/* ---- where the walk is ------------------------------------------------------------------- */

static bool is_step(const struct step *at, const char *step)
{
    char index[24];
    struct buf text = BUF_INIT(sizeof index);
    bool is_same;

    if (at->key)
        return strcmp(at->key, step) == 0;
    buf_printf(&text, "%zu", at->index);
    is_same = strcmp(buf_text(&text), step) == 0;
    buf_fini(&text);
    return is_same;
}

static bool points_at(const struct json_pointer *pointer, const struct step *at)
{
    size_t depth = at ? at->depth : 0;

    if (pointer->count != depth)
        return false;
    for (; at; at = at->up)
        if (!is_step(at, pointer->steps[at->depth - 1]))
            return false;
    return true;
}

static bool is_ignored(const struct walk *walk, const struct step *at)
{
    for (size_t i = 0; i < walk->want->ignore_count; i++)
        if (points_at(&walk->want->ignore[i], at))
            return true;
    return false;
}

static void write_key(struct buf *to, const char *key)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
    size_t size = strlen(key);

    if (size > 0 && size <= KEY_COLUMNS && strspn(key, plain) == size) {
        buf_printf(to, ".%s", key);
        return;
    }
    buf_add_char(to, '[');
    quote_add_head(to, key, size, KEY_COLUMNS, '"');
    buf_add_char(to, ']');
}

static void write_path(struct buf *to, const struct step *at)
{
    if (!at) {
        buf_add_char(to, '$');
        return;
    }
    write_path(to, at->up);
    if (at->key)
        write_key(to, at->key);
    else
        buf_printf(to, "[%zu]", at->index);
}

static bool tell(struct walk *walk, const struct step *at, const struct json_node *want,
                 const struct json_node *got, bool same)
{
    struct buf path = BUF_INIT(PATH_CAP);

    if (walk->fn) {
        write_path(&path, at);
        walk->fn(walk->arg, buf_text(&path), want, got, same);
        buf_fini(&path);
    }
    return same;
}

/* ---- containers -------------------------------------------------------------------------- */

static struct step step_key(const struct step *up, const char *key)
{
    return (struct step){ .up = up, .key = key, .depth = up ? up->depth + 1 : 1 };
}

static struct step step_index(const struct step *up, size_t index)
{
    return (struct step){ .up = up, .index = index, .depth = up ? up->depth + 1 : 1 };
}

/* A walk that is quiet ends at the first difference. */
static bool is_over(const struct walk *walk, bool same)
{
    return !same && !walk->fn;
}

static bool compare_objects(struct walk *walk, const struct step *at,
                            const struct json_node *want, const struct json_node *got)
{
    bool same = true;

    for (uint32_t i = 0; i < want->count && !is_over(walk, same); i++) {
        const struct json_member *member = &want->members[i];
        const struct step below = step_key(at, member->key);

        same &= compare(walk, &below, &member->node, json_node_member(got, member->key));
    }
    if (walk->want->mode == JSON_MODE_SUBSET)
        return same;
    for (uint32_t i = 0; i < got->count && !is_over(walk, same); i++) {
        const struct json_member *member = &got->members[i];
        const struct step below = step_key(at, member->key);

        if (!json_node_member(want, member->key))
            same &= compare(walk, &below, NULL, &member->node);
    }
    return same;
}

static bool is_same_item(struct walk *walk, const struct step *at, const struct json_node *want,
                         size_t i, const struct json_node *got, size_t j)
{
    json_row_fn *fn = walk->fn;
    const struct step below = step_index(at, i);
    bool same;

    walk->fn = NULL;
    same = compare(walk, &below, &want->items[i], &got->items[j]);
    walk->fn = fn;
    return same;
}

/* Element `i` of one and `j` of the other, of which one may be behind the end. */
static bool compare_items(struct walk *walk, const struct step *at,
                          const struct json_node *want, size_t i, const struct json_node *got,
                          size_t j)
{
    const struct json_node *want_item = i < want->count ? &want->items[i] : NULL;
    const struct json_node *got_item = j < got->count ? &got->items[j] : NULL;
    const struct step below = step_index(at, want_item ? i : j);

    return compare(walk, &below, want_item, got_item);
}

/* How many elements at the end are the same, of arrays that differ in length: one that was put in at the
 * front shall be one difference, not a row for each element behind it. */
static size_t count_same_tail(struct walk *walk, const struct step *at,
                              const struct json_node *want, const struct json_node *got)
{
    size_t shorter = want->count < got->count ? want->count : got->count;
    size_t head = 0;
    size_t tail = 0;

    if (want->count == got->count || walk->want->ignore_count > 0)
        return 0;
    while (head < shorter && is_same_item(walk, at, want, head, got, head))
        head++;
    while (tail < shorter - head &&
           is_same_item(walk, at, want, want->count - 1 - tail, got, got->count - 1 - tail))
        tail++;
    return tail;
}

static bool compare_arrays(struct walk *walk, const struct step *at,
                           const struct json_node *want, const struct json_node *got)
{
    size_t longer = want->count > got->count ? want->count : got->count;
    size_t tail = walk->fn ? count_same_tail(walk, at, want, got) : 0;
    size_t want_end = want->count - tail;
    size_t got_end = got->count - tail;
    bool same = true;

    for (size_t i = 0; i < longer - tail && !is_over(walk, same); i++)
        same &= compare_items(walk, at, want, i < want_end ? i : want->count, got,
                              i < got_end ? i : got->count);
    for (size_t i = 0; i < tail && !is_over(walk, same); i++)
        same &= compare_items(walk, at, want, want_end + i, got, got_end + i);
    return same;
}

/* ---- arrays in any order: each element of `want` gets one of `got` that is the same -------- */

#define NO_PAIR SIZE_MAX

struct pairing {
    struct walk *walk;
    const struct step *at;
    const struct json_node *want;
    const struct json_node *got;
    size_t *want_of; /* of each element of `got`; NO_PAIR: none */
    bool *seen; /* elements of `got`, in this attempt */
};

/* Find a partner for element i of `want`, the one in the same place before others, if need be by giving the
 * owner of one another. That is needed only where a path is not compared: an element may then be the same
 * as several that differ from each other. */
static bool find_partner(struct pairing *pairing, size_t i, int chain)
{
    size_t count = pairing->got->count;

    for (size_t k = 0; k < count; k++) {
        size_t j = (i + k) % count;

        if (pairing->want_of[j] == NO_PAIR &&
            is_same_item(pairing->walk, pairing->at, pairing->want, i, pairing->got, j)) {
            pairing->want_of[j] = i;
            return true;
        }
    }
    if (pairing->walk->want->ignore_count == 0 || chain == CHAIN_MAX)
        return false;
    for (size_t j = 0; j < count; j++) {
        if (pairing->seen[j] ||
            !is_same_item(pairing->walk, pairing->at, pairing->want, i, pairing->got, j))
            continue;
        pairing->seen[j] = true;
        if (find_partner(pairing, pairing->want_of[j], chain + 1)) {
            pairing->want_of[j] = i;
            return true;
        }
    }
    return false;
}

static bool pair_all(struct pairing *pairing)
{
    bool all = pairing->want->count == pairing->got->count;

    for (size_t j = 0; j < pairing->got->count; j++)
        pairing->want_of[j] = NO_PAIR;
    for (size_t i = 0; i < pairing->want->count && (all || pairing->walk->fn); i++) {
        memset(pairing->seen, 0, pairing->got->count * sizeof *pairing->seen);
        all &= find_partner(pairing, i, 0);
    }
    return all;
}

/* Rows for the pairs, then for what found no partner, in the order in which it stands. */
static void tell_pairs(struct pairing *pairing, size_t *got_of)
{
    size_t spare = 0;

    for (size_t i = 0; i < pairing->want->count; i++)
        got_of[i] = NO_PAIR;
    for (size_t j = 0; j < pairing->got->count; j++)
        if (pairing->want_of[j] != NO_PAIR)
            got_of[pairing->want_of[j]] = j;
    for (size_t i = 0; i < pairing->want->count; i++) {
        if (got_of[i] == NO_PAIR) {
            while (spare < pairing->got->count && pairing->want_of[spare] != NO_PAIR)
                spare++;
            got_of[i] = spare < pairing->got->count ? spare++ : pairing->got->count;
        }
        compare_items(pairing->walk, pairing->at, pairing->want, i, pairing->got, got_of[i]);
    }
    for (; spare < pairing->got->count; spare++)
        if (pairing->want_of[spare] == NO_PAIR)
            compare_items(pairing->walk, pairing->at, pairing->want, pairing->want->count,
                          pairing->got, spare);
}

static bool compare_unordered(struct walk *walk, const struct step *at,
                              const struct json_node *want, const struct json_node *got)
{
    struct pairing pairing = { walk, at, want, got, NULL, NULL };
    struct arena arena = { 0 };
    bool same;

    if (!walk->fn && want->count != got->count)
        return false;
    pairing.want_of = arena_zero(&arena, got->count * sizeof *pairing.want_of);
    pairing.seen = arena_zero(&arena, got->count * sizeof *pairing.seen);
    same = pair_all(&pairing);
    if (walk->fn)
        tell_pairs(&pairing, arena_zero(&arena, want->count * sizeof(size_t)));
    arena_fini(&arena);
    return same;
}

/* ---- any value --------------------------------------------------------------------------- */

static bool are_containers(const struct json_node *want, const struct json_node *got)
{
    return want && got && want->kind == got->kind &&
           (want->kind == NODE_OBJECT || want->kind == NODE_ARRAY);
}

/* A container without elements is a leaf: it has a row of its own. */
static bool is_leaf_pair(const struct walk *walk, const struct json_node *want,
                         const struct json_node *got)
{
    return want->count == 0 && (got->count == 0 || (want->kind == NODE_OBJECT &&
                                                    walk->want->mode == JSON_MODE_SUBSET));
}

static bool compare(struct walk *walk, const struct step *at, const struct json_node *want,
                    const struct json_node *got)
{
    if (is_ignored(walk, at))
        return true;
    if (walk->left == 0)
        return tell(walk, at, want, got, false);
    walk->left--;
    if (!are_containers(want, got))
        return tell(walk, at, want, got, want && got && is_same_scalar(want, got));
    if (is_leaf_pair(walk, want, got))
        return tell(walk, at, want, got, true);
    if (want->kind == NODE_OBJECT)
        return compare_objects(walk, at, want, got);
    if (walk->want->mode == JSON_MODE_UNORDERED)
        return compare_unordered(walk, at, want, got);
    return compare_arrays(walk, at, want, got);
}

bool json_want_holds(const struct json_want *want, const struct json_node *got)
{
    struct walk walk = { .want = want, .left = STEPS_MAX };

    return compare(&walk, NULL, want->root, got);
}

void json_want_rows(const struct json_want *want, const struct json_node *got, json_row_fn *fn,
                    void *arg)
{
    struct walk walk = { .want = want, .fn = fn, .arg = arg, .left = STEPS_MAX };

    compare(&walk, NULL, want->root, got);
}
