/* ordersd/config_test.c - the environment as settings. */

//seam:build integration
//seam:pkg-config libpq libcurl jansson libmicrohttpd librabbitmq
//seam:cflags -I..
//seam:sources ../order/*.c ../service/*.c ../repository/*.c ../payment/*.c ../broker/*.c ../front/*.c

#define _POSIX_C_SOURCE 200809L

#include <seam/seam.h>

#include <arpa/inet.h>
#include <stdlib.h>

#include "ordersd/config.h"

#define COUNT(table) (sizeof(table) / sizeof *(table))

static void set_all(seam_t *t)
{
    unsetenv("LISTEN");
    unsetenv("PORT");
    unsetenv("PAYMENT_URL");
    unsetenv("TIMEOUT_MS");
    unsetenv("MIGRATIONS");
    seam_setenv(t, "DATABASE_URL", "dbname=orders");
    seam_setenv(t, "PAYMENT_TOKEN", "secret");
    seam_setenv(t, "BROKER_URL", "amqp://127.0.0.1");
}

static void check_address(seam_t *t, const struct config *config, const char *host, int port)
{
    seam_check_eq(t, inet_ntoa(config->listen.sin_addr), host);
    seam_check_eq(t, ntohs(config->listen.sin_port), port);
}

SEAM_TEST(what_is_not_said_has_a_default)
{
    struct failure failure;
    struct config config;

    set_all(t);
    seam_require_ok(t, config_read(&config, &failure));
    check_address(t, &config, "127.0.0.1", 8080);
    seam_check_eq(t, config.payment_url, "https://api.pay.test");
    seam_check_eq(t, config.database_url, "dbname=orders");
    seam_check_eq(t, config.payment_token, "secret");
    seam_check_eq(t, config.broker_url, "amqp://127.0.0.1");
    seam_check_eq(t, config.timeout_ms, 5000);
}

SEAM_TEST(everything_can_be_said)
{
    struct failure failure;
    struct config config;

    set_all(t);
    seam_setenv(t, "LISTEN", "0.0.0.0:0");
    seam_setenv(t, "PAYMENT_URL", "http://127.0.0.1:9");
    seam_setenv(t, "TIMEOUT_MS", "250");
    seam_require_ok(t, config_read(&config, &failure));
    check_address(t, &config, "0.0.0.0", 0);
    seam_check_eq(t, config.payment_url, "http://127.0.0.1:9");
    seam_check_eq(t, config.timeout_ms, 250);

    seam_setenv(t, "PORT", "65535");
    seam_require_ok(t, config_read(&config, &failure));
    check_address(t, &config, "0.0.0.0", 65535);
}

struct mistake_row {
    const char *name;
    const char *variable, *value;
    const char *words;
};

SEAM_SUBTEST(mistake_row)
{
    const struct mistake_row *row = arg;
    struct failure failure;
    struct config config;

    set_all(t);
    seam_setenv(t, row->variable, row->value);
    seam_check_eq(t, config_read(&config, &failure), -1);
    seam_check_contains(t, failure.text, row->words);
}

SEAM_TEST(mistakes_are_named)
{
    static const struct mistake_row rows[] = {
        { "no port", "LISTEN", "127.0.0.1", "LISTEN is '127.0.0.1'" },
        { "a name", "LISTEN", "localhost:80", "LISTEN is 'localhost:80'" },
        { "a long name", "LISTEN", "a.name.of.many.letters.test:80", "LISTEN is" },
        { "port in words", "LISTEN", "127.0.0.1:http", "LISTEN is" },
        { "large port", "PORT", "65536", "PORT is '65536'" },
        { "negative port", "PORT", "-1", "PORT is '-1'" },
        { "port and more", "PORT", "80x", "PORT is '80x'" },
        { "no database", "DATABASE_URL", "", "DATABASE_URL is not set" },
        { "no token", "PAYMENT_TOKEN", "", "PAYMENT_TOKEN is not set" },
        { "no broker", "BROKER_URL", "", "BROKER_URL is not set" },
        { "time in words", "TIMEOUT_MS", "soon", "TIMEOUT_MS is 'soon'" },
        { "no time", "TIMEOUT_MS", "0", "TIMEOUT_MS is '0'" },
        { "much time", "TIMEOUT_MS", "60001", "not a number from 1 to 60000" },
    };

    for (size_t i = 0; i < COUNT(rows); i++)
        seam_run(t, rows[i].name, mistake_row, &rows[i]);
}

SEAM_TEST(migrating_needs_a_database_only)
{
    struct migration_config config;
    struct failure failure;

    unsetenv("MIGRATIONS");
    unsetenv("PAYMENT_TOKEN");
    seam_setenv(t, "DATABASE_URL", "dbname=orders");
    seam_require_ok(t, migration_config_read(&config, &failure));
    seam_check_eq(t, config.folder, "repository/migrations");
    seam_setenv(t, "MIGRATIONS", "/usr/share/orders");
    seam_require_ok(t, migration_config_read(&config, &failure));
    seam_check_eq(t, config.folder, "/usr/share/orders");
    seam_setenv(t, "DATABASE_URL", "");
    seam_check_eq(t, migration_config_read(&config, &failure), -1);
    seam_check_eq(t, failure.text, "DATABASE_URL is not set");
}
