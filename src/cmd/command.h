/* cmd/command.h - the subcommands; each gets its own words, argv[0] is its name, and returns the exit code. */
#ifndef CMD_COMMAND_H
#define CMD_COMMAND_H

int command_test(int argc, char **argv);
int command_run(int argc, char **argv);
int command_replay(int argc, char **argv);
int command_services(int argc, char **argv);
int command_pull(int argc, char **argv);
int command_doctor(int argc, char **argv);
int command_facts(int argc, char **argv);
int command_version(int argc, char **argv);
int command_help(int argc, char **argv);
void facts_help(void); /* of a command with flags of its own */

enum {
    EXIT_PASSED = 0,
    EXIT_TEST_FAILED = 1,
    EXIT_USAGE = 2,
    EXIT_NOT_BUILT = 3,
    EXIT_NOTHING_MATCHED = 4,
    EXIT_OWN_TROUBLE = 5
};

#endif
