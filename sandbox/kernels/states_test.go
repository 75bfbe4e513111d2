package kernels

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"sandpiper/sandbox"
)

// saveText is what saves a text as a state.
func saveText(text string) func(context.Context, io.Writer) error {
	return func(_ context.Context, w io.Writer) error {
		_, err := io.WriteString(w, text)
		return err
	}
}

func stateOf(t *testing.T, s states, id string) string {
	t.Helper()
	f, err := s.open(id)
	if err != nil {
		t.Fatal(err)
	}
	if f == nil {
		return ""
	}
	defer f.Close()
	b, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestStatesLast checks that a state is on the disk before it takes the place of the
// older one, and its name before anybody is told.
func TestStatesLast(t *testing.T) {
	var synced []string
	s := states{dir: t.TempDir(), max: 1 << 20}
	s.sync = func(f *os.File) error {
		synced = append(synced, strings.SplitN(filepath.Base(f.Name()), "-", 2)[0]+" while it is "+stateOf(t, s, "a"))
		return f.Sync()
	}
	for _, text := range []string{"old", "new"} {
		synced = nil
		if _, err := s.write(t.Context(), "a", saveText(text)); err != nil {
			t.Fatal(err)
		}
	}
	want := "new while it is old, " + filepath.Base(s.dir) + " while it is new"
	if got := strings.Join(synced, ", "); got != want {
		t.Errorf("synced were %s, want %s", got, want)
	}
}

func TestStatesThatCannotBeSaved(t *testing.T) {
	for name, tt := range map[string]struct {
		err  error
		kind sandbox.Kind
	}{
		"full disk":  {syscall.ENOSPC, sandbox.KindUnavailable},
		"quota":      {syscall.EDQUOT, sandbox.KindUnavailable},
		"other ills": {errors.New("input/output error"), sandbox.KindInternal},
	} {
		t.Run(name, func(t *testing.T) {
			s := states{dir: t.TempDir(), max: 1 << 20, sync: (*os.File).Sync}
			if _, err := s.write(t.Context(), "a", saveText("old")); err != nil {
				t.Fatal(err)
			}
			s.sync = func(*os.File) error { return tt.err }
			if _, err := s.write(t.Context(), "a", saveText("new")); !errors.Is(err, tt.err) || sandbox.KindOf(err) != tt.kind {
				t.Errorf("got %v", err)
			}
			if got := stateOf(t, s, "a"); got != "old" {
				t.Errorf("the state is %q", got)
			}
			if entries, err := os.ReadDir(s.dir); err != nil || len(entries) != 1 {
				t.Errorf("left are %v, %v", entries, err)
			}
		})
	}
}
