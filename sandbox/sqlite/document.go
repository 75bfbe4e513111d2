package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"strings"
)

// querier is what reads need of a pool or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// readRow reads one row, to its end once it has begun: for queries that take some
// microseconds. One that can be cut off is handed from goroutine to goroutine by
// the driver, which takes several times as long.
func readRow(ctx context.Context, q querier, query string, args ...any) *sql.Row {
	if ctx.Err() == nil {
		ctx = context.WithoutCancel(ctx)
	}
	return q.QueryRowContext(ctx, query, args...)
}

// readDocument returns what the first row's document says, and missing where
// there is no row.
func readDocument[T any](ctx context.Context, q querier, missing error, query string, args ...any) (T, error) {
	var v T
	var text string
	err := readRow(ctx, q, query, args...).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return v, missing
	}
	if err != nil {
		return v, err
	}
	return v, json.Unmarshal([]byte(text), &v)
}

// readDocuments returns what the documents of all rows say.
func readDocuments[T any](ctx context.Context, q querier, query string, args ...any) ([]T, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []T
	for rows.Next() {
		var text string
		var v T
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		if err := json.Unmarshal([]byte(text), &v); err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, rows.Err()
}

// A condition is a WHERE clause in the making.
type condition struct {
	terms []string
	args  []any
}

// and adds a term with its arguments.
func (c *condition) and(term string, args ...any) {
	c.terms = append(c.terms, term)
	c.args = append(c.args, args...)
}

// anyOf admits rows whose column has one of the values; no values admit all.
func anyOf[T ~string](c *condition, column string, values []T) {
	if len(values) == 0 {
		return
	}
	args := make([]any, len(values))
	for i, v := range values {
		args[i] = string(v)
	}
	c.and(column+" IN (?"+strings.Repeat(", ?", len(values)-1)+")", args...)
}

func (c *condition) String() string {
	if len(c.terms) == 0 {
		return "true"
	}
	return strings.Join(c.terms, " AND ")
}
