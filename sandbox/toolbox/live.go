package toolbox

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"

	"sandpiper/sandbox/guest"
	"sandpiper/sandbox/toolbox/answer"
	"sandpiper/sandbox/toolbox/toolboxtype"
)

const (
	maxVariables = 1000

	// maxVariable is the longest "KEY=value" that a process can be given: Linux
	// takes 128 KiB.
	maxVariable = 128<<10 - 1
)

// liveGuest is a guest whose environment can be changed: its Info tells what
// processes that start now are to have, so every part of the toolbox follows.
type liveGuest struct {
	guest.Guest

	mu  sync.Mutex
	env []string
}

func newLiveGuest(g guest.Guest) *liveGuest { return &liveGuest{Guest: g, env: g.Info().Env} }

// Info implements guest.Guest.
func (g *liveGuest) Info() guest.Info {
	info := g.Guest.Info()
	g.mu.Lock()
	defer g.mu.Unlock()
	info.Env = slices.Clone(g.env)
	return info
}

// DialSocket implements guest.SocketDialer where the guest beneath does.
func (g *liveGuest) DialSocket(ctx context.Context, path string) (net.Conn, error) {
	if dialer, ok := g.Guest.(guest.SocketDialer); ok {
		return dialer.DialSocket(ctx, path)
	}
	return nil, fmt.Errorf("sockets of this guest: %w", errors.ErrUnsupported)
}

// update changes the environment: first what is to go goes, then what is to be
// set is set. It changes nothing when the request is at fault.
func (g *liveGuest) update(q toolboxtype.UpdateEnvRequest) error {
	for key, value := range q.Set {
		switch {
		case key == "" || strings.ContainsAny(key, "=\x00") || strings.Contains(value, "\x00"):
			return answer.BadRequest("set: %q cannot be a variable: names have no \"=\", and neither names nor values have a NUL", key)
		case len(key)+1+len(value) > maxVariable:
			return answer.BadRequest("set: %q is longer than %d bytes", key, maxVariable)
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	env := slices.DeleteFunc(slices.Clone(g.env), func(kv string) bool {
		key, value, _ := strings.Cut(kv, "=")
		_, set := q.Set[key]
		return set || slices.Contains(q.Unset, key) || q.UnsetValuePrefix != "" && strings.HasPrefix(value, q.UnsetValuePrefix)
	})
	if len(env)+len(q.Set) > maxVariables {
		return answer.BadRequest("set: there may be %d variables", maxVariables)
	}
	for key, value := range q.Set {
		env = append(env, key+"="+value)
	}
	slices.Sort(env)
	g.env = env
	return nil
}
