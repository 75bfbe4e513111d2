package journal

import (
	"context"
	"io"
	"sort"
	"strings"
	"sync"
	"unicode/utf8"

	"sandpiper/sandbox"
)

const (
	// maxJournalText is the last bound on a run's text, for an engine that does
	// not hold its own. It is above every ceiling an engine allows, even when
	// each byte became U+FFFD.
	maxJournalText = 64 << 20

	// What one read returns at most, so that a reader that comes late sends
	// messages of a size that every client takes.
	maxReadEvents    = 256
	maxReadText      = 256 << 10
	maxReadTextEvent = 64 << 10
)

// A Journal is everything that a run has said, in order, for any number of
// readers that each go at their own pace. Writers never wait for readers.
//
// A position counts the bytes of text and the other events before it; it stays
// valid when later writes of the same stream are merged into one event. The zero
// value is ready, and its methods are safe for concurrent use.
type Journal struct {
	mu     sync.Mutex
	text   [2]strings.Builder // stdout, stderr
	join   [2]Joiner
	marks  []mark
	events []sandbox.Event // those that are not text
	shown  int64           // bytes of the displays among events
	size   int             // the position of the end
	over   [2]bool         // streams that lost text to maxJournalText
	ended  bool
	wake   chan struct{} // closed at the next change; nil while nobody waits
}

// A mark is the place where one kind of content takes over from another. Text
// runs until the next mark; any other event has a mark of its own.
type mark struct {
	pos  uint32 // position in the journal
	at   uint32 // text: offset in its stream; otherwise: index in events
	kind kind
}

type kind uint8

const (
	kindStdout kind = iota
	kindStderr
	kindEvent
)

// Output adds bytes of a stream.
func (j *Journal) Output(s sandbox.Stream, p []byte) {
	k := kindStdout
	if s == sandbox.Stderr {
		k = kindStderr
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.ended {
		return
	}
	if j.text[0].Len()+j.text[1].Len()+len(p) > maxJournalText {
		j.over[k] = true
		return
	}
	j.addText(k, func(b *strings.Builder) { j.join[k].Write(b, p) })
	j.signal()
}

// addText lets write add to a stream and marks what it added.
// Preconditions: j.mu must be held.
func (j *Journal) addText(k kind, write func(*strings.Builder)) {
	b := &j.text[k]
	before := b.Len()
	write(b)
	added := b.Len() - before
	if added == 0 {
		return
	}
	if n := len(j.marks); n == 0 || j.marks[n-1].kind != k {
		j.marks = append(j.marks, mark{uint32(j.size), uint32(before), k})
	}
	j.size += added
}

// Add adds an event that is not text. It does nothing after the end.
func (j *Journal) Add(e sandbox.Event) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if !j.ended {
		j.addEvent(e)
	}
}

// Display adds a display.
func (j *Journal) Display(d sandbox.Display) {
	size := d.Size() // walks all of it, so not under the lock
	j.mu.Lock()
	defer j.mu.Unlock()
	if !j.ended {
		j.shown += size
		j.addEvent(sandbox.Event{Type: sandbox.EventDisplay, Display: &d})
	}
}

// Displayed returns how many bytes the displays take.
func (j *Journal) Displayed() int64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.shown
}

// addEvent adds an event that is not text. Preconditions: j.mu must be held.
func (j *Journal) addEvent(e sandbox.Event) {
	j.marks = append(j.marks, mark{uint32(j.size), uint32(len(j.events)), kindEvent})
	j.events = append(j.events, e)
	j.size++
	j.signal()
}

// End adds the exit event with everything that was said filled into r, and
// closes the journal; seal gets the whole result before any reader does. It
// returns false when the journal had ended before.
func (j *Journal) End(r sandbox.Result, seal func(sandbox.Result)) (sandbox.Result, bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.ended {
		return sandbox.Result{}, false
	}
	for k := range j.text {
		j.addText(kind(k), j.join[k].Flush)
	}
	j.fill(&r)
	seal(r)
	j.addEvent(sandbox.Event{Type: sandbox.EventExit, Result: &r})
	j.ended = true
	return r, true
}

// SoFar returns r with everything that was said until now.
func (j *Journal) SoFar(r sandbox.Result) sandbox.Result {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.fill(&r)
	return r
}

// fill copies the content to r: all of the text, and of the displays those that are
// still to be seen. Preconditions: j.mu must be held.
func (j *Journal) fill(r *sandbox.Result) {
	r.Stdout, r.Stderr = j.text[kindStdout].String(), j.text[kindStderr].String()
	r.Truncated.Stdout = r.Truncated.Stdout || j.over[kindStdout]
	r.Truncated.Stderr = r.Truncated.Stderr || j.over[kindStderr]
	for _, e := range j.events {
		if e.Type == sandbox.EventDisplay {
			r.Outputs = sandbox.ApplyDisplay(r.Outputs, *e.Display)
		}
	}
	if n := len(r.Outputs); n > 0 && r.Outputs[n-1].Act == sandbox.DisplayClearNext {
		r.Outputs = r.Outputs[:n-1] // nothing came after it
	}
}

// Read returns the events from position after on and the position behind them.
// It waits until there is one; io.EOF says that the exit event lies before
// after. When ctx is done first it returns ctx's cause.
func (j *Journal) Read(ctx context.Context, after int) ([]sandbox.Event, int, error) {
	for {
		events, next, wait := j.poll(max(after, 0))
		if wait == nil && len(events) == 0 {
			return nil, next, io.EOF
		}
		if len(events) > 0 {
			return events, next, nil
		}
		select {
		case <-wait:
		case <-ctx.Done():
			return nil, next, context.Cause(ctx)
		}
	}
}

// poll returns what there is from position after on; where there is nothing it
// returns a channel that is closed at the next change, or nil after the end.
func (j *Journal) poll(after int) (events []sandbox.Event, next int, wait <-chan struct{}) {
	j.mu.Lock()
	defer j.mu.Unlock()
	after = min(after, j.size)
	if after < j.size {
		events, next = j.collect(after)
		return events, next, nil
	}
	if j.ended {
		return nil, after, nil
	}
	if j.wake == nil {
		j.wake = make(chan struct{})
	}
	return nil, after, j.wake
}

// A batch is what one read gathers.
type batch struct {
	events []sandbox.Event
	text   int // bytes of text in events
	pos    int // the position behind events
}

func (b *batch) full() bool { return len(b.events) >= maxReadEvents || b.text >= maxReadText }

// collect gathers a batch that starts at pos, which lies before the end.
// Preconditions: j.mu must be held.
func (j *Journal) collect(pos int) (events []sandbox.Event, next int) {
	i := sort.Search(len(j.marks), func(i int) bool { return int(j.marks[i].pos) > pos }) - 1
	b := batch{pos: pos}
	for ; i < len(j.marks) && !b.full(); i++ {
		if j.marks[i].kind == kindEvent {
			b.pos++
			if !j.outdated(i) {
				b.events = append(b.events, j.events[j.marks[i].at])
			}
			continue
		}
		j.collectText(&b, j.marks[i], j.endOf(i))
	}
	return b.events, b.pos
}

// collectText adds the text of m, which ends at position end.
// Preconditions: j.mu must be held.
func (j *Journal) collectText(b *batch, m mark, end int) {
	text := j.text[m.kind].String()[m.at : int(m.at)+end-int(m.pos)]
	for from := wholeRune(text, b.pos-int(m.pos)); from < len(text) && !b.full(); {
		to := wholeRune(text, min(len(text), from+maxReadTextEvent))
		b.events = append(b.events, textEvent(m.kind, text[from:to]))
		b.text += to - from
		b.pos = int(m.pos) + to
		from = to
	}
}

// wholeRune returns i or, where that is inside a character, the place before it.
func wholeRune(s string, i int) int {
	for i > 0 && i < len(s) && !utf8.RuneStart(s[i]) {
		i--
	}
	return i
}

// outdated reports whether mark i is a status that the next event replaces, so
// that a reader who comes late does not hear of every place in the queue.
func (j *Journal) outdated(i int) bool {
	return i+1 < len(j.marks) && j.isStatus(i) && j.isStatus(i+1)
}

func (j *Journal) isStatus(i int) bool {
	m := j.marks[i]
	return m.kind == kindEvent && j.events[m.at].Type == sandbox.EventStatus
}

// endOf returns the position behind what mark i began.
func (j *Journal) endOf(i int) int {
	if i+1 < len(j.marks) {
		return int(j.marks[i+1].pos)
	}
	return j.size
}

func textEvent(k kind, s string) sandbox.Event {
	t := sandbox.EventStdout
	if k == kindStderr {
		t = sandbox.EventStderr
	}
	return sandbox.Event{Type: t, Text: s}
}

// signal wakes every reader. Preconditions: j.mu must be held.
func (j *Journal) signal() {
	if j.wake != nil {
		close(j.wake)
		j.wake = nil
	}
}
