package scheduler

import (
	"crypto/sha256"
	"encoding/json"
	"time"

	"sandpiper/sandbox"
)

const (
	// IdempotencyKeyField names the key in errors, as it is spelled on the wire.
	IdempotencyKeyField = "Idempotency-Key"

	maxIdempotencyKey = 255 // bytes
)

// idemKey names a request that must run once. The zero key names none.
type idemKey struct{ client, key string }

// A print tells programs apart.
type print [sha256.Size]byte

// fingerprint sums up everything that a client asks for in p.
func fingerprint(p sandbox.Program) (print, error) {
	var input []byte
	var live bool
	if p.Stdin != nil {
		input, live = p.Stdin.Snapshot()
	}
	p.Stdin = nil
	b, err := json.Marshal(struct {
		Program sandbox.Program
		Input   []byte
		Live    bool
	}{p, input, live})
	return sha256.Sum256(b), err
}

// remembered is what a key stands for.
type remembered struct {
	key   idemKey
	print print
	id    string // of the run
	at    time.Time
}

// A keyring remembers the runs that idempotency keys stand for. It holds a
// bounded number and forgets the oldest first. It is not safe for concurrent
// use.
type keyring struct {
	byKey map[idemKey]*remembered
	order []*remembered // oldest first; may hold entries that byKey no longer has
	limit int
}

func newKeyring(limit int) keyring {
	return keyring{byKey: make(map[idemKey]*remembered), limit: limit}
}

// find returns what k stands for, or nil.
func (kr *keyring) find(k idemKey) *remembered { return kr.byKey[k] }

// put remembers that k stands for the run.
func (kr *keyring) put(k idemKey, p print, id string, now time.Time) {
	if k.key == "" {
		return
	}
	m := &remembered{k, p, id, now}
	kr.byKey[k] = m
	kr.order = append(kr.order, m)
	for len(kr.order) > kr.limit {
		kr.dropOldest()
	}
}

// forget drops k if it stands for the run.
func (kr *keyring) forget(k idemKey, id string) {
	if m := kr.byKey[k]; m != nil && m.id == id {
		delete(kr.byKey, k)
	}
}

// prune forgets the keys from before t.
func (kr *keyring) prune(t time.Time) {
	for len(kr.order) > 0 && kr.order[0].at.Before(t) {
		kr.dropOldest()
	}
}

func (kr *keyring) dropOldest() {
	m := kr.order[0]
	kr.order[0] = nil
	kr.order = kr.order[1:]
	kr.forget(m.key, m.id)
}
