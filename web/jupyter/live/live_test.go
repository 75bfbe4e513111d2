package live

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sandpiper/sandbox"
	"sandpiper/web/jupyter/message"
)

// fake is an interpreter whose cells a function executes.
type fake struct {
	run func(ctx context.Context, c Cell, out sandbox.Sink) (Answer, error)

	mu         sync.Mutex
	count      int
	interrupts chan struct{}
	restarts   int
	deleted    bool
}

func (f *fake) Info(context.Context) (Info, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return Info{Language: sandbox.Language{ID: "python", Name: "Python", Version: "3.12", Extension: ".py"}, ExecutionCount: f.count}, nil
}

func (f *fake) Execute(ctx context.Context, c Cell, out sandbox.Sink) (Answer, error) {
	if !c.Uncounted {
		f.mu.Lock()
		f.count++
		f.mu.Unlock()
	}
	return f.run(ctx, c, out)
}

func (f *fake) Interrupt(context.Context) error { f.interrupts <- struct{}{}; return nil }

func (f *fake) Restart(context.Context) error {
	f.restarts++
	f.interrupts <- struct{}{}
	return nil
}

func (f *fake) Delete(context.Context) error { f.deleted = true; return nil }

// say is a language for tests. Each line is a word and the rest.
func (f *fake) say(ctx context.Context, c Cell, out sandbox.Sink) (Answer, error) {
	ok := Answer{CellOutcome: sandbox.CellOutcome{Outcome: sandbox.Outcome{Status: sandbox.StatusOK}}}
	for line := range strings.Lines(c.Code) {
		word, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		switch word {
		case "print":
			out.Output(sandbox.Stdout, []byte(rest))
		case "bytes":
			b, err := hex.DecodeString(rest)
			if err != nil {
				return ok, err
			}
			out.Output(sandbox.Stdout, b)
		case "warn":
			out.Output(sandbox.Stderr, []byte(rest))
		case "show":
			out.Display(sandbox.Display{Data: map[string]any{"text/html": rest}})
		case "named", "update":
			d := sandbox.Display{Data: map[string]any{"text/html": rest}, ID: "bar"}
			if word == "update" {
				d.Act = sandbox.DisplayUpdate
			}
			out.Display(d)
		case "clear":
			out.Display(sandbox.Display{Act: sandbox.DisplayAct(rest)})
		case "value":
			ok.Result = &sandbox.Display{Data: map[string]any{"text/plain": rest}}
		case "raise":
			ok.Status, ok.Error = sandbox.StatusError, &sandbox.CellError{Name: rest, Value: "why", Traceback: []string{"line 1"}}
			return ok, nil
		case "ask":
			if c.Stdin == nil {
				ok.Status, ok.Error = sandbox.StatusError, &sandbox.CellError{Name: "EOFError"}
				return ok, nil
			}
			b := make([]byte, 100)
			n, err := c.Stdin.Read(ctx, b)
			fmt.Fprintf(writer{out}, "%q %v", b[:n], err)
		case "loop":
			<-f.interrupts
			ok.Status, ok.Error = sandbox.StatusCancelled, &sandbox.CellError{Name: "KeyboardInterrupt"}
			return ok, nil
		case "status":
			ok.Status, ok.Message = sandbox.Status(rest), "because"
		case "back":
			ok.RolledBack, ok.Notice = true, "came back"
		case "die":
			return Answer{}, sandbox.ErrKernelGone
		case "broken":
			return Answer{}, fmt.Errorf("secret")
		}
	}
	return ok, nil
}

type writer struct{ out sandbox.Sink }

func (w writer) Write(p []byte) (int, error) { w.out.Output(sandbox.Stdout, p); return len(p), nil }

func newKernel(t *testing.T) (*Kernel, *fake) {
	f := &fake{interrupts: make(chan struct{}, 10)}
	f.run = f.say
	return New(t.Context(), f, "1", slog.New(slog.DiscardHandler)), f
}

// ask makes a message of a client.
func ask(id, kind string, content any) message.Message {
	m, err := message.Author{Session: "client", Username: "u"}.Write(message.Shell, kind, nil, content)
	if err != nil {
		panic(err)
	}
	m.Head.ID = id
	m.Header, err = json.Marshal(m.Head)
	if err != nil {
		panic(err)
	}
	return m
}

func cell(id, code string) message.Message {
	return ask(id, "execute_request", map[string]any{"code": code})
}

func join(t *testing.T, k *Kernel, session string) Connection {
	t.Helper()
	c, err := k.Join(t.Context(), session)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// said returns what a client has been told so far, one line for each message:
// the parent's id, the type, and what matters of the content.
func said(t *testing.T, c Connection) []string {
	t.Helper()
	synctest.Wait()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	batch, err := c.Next(ctx)
	if err != nil {
		t.Fatal(err)
	}
	lines := []string{}
	for _, o := range batch {
		if o.Barrier {
			lines = append(lines, "barrier")
			continue
		}
		lines = append(lines, line(t, o.Message))
	}
	return lines
}

func line(t *testing.T, m message.Message) string {
	t.Helper()
	var parent message.Header
	if len(m.Parent) > 0 {
		if err := json.Unmarshal(m.Parent, &parent); err != nil {
			t.Fatal(err)
		}
	}
	var c map[string]any
	if err := json.Unmarshal(m.Content, &c); err != nil {
		t.Fatal(err)
	}
	words := []string{parent.ID, m.Head.Type}
	for _, name := range []string{"execution_state", "status", "name", "text", "ename", "evalue", "execution_count", "restart", "wait"} {
		if v, ok := c[name]; ok && v != "" {
			words = append(words, strings.TrimSpace(fmt.Sprint(v)))
		}
	}
	if data, ok := c["data"].(map[string]any); ok {
		for _, name := range []string{"text/plain", "text/html"} {
			if v, ok := data[name]; ok {
				words = append(words, fmt.Sprint(v))
			}
		}
	}
	if transient, ok := c["transient"].(map[string]any); ok && len(transient) > 0 {
		words = append(words, fmt.Sprint(transient["display_id"]))
	}
	return strings.Join(words, " ")
}

func same(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

func TestCells(t *testing.T) {
	for _, tt := range []struct {
		name    string
		content map[string]any
		want    []string
	}{
		{"streams, rich output and a result", map[string]any{"code": "print a\nwarn b\nshow <p>\nvalue 1"}, []string{
			"1 status busy", "1 execute_input 1", "1 stream stdout a", "1 stream stderr b", "1 display_data <p>", "1 execute_result 1 1", "1 execute_reply ok 1", "1 status idle"}},
		{"what takes the place of what was shown", map[string]any{"code": "named 0\nupdate 50\nclear clear_next\nclear clear"}, []string{
			"1 status busy", "1 execute_input 1", "1 display_data 0 bar", "1 update_display_data 50 bar", "1 clear_output true", "1 clear_output false", "1 execute_reply ok 1", "1 status idle"}},
		{"pieces of a stream are joined, and a character that was cut", map[string]any{"code": "print a\nbytes c3\nbytes a9\nbytes ff"}, nil},
		{"an exception", map[string]any{"code": "raise ValueError"}, []string{
			"1 status busy", "1 execute_input 1", "barrier", "1 error ValueError why", "1 execute_reply error ValueError why 1", "1 status idle"}},
		{"an exception that stops nothing", map[string]any{"code": "raise E", "stop_on_error": false}, []string{
			"1 status busy", "1 execute_input 1", "1 error E why", "1 execute_reply error E why 1", "1 status idle"}},
		{"silent", map[string]any{"code": "print a\nvalue 1", "silent": true}, []string{
			"1 status busy", "1 stream stdout a", "1 execute_reply ok 0", "1 status idle"}},
		{"not stored", map[string]any{"code": "value 1", "store_history": false}, []string{
			"1 status busy", "1 execute_input 0", "1 execute_result 0 1", "1 execute_reply ok 0", "1 status idle"}},
		{"no input wanted", map[string]any{"code": "ask", "allow_stdin": false}, []string{
			"1 status busy", "1 execute_input 1", "barrier", "1 error EOFError", "1 execute_reply error EOFError 1", "1 status idle"}},
		{"a limit", map[string]any{"code": "status timeout"}, []string{
			"1 status busy", "1 execute_input 1", "barrier", "1 error TimeLimit because", "1 execute_reply error TimeLimit because 1", "1 status idle"}},
		{"exit", map[string]any{"code": "status error"}, []string{
			"1 status busy", "1 execute_input 1", "1 execute_reply ok 1", "1 status idle"}},
		{"notices", map[string]any{"code": "back"}, []string{
			"1 status busy", "1 execute_input 1", "1 stream stderr [came back]\n[The kernel has the state that it had before this cell.]", "1 execute_reply ok 1", "1 status idle"}},
		{"a dead interpreter", map[string]any{"code": "die"}, []string{
			"1 status busy", "1 execute_input 1", "barrier", "1 error DeadKernel " + sandbox.ErrKernelGone.Message, "1 execute_reply error DeadKernel " + sandbox.ErrKernelGone.Message + " 1", "1 status restarting", "1 status idle"}},
		{"our fault", map[string]any{"code": "broken", "stop_on_error": false}, nil},
		{"no request", map[string]any{"code": 1}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k, _ := newKernel(t)
				c := join(t, k, "")
				k.Handle(c, ask("1", "execute_request", tt.content))
				got := said(t, c)
				switch tt.name {
				case "pieces of a stream are joined, and a character that was cut":
					same(t, got[2:3], "1 stream stdout aé\uFFFD")
				case "our fault":
					if all := strings.Join(got, "\n"); strings.Contains(all, "secret") || !strings.Contains(all, "1 error InternalError") {
						t.Errorf("got %q", got)
					}
				case "no request":
					if len(got) != 3 || !strings.HasPrefix(got[1], "1 execute_reply error SessionError") {
						t.Errorf("got %q", got)
					}
				default:
					same(t, got, tt.want...)
				}
			})
		})
	}
}

func TestUserExpressions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, _ := newKernel(t)
		c := join(t, k, "")
		k.Handle(c, ask("1", "execute_request", map[string]any{"code": "", "user_expressions": map[string]string{"e": "1+1"}}))
		synctest.Wait()
		batch, err := c.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range batch {
			if o.Message.Head.Type == "execute_reply" && !bytes.Contains(o.Message.Content, []byte(`"e":{"status":"error","ename":"NotSupported"`)) {
				t.Errorf("the reply is %s", o.Message.Content)
			}
		}
	})
}

// A cell that fails stops those that wait, and those on the way, but not what
// its client sends once it can know.
func TestStopOnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, f := newKernel(t)
		c, other := join(t, k, ""), join(t, k, "")
		k.Handle(c, cell("1", "loop"))
		k.Handle(c, cell("2", "print no"))
		k.Handle(c, ask("3", "complete_request", map[string]any{"code": "", "cursor_pos": 0}))
		k.Handle(other, cell("4", "print no"))
		synctest.Wait()
		f.interrupts <- struct{}{}
		synctest.Wait()
		k.Handle(c, cell("5", "print no"))      // sent before the client saw the error
		k.Handle(other, cell("6", "print yes")) // of somebody else
		same(t, ofType(said(t, c), "_reply", "barrier", "stream"),
			"2 execute_reply aborted", "barrier", "1 execute_reply error KeyboardInterrupt 1", "3 complete_reply ok", "5 execute_reply aborted", "6 stream stdout yes")
		c.Passed()
		k.Handle(c, cell("7", "print again"))
		same(t, ofType(said(t, c), "_reply", "stream"), "7 stream stdout again", "7 execute_reply ok 3")
		same(t, ofType(said(t, other), "_reply"), "4 execute_reply aborted", "6 execute_reply ok 2")
	})
}

// ofType returns the lines that have one of some words.
func ofType(lines []string, words ...string) []string {
	found := []string{}
	for _, l := range lines {
		for _, w := range words {
			if strings.Contains(l, w) {
				found = append(found, l)
				break
			}
		}
	}
	return found
}

func TestAnswersWhileBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, f := newKernel(t)
		c := join(t, k, "")
		k.Handle(c, cell("1", "loop"))
		said(t, c)
		k.Handle(c, ask("2", "kernel_info_request", struct{}{}))
		same(t, said(t, c), "2 status busy", "2 kernel_info_reply ok", "2 status idle", "1 status busy")
		k.Handle(c, ask("3", "interrupt_request", struct{}{}))
		replies := ofType(said(t, c), "_reply")
		slices.Sort(replies) // the cell may end before the interrupt is answered
		same(t, replies, "1 execute_reply error KeyboardInterrupt 1", "3 interrupt_reply ok")
		if s := k.Status(); s.State != "idle" || s.Connections != 1 {
			t.Errorf("the status is %+v", s)
		}
		if len(f.interrupts) != 0 {
			t.Error("an interrupt is left")
		}
	})
}

func TestOtherRequests(t *testing.T) {
	for _, tt := range []struct {
		kind    string
		content any
		want    []string
	}{
		{"comm_info_request", struct{}{}, []string{"1 status busy", "1 comm_info_reply ok", "1 status idle"}},
		{"debug_request", struct{}{}, []string{"1 status busy", "1 debug_reply error NotSupported this kernel does not know the message debug_request", "1 status idle"}},
		{"comm_open", map[string]string{"comm_id": "c"}, []string{"1 status busy", "1 comm_close", "1 status idle"}},
		{"comm_msg", struct{}{}, []string{}},
		{"input_reply", map[string]string{"value": "x"}, []string{}},
		{"inspect_request", map[string]any{"code": "x", "cursor_pos": 1}, []string{"1 status busy", "1 inspect_reply ok", "1 status idle"}},
		{"is_complete_request", map[string]any{"code": "x"}, []string{"1 status busy", "1 is_complete_reply unknown", "1 status idle"}},
		{"shutdown_request", map[string]any{"restart": false}, []string{" shutdown_reply ok false", " status dead", "1 status busy", "1 shutdown_reply ok false", "1 status idle"}},
		{"shutdown_request", map[string]any{"restart": true}, []string{" shutdown_reply ok true", " status starting", " status idle", "1 status busy", "1 shutdown_reply ok true", "1 status idle"}},
	} {
		t.Run(tt.kind, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k, _ := newKernel(t)
				c := join(t, k, "")
				k.Handle(c, ask("1", tt.kind, tt.content))
				same(t, said(t, c), tt.want...)
			})
		})
	}
}

// What the interpreter prints for a helper is checked like a stranger's word.
func TestAssist(t *testing.T) {
	for _, tt := range []struct{ name, kind, printed, want string }{
		{"complete", "complete_request", `{"matches":["print"],"cursor_start":0,"cursor_end":2}`, `{"status":"ok","matches":["print"],"cursor_start":0,"cursor_end":2,"metadata":{}}`},
		{"inspect", "inspect_request", `{"found":true,"data":{"text/plain":"x"}}`, `{"status":"ok","found":true,"data":{"text/plain":"x"},"metadata":{}}`},
		{"is complete", "is_complete_request", `{"status":"incomplete","indent":"  "}`, `{"status":"incomplete","indent":"  "}`},
		{"no JSON", "complete_request", `hello`, `{"status":"ok","matches":[],"cursor_start":2,"cursor_end":2,"metadata":{}}`},
		{"another shape", "complete_request", `{"matches":1,"cursor_start":9}`, `{"status":"ok","matches":[],"cursor_start":2,"cursor_end":2,"metadata":{}}`},
		{"too much", "inspect_request", `{"found":true,"data":{"text/plain":"` + strings.Repeat("x", maxAssist) + `"}}`, `{"status":"ok","found":false,"data":{},"metadata":{}}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k, f := newKernel(t)
				f.run = func(_ context.Context, c Cell, out sandbox.Sink) (Answer, error) {
					if !c.Uncounted || c.Stdin != nil || c.Limits.Wall != assistTime || !strings.HasPrefix(c.Code, "exec(") {
						t.Errorf("the helper is %+v", c)
					}
					out.Output(sandbox.Stderr, []byte("noise"))
					out.Output(sandbox.Stdout, []byte(tt.printed))
					return Answer{CellOutcome: sandbox.CellOutcome{Outcome: sandbox.Outcome{Status: sandbox.StatusOK}}}, nil
				}
				c := join(t, k, "")
				k.Handle(c, ask("1", tt.kind, map[string]any{"code": "pr", "cursor_pos": 2}))
				synctest.Wait()
				batch, err := c.Next(t.Context())
				if err != nil || len(batch) != 3 {
					t.Fatal(batch, err)
				}
				if got := string(batch[1].Message.Content); got != tt.want {
					t.Errorf("got  %s\nwant %s", got, tt.want)
				}
			})
		})
	}
}

func TestHistory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, _ := newKernel(t)
		c := join(t, k, "")
		for i, code := range []string{"print a", "print b*", "print a"} {
			k.Handle(c, cell(fmt.Sprint("c", i), code))
		}
		k.Handle(c, ask("s", "execute_request", map[string]any{"code": "secret", "silent": true}))
		said(t, c)
		for _, tt := range []struct {
			ask  map[string]any
			want string
		}{
			{map[string]any{"hist_access_type": "tail", "n": 2}, `[[1,2,"print b*"],[1,3,"print a"]]`},
			{map[string]any{"hist_access_type": "range", "start": 1, "stop": 2}, `[[1,1,"print a"]]`},
			{map[string]any{"hist_access_type": "search", "pattern": "*a", "unique": true}, `[[1,3,"print a"]]`},
			{map[string]any{"hist_access_type": "search", "pattern": "?????*b?", "n": 5}, `[[1,2,"print b*"]]`},
			{map[string]any{"hist_access_type": "search", "pattern": "("}, `[]`},
		} {
			k.Handle(c, ask("h", "history_request", tt.ask))
			batch, err := c.Next(t.Context())
			if err != nil || len(batch) != 3 {
				t.Fatal(batch, err)
			}
			if got := string(batch[1].Message.Content); got != `{"status":"ok","history":`+tt.want+`}` {
				t.Errorf("%v: got %s, want %s", tt.ask, got, tt.want)
			}
		}
	})
}

func TestHistoryIsBounded(t *testing.T) {
	var h history
	for i := range 3 * maxHistory {
		h.add(i, "x")
	}
	if len(h.entries) != maxHistory || h.entries[0].line != 2*maxHistory {
		t.Errorf("it has %d entries from %d", len(h.entries), h.entries[0].line)
	}
	h.add(1, strings.Repeat("x", maxHistoryBytes))
	if len(h.entries) != 1 || h.bytes != maxHistoryBytes {
		t.Errorf("it has %d entries of %d bytes", len(h.entries), h.bytes)
	}
}

func TestInput(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, _ := newKernel(t)
		c, other := join(t, k, "c"), join(t, k, "")
		k.Handle(c, cell("1", "ask\nask"))
		same(t, ofType(said(t, c), "input"), "1 execute_input 1", "1 input_request")
		k.Handle(other, ask("x", "input_reply", map[string]string{"value": "not asked"}))
		k.Leave(c)
		c = join(t, k, "c")
		same(t, said(t, c), "1 input_request") // again, after a line that broke
		k.Handle(c, ask("2", "input_reply", map[string]string{"value": "hé"}))
		same(t, said(t, c), `1 stream stdout "hé\n" <nil>`, "1 input_request")
		k.Leave(c)
		time.Sleep(comeBack + time.Second) // it does not come back: end of input
		same(t, ofType(said(t, other), "stream", "input_request"), `1 stream stdout "hé\n" <nil>"" EOF`)
		if k.Unused() {
			t.Error("a kernel with a client is unused")
		}
		k.Leave(other)
		if !k.Unused() {
			t.Error("a kernel without clients is in use")
		}
	})
}

// Clients that do not read hold up nobody, and learn what they have missed.
func TestSlowClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, f := newKernel(t)
		f.run = func(_ context.Context, _ Cell, out sandbox.Sink) (Answer, error) {
			chunk := bytes.Repeat([]byte("x"), 1<<16)
			for range 10 * clientBytes >> 16 {
				out.Output(sandbox.Stdout, chunk)
			}
			return Answer{CellOutcome: sandbox.CellOutcome{Outcome: sandbox.Outcome{Status: sandbox.StatusOK}}}, nil
		}
		c := join(t, k, "")
		k.Handle(c, cell("1", ""))
		got := said(t, c)
		if len(got) != 6 || len(got[2]) > 2*clientBytes || !strings.Contains(got[3], "left out") {
			t.Fatalf("%d messages", len(got))
		}
		same(t, got[4:], "1 execute_reply ok 1", "1 status idle")
		f.run = f.say
		k.Handle(c, cell("2", "print on"))
		same(t, ofType(said(t, c), "stream"), "2 stream stdout on")
	})
}

// What cannot be left out cuts a client off that does not read it.
func TestOverrun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, _ := newKernel(t)
		c := join(t, k, "s")
		for range 2*clientItems/3 + 1 {
			k.Handle(c, ask("1", "comm_info_request", struct{}{}))
		}
		if _, err := c.Next(t.Context()); err == nil {
			t.Error("a client that never read is served")
		}
		k.Leave(c)
		fresh := join(t, k, "s")
		k.Handle(fresh, ask("2", "comm_info_request", struct{}{}))
		same(t, said(t, fresh), "2 status busy", "2 comm_info_reply ok", "2 status idle")
	})
}

func TestComingBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, _ := newKernel(t)
		c, watcher := join(t, k, "s"), join(t, k, "")
		k.Leave(c)
		k.Handle(watcher, cell("1", "print missed"))
		synctest.Wait()
		c = join(t, k, "s")
		same(t, ofType(said(t, c), "stream"), "1 stream stdout missed")

		// One that is still there when it connects again is replaced.
		again := join(t, k, "s")
		if _, err := c.Next(t.Context()); err == nil {
			t.Error("the old connection goes on")
		}
		k.Leave(c)
		k.Handle(watcher, cell("2", "print more"))
		same(t, ofType(said(t, again), "stream"), "2 stream stdout more")

		k.Leave(again)
		time.Sleep(comeBack + time.Second)
		again = join(t, k, "s")
		same(t, said(t, again))
	})
}

func TestRestartAndDelete(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, f := newKernel(t)
		f.run = func(context.Context, Cell, sandbox.Sink) (Answer, error) {
			<-f.interrupts
			return Answer{}, sandbox.ErrKernelGone
		}
		c := join(t, k, "")
		k.Handle(c, cell("1", ""))
		k.Handle(c, cell("2", ""))
		synctest.Wait()
		if err := k.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
		got := ofType(said(t, c), "_reply", "restarting")
		slices.Sort(got) // the cell may end before the restart does
		same(t, got, " shutdown_reply ok true", "1 execute_reply error SessionError the kernel was restarted 1", "2 execute_reply aborted")
		c.Passed()
		if err := k.Delete(t.Context()); err != nil || !f.deleted {
			t.Fatal(err)
		}
		k.Handle(c, cell("3", ""))
		same(t, said(t, c), " shutdown_reply ok false", " status dead", "3 status busy", "3 execute_reply error DeadKernel this kernel has been shut down", "3 status idle")
		if _, err := k.Join(t.Context(), ""); sandbox.KindOf(err) != sandbox.KindNotFound {
			t.Errorf("Join of a deleted kernel: %v", err)
		}
	})
}

func TestLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, f := newKernel(t)
		c := join(t, k, "")
		k.Handle(c, cell("1", "loop"))
		for range maxQueue + 1 {
			k.Handle(c, cell("2", ""))
		}
		same(t, ofType(said(t, c), "_reply"), "2 execute_reply error QueueFull too many requests wait for this kernel")
		f.interrupts <- struct{}{}
		synctest.Wait()
		named := join(t, k, "named")
		for range maxClients - 2 {
			join(t, k, "")
		}
		if _, err := k.Join(t.Context(), ""); sandbox.KindOf(err) != sandbox.KindBusy {
			t.Errorf("one client too many: %v", err)
		}
		k.Leave(named)
		join(t, k, "") // instead of one that may come back
	})
}
