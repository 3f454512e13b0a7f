/* link/name_server.c - the system's name servers; see name_server.h. */

#include "link/name_server.h"

#include <stdio.h>
#include <string.h>

enum { PORT = 53 };

bool name_server_is_in(const char *path, const char *address)
{
    FILE *file = fopen(path, "re");
    char line[512], named[128];
    bool found = false;

    while (file && !found && fgets(line, sizeof line, file))
        found = sscanf(line, "nameserver %127[^ \t\r\n%]", named) == 1 &&
                strcmp(named, address) == 0;
    if (file)
        fclose(file);
    return found;
}

bool name_server_is(const char *address, int port)
{
    return port == PORT && name_server_is_in("/etc/resolv.conf", address);
}
