/* wire/pg_parameter.c - SET, RESET and SHOW; see pg_parameter.h. */

#include "wire/pg_parameter.h"

#include <string.h>
#include <strings.h>

#include "wire/pg_engine.h"

/* ---- finding */

static struct pg_parameter *add(struct pg_parameters *parameters, const char *name,
                                const struct pg_setting *setting)
{
    struct pg_parameter *parameter = arena_zero(&parameters->arena, sizeof *parameter);

    parameter->setting = setting;
    parameter->name = setting ? setting->name : arena_dup(&parameters->arena, name);
    if (setting)
        parameter->value = parameter->kept = parameter->first = setting->value;
    parameter->next = parameters->first;
    parameters->first = parameter;
    return parameter;
}

/* `make`: also one with a '.' in its name that is not there yet. */
static struct pg_parameter *find(struct pg_parameters *parameters, const char *name, bool make)
{
    struct pg_parameter *parameter = parameters->first;
    const struct pg_setting *setting;

    while (parameter && strcasecmp(parameter->name, name) != 0)
        parameter = parameter->next;
    if (parameter)
        return parameter;
    setting = pg_setting_find(name);
    if (!setting && !(make && strchr(name, '.')))
        return NULL;
    return add(parameters, name, setting);
}

/* ---- values and transactions */

static void put(struct pg_parameters *parameters, struct pg_parameter *parameter,
                const char *value, bool local)
{
    struct pg_parameter_change *change = arena_zero(&parameters->arena, sizeof *change);

    *change = (struct pg_parameter_change){ parameters->changes, parameter, parameter->value,
                                            parameter->kept };
    parameters->changes = change;
    parameters->change_count++;
    parameter->value = arena_dup(&parameters->arena, value);
    if (!local)
        parameter->kept = parameter->value;
}

void parameter_put(struct pg_server *server, const char *name, const char *value, bool local)
{
    put(&server->parameters, find(&server->parameters, name, true), value, local);
}

void parameters_roll_back(struct pg_parameters *parameters, size_t changes)
{
    while (parameters->change_count > changes) {
        struct pg_parameter_change *change = parameters->changes;

        change->of->value = change->value;
        change->of->kept = change->kept;
        parameters->changes = change->before;
        parameters->change_count--;
    }
}

void parameters_commit(struct pg_parameters *parameters)
{
    for (; parameters->changes; parameters->changes = parameters->changes->before)
        parameters->changes->of->value = parameters->changes->of->kept;
    parameters->change_count = 0;
}

void parameters_fini(struct pg_parameters *parameters)
{
    arena_fini(&parameters->arena);
}

/* ---- telling the client */

static void tell(struct pg_server *server, struct pg_parameter *parameter)
{
    size_t begun = pg_begin(&server->out, 'S');

    pg_put_text(&server->out, parameter->name);
    pg_put_text(&server->out, parameter->value);
    engine_end(server, begun);
    parameter->reported = parameter->value;
}

void parameters_report(struct pg_server *server)
{
    for (size_t i = 0; i < server->parameters.reported_count; i++) {
        struct pg_parameter *parameter = server->parameters.reported[i];

        if (parameter->reported != parameter->value &&
            strcmp(parameter->reported, parameter->value) != 0)
            tell(server, parameter);
    }
}

/* In the order of their names, as the server tells them. */
static const struct {
    const char *name;
    int since;
} reported[] = {
    { "application_name", 0 },
    { "client_encoding", 0 },
    { "DateStyle", 0 },
    { "default_transaction_read_only", 14 },
    { "in_hot_standby", 14 },
    { "integer_datetimes", 0 },
    { "IntervalStyle", 0 },
    { "is_superuser", 0 },
    { "scram_iterations", 16 },
    { "search_path", 18 },
    { "server_encoding", 0 },
    { "server_version", 0 },
    { "session_authorization", 0 },
    { "standard_conforming_strings", 0 },
    { "TimeZone", 0 },
};

static void tell_all(struct pg_server *server)
{
    struct pg_parameters *parameters = &server->parameters;

    parameters->reported =
        arena_zero(&parameters->arena, sizeof reported / sizeof *reported * sizeof(void *));
    for (size_t i = 0; i < sizeof reported / sizeof *reported; i++)
        if (engine_major(server) >= reported[i].since) {
            struct pg_parameter *parameter = find(parameters, reported[i].name, true);

            if (!parameter)
                parameter = add(parameters, reported[i].name, NULL);
            parameters->reported[parameters->reported_count++] = parameter;
            if (!parameter->value)
                parameter->value = parameter->kept = parameter->first = "4096";
            tell(server, parameter);
        }
}

/* ---- setting */

static bool refuse_name(struct pg_server *server, const char *name)
{
    engine_error(server, "42704", 0, "unrecognized configuration parameter \"%s\"", name);
    return false;
}

static bool may_be_set(struct pg_server *server, const struct pg_parameter *parameter,
                       const char *name, bool starting)
{
    static const char *const why[] = {
        [PG_SETTING_INTERNAL] = "cannot be changed",
        [PG_SETTING_POSTMASTER] = "cannot be changed without restarting the server",
        [PG_SETTING_SIGHUP] = "cannot be changed now",
        [PG_SETTING_BACKEND] = "cannot be set after connection start",
    };
    enum pg_setting_context context =
        parameter->setting ? parameter->setting->context : PG_SETTING_USER;

    if (context == PG_SETTING_USER || (starting && context == PG_SETTING_BACKEND))
        return true;
    engine_error(server, "55P02", 0, "parameter \"%s\" %s", name, why[context]);
    return false;
}

/* value NULL: what it was at first. */
static bool set(struct pg_server *server, const char *name, const char *value, bool local,
                bool starting)
{
    struct pg_parameter *parameter = find(&server->parameters, name, value != NULL);
    struct pg_setting_refusal refusal;

    if (!parameter)
        return refuse_name(server, name);
    if (!may_be_set(server, parameter, name, starting))
        return false;
    if (!value)
        value = parameter->first;
    else if (parameter->setting)
        value = pg_setting_check(parameter->setting, name, value, parameter->value,
                                 &server->turn, &refusal);
    if (!value && parameter->setting) {
        struct pg_error error = { .sqlstate = "22023",
                                  .message = refusal.message,
                                  .detail = refusal.detail,
                                  .hint = refusal.hint };

        engine_fail(server, &error);
        return false;
    }
    put(&server->parameters, parameter, value, local);
    return true;
}

void parameters_reset(struct pg_server *server)
{
    for (struct pg_parameter *parameter = server->parameters.first; parameter;
         parameter = parameter->next)
        if (!parameter->setting || parameter->setting->context == PG_SETTING_USER)
            put(&server->parameters, parameter, parameter->first, false);
}

/* ---- a session begins */

static void put_first(struct pg_server *server, const char *name, const char *value)
{
    struct pg_parameter *parameter = find(&server->parameters, name, true);

    parameter->value = parameter->kept = parameter->first =
        arena_dup(&server->parameters.arena, value);
}

/* One word of "-c work_mem=1MB --geqo=off"; a backslash takes the next character as it is. NULL: none is left. */
static char *next_option(struct pg_server *server, const char **at)
{
    const char *from = *at + strspn(*at, " \t\n\r\v\f");
    char *word = arena_dup(&server->turn, from), *to = word;

    if (!*from)
        return NULL;
    for (; *from && !strchr(" \t\n\r\v\f", *from); from++) {
        if (*from == '\\' && from[1])
            from++;
        *to++ = *from;
    }
    *to = '\0';
    *at = from;
    return word;
}

static bool refuse_option(struct pg_server *server, const char *option)
{
    struct pg_error error = { .sqlstate = "42601",
                              .hint = "Try \"postgres --help\" for more information." };

    error.message = arena_printf(
        &server->turn, "invalid command-line argument for server process: %s", option);
    engine_fail(server, &error);
    return false;
}

static bool set_option(struct pg_server *server, const char *option, char *pair)
{
    char *equals = pair ? strchr(pair, '=') : NULL;

    if (!equals)
        return refuse_option(server, option);
    *equals = '\0';
    for (char *at = pair; *at; at++)
        if (*at == '-')
            *at = '_';
    return set(server, pair, equals + 1, false, true);
}

static bool set_options(struct pg_server *server, const char *at)
{
    char *option;

    while ((option = next_option(server, &at)) != NULL) {
        char *pair = NULL;

        if (strcmp(option, "-c") == 0)
            pair = next_option(server, &at);
        else if (strncmp(option, "-c", 2) == 0 || strncmp(option, "--", 2) == 0)
            pair = option + 2;
        if (!set_option(server, option, pair))
            return false;
    }
    return true;
}

static bool is_no_parameter(const char *name)
{
    return strcmp(name, "user") == 0 || strcmp(name, "database") == 0 ||
           strcmp(name, "options") == 0 || strcmp(name, "replication") == 0;
}

bool parameters_start(struct pg_server *server)
{
    const struct pg_start *start = &server->start;

    put_first(server, "server_version", server->options.version);
    put_first(server, "session_authorization", start->user);
    put_first(server, "is_superuser", strcmp(start->user, "postgres") == 0 ? "on" : "off");
    if (start->options && !set_options(server, start->options))
        return false;
    for (const char *const *pair = start->pairs; *pair; pair += 2)
        if (!is_no_parameter(*pair) && !set(server, pair[0], pair[1], false, true))
            return false;
    parameters_commit(&server->parameters);
    for (struct pg_parameter *at = server->parameters.first; at; at = at->next)
        at->first = at->value;
    tell_all(server);
    return true;
}

/* ---- the statements */

static bool differs(struct pg_server *server, const char *name, const char *value)
{
    return strcmp(parameter_value(server, name, &(const char *){ NULL }), value) != 0;
}

/* A transaction's modes are set before it reads, and not by a part of it. */
static bool modes_come_late(struct pg_server *server, const struct pg_sql *is)
{
    const char *what = NULL, *why = server->queried ? " must be called before any query"
                                                    : " must not be called in a subtransaction";

    if (!server->queried && server->savepoint_count == 0)
        return false;
    if (is->isolation && differs(server, "transaction_isolation", is->isolation))
        what = "SET TRANSACTION ISOLATION LEVEL";
    else if (is->deferrable >= 0) {
        what = "SET TRANSACTION [NOT] DEFERRABLE";
        why = server->savepoint_count > 0 ? " cannot be called within a subtransaction" : why;
    } else if (is->read_only == 0 && server->queried &&
               differs(server, "transaction_read_only", "off")) {
        what = "transaction read-write mode";
        why = " must be set before any query";
    }
    if (what)
        engine_error(server, "25001", 0, "%s%s", what, why);
    return what != NULL;
}

static void set_transaction(struct pg_server *server, const struct pg_sql *is)
{
    bool local = strcmp(is->name, "TRANSACTION") == 0;
    const char *front = local ? "" : "default_";

    if (is->isolation)
        parameter_put(server, arena_printf(&server->turn, "%stransaction_isolation", front),
                      is->isolation, local);
    if (is->read_only >= 0)
        parameter_put(server, arena_printf(&server->turn, "%stransaction_read_only", front),
                      is->read_only ? "on" : "off", local);
    if (is->deferrable >= 0)
        parameter_put(server, arena_printf(&server->turn, "%stransaction_deferrable", front),
                      is->deferrable ? "on" : "off", local);
}

void parameter_run(struct pg_server *server, const char *tag)
{
    const struct pg_sql *is = &server->running->runs->is;
    bool transaction = is->name && strcmp(is->name, "TRANSACTION") == 0;

    if ((is->local || transaction) && server->block == PG_NO_BLOCK)
        engine_warn(server, "25P01",
                    transaction ? "SET TRANSACTION can only be used in transaction blocks"
                                : "SET LOCAL can only be used in transaction blocks");
    if (transaction && modes_come_late(server, is))
        return;
    if (transaction || (is->name && strcmp(is->name, "SESSION CHARACTERISTICS") == 0))
        set_transaction(server, is);
    else if (!is->name)
        parameters_reset(server);
    else if (!set(server, is->name, is->value, is->local, false))
        return;
    execute_complete(server, tag ? tag : is->command);
}

const char *parameter_value(struct pg_server *server, const char *name, const char **ret_name)
{
    struct pg_parameter *parameter = find(&server->parameters, name, false);

    if (!parameter || !parameter->value)
        return NULL;
    *ret_name = parameter->name;
    return parameter->setting
               ? pg_setting_show(parameter->setting, parameter->value, &server->turn)
               : parameter->value;
}

const char *parameter_raw(struct pg_server *server, const char *name)
{
    struct pg_parameter *parameter = find(&server->parameters, name, false);

    return parameter ? parameter->value : NULL;
}

static int one_row(void *arg, size_t n, struct pg_cell *cells)
{
    const char *value = arg;

    if (n > 0)
        return 0;
    cells[0] = (struct pg_cell){ value, strlen(value) };
    return 1;
}

/* SHOW ALL would claim to know what the real server's configuration is. */
void parameter_show(struct pg_server *server, const char *tag)
{
    const struct pg_sql *is = &server->running->runs->is;
    struct pg_column column = { .type = PG_TEXT_OID, .type_size = -1, .modifier = -1 };
    struct pg_rows rows = { .columns = &column, .column_count = 1, .row = one_row };
    struct pg_result result = { .rows = &rows, .tag = tag ? tag : "SHOW" };
    const char *value;

    if (!is->name) {
        engine_error(server, "0A000", 0, "seam's double does not know SHOW ALL");
        return;
    }
    value = parameter_value(server, is->name, &column.name);
    if (!value) {
        refuse_name(server, is->name);
        return;
    }
    rows.arg = arena_dup(&server->running->arena, value);
    execute_result(server, &result);
}

/* As client_min_messages has it; INFO comes always. */
bool parameter_wants_notice(struct pg_server *server, const char *severity)
{
    static const char *const levels[] = { "debug", "log", "notice", "warning", "error" };
    const char *least = parameter_value(server, "client_min_messages", &(const char *){ NULL });
    size_t count = sizeof levels / sizeof *levels, own = count, wanted = 0;

    for (size_t i = 0; i < count; i++) {
        if (strncasecmp(levels[i], severity, strlen(levels[i])) == 0)
            own = i;
        if (least && strncasecmp(levels[i], least, strlen(levels[i])) == 0)
            wanted = i;
    }
    return own >= wanted;
}
