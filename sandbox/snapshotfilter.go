package sandbox

import (
	"cmp"
	"strings"
)

// SnapshotFilter says which snapshots a list has, and in which order. Zero
// fields admit everything; Validate fills in the defaults.
type SnapshotFilter struct {
	Organization string // its own and the general ones; "" for those of all
	Name         string // stands anywhere in the name, without regard to case
	Source       string // the sandbox that they were made from
	Sort         SnapshotSort
	Ascending    bool
	Page         int // counted from 1; 0 means 1
	Limit        int // 1 to MaxPageSize; 0 means DefaultPageSize
}

// SnapshotPage is a part of a list.
type SnapshotPage struct {
	Items []Snapshot
	Total int // of all pages
}

// SnapshotSort is a field that lists are sorted by, spelled as on the wire.
type SnapshotSort string

// The sort fields. Where the field is the same, the ID decides.
const (
	SnapshotsByUse     SnapshotSort = "lastUsedAt"
	SnapshotsByCreated SnapshotSort = "createdAt"
	SnapshotsByName    SnapshotSort = "name"
	SnapshotsByState   SnapshotSort = "state"
)

// Validate fills in the defaults and reports, as a *Error that names the field,
// what is wrong with f.
func (f *SnapshotFilter) Validate() error {
	f.Sort = cmp.Or(f.Sort, SnapshotsByUse)
	f.Page, f.Limit = cmp.Or(f.Page, 1), cmp.Or(f.Limit, DefaultPageSize)
	switch f.Sort {
	case SnapshotsByUse, SnapshotsByCreated, SnapshotsByName, SnapshotsByState:
	default:
		return FieldErrorf("sort", "snapshots cannot be sorted by %q", f.Sort)
	}
	switch {
	case f.Limit < 1 || f.Limit > MaxPageSize:
		return FieldErrorf("limit", "a page may have 1 to %d snapshots", MaxPageSize)
	case f.Page < 1:
		return FieldErrorf("page", "pages are counted from 1")
	}
	return nil
}

// Admits reports whether the list has s, on whichever page.
func (f SnapshotFilter) Admits(s Snapshot) bool {
	return (f.Organization == "" || s.Organization == "" || f.Organization == s.Organization) &&
		strings.Contains(strings.ToLower(s.Name), strings.ToLower(f.Name)) &&
		(f.Source == "" || f.Source == s.Source)
}

// Key returns where s stands in an order by the field. Those that were never
// used come before all others.
func (by SnapshotSort) Key(s Snapshot) SortKey {
	k := SortKey{ID: s.ID}
	switch by {
	case SnapshotsByName:
		k.Text = s.Name
	case SnapshotsByState:
		k.Text = string(s.State)
	case SnapshotsByCreated:
		k.Number = s.CreatedAt.UnixMilli()
	default:
		if !s.LastUsedAt.IsZero() {
			k.Number = s.LastUsedAt.UnixMilli()
		}
	}
	return k
}
