/* Reading comma- and tab-separated files into tables. */
#include <stdlib.h>
#include <string.h>
#include "sandpiper.h"

/* Where a CSV text is being read. */
typedef struct Reader {
  const char *at, *end;
  char separator;
} Reader;

/* One row's fields, as strings for sqlite3_free. */
typedef struct Row {
  char **fields;
  int count, capacity;
} Row;

static void clear_row(Row *row) {
  for (int i = 0; i < row->count; i++) sqlite3_free(row->fields[i]);
  row->count = 0;
}

static void add_field(Row *row, char *field) {
  if (field == NULL) out_of_memory();
  if (row->count == row->capacity) {
    row->capacity = row->capacity * 2 + 8;
    row->fields = realloc(row->fields, (size_t)row->capacity * sizeof(char *));
    if (row->fields == NULL) out_of_memory();
  }
  row->fields[row->count++] = field;
}

/* Reads what is between quotes; the reader is after the opening one. A doubled
** quote stands for one. */
static char *read_quoted(Reader *r) {
  sqlite3_str *field = sqlite3_str_new(NULL);
  while (r->at < r->end) {
    char c = *r->at++;
    if (c == '"') {
      if (r->at == r->end || *r->at != '"') break;
      r->at++;
    }
    sqlite3_str_appendchar(field, 1, c);
  }
  char *text = sqlite3_str_finish(field);
  return text != NULL ? text : sqlite3_mprintf("");
}

static char *read_field(Reader *r) {
  if (r->at < r->end && *r->at == '"') {
    r->at++;
    return read_quoted(r);
  }
  const char *start = r->at;
  while (r->at < r->end && *r->at != r->separator && *r->at != '\n' && *r->at != '\r') r->at++;
  return sqlite3_mprintf("%.*s", (int)(r->at - start), start);
}

/* Reads the next row that is not empty. Returns 0 at the end. */
static int read_row(Reader *r, Row *row) {
  clear_row(row);
  while (r->at < r->end && (*r->at == '\n' || *r->at == '\r')) r->at++;
  if (r->at == r->end) return 0;
  for (;;) {
    add_field(row, read_field(r));
    if (r->at == r->end || *r->at != r->separator) break;
    r->at++;
  }
  while (r->at < r->end && *r->at != '\n') r->at++; /* what follows a closing quote */
  return 1;
}

static int has_table(const char *table) {
  return sqlite3_table_column_metadata(db, NULL, table, NULL, NULL, NULL, NULL, NULL, NULL) == SQLITE_OK;
}

/* Makes a table with the columns that row names. A column has no type, and
** numbers in it become numbers. */
static int create_table(const char *table, const Row *row) {
  sqlite3_str *sql = sqlite3_str_new(db);
  sqlite3_str_appendf(sql, "create table \"%w\" (", table);
  for (int i = 0; i < row->count; i++) {
    sqlite3_str_appendf(sql, "%s\"%w\" numeric", i ? ", " : "", row->fields[i]);
  }
  sqlite3_str_appendall(sql, ")");
  char *text = sqlite3_str_finish(sql);
  if (text == NULL) out_of_memory();
  int rc = sqlite3_exec(db, text, NULL, NULL, NULL);
  sqlite3_free(text);
  return rc;
}

/* Prepares the insertion of a row of the table, and says how many columns it
** has. */
static int prepare_insert(const char *table, sqlite3_stmt **insert, int *columns) {
  sqlite3_stmt *probe;
  char *sql = sqlite3_mprintf("select * from \"%w\"", table);
  int rc = sqlite3_prepare_v2(db, sql, -1, &probe, NULL);
  sqlite3_free(sql);
  if (rc != SQLITE_OK) return rc;
  *columns = sqlite3_column_count(probe);
  sqlite3_finalize(probe);

  sqlite3_str *text = sqlite3_str_new(db);
  sqlite3_str_appendf(text, "insert into \"%w\" values (?", table);
  for (int i = 1; i < *columns; i++) sqlite3_str_appendall(text, ", ?");
  sqlite3_str_appendall(text, ")");
  sql = sqlite3_str_finish(text);
  rc = sqlite3_prepare_v2(db, sql, -1, insert, NULL);
  sqlite3_free(sql);
  return rc;
}

/* Inserts the rest of the rows: missing fields are NULL, extra ones are left
** out. */
static int insert_rows(Reader *r, Row *row, const char *table) {
  sqlite3_stmt *insert;
  int columns, rc = prepare_insert(table, &insert, &columns);
  if (rc != SQLITE_OK) return rc;
  while (read_row(r, row)) {
    sqlite3_clear_bindings(insert);
    for (int i = 0; i < row->count && i < columns; i++) {
      sqlite3_bind_text(insert, i + 1, row->fields[i], -1, SQLITE_STATIC);
    }
    sqlite3_step(insert);
    rc = sqlite3_reset(insert);
    if (rc != SQLITE_OK) break;
  }
  sqlite3_finalize(insert);
  return rc;
}

char *import_csv(const char *text, size_t size, char separator, const char *table) {
  Reader r = {text, text + size, separator};
  Row row = {0};
  if (size >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0) r.at += 3;
  int rc = sqlite3_exec(db, "savepoint import", NULL, NULL, NULL);
  if (rc == SQLITE_OK && !has_table(table)) {
    if (!read_row(&r, &row)) return sqlite3_mprintf("the file is empty: its first row names the columns");
    rc = create_table(table, &row);
  }
  if (rc == SQLITE_OK) rc = insert_rows(&r, &row, table);
  char *message = rc == SQLITE_OK ? NULL : sqlite3_mprintf("%s", sqlite3_errmsg(db));
  if (rc != SQLITE_OK) sqlite3_exec(db, "rollback to import", NULL, NULL, NULL);
  sqlite3_exec(db, "release import", NULL, NULL, NULL);
  clear_row(&row);
  free(row.fields);
  return message;
}
