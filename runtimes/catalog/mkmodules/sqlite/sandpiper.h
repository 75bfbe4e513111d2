/*
** Shared by the C files of the SQL module: SQLite with a main program that runs
** script files and shows each query's rows as a table.
*/
#ifndef SANDPIPER_H
#define SANDPIPER_H

#include <stddef.h>
#include "sqlite3-binding.h"

/* A script: a file of SQL statements and dot commands. */
typedef struct Script {
  const char *name; /* as messages spell it */
  char *text;       /* ends in NUL */
  size_t size;      /* without the NUL */
  int depth;        /* how many .read commands led here */
} Script;

/* The database in use; .open replaces it. */
extern sqlite3 *db;

/* main.c */

/* Reads a whole file into memory that ends in NUL; the name "-" means standard
** input. Returns NULL when it cannot; errno says why. */
char *read_file(const char *name, size_t *size);

/* Opens a database in place of the one in use. Returns 0 when that fails. */
int open_database(const char *name);

/* Runs the script in a file. Returns 0 after an error, which is reported. */
int run_file(const char *name, int depth);

/* Reports an error at a byte offset of a script on standard error, with the
** line and a mark below the place. */
void report(const Script *script, size_t offset, const char *message);

/* Ends the program: memory is used up. */
void out_of_memory(void);

/* dot.c */

/* Runs the dot command in line, of the script at the offset. Returns 0 after an
** error, which is reported. */
int run_dot(const Script *script, size_t offset, const char *line);

/* csv.c */

/* Reads CSV text (or tab-separated, by the separator) into a table, which is
** made from the first row where it does not exist. Returns NULL, or what went
** wrong in memory for sqlite3_free. */
char *import_csv(const char *text, size_t size, char separator, const char *table);

/* result.c */

/* Runs a prepared statement to its end and shows its rows, if it is one that
** has columns. Returns SQLITE_DONE or the error. */
int show_rows(sqlite3_stmt *stmt);

#endif
