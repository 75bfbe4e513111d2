/*
** The dot commands: the few of the sqlite3 shell that a script in a playground
** has a use for, with the same names and meanings.
*/
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "sandpiper.h"

enum { MAX_WORDS = 64 };

typedef struct Command {
  const char *name, *arguments;
  int least, most; /* arguments */
  int (*run)(const Script *script, size_t offset, int argc, char **argv);
} Command;

static int fail(const Script *script, size_t offset, char *message) {
  if (message == NULL) out_of_memory();
  report(script, offset, message);
  sqlite3_free(message);
  return 0;
}

/* Runs a query whose only parameter is a LIKE pattern and shows its rows. */
static int show_query(const Script *script, size_t offset, const char *sql, const char *pattern) {
  sqlite3_stmt *stmt;
  int rc = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);
  if (rc == SQLITE_OK) rc = sqlite3_bind_text(stmt, 1, pattern, -1, SQLITE_STATIC);
  if (rc == SQLITE_OK) rc = show_rows(stmt);
  char *message = rc == SQLITE_DONE ? NULL : sqlite3_mprintf("%s", sqlite3_errmsg(db));
  sqlite3_finalize(stmt);
  return message == NULL || fail(script, offset, message);
}

static int run_tables(const Script *script, size_t offset, int argc, char **argv) {
  return show_query(script, offset,
                    "select name, type from sqlite_schema where type in ('table', 'view')"
                    " and name not like 'sqlite\\_%' escape '\\' and name like ?1 order by name",
                    argc > 1 ? argv[1] : "%");
}

static int run_schema(const Script *script, size_t offset, int argc, char **argv) {
  return show_query(script, offset,
                    "select sql || ';' as sql from sqlite_schema where sql is not null"
                    " and name not like 'sqlite\\_%' escape '\\' and tbl_name like ?1 order by rowid",
                    argc > 1 ? argv[1] : "%");
}

static int run_print(const Script *script, size_t offset, int argc, char **argv) {
  (void)script, (void)offset;
  for (int i = 1; i < argc; i++) printf("%s%s", i > 1 ? " " : "", argv[i]);
  putchar('\n');
  return 1;
}

static int run_read(const Script *script, size_t offset, int argc, char **argv) {
  (void)offset, (void)argc;
  return run_file(argv[1], script->depth + 1);
}

static int run_open(const Script *script, size_t offset, int argc, char **argv) {
  (void)argc;
  if (open_database(argv[1])) return 1;
  return fail(script, offset, sqlite3_mprintf("cannot open the database %s", argv[1]));
}

static int run_import(const Script *script, size_t offset, int argc, char **argv) {
  const char *name = argv[1], *dot = strrchr(name, '.');
  size_t size;
  (void)argc;
  if (strcmp(name, "/dev/stdin") == 0) name = "-";
  char *text = read_file(name, &size);
  if (text == NULL) return fail(script, offset, sqlite3_mprintf("%s: %s", name, strerror(errno)));
  char separator = dot != NULL && strcmp(dot, ".tsv") == 0 ? '\t' : ',';
  char *message = import_csv(text, size, separator, argv[2]);
  free(text);
  return message == NULL || fail(script, offset, sqlite3_mprintf("%s: %z", name, message));
}

static int run_help(const Script *script, size_t offset, int argc, char **argv);

static const Command commands[] = {
    {".tables", "[PATTERN]", 0, 1, run_tables},
    {".schema", "[PATTERN]", 0, 1, run_schema},
    {".import", "FILE.csv TABLE   (- for standard input)", 2, 2, run_import},
    {".read", "FILE.sql", 1, 1, run_read},
    {".open", "FILE.db", 1, 1, run_open},
    {".print", "TEXT", 0, MAX_WORDS, run_print},
    {".help", "", 0, 0, run_help},
};
enum { COMMANDS = sizeof commands / sizeof commands[0] };

static int run_help(const Script *script, size_t offset, int argc, char **argv) {
  (void)script, (void)offset, (void)argc, (void)argv;
  for (int i = 0; i < COMMANDS; i++) printf("%-8s %s\n", commands[i].name, commands[i].arguments);
  return 1;
}

/* Cuts line into words, in place: they end at white space, and one that begins
** with a quote ends at the next such quote. */
static int split(char *line, char **words) {
  int count = 0;
  for (char *at = line;;) {
    at += strspn(at, " \t");
    if (*at == 0 || count == MAX_WORDS) return count;
    char quote = *at == '"' || *at == '\'' ? *at++ : 0;
    words[count++] = at;
    at += quote ? strcspn(at, (char[]){quote, 0}) : strcspn(at, " \t");
    if (*at != 0) *at++ = 0;
  }
}

int run_dot(const Script *script, size_t offset, const char *line) {
  char *words[MAX_WORDS];
  char *copy = sqlite3_mprintf("%s", line);
  if (copy == NULL) out_of_memory();
  int argc = split(copy, words), ok = 0;
  const Command *command = commands;
  while (command < commands + COMMANDS && strcmp(command->name, words[0]) != 0) command++;
  if (command == commands + COMMANDS) {
    fail(script, offset, sqlite3_mprintf("unknown command %s: .help lists the commands", words[0]));
  } else if (argc - 1 < command->least || argc - 1 > command->most) {
    fail(script, offset, sqlite3_mprintf("usage: %s %s", command->name, command->arguments));
  } else {
    ok = command->run(script, offset, argc, words);
  }
  sqlite3_free(copy);
  return ok;
}
