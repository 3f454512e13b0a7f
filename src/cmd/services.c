/* cmd/services.c - placeholder until the keeper's verbs are wired. */
#include "cmd/command.h"
int command_services(int argc, char **argv) { (void)argc; (void)argv; return EXIT_OWN_TROUBLE; }
