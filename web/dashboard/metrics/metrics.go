// Package metrics reads what sandboxes use while somebody looks, and draws it:
// lines over time for a page, with scales and units.
package metrics

import (
	"context"
	"net"
	"slices"
	"sync"
	"time"

	"sandpiper/sandbox"
	"sandpiper/sandbox/toolboxclient"
)

// Bounds of sampling.
const (
	Every        = 2 * time.Second
	Keep         = 5 * time.Minute // what a page shows
	readTimeout  = 5 * time.Second
	maxSandboxes = 1000 // whose samples are kept
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
	t.samples = slices.DeleteFunc(t.samples, func(o Sample) bool { return now.Sub(o.At) > Keep })
	return slices.Clone(t.samples), t.err
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
