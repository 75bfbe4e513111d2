package manager

import (
	"log/slog"
	"time"

	"sandpiper/sandbox"
	"sandpiper/sandbox/scheduler"
)

// Defaults of Config.
const (
	DefaultReadyWait     = 5 * time.Second  // a container's cold start fits
	DefaultTick          = time.Second      // how exactly lifecycle timers fire
	DefaultReconcile     = 15 * time.Second // how soon it is seen what happened behind our back
	DefaultOrphanGrace   = time.Minute
	DefaultActivityWrite = 5 * time.Second
	DefaultRemember      = 24 * time.Hour
	DefaultImage         = "sandpiper/sandbox:1"
	DefaultDesktopImage  = "sandpiper/desktop:1"
	DefaultMaxSnapshots  = 100
)

// stopGrace is what processes have to end by themselves when a sandbox stops.
const stopGrace = 10 * time.Second

// opTimeout bounds one call of an engine: the longest, an archive or a restore,
// moves gigabytes.
const opTimeout = 10 * time.Minute

// Config wires a Manager. Zero numbers mean the defaults.
type Config struct {
	Engines      []sandbox.Engine // preferred first
	Store        sandbox.Store
	Placer       *scheduler.Placer // over the same engines
	Secret       []byte            // 32 bytes or more: all tokens and keys are derived from it
	Organization sandbox.Organization
	Region       sandbox.Region
	Version      string // of the server, and so of the toolboxes that it starts

	Image        string // of the built-in container snapshots
	DesktopImage string // of the one with a desktop
	MaxSnapshots int    // of an organization, the general ones aside

	ReadyWait     time.Duration // how long a request waits for what it asked for
	Tick          time.Duration // between looks at the timers
	Reconcile     time.Duration // between looks at the engines
	OrphanGrace   time.Duration // before a sandbox that nobody knows is destroyed
	ActivityWrite time.Duration // between two writes of one sandbox's activity
	Remember      time.Duration // how long destroyed sandboxes are remembered

	Log *slog.Logger // nil means slog.Default()
}

func (c Config) withDefaults() Config {
	for _, d := range []struct {
		field *time.Duration
		def   time.Duration
	}{
		{&c.ReadyWait, DefaultReadyWait}, {&c.Tick, DefaultTick}, {&c.Reconcile, DefaultReconcile},
		{&c.OrphanGrace, DefaultOrphanGrace}, {&c.ActivityWrite, DefaultActivityWrite}, {&c.Remember, DefaultRemember},
	} {
		if *d.field <= 0 {
			*d.field = d.def
		}
	}
	if c.Image == "" {
		c.Image = DefaultImage
	}
	if c.DesktopImage == "" {
		c.DesktopImage = DefaultDesktopImage
	}
	if c.MaxSnapshots <= 0 {
		c.MaxSnapshots = DefaultMaxSnapshots
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return c
}
