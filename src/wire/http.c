/* wire/http.c - what can be asked of an HTTP message; see http.h. */

#include "wire/http.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define DIGITS "0123456789"

const char *http_value(const struct http_fields *fields, const char *name)
{
    for (size_t i = 0; i < fields->count; i++)
        if (strcasecmp(fields->at[i].name, name) == 0)
            return fields->at[i].value;
    return NULL;
}

static bool list_has(const char *list, const char *member)
{
    const size_t size = strlen(member);

    while (*list) {
        size_t word = strcspn(list, ", \t");

        if (word == size && strncasecmp(list, member, size) == 0)
            return true;
        list += word;
        list += strspn(list, ", \t");
    }
    return false;
}

bool http_has_member(const struct http_fields *fields, const char *name, const char *member)
{
    for (size_t i = 0; i < fields->count; i++)
        if (strcasecmp(fields->at[i].name, name) == 0 && list_has(fields->at[i].value, member))
            return true;
    return false;
}

bool http_is_token(const char *text, size_t size)
{
    static const char others[] = "!#$%&'*+-.^_`|~";

    for (size_t i = 0; i < size; i++) {
        char c = text[i];

        if ((c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') &&
            (c == '\0' || !strchr(others, c)))
            return false;
    }
    return size > 0;
}

bool http_is_field(const struct http_field *field)
{
    return http_is_token(field->name, strlen(field->name)) &&
           field->value[strcspn(field->value, "\r\n")] == '\0';
}

/* What may stand in a name (RFC 3986, 3.2.2), but no comma: that comes of two fields joined. */
static bool is_name_character(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           (c != '\0' && strchr("-._~%!$&'()*+;=", c));
}

/* Behind the name or address; NULL when there is none. */
static const char *end_of_host(const char *host)
{
    const char *end = host;

    if (*host == '[') {
        end += 1 + strspn(host + 1, "0123456789abcdefABCDEF:.%v");
        return *end == ']' && end > host + 1 ? end + 1 : NULL;
    }
    while (is_name_character(*end))
        end++;
    return end;
}

bool http_is_host(const char *host)
{
    const char *end = end_of_host(host);

    return end && (*end == '\0' || (*end == ':' && end[1 + strspn(end + 1, DIGITS)] == '\0'));
}

/* "h:443" (RFC 9112, 3.2.3): neither may be missing (RFC 9110, 9.3.6). */
static bool is_authority(const char *target)
{
    const char *end = end_of_host(target);
    size_t digits = end && *end == ':' ? strspn(end + 1, DIGITS) : 0;

    return digits > 0 && end > target && end[1 + digits] == '\0' &&
           strtoul(end + 1, NULL, 10) <= UINT16_MAX;
}

/* "http://h/a" (RFC 9112, 3.2.2): with a host, and without a user's name and password (RFC 9110, 4.2.4). */
static bool is_absolute(const char *target)
{
    const char *colon = strstr(target, "://");
    size_t host = colon ? strcspn(colon + 3, "/?") : 0;

    return colon && colon > target && host > 0 && !memchr(colon + 3, '@', host);
}

bool http_is_target(const char *method, const char *target)
{
    for (const char *at = target; *at; at++)
        if ((unsigned char)*at <= ' ' || *at == 0x7f || *at == '#')
            return false;
    if (strcmp(method, "CONNECT") == 0)
        return is_authority(target);
    if (strcmp(target, "*") == 0)
        return strcmp(method, "OPTIONS") == 0;
    return target[0] == '/' || is_absolute(target);
}

bool http_has_body(const char *method, int status)
{
    if (status / 100 == 1 || status == 204 || status == 304)
        return false;
    return !method || (strcmp(method, "HEAD") != 0 &&
                       !(strcmp(method, "CONNECT") == 0 && status / 100 == 2));
}

const char *http_reason(int status)
{
    static const struct {
        int status;
        const char *reason;
    } known[] = {
        { 100, "Continue" },
        { 101, "Switching Protocols" },
        { 103, "Early Hints" },
        { 200, "OK" },
        { 201, "Created" },
        { 202, "Accepted" },
        { 203, "Non-Authoritative Information" },
        { 204, "No Content" },
        { 205, "Reset Content" },
        { 206, "Partial Content" },
        { 207, "Multi-Status" },
        { 300, "Multiple Choices" },
        { 301, "Moved Permanently" },
        { 302, "Found" },
        { 303, "See Other" },
        { 304, "Not Modified" },
        { 307, "Temporary Redirect" },
        { 308, "Permanent Redirect" },
        { 400, "Bad Request" },
        { 401, "Unauthorized" },
        { 402, "Payment Required" },
        { 403, "Forbidden" },
        { 404, "Not Found" },
        { 405, "Method Not Allowed" },
        { 406, "Not Acceptable" },
        { 407, "Proxy Authentication Required" },
        { 408, "Request Timeout" },
        { 409, "Conflict" },
        { 410, "Gone" },
        { 411, "Length Required" },
        { 412, "Precondition Failed" },
        { 413, "Content Too Large" },
        { 414, "URI Too Long" },
        { 415, "Unsupported Media Type" },
        { 416, "Range Not Satisfiable" },
        { 417, "Expectation Failed" },
        { 421, "Misdirected Request" },
        { 422, "Unprocessable Content" },
        { 423, "Locked" },
        { 425, "Too Early" },
        { 426, "Upgrade Required" },
        { 428, "Precondition Required" },
        { 429, "Too Many Requests" },
        { 431, "Request Header Fields Too Large" },
        { 451, "Unavailable For Legal Reasons" },
        { 500, "Internal Server Error" },
        { 501, "Not Implemented" },
        { 502, "Bad Gateway" },
        { 503, "Service Unavailable" },
        { 504, "Gateway Timeout" },
        { 505, "HTTP Version Not Supported" },
        { 507, "Insufficient Storage" },
        { 511, "Network Authentication Required" },
    };

    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].status == status)
            return known[i].reason;
    return "";
}

const char *http_status_text(char to[HTTP_STATUS_TEXT], int status)
{
    for (int i = HTTP_STATUS_TEXT - 2; i >= 0; i--, status /= 10)
        to[i] = (char)('0' + status % 10);
    to[HTTP_STATUS_TEXT - 1] = '\0';
    return to;
}
