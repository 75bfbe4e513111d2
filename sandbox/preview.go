package sandbox

import (
	"context"
	"time"
)

// EndedLink is a signed address of a preview that was ended before its time. The
// address itself is never stored.
type EndedLink struct {
	Hash  []byte    // SHA-256 of the address's token, decoded
	Until time.Time // when it would have ended by itself
}

// PreviewStore remembers which signed addresses of previews were ended.
type PreviewStore interface {
	EndLink(ctx context.Context, l EndedLink) error                     // one that has ended already is no error
	EndedLinks(ctx context.Context, now time.Time) ([]EndedLink, error) // those that would still let in, in no order
	PruneLinks(ctx context.Context, now time.Time) (int, error)         // forgets the others, and returns how many
}
