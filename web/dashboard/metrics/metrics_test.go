package metrics

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"sandpiper/sandbox"
)

// toolboxes answer for sandboxes, but for the one that is called slow.
type toolboxes struct {
	mu    sync.Mutex
	asked map[string]int
}

func (b *toolboxes) ToolboxToken(sandbox.Sandbox) string { return "token" }

func (b *toolboxes) Dial(_ context.Context, id string, _ int) (net.Conn, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked[id]++
	here, there := net.Pipe()
	if id != "slow" {
		go answer(there)
	}
	return here, nil
}

func answer(conn net.Conn) {
	defer conn.Close()
	if _, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
		const body = `{"cpuUsedPct":50,"memTotal":2,"memUsed":1,"diskTotal":2,"diskUsed":1}`
		fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	}
}

func TestSandboxesAreWatchedThatNobodyLooksAt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		boxes := &toolboxes{asked: map[string]int{}}
		all := []sandbox.Sandbox{{ID: "slow", State: sandbox.StateStarted}, {ID: "a", State: sandbox.StateStarted}, {ID: "b", State: sandbox.StateStarted}}
		m := NewSampler(boxes)
		ctx, stop := context.WithCancel(t.Context())
		var gone atomic.Bool // all but the slow one
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			m.Watch(ctx, func(context.Context) []sandbox.Sandbox {
				if gone.Load() {
					return all[:1]
				}
				return all
			})
		}()
		time.Sleep(10 * time.Minute)
		samples, err := m.Look(ctx, all[1])
		if err != nil || len(samples) < 38 || len(samples) > 42 {
			t.Errorf("%d samples of ten minutes, %v", len(samples), err)
		}
		for range 30 { // somebody looks for a minute
			time.Sleep(Every)
			_, _ = m.Look(ctx, all[1])
		}
		if now, _ := m.Look(ctx, all[1]); len(now) < len(samples)+25 {
			t.Errorf("%d more samples of a minute in which somebody looked", len(now)-len(samples))
		}
		time.Sleep(time.Hour)
		if now, _ := m.Look(ctx, all[1]); len(now) < 110 || len(now) > 130 {
			t.Errorf("%d samples are kept of half an hour", len(now))
		}
		gone.Store(true)
		time.Sleep(Keep + time.Minute)
		stop()
		<-ended
		if boxes.asked["slow"] < 300 || boxes.asked["b"] < 250 {
			t.Errorf("asked %v", boxes.asked)
		}
		if len(m.all) != 1 {
			t.Errorf("%d sandboxes are remembered", len(m.all))
		}
	})
}

func TestLineIsBrokenWhereSamplesLack(t *testing.T) {
	now := time.Now()
	at := func(ago ...time.Duration) (samples []Sample) {
		for _, d := range ago {
			samples = append(samples, Sample{At: now.Add(-d), CPU: 50})
		}
		return samples
	}
	for _, tt := range []struct {
		name    string
		samples []Sample
		want    string
	}{
		{"nothing", nil, ""},
		{"a dot", at(Keep / 2), "M300.0 70.0h0"},
		{"one reading failed", at(2*Seldom, 0), "M590.0 70.0h0L600.0 70.0"},
		{"it was stopped for a while", at(10*time.Minute, 10*time.Minute-Seldom, 0), "M400.0 70.0h0L405.0 70.0M600.0 70.0h0"},
	} {
		if got := Charts(tt.samples, now)[0].Line; got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
	if rows := Charts(at(3*time.Minute, 2*time.Minute, Seldom, 0), now)[0].Table; len(rows) != 3 || !strings.Contains(rows[0].Value, "50") {
		t.Errorf("the table is %v", rows)
	}
}

func TestDiskOfItsOwn(t *testing.T) {
	const gib = 1 << 30
	s := sandbox.Sandbox{Resources: sandbox.Resources{DiskGiB: 8}, DiskBytes: 123}
	for _, tt := range []struct {
		name        string
		total, used int64
		wantTotal   int64
		wantUsed    int64
	}{
		{"the host's disk", 252 * gib, 28 * gib, 8 * gib, 123},
		{"a disk with the limit", 8 * gib, 3 * gib, 8 * gib, 3 * gib},
		{"a disk a little larger than asked for", 8*gib + gib/2, 3 * gib, 8*gib + gib/2, 3 * gib},
	} {
		got := ofItsOwn(Sample{DiskTotal: tt.total, DiskUsed: tt.used}, s)
		if got.DiskTotal != tt.wantTotal || got.DiskUsed != tt.wantUsed {
			t.Errorf("%s: %d of %d", tt.name, got.DiskUsed, got.DiskTotal)
		}
	}
}
