/*
** The rows of a query: as an aligned table of text on standard output, and as a
** display bundle on /dev/display where that exists.
**
** The text comes first. The bundle says {"stdout":true} in its metadata: what was
** printed last is its text/plain once more. Who shows the bundle takes that text
** away; who reads standard output alone has everything.
*/
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "sandpiper.h"

/* What is kept of one query. The rest of its rows is not computed. */
enum { MAX_ROWS = 1000, MAX_BYTES = 256 << 10, MAX_BLOB_SHOWN = 32 };

/* Integers beyond this are text in JSON: a number there would lose digits. */
#define MAX_EXACT 9007199254740992LL

/* A cell: its SQLite type and how it reads. */
typedef struct Cell {
  int type;
  char *text; /* for sqlite3_free */
  int exact;  /* whether text can be a number in JSON */
} Cell;

typedef struct Result {
  sqlite3_stmt *stmt; /* for the names of the columns */
  int columns, rows;
  Cell *cells;   /* rows * columns */
  int *widths;   /* of the columns, in characters */
  size_t bytes;  /* of all cells */
  int more;      /* whether there were more rows than are kept */
} Result;

/* Characters of East Asian scripts and emoji take two places, marks none. */
static int character_width(unsigned c) {
  if ((c >= 0x300 && c < 0x370) || c == 0x200B || c == 0x200D || (c >= 0xFE00 && c <= 0xFE0F)) return 0;
  if ((c >= 0x1100 && c < 0x1160) || (c >= 0x2E80 && c < 0xA4D0) || (c >= 0xAC00 && c < 0xD7A4) ||
      (c >= 0xF900 && c < 0xFB00) || (c >= 0xFF00 && c < 0xFF61) || (c >= 0x1F300 && c < 0x1FB00) ||
      (c >= 0x20000 && c < 0x30000)) return 2;
  return 1;
}

/* Decodes the character at *text and moves past it. Bytes that are not UTF-8
** count as U+FFFD each. */
static unsigned next_character(const char **text) {
  const unsigned char *s = (const unsigned char *)*text;
  int more = *s < 0x80 ? 0 : *s >= 0xF0 && *s < 0xF5 ? 3 : *s >= 0xE0 && *s < 0xF0 ? 2 : *s >= 0xC2 && *s < 0xE0 ? 1 : -1;
  unsigned c = more <= 0 ? *s : *s & (0x3Fu >> more);
  for (int i = 1; i <= more; i++) {
    if ((s[i] & 0xC0) != 0x80) more = -1;
    c = c << 6 | (s[i] & 0x3F);
  }
  if ((more == 2 && c < 0x800) || (more == 3 && (c < 0x10000 || c > 0x10FFFF)) || (c >= 0xD800 && c < 0xE000)) more = -1;
  *text += more < 0 ? 1 : more + 1;
  return more < 0 ? 0xFFFD : c;
}

/* The width of the first length bytes of text. */
static int width_of(const char *text, int length) {
  int width = 0;
  for (const char *end = text + length; text < end;) width += character_width(next_character(&text));
  return width;
}

/* A blob reads as SQL would write it, cut short where it is long. */
static char *blob_text(const unsigned char *blob, int size) {
  sqlite3_str *s = sqlite3_str_new(NULL);
  sqlite3_str_appendall(s, "x'");
  for (int i = 0; i < size && i < MAX_BLOB_SHOWN; i++) sqlite3_str_appendf(s, "%02X", blob[i]);
  if (size > MAX_BLOB_SHOWN) {
    sqlite3_str_appendf(s, "...' (%d bytes)", size);
  } else {
    sqlite3_str_appendall(s, "'");
  }
  return sqlite3_str_finish(s);
}

static Cell read_cell(sqlite3_stmt *stmt, int column) {
  Cell cell = {.type = sqlite3_column_type(stmt, column)};
  if (cell.type == SQLITE_NULL) {
    cell.text = sqlite3_mprintf("NULL");
  } else if (cell.type == SQLITE_BLOB) {
    cell.text = blob_text(sqlite3_column_blob(stmt, column), sqlite3_column_bytes(stmt, column));
  } else {
    cell.text = sqlite3_mprintf("%s", sqlite3_column_text(stmt, column));
  }
  if (cell.text == NULL) out_of_memory();
  if (cell.type == SQLITE_INTEGER) {
    sqlite3_int64 v = sqlite3_column_int64(stmt, column);
    cell.exact = v >= -MAX_EXACT && v <= MAX_EXACT;
  } else if (cell.type == SQLITE_FLOAT) {
    cell.exact = strpbrk(cell.text, "In") == NULL; /* Inf is no JSON */
  }
  return cell;
}

/* Widens the columns for a text, which may have several lines. */
static void fit(int *width, const char *text) {
  for (;;) {
    int length = (int)strcspn(text, "\n"), w = width_of(text, length);
    if (w > *width) *width = w;
    if (text[length] == 0) return;
    text += length + 1;
  }
}

static void add_row(Result *r) {
  size_t size = (size_t)(r->rows + 1) * (size_t)r->columns * sizeof(Cell);
  if ((r->rows & (r->rows - 1)) == 0) { /* room doubles at powers of two */
    r->cells = realloc(r->cells, size * 2);
    if (r->cells == NULL) out_of_memory();
  }
  Cell *row = r->cells + (size_t)r->rows++ * (size_t)r->columns;
  for (int i = 0; i < r->columns; i++) {
    row[i] = read_cell(r->stmt, i);
    r->bytes += strlen(row[i].text) + 4;
    fit(&r->widths[i], row[i].text);
  }
}

/* Whether every cell of the column that is not NULL is a number. */
static int is_number(const Result *r, int column) {
  int numbers = 0;
  for (int i = 0; i < r->rows; i++) {
    int type = r->cells[i * r->columns + column].type;
    if (type != SQLITE_INTEGER && type != SQLITE_FLOAT && type != SQLITE_NULL) return 0;
    numbers += type != SQLITE_NULL;
  }
  return numbers > 0;
}

/* Whether text reads as a day, or as a day with a time. */
static int is_date(const char *text) {
  static const char shape[] = "dddd-dd-dd";
  for (int i = 0; shape[i]; i++) {
    int digit = text[i] >= '0' && text[i] <= '9';
    if (shape[i] == 'd' ? !digit : text[i] != '-') return 0;
  }
  return text[10] == 0 || text[10] == ' ' || text[10] == 'T';
}

/* The type of a column on the wire. */
static const char *column_type(const Result *r, int column) {
  int values = 0, dates = 0;
  if (is_number(r, column)) return "number";
  for (int i = 0; i < r->rows; i++) {
    const Cell *cell = &r->cells[i * r->columns + column];
    values += cell->type != SQLITE_NULL;
    dates += cell->type == SQLITE_TEXT && is_date(cell->text);
  }
  return values == 0 ? "null" : dates == values ? "date" : "text";
}

/* Appends one line of a cell, padded to the column's width; the last column is
** not padded on the right. */
static void append_padded(sqlite3_str *out, const Result *r, int column, const char *text, int length, int right) {
  int gap = r->widths[column] - width_of(text, length);
  if (right) sqlite3_str_appendchar(out, gap, ' ');
  sqlite3_str_append(out, text, length);
  if (!right && column < r->columns - 1) sqlite3_str_appendchar(out, gap, ' ');
}

/* Appends a row of texts: as many lines as the tallest has. */
static void append_row(sqlite3_str *out, const Result *r, const char **texts, const int *right) {
  for (int more = 1; more;) {
    more = 0;
    for (int i = 0; i < r->columns; i++) {
      int length = (int)strcspn(texts[i], "\n");
      if (i > 0) sqlite3_str_appendall(out, " | ");
      append_padded(out, r, i, texts[i], length, right[i]);
      texts[i] += length;
      if (*texts[i] == '\n') {
        texts[i]++;
        more = 1;
      }
    }
    sqlite3_str_appendchar(out, 1, '\n');
  }
}

static void append_rule(sqlite3_str *out, const Result *r) {
  for (int i = 0; i < r->columns; i++) {
    if (i > 0) sqlite3_str_appendall(out, "-+-");
    sqlite3_str_appendchar(out, r->widths[i], '-');
  }
  sqlite3_str_appendchar(out, 1, '\n');
}

/* Returns what the result reads as, for sqlite3_free. */
static char *as_text(const Result *r) {
  sqlite3_str *out = sqlite3_str_new(NULL);
  const char **texts = calloc((size_t)r->columns, sizeof *texts);
  int *right = calloc((size_t)r->columns, sizeof *right);
  if (texts == NULL || right == NULL) out_of_memory();
  for (int i = 0; i < r->columns; i++) {
    texts[i] = sqlite3_column_name(r->stmt, i);
    right[i] = is_number(r, i);
  }
  append_row(out, r, texts, right);
  append_rule(out, r);
  for (int row = 0; row < r->rows; row++) {
    for (int i = 0; i < r->columns; i++) texts[i] = r->cells[row * r->columns + i].text;
    append_row(out, r, texts, right);
  }
  if (r->rows == 0) sqlite3_str_appendall(out, "(no rows)\n");
  if (r->more) sqlite3_str_appendf(out, "(the first %d rows; there are more: narrow the query, or use limit and offset)\n", r->rows);
  sqlite3_str_appendchar(out, 1, '\n');
  free(texts);
  free(right);
  return sqlite3_str_finish(out);
}

static void append_json_string(sqlite3_str *out, const char *text) {
  sqlite3_str_appendchar(out, 1, '"');
  while (*text) {
    const char *start = text;
    unsigned c = next_character(&text);
    if (c == '"' || c == '\\') {
      sqlite3_str_appendf(out, "\\%c", (int)c);
    } else if (c < 0x20) {
      sqlite3_str_appendf(out, "\\u%04x", c);
    } else if (c == 0xFFFD) {
      sqlite3_str_appendall(out, "\xEF\xBF\xBD");
    } else {
      sqlite3_str_append(out, start, (int)(text - start));
    }
  }
  sqlite3_str_appendchar(out, 1, '"');
}

static void append_json_cell(sqlite3_str *out, const Cell *cell) {
  if (cell->type == SQLITE_NULL) {
    sqlite3_str_appendall(out, "null");
  } else if (cell->exact) {
    sqlite3_str_appendall(out, cell->text);
  } else {
    append_json_string(out, cell->text);
  }
}

/* Returns the result as a display bundle, for sqlite3_free. */
static char *as_bundle(const Result *r, const char *text) {
  sqlite3_str *out = sqlite3_str_new(NULL);
  sqlite3_str_appendall(out, "{\"data\":{\"application/vnd.sandpiper.table+json\":{\"columns\":[");
  for (int i = 0; i < r->columns; i++) {
    sqlite3_str_appendall(out, i ? ",{\"name\":" : "{\"name\":");
    append_json_string(out, sqlite3_column_name(r->stmt, i));
    sqlite3_str_appendf(out, ",\"type\":\"%s\"}", column_type(r, i));
  }
  sqlite3_str_appendall(out, "],\"rows\":[");
  for (int i = 0; i < r->rows * r->columns; i++) {
    sqlite3_str_appendall(out, i == 0 ? "[" : i % r->columns == 0 ? "],[" : ",");
    append_json_cell(out, &r->cells[i]);
  }
  sqlite3_str_appendall(out, r->rows ? "]]},\"text/plain\":" : "]},\"text/plain\":");
  append_json_string(out, text);
  sqlite3_str_appendf(out, "},\"metadata\":{\"stdout\":true%s}}\n", r->more ? ",\"truncated\":true" : "");
  return sqlite3_str_finish(out);
}

/* Sends a line to the display. Without one, standard output says it all. */
static void send(const char *line) {
  int fd = open("/dev/display", O_WRONLY | O_APPEND);
  if (fd < 0) return;
  for (size_t left = strlen(line); left > 0;) {
    ssize_t n = write(fd, line, left);
    if (n <= 0) break;
    line += n;
    left -= (size_t)n;
  }
  close(fd);
}

static void show(const Result *r) {
  char *text = as_text(r);
  char *bundle = text == NULL ? NULL : as_bundle(r, text);
  if (bundle == NULL) out_of_memory();
  fputs(text, stdout);
  fflush(stdout);
  send(bundle); /* after the text, which a page takes away when it shows the table */
  sqlite3_free(bundle);
  sqlite3_free(text);
}

static void release(Result *r) {
  for (int i = 0; i < r->rows * r->columns; i++) sqlite3_free(r->cells[i].text);
  free(r->cells);
  free(r->widths);
}

int show_rows(sqlite3_stmt *stmt) {
  Result r = {.stmt = stmt, .columns = sqlite3_column_count(stmt)};
  r.widths = calloc((size_t)r.columns + 1, sizeof(int));
  if (r.widths == NULL) out_of_memory();
  for (int i = 0; i < r.columns; i++) fit(&r.widths[i], sqlite3_column_name(stmt, i));
  int rc;
  while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
    r.more = r.rows == MAX_ROWS || r.bytes > MAX_BYTES;
    if (r.more) break;
    add_row(&r);
  }
  if (r.columns > 0 && (rc == SQLITE_ROW || rc == SQLITE_DONE)) show(&r);
  release(&r);
  return rc == SQLITE_ROW ? SQLITE_DONE : rc;
}
