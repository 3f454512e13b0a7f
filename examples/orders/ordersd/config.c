/* ordersd/config.c - settings from the environment; see config.h. */

#include "ordersd/config.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "payment/http_gateway.h"

enum { LONGEST_TIMEOUT_MS = 60000 };

static const char *variable(const char *name, const char *otherwise)
{
    const char *value = getenv(name);

    return value && *value ? value : otherwise;
}

static int read_port(const char *text, struct sockaddr_in *address)
{
    char *end;
    long port = strtol(text, &end, 10);

    if (*text < '0' || *text > '9' || *end || port > 65535)
        return -1;
    address->sin_port = htons((uint16_t)port);
    return 0;
}

static int read_address(const char *text, struct sockaddr_in *address)
{
    char host[INET_ADDRSTRLEN];
    const char *colon = strrchr(text, ':');

    if (!colon || (size_t)(colon - text) >= sizeof host)
        return -1;
    snprintf(host, sizeof host, "%.*s", (int)(colon - text), text);
    if (inet_pton(AF_INET, host, &address->sin_addr) != 1)
        return -1;
    return read_port(colon + 1, address);
}

static int read_listen(struct sockaddr_in *ret_address, struct failure *failure)
{
    const char *listen = variable("LISTEN", "127.0.0.1:8080");
    const char *port = variable("PORT", NULL);
    struct sockaddr_in address = { .sin_family = AF_INET };

    if (read_address(listen, &address) < 0) {
        snprintf(failure->text, sizeof failure->text,
                 "LISTEN is '%s', not an IPv4 address and a port such as 127.0.0.1:8080",
                 listen);
        return -1;
    }
    if (port && read_port(port, &address) < 0) {
        snprintf(failure->text, sizeof failure->text, "PORT is '%s', not a port", port);
        return -1;
    }
    *ret_address = address;
    return 0;
}

static int require(const char *name, const char **ret_value, struct failure *failure)
{
    *ret_value = variable(name, NULL);
    if (*ret_value)
        return 0;
    snprintf(failure->text, sizeof failure->text, "%s is not set", name);
    return -1;
}

static int read_timeout(int *ret_ms, struct failure *failure)
{
    const char *text = variable("TIMEOUT_MS", "5000");
    char *end;
    long ms = strtol(text, &end, 10);

    if (*text < '0' || *text > '9' || *end || ms < 1 || ms > LONGEST_TIMEOUT_MS) {
        snprintf(failure->text, sizeof failure->text,
                 "TIMEOUT_MS is '%s', not a number from 1 to %d", text, LONGEST_TIMEOUT_MS);
        return -1;
    }
    *ret_ms = (int)ms;
    return 0;
}

int config_read(struct config *ret_config, struct failure *failure)
{
    struct config config = { .payment_url = variable("PAYMENT_URL", HTTP_GATEWAY_BASE_URL) };

    if (read_listen(&config.listen, failure) < 0 ||
        require("DATABASE_URL", &config.database_url, failure) < 0 ||
        require("PAYMENT_TOKEN", &config.payment_token, failure) < 0 ||
        require("BROKER_URL", &config.broker_url, failure) < 0 ||
        read_timeout(&config.timeout_ms, failure) < 0)
        return -1;
    *ret_config = config;
    return 0;
}

int migration_config_read(struct migration_config *ret_config, struct failure *failure)
{
    struct migration_config config = { .folder =
                                           variable("MIGRATIONS", "repository/migrations") };

    if (require("DATABASE_URL", &config.database_url, failure) < 0)
        return -1;
    *ret_config = config;
    return 0;
}
