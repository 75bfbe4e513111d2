package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"sandpiper/sandbox"
)

// PutSnippet implements sandbox.SnippetStore. Another program under the same ID
// is a *sandbox.Error of KindConflict; one that has expired makes room.
func (db *DB) PutSnippet(ctx context.Context, s sandbox.Snippet) error {
	row, err := newSnippetRow(s)
	if err != nil {
		return wrap("store a snippet", err)
	}
	err = db.transact(ctx, func(tx *sql.Tx) error {
		// Those who share clear away what has expired, so that nobody else must.
		if _, err := tx.ExecContext(ctx, "DELETE FROM snippets WHERE expires_at <= ?", millis(time.Now())); err != nil {
			return err
		}
		old, err := readSnippet(tx.QueryRowContext(ctx, selectSnippet, s.ID))
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return row.insert(ctx, tx)
		case err != nil:
			return err
		case !old.sameProgram(row):
			return sandbox.Errorf(sandbox.KindConflict, "another program has that link")
		default:
			return extendSnippet(ctx, tx, old, row)
		}
	})
	return wrap("store a snippet", err)
}

// Snippet implements sandbox.SnippetStore.
func (db *DB) Snippet(ctx context.Context, id string) (sandbox.Snippet, error) {
	row, err := readSnippet(db.read.QueryRowContext(ctx, selectSnippet, id))
	if err == nil && row.expired(time.Now()) || errors.Is(err, sql.ErrNoRows) {
		return sandbox.Snippet{}, errNoSnippet
	}
	if err != nil {
		return sandbox.Snippet{}, wrap("read a snippet", err)
	}
	s, err := row.snippet()
	return s, wrap("read a snippet", err)
}

var errNoSnippet = sandbox.Errorf(sandbox.KindNotFound, "there is no such snippet, or it has expired")

// DeleteSnippet implements sandbox.SnippetStore.
func (db *DB) DeleteSnippet(ctx context.Context, id string) error {
	n, err := db.changed(ctx, "DELETE FROM snippets WHERE id = ?", id)
	if err == nil && n == 0 {
		return errNoSnippet
	}
	return wrap("delete a snippet", err)
}

// PruneSnippets implements sandbox.SnippetStore.
func (db *DB) PruneSnippets(ctx context.Context, now time.Time) (int, error) {
	n, err := db.changed(ctx, "DELETE FROM snippets WHERE expires_at <= ?", millis(now))
	return n, wrap("prune snippets", err)
}

// A snippetRow is a row of table snippets.
type snippetRow struct {
	id, title, language, files, stdin, args, output string

	authorHash []byte
	createdAt  int64
	expiresAt  sql.NullInt64
}

func newSnippetRow(s sandbox.Snippet) (snippetRow, error) {
	files, err := json.Marshal(s.Files)
	if err != nil {
		return snippetRow{}, err
	}
	args, err := json.Marshal(append([]string{}, s.Args...)) // none is always []
	if err != nil {
		return snippetRow{}, err
	}
	return snippetRow{
		id: s.ID, title: s.Title, language: s.Language, files: string(files), stdin: s.Stdin, args: string(args), output: s.Output,
		authorHash: append([]byte{}, s.AuthorHash...), // never NULL
		createdAt:  millis(s.CreatedAt),
		expiresAt:  optionalMillis(s.ExpiresAt),
	}, nil
}

const selectSnippet = `SELECT id, title, language, files, stdin, args, output, author_hash, created_at, expires_at
	FROM snippets WHERE id = ?`

func readSnippet(row *sql.Row) (snippetRow, error) {
	var r snippetRow
	err := row.Scan(&r.id, &r.title, &r.language, &r.files, &r.stdin, &r.args, &r.output, &r.authorHash, &r.createdAt, &r.expiresAt)
	return r, err
}

func (r snippetRow) insert(ctx context.Context, tx *sql.Tx) error {
	_, err := tx.ExecContext(ctx, `
		INSERT INTO snippets (id, title, language, files, stdin, args, output, author_hash, created_at, expires_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		r.id, r.title, r.language, r.files, r.stdin, r.args, r.output, r.authorHash, r.createdAt, r.expiresAt)
	return err
}

// extendSnippet moves the expiry of old to that of again where it is later.
func extendSnippet(ctx context.Context, tx *sql.Tx, old, again snippetRow) error {
	if !old.expiresAt.Valid || again.expiresAt.Valid && again.expiresAt.Int64 <= old.expiresAt.Int64 {
		return nil
	}
	_, err := tx.ExecContext(ctx, "UPDATE snippets SET expires_at = ? WHERE id = ?", again.expiresAt, old.id)
	return err
}

// sameProgram reports whether running r and o would be the same.
func (r snippetRow) sameProgram(o snippetRow) bool {
	return r.language == o.language && r.files == o.files && r.stdin == o.stdin && r.args == o.args
}

func (r snippetRow) expired(now time.Time) bool {
	return r.expiresAt.Valid && r.expiresAt.Int64 <= millis(now)
}

func (r snippetRow) snippet() (sandbox.Snippet, error) {
	s := sandbox.Snippet{
		ID: r.id, Title: r.title, Language: r.language, Stdin: r.stdin, Output: r.output, AuthorHash: r.authorHash,
		CreatedAt: fromMillis(r.createdAt), ExpiresAt: fromOptionalMillis(r.expiresAt),
	}
	return s, errors.Join(json.Unmarshal([]byte(r.files), &s.Files), json.Unmarshal([]byte(r.args), &s.Args))
}
