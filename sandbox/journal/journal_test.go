package journal

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"unicode/utf8"

	"sandpiper/sandbox"
)

func status(state sandbox.ProgressState, position int) sandbox.Event {
	return sandbox.Event{Type: sandbox.EventStatus, Status: &sandbox.Progress{State: state, Position: position}}
}

// readAll reads from a position to the exit event.
func readAll(t *testing.T, j *Journal, after int) []sandbox.Event {
	t.Helper()
	var all []sandbox.Event
	for {
		events, next, err := j.Read(t.Context(), after)
		if err == io.EOF {
			return all
		}
		if err != nil {
			t.Fatalf("read after %d: %v", after, err)
		}
		if next <= after {
			t.Fatalf("read after %d went on at %d", after, next)
		}
		all, after = append(all, events...), next
	}
}

func ended(j *Journal) *Journal {
	j.End(sandbox.Result{}, func(sandbox.Result) {})
	return j
}

// story writes events as one line: "out(text)", "err(text)" and the other types.
func story(events []sandbox.Event) string {
	var parts []string
	for _, e := range events {
		switch e.Type {
		case sandbox.EventStdout:
			parts = append(parts, "out("+e.Text+")")
		case sandbox.EventStderr:
			parts = append(parts, "err("+e.Text+")")
		case sandbox.EventStatus:
			parts = append(parts, string(e.Status.State))
		default:
			parts = append(parts, string(e.Type))
		}
	}
	return strings.Join(parts, " ")
}

func TestJournalStory(t *testing.T) {
	tests := []struct {
		name  string
		write func(j *Journal)
		want  string
	}{
		{"nothing", func(j *Journal) {}, "exit"},
		{"one stream is merged", func(j *Journal) {
			j.Output(sandbox.Stdout, []byte("a"))
			j.Output(sandbox.Stdout, []byte("b"))
		}, "out(ab) exit"},
		{"streams keep their order", func(j *Journal) {
			j.Output(sandbox.Stdout, []byte("a"))
			j.Output(sandbox.Stderr, []byte("b"))
			j.Output(sandbox.Stdout, []byte("c"))
		}, "out(a) err(b) out(c) exit"},
		{"a display lies between", func(j *Journal) {
			j.Output(sandbox.Stdout, []byte("a"))
			j.Add(sandbox.Event{Type: sandbox.EventDisplay, Display: &sandbox.Display{}})
			j.Output(sandbox.Stdout, []byte("b"))
		}, "out(a) display out(b) exit"},
		{"only the last of several statuses", func(j *Journal) {
			j.Add(status(sandbox.ProgressQueued, 2))
			j.Add(status(sandbox.ProgressQueued, 1))
			j.Add(status(sandbox.ProgressRunning, 0))
			j.Output(sandbox.Stdout, []byte("a"))
		}, "running out(a) exit"},
		{"a cut character comes whole", func(j *Journal) {
			j.Output(sandbox.Stdout, []byte("\xc3"))
			j.Output(sandbox.Stderr, []byte("x"))
			j.Output(sandbox.Stdout, []byte("\xa9"))
		}, "err(x) out(é) exit"},
		{"a character cut by the end", func(j *Journal) { j.Output(sandbox.Stdout, []byte("a\xc3")) }, "out(a\uFFFD) exit"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var j Journal
			tt.write(&j)
			if got := story(readAll(t, ended(&j), 0)); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestJournalAnyPosition(t *testing.T) {
	var j Journal
	j.Add(status(sandbox.ProgressRunning, 0))
	j.Output(sandbox.Stdout, []byte("aé€🐦"))
	j.Output(sandbox.Stderr, []byte("x"))
	ended(&j)
	for after := -1; after <= j.size+5; after++ {
		for _, e := range readAll(t, &j, after) {
			if !utf8.ValidString(e.Text) {
				t.Errorf("after %d: %q is not UTF-8", after, e.Text)
			}
		}
	}
	if got := story(readAll(t, &j, 1+len("aé"))); got != "out(€🐦) err(x) exit" {
		t.Errorf("from the middle of the text: %s", got)
	}
}

// TestJournalDisplayActs checks which displays a result has; readers get every event.
func TestJournalDisplayActs(t *testing.T) {
	add := func(id, text string) sandbox.Display {
		return sandbox.Display{ID: id, Data: map[string]any{"text/plain": text}}
	}
	update := func(id, text string) sandbox.Display {
		d := add(id, text)
		d.Act = sandbox.DisplayUpdate
		return d
	}
	now, next := sandbox.Display{Act: sandbox.DisplayClear}, sandbox.Display{Act: sandbox.DisplayClearNext}
	for name, tt := range map[string]struct {
		displays []sandbox.Display
		want     string
	}{
		"added":                {[]sandbox.Display{add("", "a"), add("", "b")}, "a b"},
		"updated":              {[]sandbox.Display{add("x", "a"), add("", "b"), add("x", "c"), update("x", "d")}, "d b d"},
		"updated, not there":   {[]sandbox.Display{add("", "a"), update("x", "b")}, "a"},
		"cleared":              {[]sandbox.Display{add("", "a"), now, add("", "b")}, "b"},
		"cleared at the end":   {[]sandbox.Display{add("", "a"), now}, ""},
		"cleared by the next":  {[]sandbox.Display{add("", "a"), next, add("", "b")}, "b"},
		"never cleared":        {[]sandbox.Display{add("", "a"), next}, "a"},
		"cleared by an update": {[]sandbox.Display{add("x", "a"), next, update("x", "b")}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var j Journal
			for _, d := range tt.displays {
				j.Display(d)
			}
			r, _ := j.End(sandbox.Result{}, func(sandbox.Result) {})
			var got []string
			for _, d := range r.Outputs {
				got = append(got, d.Data["text/plain"].(string))
			}
			if strings.Join(got, " ") != tt.want {
				t.Errorf("the displays are %q, want %q", got, tt.want)
			}
			if events, _, err := j.Read(t.Context(), 0); err != nil || len(events) != len(tt.displays)+1 {
				t.Errorf("%d events, %v", len(events), err)
			}
		})
	}
}

func TestJournalEndsOnce(t *testing.T) {
	var j Journal
	j.Output(sandbox.Stdout, []byte("a"))
	seal := func(sandbox.Result) {}
	r, ok := j.End(sandbox.Result{ID: "x"}, seal)
	if !ok || r.Stdout != "a" || r.ID != "x" {
		t.Fatalf("first end: %+v, %t", r, ok)
	}
	if _, ok := j.End(sandbox.Result{}, seal); ok {
		t.Error("a second end is taken for the first")
	}
	j.Output(sandbox.Stdout, []byte("late"))
	j.Add(status(sandbox.ProgressRunning, 0))
	if got := story(readAll(t, &j, 0)); got != "out(a) exit" {
		t.Errorf("after late writes: %s", got)
	}
}

func TestJournalCutsWhatIsLong(t *testing.T) {
	var j Journal
	text := strings.Repeat("€", 200_000)
	j.Output(sandbox.Stdout, []byte(text))
	ended(&j)
	var got strings.Builder
	for after, reads := 0, 0; ; reads++ {
		events, next, err := j.Read(t.Context(), after)
		if err == io.EOF {
			break
		}
		size := 0
		for _, e := range events {
			if len(e.Text) > maxReadTextEvent || !utf8.ValidString(e.Text) {
				t.Fatalf("an event of %d bytes", len(e.Text))
			}
			size += len(e.Text)
			got.WriteString(e.Text)
		}
		if size > maxReadText+maxReadTextEvent {
			t.Fatalf("a read of %d bytes", size)
		}
		after = next
	}
	if got.String() != text {
		t.Error("the pieces are not the whole")
	}
}

func TestJournalBoundsItself(t *testing.T) {
	var j Journal
	chunk := []byte(strings.Repeat("x", 1<<20))
	j.text[kindStderr].WriteString(strings.Repeat("x", maxJournalText-len(chunk))) // quicker than output
	for range 3 {
		j.Output(sandbox.Stderr, chunk)
	}
	r, _ := j.End(sandbox.Result{}, func(sandbox.Result) {})
	if len(r.Stderr) != maxJournalText || !r.Truncated.Stderr || r.Truncated.Stdout {
		t.Errorf("kept %d bytes, truncated %+v", len(r.Stderr), r.Truncated)
	}
}

func TestJournalReadWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var j Journal
		heard := make(chan string, 3)
		for range 3 {
			go func() { heard <- story(readAll(t, &j, 0)) }()
		}
		synctest.Wait()
		j.Output(sandbox.Stdout, []byte("a"))
		synctest.Wait()
		j.Output(sandbox.Stdout, []byte("b"))
		ended(&j)
		for range 3 {
			// A reader that waited for "a" hears of "b" apart.
			if got := <-heard; got != "out(a) out(b) exit" {
				t.Errorf("a reader heard %s", got)
			}
		}
	})
}

func TestJournalReadEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var j Journal
		ctx, cancel := context.WithCancelCause(t.Context())
		go func() {
			synctest.Wait()
			cancel(sandbox.ErrClientGone)
		}()
		if _, _, err := j.Read(ctx, 0); !errors.Is(err, sandbox.ErrClientGone) {
			t.Errorf("got %v", err)
		}
	})
}
