package sandbox

import (
	"context"
	"time"
)

// DesktopLink lets whoever has its address watch the desktop of a sandbox. The
// address is made of the ID and a signature, so it is not stored.
type DesktopLink struct {
	ID        string
	Sandbox   string
	Text      bool // what is copied on the desktop reaches those who watch
	CreatedAt time.Time
	ExpiresAt time.Time
}

// DesktopLinkStore keeps links to desktops. They go with their sandbox.
type DesktopLinkStore interface {
	// AddDesktopLink stores a link; KindNotFound where its sandbox is not there.
	AddDesktopLink(ctx context.Context, l DesktopLink) error
	// DesktopLink returns a link, also one that has expired; KindNotFound for none.
	DesktopLink(ctx context.Context, id string) (DesktopLink, error)
	// DesktopLinks returns the links of a sandbox, the oldest first.
	DesktopLinks(ctx context.Context, sandboxID string) ([]DesktopLink, error)
	// DeleteDesktopLink deletes a link; one that is not there is fine.
	DeleteDesktopLink(ctx context.Context, id string) error
	// PruneDesktopLinks deletes those that have expired, and returns how many.
	PruneDesktopLinks(ctx context.Context, now time.Time) (int, error)
}
