package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"sandpiper/e2e/testserver"
)

// parkedSessions is how many sessions of Python measureParked keeps.
const parkedSessions = 1000

// call sends JSON and reads the answer into out.
func (c *client) call(ctx context.Context, method, path string, in, out any) (time.Duration, error) {
	body, err := json.Marshal(in)
	if err != nil {
		return 0, err
	}
	req, err := c.srv.Request(ctx, method, path, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	started := time.Now()
	resp, err := c.http.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	took := time.Since(started)
	switch {
	case err != nil:
		return 0, err
	case resp.StatusCode >= http.StatusBadRequest:
		return 0, fmt.Errorf("%s %s: %s: %s", method, path, resp.Status, answer)
	case out == nil:
		return took, nil
	}
	return took, json.Unmarshal(answer, out)
}

// session is one of the server's, by its path.
type session struct {
	client *client
	path   string
}

func (c *client) newSession(ctx context.Context, language string) (session, time.Duration, error) {
	var made struct{ ID string }
	took, err := c.call(ctx, "POST", "/v1/sessions", map[string]string{"language": language}, &made)
	return session{c, "/v1/sessions/" + made.ID}, took, err
}

// cell executes code and fails unless its value is want.
func (s session) cell(ctx context.Context, code, want string) (time.Duration, error) {
	var r struct {
		Status, Message string
		Result          *struct{ Data map[string]any }
	}
	took, err := s.client.call(ctx, "POST", s.path+"/execute", map[string]string{"code": code}, &r)
	if err != nil {
		return 0, err
	}
	if r.Status != "ok" || r.Result == nil || fmt.Sprint(r.Result.Data["text/plain"]) != want {
		return 0, fmt.Errorf("the cell %q: %+v", code, r)
	}
	return took, nil
}

func (s session) delete(ctx context.Context) error {
	_, err := s.client.call(ctx, "DELETE", s.path, nil, nil)
	return err
}

// measureSessions prints what each step in the life of a small session takes.
func measureSessions(ctx context.Context, c *client, n int) error {
	fmt.Printf("sessions with a few variables, one client, %d of each, p50 and p99 in ms\n", n)
	fmt.Printf("  %-12s %15s %15s %15s %15s %15s %12s\n", "language", "open", "cell", "pause", "resume", "fork", "saved state")
	for _, l := range []struct{ id, first, next, want string }{
		{"python", "import math; x = [math.pi] * 100; len(x)", "len(x)", "100"},
		{"javascript", "var x = Array(100).fill(Math.PI); x.length", "x.length", "100"},
		{"ruby", "x = [Math::PI] * 100; x.size", "x.size", "100"},
	} {
		var open, cell, pause, resume, fork []time.Duration
		var saved int64
		for range n {
			s, took, err := c.newSession(ctx, l.id)
			if err != nil {
				return err
			}
			open = append(open, took)
			if _, err := s.cell(ctx, l.first, l.want); err != nil {
				return err
			}
			steps := []struct {
				into *[]time.Duration
				do   func() (time.Duration, error)
			}{
				{&cell, func() (time.Duration, error) { return s.cell(ctx, l.next, l.want) }},
				{&fork, func() (time.Duration, error) {
					var copied struct{ ID string }
					took, err := c.call(ctx, "POST", s.path+"/fork", struct{}{}, &copied)
					if err != nil {
						return 0, err
					}
					return took, session{c, "/v1/sessions/" + copied.ID}.delete(ctx)
				}},
				{&pause, func() (time.Duration, error) { return c.call(ctx, "POST", s.path+"/pause", struct{}{}, nil) }},
				{&resume, func() (time.Duration, error) { return c.call(ctx, "POST", s.path+"/resume", struct{}{}, nil) }},
			}
			for _, step := range steps {
				took, err := step.do()
				if err != nil {
					return err
				}
				*step.into = append(*step.into, took)
			}
			var now struct {
				StoredBytes int64 `json:"stored_bytes"`
			}
			if _, err := c.call(ctx, "GET", s.path, nil, &now); err != nil {
				return err
			}
			saved = max(saved, now.StoredBytes)
			if err := s.delete(ctx); err != nil {
				return err
			}
		}
		both := func(d []time.Duration) string { return ms(percentile(d, 50)) + " " + ms(percentile(d, 99)) }
		fmt.Printf("  %-12s %15s %15s %15s %15s %15s %9.0f KB\n", l.id, both(open), both(cell), both(pause), both(resume), both(fork), float64(saved)/1e3)
	}
	fmt.Println()
	return nil
}

// measureParked prints what many idle sessions cost and how soon the next cell of
// any is answered.
func measureParked(ctx context.Context, c *client, srv *testserver.Server) error {
	before, err := srv.Tree()
	if err != nil {
		return err
	}
	var parked []session
	for range parkedSessions {
		s, _, err := c.newSession(ctx, "python")
		if err != nil {
			return err
		}
		parked = append(parked, s)
		if _, err := s.cell(ctx, "x = 41; x", "41"); err != nil {
			return err
		}
	}
	time.Sleep(5 * time.Second) // what is idle gives memory back
	after, err := srv.Tree()
	if err != nil {
		return err
	}
	var next []time.Duration
	for _, s := range parked {
		took, err := s.cell(ctx, "x + 1", "42")
		if err != nil {
			return err
		}
		next = append(next, took)
	}
	fmt.Printf("%d parked Python sessions: %.0f MB more than without; the next cell p50 %s  p99 %s ms\n\n", parkedSessions,
		float64(after.MemoryBytes-before.MemoryBytes)/1e6, ms(percentile(next, 50)), ms(percentile(next, 99)))
	for _, s := range parked {
		if err := s.delete(ctx); err != nil {
			return err
		}
	}
	return nil
}
