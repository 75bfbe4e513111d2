//go:build linux

package process_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"sandpiper/sandbox/toolbox/toolboxtype"
)

const resumeProtocol = "sandpiper-pty.1"

// page is a client that can come back.
type page struct {
	*server
	path   string
	epoch  string
	offset int64
	conn   *websocket.Conn
	shown  strings.Builder
	lost   int64
}

func (s *server) page(name string) *page {
	return &page{server: s, path: "/process/pty/t/connect?client=" + name}
}

// connect connects where the page was.
func (p *page) connect() toolboxtype.PtyControl {
	p.Helper()
	p.conn = p.dial(fmt.Sprintf("%s&epoch=%s&offset=%d", p.path, p.epoch, p.offset), resumeProtocol)
	m := p.greeted(p.conn)
	if m.Status != "connected" || m.Offset == nil || p.conn.Subprotocol() != resumeProtocol {
		p.Fatalf("got %+v", m)
	}
	p.epoch, p.offset = m.Epoch, *m.Offset
	return m
}

func (p *page) say(text string) {
	p.Helper()
	if err := p.conn.Write(p.Context(), websocket.MessageText, []byte(text)); err != nil {
		p.Fatal(err)
	}
}

func (p *page) ack() { p.say(fmt.Sprintf(`{"type":"ack","offset":%d}`, p.offset)) }

// next takes one message and returns it if it is a text.
func (p *page) next(ctx context.Context) (m toolboxtype.PtyControl, err error) {
	kind, data, err := p.conn.Read(ctx)
	switch {
	case err != nil:
		return m, err
	case kind == websocket.MessageBinary:
		p.shown.Write(data)
		p.offset += int64(len(data))
		return m, nil
	}
	err = json.Unmarshal(data, &m)
	if m.Status == "lost" {
		p.lost += m.Lost
		p.offset = *m.Offset
	}
	return m, err
}

// sees reads, and confirms, until a text is shown.
func (p *page) sees(text string) {
	p.Helper()
	ctx, cancel := context.WithTimeout(p.Context(), time.Minute)
	defer cancel()
	for !strings.Contains(p.shown.String()[max(0, p.shown.Len()-64<<10):], text) {
		if _, err := p.next(ctx); err != nil {
			p.Fatalf("waiting for %q: %v, after %d bytes", text, err, p.offset)
		}
		p.ack()
	}
}

func (s *server) terminal(size string) {
	s.Helper()
	want[toolboxtype.PtyCreateResponse](s, http.StatusCreated, "PtyCreateResponse", "POST", "/process/pty", `{"id":"t"`+size+`}`)
}

// TestCutLines cuts a page off again and again in a flood: each line comes
// exactly once and in order.
func TestCutLines(t *testing.T) {
	s := newServer(t)
	s.terminal("")
	p := s.page("a")
	if m := p.connect(); !m.Fresh || m.Cols != 80 || m.Rows != 24 {
		t.Errorf("got %+v", m)
	}
	s.typed(p.conn, "stty -onlcr -echo; echo begin; seq 2000000; echo e''nd\n")
	p.sees("begin\n")
	for cut := range 12 {
		for range 5 + cut*3 {
			if _, err := p.next(t.Context()); err != nil {
				t.Fatal(err)
			}
			p.ack()
		}
		if cut%2 == 0 {
			_, _ = p.next(t.Context()) // got, and not confirmed
		}
		_ = p.conn.CloseNow()
		if m := p.connect(); m.Fresh || m.Lost != 0 {
			t.Fatalf("cut %d: got %+v", cut, m)
		}
	}
	p.sees("end\n")
	_, rest, _ := strings.Cut(p.shown.String(), "begin\n")
	lines := strings.Split(rest, "\n")
	for i := range 2000000 {
		if lines[i] != fmt.Sprint(i+1) {
			t.Fatalf("line %d is %q", i+1, lines[i])
		}
	}
	if p.lost != 0 {
		t.Errorf("%d bytes were lost", p.lost)
	}
}

// TestSilentClient has a client that confirms nothing: it is sent a window and
// no more, and the terminal is held up rather than read into memory.
func TestSilentClient(t *testing.T) {
	s := newServer(t)
	s.terminal("")
	p := s.page("a")
	p.connect()
	s.typed(p.conn, "head -c 100000000 /dev/zero | tr '\\0' x\n")
	for p.offset < 256<<10 { // the window
		if _, err := p.next(t.Context()); err != nil {
			t.Fatalf("%v, after %d bytes", err, p.offset)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	var err error
	for err == nil {
		_, err = p.next(ctx)
	}
	if p.offset > 320<<10 {
		t.Errorf("%d bytes came unconfirmed", p.offset)
	}
}

func TestTwoPages(t *testing.T) {
	s := newServer(t)
	s.terminal("")
	a, b := s.page("a"), s.page("b")
	a.connect()
	b.connect()
	s.typed(a.conn, "seq 50000; echo e''nd\n")
	done := make(chan struct{})
	go func() {
		defer close(done)
		b.sees("end\r\n")
	}()
	a.sees("end\r\n")
	<-done
	if a.lost+b.lost != 0 {
		t.Errorf("%d and %d bytes were lost", a.lost, b.lost)
	}
	late := s.page("c")
	if m := late.connect(); !m.Fresh {
		t.Errorf("got %+v", m)
	}
	late.sees("end\r\n")
	untilEnd := func(p *page) string { return p.shown.String()[:strings.LastIndex(p.shown.String(), "end\r\n")] }
	if untilEnd(late) != untilEnd(a) || untilEnd(b) != untilEnd(a) {
		t.Error("a page that came later sees something else")
	}
}

func TestResumeElsewhere(t *testing.T) {
	s := newServer(t)
	s.terminal("")
	p := s.page("a")
	p.connect()
	s.typed(p.conn, "echo o''ne\n")
	p.sees("one")
	want[map[string]any](s, http.StatusOK, "", "DELETE", "/process/pty/t", "")
	s.terminal("")
	before := p.epoch
	if m := p.connect(); !m.Fresh || *m.Offset != 0 || m.Epoch == before {
		t.Errorf("got %+v", m)
	}
}

func TestOverflowIsTold(t *testing.T) {
	s := newServer(t)
	s.terminal("")
	p := s.page("a")
	p.connect()
	s.typed(p.conn, "printf '\\033[?2004h'; seq 400000; echo e''nd\n")
	_ = p.conn.Close(websocket.StatusNormalClosure, "") // so that nobody waits for it
	watch := s.page("b")
	watch.connect()
	watch.sees("end")
	m := p.connect()
	if m.Fresh || m.Lost == 0 || !strings.Contains(m.Modes, "\x1b[?2004h") {
		t.Errorf("got %+v", m)
	}
	p.sees("end")
}

func TestTexts(t *testing.T) {
	s := newServer(t)
	s.terminal("")
	p := s.page("a")
	p.connect()
	p.say(`{"type":"resize","cols":44,"rows":33}`)
	s.typed(p.conn, "stty size\n")
	p.sees("33 44")
	p.say(`{"type":"ping"}`)
	for {
		m, err := p.next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if m.Status == "pong" {
			break
		}
	}
	for name, text := range map[string]string{
		"no JSON": "x", "unknown": `{"type":"exec"}`, "too large": `{"type":"resize","cols":1001,"rows":1}`,
		"future": `{"type":"ack","offset":99999999}`, "past": `{"type":"ack","offset":-1}`,
	} {
		t.Run(name, func(t *testing.T) {
			p := s.page("b")
			p.connect()
			p.say(text)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			var err error
			for err == nil {
				_, err = p.next(ctx)
			}
			if websocket.CloseStatus(err) != websocket.StatusPolicyViolation {
				t.Errorf("got %v", err)
			}
		})
	}
	s.typed(p.conn, "exit 6\n")
	_, texts, end := s.drain(p.conn)
	if len(texts) != 1 || !strings.Contains(texts[0], `"status":"exited","exitCode":6`) || end.Code != websocket.StatusNormalClosure {
		t.Errorf("got %q, %v", texts, end)
	}
}
