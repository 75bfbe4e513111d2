package sandbox_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"sandpiper/sandbox"
)

func TestNewID(t *testing.T) {
	seen := make(map[string]bool)
	for range 1000 {
		id := sandbox.NewID()
		if len(id) != 26 || strings.Trim(id, "abcdefghijklmnopqrstuvwxyz234567") != "" || seen[id] {
			t.Fatalf("id %q", id)
		}
		seen[id] = true
	}
}

func TestCancelledOutcome(t *testing.T) {
	messages := make(map[string]bool)
	for _, tt := range []struct {
		cause  error
		signal string
		exit   int
	}{
		{sandbox.ErrInterrupted, "SIGINT", 130},
		{fmt.Errorf("stop: %w", sandbox.ErrKilled), "SIGKILL", 137},
		{sandbox.ErrClientGone, "SIGHUP", 129},
		{sandbox.ErrShutdown, "SIGTERM", 143},
	} {
		o := sandbox.CancelledOutcome(tt.cause)
		if o.Status != sandbox.StatusCancelled || o.Signal != tt.signal || o.ExitCode != tt.exit || messages[o.Message] {
			t.Errorf("%v: got %+v", tt.cause, o)
		}
		messages[o.Message] = true
	}
	if o := sandbox.CancelledOutcome(context.Canceled); o.Signal != "SIGHUP" {
		t.Errorf("a context that was cancelled without a cause: %+v", o)
	}
	if o := sandbox.CancelledOutcome(errors.New("x")); o.Signal != "SIGKILL" {
		t.Errorf("an unknown cause: %+v", o)
	}
}

func TestError(t *testing.T) {
	cause := errors.New("disk full")
	e := &sandbox.Error{Kind: sandbox.KindUnavailable, Message: "try later", Err: cause}
	if got := e.Error(); got != "unavailable: try later: disk full" {
		t.Errorf("got %q", got)
	}
	if !errors.Is(e, cause) {
		t.Error("the cause is lost")
	}
	if got := sandbox.Errorf(sandbox.KindBusy, "%d wait", 3).Error(); got != "busy: 3 wait" {
		t.Errorf("got %q", got)
	}
	for _, tt := range []struct {
		err  error
		want sandbox.Kind
	}{
		{fmt.Errorf("run: %w", e), sandbox.KindUnavailable},
		{sandbox.FieldErrorf("a", "no"), sandbox.KindUnprocessed},
		{cause, sandbox.KindInternal},
		{nil, sandbox.KindInternal},
	} {
		if got := sandbox.KindOf(tt.err); got != tt.want {
			t.Errorf("%v: kind %s, want %s", tt.err, got, tt.want)
		}
	}
}

func TestSizeOfARecord(t *testing.T) {
	grows := map[string]func(r *sandbox.RunRecord){
		"stdout": func(r *sandbox.RunRecord) { r.Result.Stdout = strings.Repeat("x", 1000) },
		"stderr": func(r *sandbox.RunRecord) { r.Result.Stderr = strings.Repeat("x", 1000) },
		"file":   func(r *sandbox.RunRecord) { r.Result.Files = []sandbox.File{{Content: make([]byte, 1000)}} },
		"display": func(r *sandbox.RunRecord) {
			nested := map[string]any{"a": []any{strings.Repeat("x", 500), 1.5, nil, map[string]any{"b": strings.Repeat("x", 500)}}}
			r.Result.Outputs = []sandbox.Display{{Data: map[string]any{"application/json": nested}}}
		},
	}
	empty := sandbox.RunRecord{}.Size()
	for name, grow := range grows {
		var r sandbox.RunRecord
		grow(&r)
		if got := r.Size() - empty; got < 1000 || got > 1500 {
			t.Errorf("%s of 1000 bytes counts as %d", name, got)
		}
		if left := r.WithoutOutput(); left.Size() != empty {
			t.Errorf("%s is left in a list", name)
		}
	}
}
