package jupyter_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"sandpiper/sandbox"
	"sandpiper/sandbox/kernels"
)

// keeper is a keeper whose sessions have one number for a state. Their language
// is that of a calculator: "add N", "print TEXT", "loop", "fail", "value", "ask".
type keeper struct {
	mu       sync.Mutex
	sessions map[string]*session
}

type session struct {
	kernels.Session
	owner     kernels.Owner
	env       map[string]string
	value     int
	interrupt chan struct{}
}

func newKeeper() *keeper { return &keeper{sessions: map[string]*session{}} }

func (k *keeper) Languages() []sandbox.Language {
	return []sandbox.Language{
		{ID: "python", Name: "Python", Version: "3.14", Aliases: []string{"py", "python3"}, Extension: ".py", Editor: "python"},
		{ID: "ruby", Name: "Ruby", Version: "3.4", Extension: ".rb", Editor: "ruby"},
	}
}

func (k *keeper) Create(_ context.Context, o kernels.Owner, n kernels.NewSession) (kernels.Session, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	s := &session{owner: o, env: n.Env, interrupt: make(chan struct{}, 1)}
	s.Session = kernels.Session{ID: sandbox.NewID(), Name: n.Name, Language: n.Language, LastUsedAt: time.Now()}
	k.sessions[s.ID] = s
	return s.Session, nil
}

func (k *keeper) List(o kernels.Owner) []kernels.Session {
	k.mu.Lock()
	defer k.mu.Unlock()
	all := []kernels.Session{}
	for _, s := range k.sessions {
		if s.owner == o {
			all = append(all, s.Session)
		}
	}
	slices.SortFunc(all, func(a, b kernels.Session) int { return a.LastUsedAt.Compare(b.LastUsedAt) })
	return all
}

// change calls f with a session of an owner.
func (k *keeper) change(o kernels.Owner, id string, f func(*session)) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	s := k.sessions[id]
	if s == nil || s.owner != o {
		return sandbox.Errorf(sandbox.KindNotFound, "there is no session %q", id)
	}
	f(s)
	return nil
}

func (k *keeper) Get(o kernels.Owner, id string) (it kernels.Session, err error) {
	err = k.change(o, id, func(s *session) { it = s.Session })
	return it, err
}

func (k *keeper) Rename(_ context.Context, o kernels.Owner, id, name string) (it kernels.Session, err error) {
	err = k.change(o, id, func(s *session) { s.Name = name; it = s.Session })
	return it, err
}

func (k *keeper) Delete(_ context.Context, o kernels.Owner, id string) error {
	return k.change(o, id, func(s *session) { delete(k.sessions, id); s.stop() })
}

func (s *session) stop() {
	select {
	case s.interrupt <- struct{}{}:
	default:
	}
}

func (k *keeper) Interrupt(o kernels.Owner, id string) error {
	return k.change(o, id, (*session).stop)
}

func (k *keeper) Restart(_ context.Context, o kernels.Owner, id string) (it kernels.Session, err error) {
	err = k.change(o, id, func(s *session) { s.value, s.ExecutionCount, it = 0, 0, s.Session; s.stop() })
	return it, err
}

func (k *keeper) Last(kernels.Owner, string) (*kernels.Execution, error) {
	return nil, sandbox.Errorf(sandbox.KindNotFound, "no cell has run")
}

func (k *keeper) Execute(ctx context.Context, o kernels.Owner, id string, c kernels.Cell) (kernels.Answer, error) {
	out := c.Sink
	var it *session
	err := k.change(o, id, func(s *session) {
		it = s
		if !c.Uncounted {
			s.ExecutionCount++
		}
	})
	if err != nil {
		return kernels.Answer{}, err
	}
	answer := kernels.Answer{Result: sandbox.Result{Outcome: sandbox.Outcome{Status: sandbox.StatusOK}}}
	word, rest, _ := strings.Cut(c.Code, " ")
	switch word {
	case "add":
		var n int
		if _, err := fmt.Sscan(rest, &n); err != nil {
			return answer, err
		}
		k.mu.Lock()
		it.value += n
		k.mu.Unlock()
	case "print":
		out.Output(sandbox.Stdout, []byte(rest))
	case "value":
		k.mu.Lock()
		answer.Value = &sandbox.Display{Data: map[string]any{"text/plain": fmt.Sprint(it.value)}}
		k.mu.Unlock()
	case "fail":
		answer.Status, answer.Error = sandbox.StatusError, &sandbox.CellError{Name: "ValueError", Value: rest, Traceback: []string{"here"}}
	case "loop":
		out.Output(sandbox.Stdout, []byte("looping"))
		select {
		case <-it.interrupt:
		case <-ctx.Done():
		}
		answer.Status, answer.Error = sandbox.StatusCancelled, &sandbox.CellError{Name: "KeyboardInterrupt"}
	case "ask":
		b := make([]byte, 100)
		n, err := c.Stdin.Read(ctx, b)
		out.Output(sandbox.Stdout, fmt.Appendf(nil, "%s%v", b[:n], err))
	}
	return answer, nil
}
