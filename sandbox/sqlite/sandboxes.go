package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"sandpiper/sandbox"
)

var errNoSandbox = sandbox.Errorf(sandbox.KindNotFound, "there is no such sandbox")

// errNameTaken is what a taken name is, of whatever it is the name.
func errNameTaken(name string) error {
	return &sandbox.Error{Kind: sandbox.KindConflict, Field: "name", Message: "the name " + name + " is taken"}
}

// AddSandbox implements sandbox.SandboxStore.
func (db *DB) AddSandbox(ctx context.Context, s sandbox.Sandbox) error {
	err := db.transact(ctx, func(tx *sql.Tx) error {
		if err := writeSandbox(ctx, tx, s, false); err != nil {
			return err
		}
		return writeChange(ctx, tx, sandbox.Sandbox{}, s)
	})
	return wrap("store a sandbox", err)
}

// Sandbox implements sandbox.SandboxStore.
func (db *DB) Sandbox(ctx context.Context, id string) (sandbox.Sandbox, error) {
	s, err := readSandbox(ctx, db.read, id)
	return s, wrap("read a sandbox", err)
}

func readSandbox(ctx context.Context, q querier, id string) (sandbox.Sandbox, error) {
	return readDocument[sandbox.Sandbox](ctx, q, errNoSandbox, "SELECT document FROM sandboxes WHERE id = ?", id)
}

// UpdateSandbox implements sandbox.SandboxStore.
func (db *DB) UpdateSandbox(ctx context.Context, id string, change func(*sandbox.Sandbox) error) (before, after sandbox.Sandbox, err error) {
	err = db.transact(ctx, func(tx *sql.Tx) error {
		if before, err = readSandbox(ctx, tx, id); err != nil {
			return err
		}
		after = before.Clone()
		if err := change(&after); err != nil {
			return err
		}
		if err := writeSandbox(ctx, tx, after, true); err != nil {
			return err
		}
		return writeChange(ctx, tx, before, after)
	})
	if err != nil {
		return sandbox.Sandbox{}, sandbox.Sandbox{}, wrap("change a sandbox", err)
	}
	return before, after, nil
}

// executor is what writes need of a pool or a transaction.
type executor interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

const sandboxColumns = `organization, name, name_key, state, desired, snapshot, target, parent, warm_pool, cpu, memory, disk, public, recoverable,
	created_at, updated_at, last_event, last_active, destroy_at, document, id`

// writeSandbox adds a sandbox, or replaces the one with its ID.
func writeSandbox(ctx context.Context, e executor, s sandbox.Sandbox, replace bool) error {
	document, err := json.Marshal(s)
	if err != nil {
		return err
	}
	query := "INSERT INTO sandboxes (" + sandboxColumns + ") VALUES (?" + strings.Repeat(", ?", 20) + ")"
	if replace {
		query = "UPDATE sandboxes SET (" + strings.TrimSuffix(sandboxColumns, ", id") + ") = (?" + strings.Repeat(", ?", 19) + ") WHERE id = ?"
	}
	_, err = e.ExecContext(ctx, query,
		s.Organization, s.Name, strings.ToLower(s.Name), s.State, s.Desired, s.Snapshot, s.Target, s.Parent, s.WarmPool,
		s.Resources.CPU, s.Resources.MemoryGiB, s.Resources.DiskGiB, s.Public, s.Recoverable,
		millis(s.CreatedAt), millis(s.UpdatedAt), optionalMillis(s.LastEvent), millis(s.LastActivity()), optionalMillis(s.DestroyAt),
		string(document), s.ID)
	if faultOf(err) == faultNotUnique {
		return errNameTaken(s.Name)
	}
	return err
}

// LiveSandboxes implements sandbox.SandboxStore.
func (db *DB) LiveSandboxes(ctx context.Context) ([]sandbox.Sandbox, error) {
	all, err := readDocuments[sandbox.Sandbox](ctx, db.read,
		"SELECT document FROM sandboxes WHERE state <> ? ORDER BY created_at, id", sandbox.StateDestroyed)
	return all, wrap("read all sandboxes", err)
}

// PruneSandboxes implements sandbox.SandboxStore.
func (db *DB) PruneSandboxes(ctx context.Context, before time.Time) (int, error) {
	n, err := db.changed(ctx, "DELETE FROM sandboxes WHERE state = 'destroyed' AND last_event < ?", millis(before))
	return n, wrap("forget destroyed sandboxes", err)
}

// sortColumns says where each field is. The texts' columns compare as bytes, as
// Go's strings do.
var sortColumns = map[sandbox.SandboxSort]string{
	sandbox.SortCreated: "created_at", sandbox.SortUpdated: "updated_at", sandbox.SortActivity: "last_active",
	sandbox.SortName: "name", sandbox.SortID: "id", sandbox.SortState: "state", sandbox.SortSnapshot: "snapshot",
	sandbox.SortTarget: "target", sandbox.SortCPU: "cpu", sandbox.SortMemory: "memory", sandbox.SortDisk: "disk",
}

// Sandboxes implements sandbox.SandboxStore.
func (db *DB) Sandboxes(ctx context.Context, f sandbox.SandboxFilter) (sandbox.SandboxPage, error) {
	if err := f.Validate(); err != nil {
		return sandbox.SandboxPage{}, err
	}
	var page sandbox.SandboxPage
	where := filterSandboxes(f)
	if f.Page > 0 {
		err := db.read.QueryRowContext(ctx, "SELECT count(*) FROM sandboxes WHERE "+where.String(), where.args...).Scan(&page.Total)
		if err != nil {
			return page, wrap("count sandboxes", err)
		}
	}
	order, offset, err := orderSandboxes(f, where)
	if err != nil {
		return page, err
	}
	query := "SELECT document FROM sandboxes WHERE " + where.String() + " ORDER BY " + order + " LIMIT ? OFFSET ?"
	items, err := readDocuments[sandbox.Sandbox](ctx, db.read, query, append(slices.Clone(where.args), f.Limit+1, offset)...)
	if err != nil {
		return page, wrap("list sandboxes", err)
	}
	if len(items) > f.Limit {
		items = items[:f.Limit]
		page.NextCursor = f.CursorAfter(items[f.Limit-1])
	}
	page.Items = items
	return page, nil
}

// orderSandboxes returns the order of a page and how many rows it leaves out,
// and lets a cursor admit only what follows.
func orderSandboxes(f sandbox.SandboxFilter, where *condition) (order string, offset int, err error) {
	column, direction, compare := sortColumns[f.Sort], " DESC", "<"
	if f.Ascending {
		direction, compare = " ASC", ">"
	}
	if f.Page > 0 {
		return column + direction + ", id" + direction, (f.Page - 1) * f.Limit, nil
	}
	last, err := f.After()
	if last != nil {
		var value any = last.Number
		if f.Sort.ByText() {
			value = last.Text
		}
		where.and("("+column+", id) "+compare+" (?, ?)", value, last.ID)
	}
	return column + direction + ", id" + direction, 0, err
}

// filterSandboxes says in SQL what f.Admits says in Go.
func filterSandboxes(f sandbox.SandboxFilter) *condition {
	c := &condition{}
	if f.Organization != "" {
		c.and("organization = ?", f.Organization)
	}
	filterStates(f, c)
	filterTexts(f, c)
	filterResources(f, c)
	filterTimes(f, c)
	return c
}

func filterStates(f sandbox.SandboxFilter, c *condition) {
	anyOf(c, "state", f.States)
	if !slices.Contains(f.States, sandbox.StateDestroyed) {
		c.and("state <> 'destroyed'")
	}
	if !f.IncludeErroredDestroyed {
		c.and("NOT (desired = 'destroyed' AND state IN ('error', 'build_failed'))")
	}
	switch {
	case f.WarmPool != "":
		c.and("warm_pool = ?", f.WarmPool)
	case !f.IncludeWarm:
		c.and("warm_pool = ''")
	}
	if f.Parent != "" {
		c.and("parent = ?", f.Parent)
	}
	if f.Public != nil {
		c.and("public = ?", *f.Public)
	}
	if f.Recoverable != nil {
		c.and("recoverable = ?", *f.Recoverable)
	}
}

func filterTexts(f sandbox.SandboxFilter, c *condition) {
	for column, text := range map[string]string{"lower(id)": f.ID, "name_key": f.Name} {
		switch {
		case text == "":
		case f.Partial:
			c.and("instr("+column+", ?) > 0", strings.ToLower(text))
		default:
			c.and("instr("+column+", ?) = 1", strings.ToLower(text))
		}
	}
	for k, v := range f.Labels {
		c.and("EXISTS (SELECT 1 FROM json_each(document, '$.Labels') AS l WHERE l.key = ? AND l.value = ?)", k, v)
	}
	if text := strings.ToLower(f.Text); text != "" {
		c.and("(instr(lower(id), ?) > 0 OR instr(name_key, ?) > 0)", text, text)
	}
	anyOf(c, "snapshot", f.Snapshots)
	anyOf(c, "document ->> '$.Engine'", f.Engines)
	anyOf(c, "target", f.Targets)
	if len(f.Classes) > 0 && !slices.Contains(f.Classes, sandbox.ClassContainer) {
		c.and("false")
	}
}

func filterResources(f sandbox.SandboxFilter, c *condition) {
	for _, b := range []struct {
		term  string
		bound int
	}{
		{"cpu >= ?", f.Min.CPU}, {"memory >= ?", f.Min.MemoryGiB}, {"disk >= ?", f.Min.DiskGiB},
		{"cpu <= ?", f.Max.CPU}, {"memory <= ?", f.Max.MemoryGiB}, {"disk <= ?", f.Max.DiskGiB},
	} {
		if b.bound > 0 {
			c.and(b.term, b.bound)
		}
	}
}

func filterTimes(f sandbox.SandboxFilter, c *condition) {
	for _, b := range []struct {
		term  string
		bound time.Time
	}{
		{"created_at > ?", f.CreatedAfter}, {"created_at < ?", f.CreatedBefore},
		{"last_event > ?", f.EventAfter}, {"last_event < ?", f.EventBefore},
		{"destroy_at > ?", f.DestroyAfter}, {"destroy_at < ?", f.DestroyBefore},
	} {
		if !b.bound.IsZero() {
			c.and(b.term, millis(b.bound))
		}
	}
}
