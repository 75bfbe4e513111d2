/*
** The main program of the SQL module.
**
**   sql main.sql [more.sql ...]
**
** runs the files in order against one database in memory. The first error ends
** it with exit code 1 and a message of the form "main.sql:3:8: error: ...".
*/
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "sandpiper.h"

/* The longest string, blob or statement. Memory is the real limit; this only
** keeps one slip such as zeroblob(1e9) from using all of it. */
enum { MAX_LENGTH = 64 << 20 };

/* How much C stack a deeply nested statement may need; the linker is given a
** stack that is sure to hold it. */
enum { MAX_EXPRESSION_DEPTH = 500 };

/* How deep scripts may .read scripts. */
enum { MAX_READ_DEPTH = 10 };

sqlite3 *db;

void out_of_memory(void) {
  fflush(stdout);
  fputs("error: out of memory\n", stderr);
  exit(1);
}

char *read_file(const char *name, size_t *size) {
  FILE *f = strcmp(name, "-") == 0 ? stdin : fopen(name, "rb");
  if (f == NULL) return NULL;
  size_t capacity = 1 << 16;
  char *text = malloc(capacity);
  *size = 0;
  while (text != NULL) {
    size_t n = fread(text + *size, 1, capacity - *size - 1, f);
    if (n == 0) break;
    *size += n;
    if (capacity - *size > 1) continue;
    capacity *= 2;
    text = realloc(text, capacity);
  }
  if (text == NULL) out_of_memory();
  text[*size] = 0;
  int failed = ferror(f);
  if (f != stdin) fclose(f);
  if (!failed) return text;
  free(text);
  return NULL;
}

int open_database(const char *name) {
  sqlite3 *opened;
  if (sqlite3_open(name, &opened) != SQLITE_OK) {
    sqlite3_close(opened);
    return 0;
  }
  sqlite3_limit(opened, SQLITE_LIMIT_LENGTH, MAX_LENGTH);
  sqlite3_limit(opened, SQLITE_LIMIT_SQL_LENGTH, MAX_LENGTH);
  sqlite3_limit(opened, SQLITE_LIMIT_EXPR_DEPTH, MAX_EXPRESSION_DEPTH);
  sqlite3_close(db);
  db = opened;
  return 1;
}

/* Prints the line that begins at text, and a caret below its column'th
** character. */
static void print_source_line(const char *text, int column) {
  int length = (int)strcspn(text, "\r\n");
  if (length == 0 || length > 400) return;
  fprintf(stderr, "  %.*s\n  ", length, text);
  for (int i = 0; column > 1 && i < length; i++) {
    if ((text[i] & 0xC0) == 0x80) continue;
    fputc(text[i] == '\t' ? '\t' : ' ', stderr);
    column--;
  }
  fputs("^\n", stderr);
}

void report(const Script *script, size_t offset, const char *message) {
  int line = 1, column = 1;
  size_t start = 0;
  if (offset > script->size) offset = script->size;
  for (size_t i = 0; i < offset; i++) {
    if (script->text[i] == '\n') {
      line++;
      column = 1;
      start = i + 1;
    } else if ((script->text[i] & 0xC0) != 0x80) {
      column++;
    }
  }
  fflush(stdout);
  fprintf(stderr, "%s:%d:%d: error: %s\n", script->name, line, column, message);
  print_source_line(script->text + start, column);
}

/* Returns the offset of the next statement or dot command at or after offset:
** white space, comments and empty statements are skipped. */
static size_t skip_blank(const Script *script, size_t offset) {
  const char *text = script->text;
  for (;;) {
    const char *at = text + offset;
    if (isspace((unsigned char)*at) || *at == ';') {
      offset++;
    } else if (strncmp(at, "\xEF\xBB\xBF", 3) == 0) {
      offset += 3;
    } else if (strncmp(at, "--", 2) == 0) {
      offset += strcspn(at, "\n");
    } else if (strncmp(at, "/*", 2) == 0) {
      const char *end = strstr(at + 2, "*/");
      offset = end == NULL ? script->size : (size_t)(end + 2 - text);
    } else {
      return offset;
    }
  }
}

/* Runs the statement at *offset and moves *offset past it. */
static int run_statement(const Script *script, size_t *offset) {
  const char *start = script->text + *offset, *end;
  sqlite3_stmt *stmt;
  int rc = sqlite3_prepare_v2(db, start, (int)(script->size - *offset), &stmt, &end);
  if (rc == SQLITE_OK && stmt != NULL) rc = show_rows(stmt);
  if (rc == SQLITE_NOMEM) out_of_memory();
  if (rc != SQLITE_OK && rc != SQLITE_DONE) {
    int place = sqlite3_error_offset(db);
    report(script, *offset + (place > 0 ? (size_t)place : 0), sqlite3_errmsg(db));
    sqlite3_finalize(stmt);
    return 0;
  }
  sqlite3_finalize(stmt);
  *offset = (size_t)(end - script->text);
  return 1;
}

/* Runs the dot command at *offset and moves *offset past it. */
static int run_dot_line(const Script *script, size_t *offset) {
  const char *start = script->text + *offset;
  int length = (int)strcspn(start, "\r\n");
  char *line = sqlite3_mprintf("%.*s", length, start);
  if (line == NULL) out_of_memory();
  int ok = run_dot(script, *offset, line);
  sqlite3_free(line);
  *offset += (size_t)length;
  return ok;
}

static int run_script(const Script *script) {
  size_t offset = 0;
  for (;;) {
    offset = skip_blank(script, offset);
    if (offset >= script->size) return 1;
    int dot = script->text[offset] == '.';
    int ok = dot ? run_dot_line(script, &offset) : run_statement(script, &offset);
    if (!ok) return 0;
  }
}

int run_file(const char *name, int depth) {
  Script script = {.name = name, .depth = depth};
  if (depth > MAX_READ_DEPTH) {
    fprintf(stderr, "error: %s: scripts read scripts more than %d deep\n", name, MAX_READ_DEPTH);
    return 0;
  }
  script.text = read_file(name, &script.size);
  if (script.text == NULL) {
    fprintf(stderr, "error: %s: %s\n", name, strerror(errno));
    return 0;
  }
  int ok = run_script(&script);
  free(script.text);
  return ok;
}

int main(int argc, char **argv) {
  if (argc < 2) {
    fputs("usage: sql main.sql [more.sql ...]\n", stderr);
    return 2;
  }
  setvbuf(stderr, NULL, _IOLBF, BUFSIZ);
  if (!open_database(":memory:")) out_of_memory();
  for (int i = 1; i < argc; i++) {
    if (!run_file(argv[i], 0)) return 1;
  }
  return 0;
}
