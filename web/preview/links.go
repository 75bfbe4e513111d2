package preview

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
	"sync"
	"time"

	"sandpiper/sandbox"
)

// The life of a signed address.
const (
	DefaultLife = time.Minute
	MaxLife     = 24 * time.Hour
)

// A token is a sandbox's UUID, the second at which it ends, and a MAC over both
// and the port, in the letters that host names have: with the port and a hyphen
// it fits into a label.
const (
	idSize      = 16
	endSize     = 5
	macSize     = 14
	tokenLength = (idSize + endSize + macSize) * 8 / 5
)

var letters = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// Sandboxes is what Links needs of the manager.
type Sandboxes interface {
	ByID(ctx context.Context, id string) (sandbox.Sandbox, error)
	// PreviewKey returns the key that signs addresses of a sandbox's previews.
	PreviewKey(s sandbox.Sandbox) string
}

// Links signs addresses of previews. They are good by their signature, so they
// survive restarts of the sandbox and of the server, until they expire, are
// ended, or the sandbox's keys are rotated. It is safe for concurrent use.
type Links struct {
	sandboxes Sandboxes
	store     sandbox.PreviewStore

	mu    sync.RWMutex
	ended map[[sha256.Size]byte]time.Time
}

// NewLinks returns Links that know what was ended before.
func NewLinks(ctx context.Context, sandboxes Sandboxes, store sandbox.PreviewStore) (*Links, error) {
	now := time.Now()
	if _, err := store.PruneLinks(ctx, now); err != nil {
		return nil, fmt.Errorf("forget addresses of previews that have expired: %w", err)
	}
	all, err := store.EndedLinks(ctx, now)
	if err != nil {
		return nil, fmt.Errorf("read which addresses of previews were ended: %w", err)
	}
	l := &Links{sandboxes: sandboxes, store: store, ended: map[[sha256.Size]byte]time.Time{}}
	for _, e := range all {
		l.ended[[sha256.Size]byte(e.Hash)] = e.Until
	}
	return l, nil
}

// Sign returns a token for a port of a sandbox that ends after a life, which is
// kept to the second. It fails where the sandbox's ID is no UUID.
func (l *Links) Sign(s sandbox.Sandbox, port int, life time.Duration) (string, error) {
	id, err := hex.DecodeString(strings.ReplaceAll(s.ID, "-", ""))
	if err != nil || len(id) != idSize {
		return "", fmt.Errorf("sign an address: the ID %q is no UUID", s.ID)
	}
	var end [8]byte
	binary.BigEndian.PutUint64(end[:], uint64(time.Now().Add(life).Unix()))
	body := append(id, end[8-endSize:]...)
	return letters.EncodeToString(append(body, l.mac(s, port, body)...)), nil
}

func (l *Links) mac(s sandbox.Sandbox, port int, body []byte) []byte {
	mac := hmac.New(sha256.New, []byte(l.sandboxes.PreviewKey(s)))
	fmt.Fprintf(mac, "v1:%d:", port)
	mac.Write(body)
	return mac.Sum(nil)[:macSize]
}

var errNoLink = sandbox.Errorf(sandbox.KindUnauthorized, "this address is not signed for this port, or was ended; ask for a new one")

// Open returns the sandbox that a token for a port lets into. What does not is a
// *sandbox.Error of KindUnauthorized; only of a token that was good once does it
// say that it has expired.
func (l *Links) Open(ctx context.Context, token string, port int) (sandbox.Sandbox, error) {
	raw, ok := decode(token)
	if !ok {
		return sandbox.Sandbox{}, errNoLink
	}
	id, body := raw[:idSize], raw[:idSize+endSize]
	s, err := l.sandboxes.ByID(ctx, fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:]))
	switch {
	case err != nil && sandbox.KindOf(err) == sandbox.KindNotFound:
		return s, errNoLink
	case err != nil:
		return s, err
	case !hmac.Equal(raw[len(body):], l.mac(s, port, body)):
		return sandbox.Sandbox{}, errNoLink
	case !time.Now().Before(endOf(body)):
		return sandbox.Sandbox{}, sandbox.Errorf(sandbox.KindUnauthorized, "this address has expired; ask for a new one")
	case l.hasEnded(raw):
		return sandbox.Sandbox{}, errNoLink
	}
	return s, nil
}

// endOf is when a token ends by itself.
func endOf(body []byte) time.Time {
	var end [8]byte
	copy(end[8-endSize:], body[idSize:])
	return time.Unix(int64(binary.BigEndian.Uint64(end[:])), 0)
}

// decode reads a token, in any case. The length is looked at first: the decoder
// leaves line ends out.
func decode(token string) (raw []byte, ok bool) {
	if len(token) != tokenLength {
		return nil, false
	}
	raw, err := letters.DecodeString(strings.ToLower(token))
	return raw, err == nil && len(raw) == idSize+endSize+macSize
}

func (l *Links) hasEnded(raw []byte) bool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	_, ended := l.ended[sha256.Sum256(raw)]
	return ended
}

// End makes a token invalid at once and for good. One that is not, or no longer,
// good for this port of this sandbox is a *sandbox.Error of KindNotFound.
func (l *Links) End(ctx context.Context, s sandbox.Sandbox, port int, token string) error {
	owner, err := l.Open(ctx, token, port)
	if err != nil && sandbox.KindOf(err) != sandbox.KindUnauthorized {
		return err
	}
	if err != nil || owner.ID != s.ID {
		return sandbox.Errorf(sandbox.KindNotFound, "no signed address of port %d of sandbox %s has this token; it may have expired, or was ended", port, s.Name)
	}
	raw, _ := decode(token) // Open has done so
	sum, until := sha256.Sum256(raw), endOf(raw[:idSize+endSize])
	if _, err := l.store.PruneLinks(ctx, time.Now()); err != nil {
		return err
	}
	if err := l.store.EndLink(ctx, sandbox.EndedLink{Hash: sum[:], Until: until}); err != nil {
		return err
	}
	l.remember(sum, until)
	return nil
}

// remember keeps a hash, and forgets those that have expired.
func (l *Links) remember(sum [sha256.Size]byte, until time.Time) {
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	for old, end := range l.ended {
		if !end.After(now) {
			delete(l.ended, old)
		}
	}
	l.ended[sum] = until
}
