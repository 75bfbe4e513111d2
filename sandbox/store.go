package sandbox

import (
	"context"
	"time"
)

// RunStore keeps the recent history of runs. Missing records are a *Error of
// KindNotFound.
type RunStore interface {
	// SaveRuns keeps all of the runs or, when it fails, none. A run replaces that with
	// the same ID.
	SaveRuns(ctx context.Context, runs ...RunRecord) error
	Run(ctx context.Context, id string) (RunRecord, error)
	// Runs returns the runs of a filter, the newest first, without their output. A
	// Before that is missing, or another client's, is an error of KindNotFound.
	Runs(ctx context.Context, f RunFilter) ([]RunRecord, error)
	// PruneRuns forgets the oldest runs until what is left is within keep, and
	// returns how many it forgot.
	PruneRuns(ctx context.Context, keep Retention) (int, error)
}

// RunFilter says which ended runs are wanted.
type RunFilter struct {
	Client   string
	Language string // "" for all, as the others
	Status   Status
	Before   string // the ID of a run: only runs that ended before it
	Limit    int    // at most so many
}

// Matches reports whether a run is of the client, the language and the status.
func (f RunFilter) Matches(r RunRecord) bool {
	return r.Client == f.Client && (f.Language == "" || r.Result.Language == f.Language) && (f.Status == "" || r.Result.Status == f.Status)
}

// Retention bounds a history. A zero field sets no bound.
type Retention struct {
	Since time.Time // nothing that finished before
	Runs  int       // at most so many, of all clients together
	Bytes int64     // at most so much, counted as RunRecord.Size counts
}

// Size returns about how many bytes the record takes to keep.
func (r RunRecord) Size() int64 {
	n := 1024 + len(r.Client) + len(r.Result.Stdout) + len(r.Result.Stderr)
	for _, f := range r.Result.Files {
		n += len(f.Name) + len(f.Content)
	}
	for _, d := range r.Result.Outputs {
		n += int(d.Size())
	}
	return int64(n)
}

// WithoutOutput returns a copy of the record as a list shows it: without what
// the run printed, displayed and left behind.
func (r RunRecord) WithoutOutput() RunRecord {
	r.Result.Stdout, r.Result.Stderr, r.Result.Outputs = "", "", nil
	r.Result.Diagnostics, r.Result.Files = nil, nil
	return r
}

// Snippet is a shared program. Its ID is derived from its content, so sharing
// the same thing twice gives the same link.
type Snippet struct {
	ID         string // 11 characters of base64url, never ending in - or _
	Title      string
	Language   string
	Files      []File
	Stdin      string
	Args       []string
	Output     string // what its run printed when it was shared; shown where it cannot run
	AuthorHash []byte // SHA-256 of the secret that may delete it
	CreatedAt  time.Time
	ExpiresAt  time.Time // zero for never
}

// SnippetStore keeps shared programs. Missing and expired ones are a *Error of
// KindNotFound.
type SnippetStore interface {
	// PutSnippet stores s. When the ID is there already with the same program,
	// the stored snippet stays as it is, with its expiry moved to the later of
	// the two; with another program it is a *Error of KindConflict.
	PutSnippet(ctx context.Context, s Snippet) error
	Snippet(ctx context.Context, id string) (Snippet, error)
	DeleteSnippet(ctx context.Context, id string) error
	PruneSnippets(ctx context.Context, now time.Time) (int, error)
}

// APIKey is a credential for the API. The secret itself is never stored.
type APIKey struct {
	ID          string
	Name        string   // unique where it is not empty
	Hash        []byte   // SHA-256 of the secret
	Hint        string   // the secret with its middle left out, to tell keys apart
	Permissions []string // what it may do, as on the wire; nil for everything
	CreatedAt   time.Time
	LastUsedAt  time.Time // zero when never; kept to the minute
	ExpiresAt   time.Time // zero for never
}

// Session is a signed-in browser. The cookie's value is never stored.
type Session struct {
	Hash      []byte // SHA-256 of the cookie's value
	CreatedAt time.Time
	ExpiresAt time.Time
}

// CredentialStore keeps API keys and browser sessions. Missing and expired ones
// are a *Error of KindUnauthorized.
type CredentialStore interface {
	// PutAPIKey replaces the key with the same ID. Where another has the same
	// name or the same hash it is a *Error of KindConflict.
	PutAPIKey(ctx context.Context, k APIKey) error
	APIKeyByHash(ctx context.Context, hash []byte) (APIKey, error) // expired ones, too
	APIKeys(ctx context.Context) ([]APIKey, error)                 // the oldest first
	DeleteAPIKey(ctx context.Context, id string) error             // a missing one is no error
	TouchAPIKey(ctx context.Context, id string, at time.Time) error
	PutSession(ctx context.Context, s Session) error
	SessionByHash(ctx context.Context, hash []byte, now time.Time) (Session, error)
	DeleteSession(ctx context.Context, hash []byte) error // a missing one is no error
	PruneSessions(ctx context.Context, now time.Time) (int, error)
}
