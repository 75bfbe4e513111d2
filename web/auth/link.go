package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"sync"
	"time"
)

const (
	linkLife = 15 * time.Minute // of a one-time sign-in link
	maxLinks = 64               // that wait to be used; the oldest give way
)

// newSecret returns 32 random bytes as base64url.
func newSecret() string {
	b := make([]byte, 32)
	rand.Read(b) // never fails
	return base64.RawURLEncoding.EncodeToString(b)
}

func hash(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}

// link is a token that signs one browser in.
type link struct {
	hash    []byte
	expires time.Time
}

// links keeps the tokens that were handed out, oldest first. They live in
// memory only: a restart voids them.
type links struct {
	mu   sync.Mutex
	open []link
}

func newLinks() *links { return &links{} }

// mint returns a new token.
func (l *links) mint(now time.Time) (token string, expires time.Time) {
	token, expires = newSecret(), now.Add(linkLife)
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.open) == maxLinks {
		l.open = l.open[1:]
	}
	l.open = append(l.open, link{hash(token), expires})
	return token, expires
}

// redeem uses up a token and reports whether it was good. Every token is
// compared, in constant time.
func (l *links) redeem(token string, now time.Time) bool {
	want := hash(token)
	l.mu.Lock()
	defer l.mu.Unlock()
	good := false
	kept := l.open[:0]
	for _, have := range l.open {
		same := subtle.ConstantTimeCompare(have.hash, want) == 1
		alive := now.Before(have.expires)
		good = good || same && alive
		if !same && alive {
			kept = append(kept, have)
		}
	}
	l.open = kept
	return good
}
