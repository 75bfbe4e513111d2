package manager

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
	"testing"

	"sandpiper/sandbox"
)

// TestReasonOf holds what people read of an engine's error: its cause where one is
// known, and nothing of the host where it is not.
func TestReasonOf(t *testing.T) {
	full := &fs.PathError{Op: "write", Path: "/srv/sandpiper/x", Err: syscall.ENOSPC}
	for name, tt := range map[string]struct {
		err  error
		want string
	}{
		"the engine's own words": {sandbox.Errorf(sandbox.KindBusy, "no room"), "no room"},
		"behind others":          {fmt.Errorf("archive: %w", sandbox.Errorf(sandbox.KindConflict, "it is stopped")), "it is stopped"},
		"a full disk":            {errors.Join(fmt.Errorf("archive: %w", full), full), "disk is full: delete"},
		"a time-out":             {fmt.Errorf("wait: %w", context.DeadlineExceeded), "longer than"},
		"our fault":              {sandbox.Errorf(sandbox.KindInternal, "secret /srv/path"), "the engine failed to archive it; the cause is in the server's log"},
		"unknown":                {errors.New("secret /srv/path"), "the engine failed to archive it; the cause is in the server's log"},
	} {
		got := reasonOf(opArchive, tt.err)
		if !strings.Contains(got, tt.want) || strings.Contains(got, "/srv") {
			t.Errorf("%s: %q", name, got)
		}
	}
}
