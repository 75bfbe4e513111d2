// Package metrics reads what sandboxes use, more often while somebody looks, and
// draws it: lines over time for a page, with scales and units.
package metrics

import (
	"context"
	"maps"
	"net"
	"slices"
	"sync"
	"time"

	"sandpiper/sandbox"
	"sandpiper/sandbox/toolboxclient"
)

// Bounds of sampling.
const (
	Every        = 2 * time.Second  // while somebody looks
	Seldom       = 15 * time.Second // while nobody does
	Keep         = 30 * time.Minute // what a page shows
	readTimeout  = 5 * time.Second
	maxSandboxes = 1000 // whose samples are kept

	// recent is how long samples are kept as they came. Older ones are kept about
	// Seldom apart.
	recent = 2 * time.Minute

	// atOnce is how many sandboxes Watch asks at the same time. It asks each every
	// Seldom, so three times as many may be too slow to answer at all before the
	// others wait for them.
	atOnce = 32
)

// Sample is what a sandbox used at a time.
type Sample struct {
	At        time.Time `json:"timestamp"`
	Cores     int       `json:"cpuCount"`
	CPU       float64   `json:"cpuUsedPct"` // of its cores together, in percent
	MemTotal  int64     `json:"memTotal"`   // bytes, as all sizes
	MemUsed   int64     `json:"memUsed"`
	DiskTotal int64     `json:"diskTotal"`
	DiskUsed  int64     `json:"diskUsed"`
}

// Sandboxes is what a Sampler needs of the manager.
type Sandboxes interface {
	Dial(ctx context.Context, id string, port int) (net.Conn, error)
	ToolboxToken(s sandbox.Sandbox) string
}

// Sampler reads and keeps samples. It is safe for concurrent use: however many
// look at a sandbox, it is asked once in a while.
type Sampler struct {
	sandboxes Sandboxes
	now       func() time.Time

	mu  sync.Mutex
	all map[string]*series
}

type series struct {
	mu      sync.Mutex // one reading at a time
	samples []Sample
	tried   time.Time
	err     error
}

// NewSampler returns a Sampler without samples.
func NewSampler(sandboxes Sandboxes) *Sampler {
	return &Sampler{sandboxes: sandboxes, now: time.Now, all: map[string]*series{}}
}

// Look returns a sandbox's samples of the last minutes, the oldest first, after
// reading one more where the last is older than Every. The error says why there
// is no new one.
func (m *Sampler) Look(ctx context.Context, s sandbox.Sandbox) ([]Sample, error) {
	t := m.series(s.ID)
	t.mu.Lock()
	defer t.mu.Unlock()
	now := m.now()
	if s.State == sandbox.StateStarted && now.Sub(t.tried) >= Every-Every/10 {
		t.tried = now
		sample, err := m.read(ctx, s)
		if t.err = err; err == nil {
			sample.At = now
			t.samples = append(t.samples, ofItsOwn(sample, s))
		}
	}
	t.samples = thinned(t.samples, now)
	return slices.Clone(t.samples), t.err
}

// thinned leaves out what is too old, and of what is no longer recent what is
// closer together than is read while nobody looks.
func thinned(samples []Sample, now time.Time) []Sample {
	var last time.Time
	return slices.DeleteFunc(samples, func(s Sample) bool {
		age := now.Sub(s.At)
		if age > Keep || age > recent && s.At.Sub(last) < Seldom-Every {
			return true
		}
		last = s.At
		return false
	})
}

// Watch asks the sandboxes that started returns, each every Seldom, until ctx is
// done. It spreads the questions over that time.
func (m *Sampler) Watch(ctx context.Context, started func(ctx context.Context) []sandbox.Sandbox) {
	var asking sync.WaitGroup
	defer asking.Wait()
	places := make(chan struct{}, atOnce)
	for {
		all := started(ctx)
		m.forget()
		pause := Seldom / time.Duration(len(all)+1)
		for _, s := range all[:min(len(all), maxSandboxes)] {
			if !sleep(ctx, pause) {
				return
			}
			select {
			case places <- struct{}{}:
			case <-ctx.Done():
				return
			}
			asking.Go(func() {
				defer func() { <-places }()
				_, _ = m.Look(ctx, s) // who looks next is told why there is nothing new
			})
		}
		if !sleep(ctx, pause) {
			return
		}
	}
}

// sleep waits, and reports whether ctx was not done meanwhile.
func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

// forget lets go of sandboxes of which nothing is left to show.
func (m *Sampler) forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	maps.DeleteFunc(m.all, func(_ string, t *series) bool {
		if !t.mu.TryLock() {
			return false // it is being asked
		}
		defer t.mu.Unlock()
		return m.now().Sub(t.tried) > Keep
	})
}

// ofItsOwn replaces what a toolbox says of a disk that it shares with others: a
// container whose limit is watched, not built in, sees the host's. What it uses
// of that was last read by its engine.
func ofItsOwn(sample Sample, s sandbox.Sandbox) Sample {
	if limit := int64(s.Resources.DiskGiB) << 30; sample.DiskTotal > limit+limit/8 {
		sample.DiskTotal, sample.DiskUsed = limit, s.DiskBytes
	}
	return sample
}

func (m *Sampler) series(id string) *series {
	m.mu.Lock()
	defer m.mu.Unlock()
	if t := m.all[id]; t != nil {
		return t
	}
	if len(m.all) >= maxSandboxes {
		for other := range m.all {
			delete(m.all, other) // any: it is read again when it is looked at
			break
		}
	}
	t := &series{}
	m.all[id] = t
	return t
}

// read asks the sandbox's toolbox. That is no activity: looking at a sandbox does
// not keep it alive.
func (m *Sampler) read(ctx context.Context, s sandbox.Sandbox) (Sample, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	toolbox := toolboxclient.Client{Token: m.sandboxes.ToolboxToken(s), Dial: func(ctx context.Context) (net.Conn, error) {
		return m.sandboxes.Dial(ctx, s.ID, sandbox.ToolboxPort)
	}}
	var out Sample
	return out, toolbox.Get(ctx, "/system/metrics", &out)
}
