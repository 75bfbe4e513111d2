package sandbox

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// The sizes of a page.
const (
	DefaultPageSize = 100
	MaxPageSize     = 200
)

// ClassContainer is the class that every sandbox of ours has on the wire, where
// the classes are a closed list.
const ClassContainer = "container"

// SandboxFilter says which sandboxes a list has, and in which order. Zero
// fields admit everything; Validate fills in the defaults.
type SandboxFilter struct {
	Organization string // "" for all

	ID, Name string // a prefix, without regard to case
	Partial  bool   // ID and Name may stand anywhere instead
	Text     string // stands anywhere in the ID or the name, without regard to case

	Labels    map[string]string // all of these
	States    []State           // any of these
	Snapshots []string          // any of these
	Targets   []string          // any of these
	Classes   []string          // any of these, as on the wire
	Engines   []EngineName      // any of these
	Parent    string            // forks of it
	WarmPool  string            // unclaimed members of it

	Min, Max            Resources
	Public, Recoverable *bool

	CreatedAfter, CreatedBefore time.Time
	EventAfter, EventBefore     time.Time
	DestroyAfter, DestroyBefore time.Time // of those with a time to live

	// Destroyed ones are left out unless States names StateDestroyed.
	IncludeErroredDestroyed bool // those whose destruction failed
	IncludeWarm             bool // unclaimed members of warm pools

	Sort      SandboxSort
	Ascending bool

	Cursor string // NextCursor of the page before
	Page   int    // counted from 1, instead of a cursor
	Limit  int    // 1 to MaxPageSize; 0 means DefaultPageSize
}

// SandboxPage is a part of a list.
type SandboxPage struct {
	Items      []Sandbox
	NextCursor string // "" on the last page
	Total      int    // of all pages; only for a filter with a Page
}

// SandboxSort is a field that lists are sorted by, spelled as on the wire.
type SandboxSort string

// The sort fields. Where the field is the same, the ID decides.
const (
	SortCreated  SandboxSort = "createdAt"
	SortUpdated  SandboxSort = "updatedAt"
	SortActivity SandboxSort = "lastActivityAt"
	SortName     SandboxSort = "name"
	SortID       SandboxSort = "id"
	SortState    SandboxSort = "state"
	SortSnapshot SandboxSort = "snapshot"
	SortTarget   SandboxSort = "region"
	SortCPU      SandboxSort = "cpu"
	SortMemory   SandboxSort = "memoryGib"
	SortDisk     SandboxSort = "diskGib"
)

var sandboxSorts = []SandboxSort{
	SortCreated, SortUpdated, SortActivity, SortName, SortID, SortState, SortSnapshot, SortTarget, SortCPU, SortMemory, SortDisk,
}

// Validate fills in the defaults and reports, as a *Error that names the field,
// what is wrong with f.
func (f *SandboxFilter) Validate() error {
	if f.Limit == 0 {
		f.Limit = DefaultPageSize
	}
	f.Sort = cmp.Or(f.Sort, SortCreated)
	switch {
	case f.Limit < 1 || f.Limit > MaxPageSize:
		return FieldErrorf("limit", "a page may have 1 to %d sandboxes", MaxPageSize)
	case f.Page < 0:
		return FieldErrorf("page", "pages are counted from 1")
	case !slices.Contains(sandboxSorts, f.Sort):
		return FieldErrorf("sort", "sandboxes cannot be sorted by %q", f.Sort)
	}
	for _, s := range f.States {
		if !s.Known() {
			return FieldErrorf("states", "%q is no state of a sandbox", s)
		}
	}
	_, err := f.After()
	return err
}

// ByText reports whether the field is a text, and not a number or a time.
func (by SandboxSort) ByText() bool {
	return slices.Contains([]SandboxSort{SortName, SortID, SortState, SortSnapshot, SortTarget}, by)
}

// SortKey is where a sandbox stands in an order: by Number, then by Text, then
// by ID.
type SortKey struct {
	Number int64  `json:"n,omitempty"`
	Text   string `json:"t,omitempty"`
	ID     string `json:"i"`
}

// Compare orders keys of the same field, the smaller one first.
func (k SortKey) Compare(o SortKey) int {
	return cmp.Or(cmp.Compare(k.Number, o.Number), cmp.Compare(k.Text, o.Text), cmp.Compare(k.ID, o.ID))
}

// Key returns where s stands in an order by the field.
func (by SandboxSort) Key(s Sandbox) SortKey {
	k := SortKey{ID: s.ID}
	switch by {
	case SortUpdated:
		k.Number = s.UpdatedAt.UnixMilli()
	case SortActivity:
		k.Number = s.LastActivity().UnixMilli()
	case SortName:
		k.Text = s.Name
	case SortID:
		k.Text = s.ID
	case SortState:
		k.Text = string(s.State)
	case SortSnapshot:
		k.Text = s.Snapshot
	case SortTarget:
		k.Text = s.Target
	case SortCPU:
		k.Number = int64(s.Resources.CPU)
	case SortMemory:
		k.Number = int64(s.Resources.MemoryGiB)
	case SortDisk:
		k.Number = int64(s.Resources.DiskGiB)
	default:
		k.Number = s.CreatedAt.UnixMilli()
	}
	return k
}

// A cursor names the last sandbox of a page by where it stands, so that those
// that come and go in between move nothing.
type cursor struct {
	Sort      SandboxSort `json:"s"`
	Ascending bool        `json:"a,omitempty"`
	Last      SortKey     `json:"l"`
}

// CursorAfter returns the cursor of the page that follows s.
func (f SandboxFilter) CursorAfter(s Sandbox) string {
	sort := cmp.Or(f.Sort, SortCreated)
	text, err := json.Marshal(cursor{sort, f.Ascending, sort.Key(s)})
	if err != nil {
		panic(err) // strings and numbers only
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

// After returns the key after which f's page begins; nil for the first page. A
// cursor that is not one, or that belongs to another order, is a *Error.
func (f SandboxFilter) After() (*SortKey, error) {
	if f.Cursor == "" {
		return nil, nil
	}
	var c cursor
	text, err := base64.RawURLEncoding.DecodeString(f.Cursor)
	if err != nil || json.Unmarshal(text, &c) != nil || c.Last.ID == "" {
		return nil, FieldErrorf("cursor", "this is not a cursor of an earlier page")
	}
	if c.Sort != cmp.Or(f.Sort, SortCreated) || c.Ascending != f.Ascending {
		return nil, FieldErrorf("cursor", "this cursor is of a list in another order; begin again without it")
	}
	return &c.Last, nil
}

// Admits reports whether the list has s, on whichever page.
func (f SandboxFilter) Admits(s Sandbox) bool {
	return (f.Organization == "" || f.Organization == s.Organization) &&
		f.admitsState(s) && f.admitsText(s) && f.admitsTimes(s) &&
		(f.Parent == "" || f.Parent == s.Parent) &&
		(f.WarmPool == "" || f.WarmPool == s.WarmPool) &&
		atLeast(s.Resources, f.Min) && atMost(s.Resources, f.Max) &&
		(f.Public == nil || *f.Public == s.Public) &&
		(f.Recoverable == nil || *f.Recoverable == s.Recoverable)
}

func (f SandboxFilter) admitsState(s Sandbox) bool {
	switch {
	case len(f.States) > 0 && !slices.Contains(f.States, s.State):
		return false
	case s.State == StateDestroyed && !slices.Contains(f.States, StateDestroyed):
		return false
	case s.Desired == DesiredDestroyed && s.State.Failed() && !f.IncludeErroredDestroyed:
		return false
	}
	return s.WarmPool == "" || f.IncludeWarm || f.WarmPool != ""
}

func (f SandboxFilter) admitsText(s Sandbox) bool {
	matches := strings.HasPrefix
	if f.Partial {
		matches = strings.Contains
	}
	for k, v := range f.Labels {
		if got, ok := s.Labels[k]; !ok || got != v {
			return false
		}
	}
	id, name, text := strings.ToLower(s.ID), strings.ToLower(s.Name), strings.ToLower(f.Text)
	return matches(id, strings.ToLower(f.ID)) && matches(name, strings.ToLower(f.Name)) &&
		(strings.Contains(id, text) || strings.Contains(name, text)) &&
		(len(f.Engines) == 0 || slices.Contains(f.Engines, s.Engine)) &&
		(len(f.Snapshots) == 0 || slices.Contains(f.Snapshots, s.Snapshot)) &&
		(len(f.Targets) == 0 || slices.Contains(f.Targets, s.Target)) &&
		(len(f.Classes) == 0 || slices.Contains(f.Classes, ClassContainer))
}

func (f SandboxFilter) admitsTimes(s Sandbox) bool {
	return between(s.CreatedAt, f.CreatedAfter, f.CreatedBefore) &&
		between(s.LastEvent, f.EventAfter, f.EventBefore) &&
		between(s.DestroyAt, f.DestroyAfter, f.DestroyBefore)
}

// between compares as exactly as times are kept, to the millisecond. Times that
// are not there are between nothing.
func between(at, after, before time.Time) bool {
	if after.IsZero() && before.IsZero() {
		return true
	}
	return !at.IsZero() && (after.IsZero() || at.UnixMilli() > after.UnixMilli()) && (before.IsZero() || at.UnixMilli() < before.UnixMilli())
}

func atLeast(r, low Resources) bool {
	return r.CPU >= low.CPU && r.MemoryGiB >= low.MemoryGiB && r.DiskGiB >= low.DiskGiB
}

func atMost(r, high Resources) bool {
	return (high.CPU == 0 || r.CPU <= high.CPU) && (high.MemoryGiB == 0 || r.MemoryGiB <= high.MemoryGiB) && (high.DiskGiB == 0 || r.DiskGiB <= high.DiskGiB)
}
