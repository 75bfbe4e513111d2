package python

import (
	"archive/zip"
	"context"
	"embed"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"github.com/tetratelabs/wazero/api"

	"sandpiper/runtimes/wasm/jail"
	"sandpiper/runtimes/wasm/vm"
	"sandpiper/sandbox"
)

const (
	// libraryPath is where programs find the library folder, which holds the
	// module sandpiper and the script that starts a program.
	libraryPath = "/lib/sandpiper"
	startScript = "sandpiper_run"

	// searchPath makes the interpreter look into the library before its own;
	// the start script hides it from the program.
	searchPath = "PYTHONPATH="

	// zonesPath is where the module zoneinfo looks for time zones.
	zonesPath = "/usr/share/zoneinfo"
)

//go:embed lib
var libraryFiles embed.FS

// Driver runs Python programs.
type Driver struct {
	// Zones opens the time zone database, a folder like /usr/share/zoneinfo.
	// Load calls it. Required.
	Zones func() (fs.FS, error)

	host    *vm.Host
	source  vm.Source
	library fs.FS
	zones   fs.FS

	fromImage *vm.Module // nil for a module that is not ours
	image     *vm.Image

	mu    sync.Mutex
	plain *vm.Module // once it is needed
}

// Load makes CPython ready. With a cache that has the image this takes a fraction
// of a second; otherwise it compiles the module and starts the interpreter once.
func (d *Driver) Load(ctx context.Context, host *vm.Host, source vm.Source) (err error) {
	d.host, d.source = host, source
	if d.zones, err = d.Zones(); err != nil {
		return err
	}
	if isKnown(source) {
		return d.loadFromImage(ctx, host, source)
	}
	if d.plain, err = host.Load(ctx, "python", source, vm.LoadOptions{}); err != nil {
		return err
	}
	archive, err := freeze(ctx, d.plain)
	if err != nil {
		return err
	}
	d.library, err = openLibrary(archive)
	return err
}

// plainModule returns the module that starts the interpreter from nothing, for the few
// runs that cannot go on from the image.
func (d *Driver) plainModule(ctx context.Context) (*vm.Module, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.plain != nil {
		return d.plain, nil
	}
	var err error
	d.plain, err = d.host.Load(context.WithoutCancel(ctx), "python", d.source, loadOptions)
	return d.plain, err
}

// Run runs p as "python main.py args…" would in its folder.
func (d *Driver) Run(ctx context.Context, cfg vm.RunConfig, p sandbox.Program) sandbox.Outcome {
	var res vm.Result
	if d.fits(cfg) {
		names := make([]string, len(p.Files))
		for i, f := range p.Files {
			names[i], _, _ = strings.Cut(f.Name, "/")
		}
		res = d.runFromImage(ctx, cfg, "run", "/", p.Files[0].Name, p.Args, string(p.Files[0].Content), names)
	} else {
		res = d.runPlain(ctx, cfg, nil, append([]string{libraryPath + "/" + startScript + ".pyc", p.Files[0].Name}, p.Args...))
	}
	if res.Status == sandbox.StatusError || res.Status == sandbox.StatusMemoryLimit {
		res.Diagnostics = Diagnose(res.StderrTail, p.Files)
		if hint := missingModule(res.StderrTail, p.Files); hint != "" {
			vm.Note(cfg, hint)
		}
	}
	return res.Outcome
}

// runFromImage has the image's interpreter do something; see program of imageScript.
func (d *Driver) runFromImage(ctx context.Context, cfg vm.RunConfig, kind, dir, value string, args []string, source string, names []string) vm.Result {
	p := &port{}
	request := tuple(kind, dir, value, args, cfg.Env, source, names)
	d.mount(&cfg, p)
	return d.fromImage.Run(ctx, cfg, func(ctx context.Context, guest api.Module) error {
		if err := errors.Join(d.seed(guest), d.ask(guest, p, request)); err != nil {
			return err
		}
		return d.enter(ctx, guest)
	})
}

// runPlain starts an interpreter with options, a script and its arguments: no
// bytecode files, no user's site folder, UTF-8 everywhere.
func (d *Driver) runPlain(ctx context.Context, cfg vm.RunConfig, options, args []string) vm.Result {
	plain, err := d.plainModule(ctx)
	if err != nil {
		vm.Note(cfg, "python: "+err.Error())
		return vm.Result{Outcome: sandbox.Outcome{Status: sandbox.StatusInternal, ExitCode: 1, Message: "Python could not be loaded: " + err.Error()}}
	}
	cfg.Args = slices.Concat([]string{"python", "-B", "-s", "-X", "utf8"}, options, args)
	cfg.Env = withLibrary(cfg.Env)
	d.mount(&cfg, &port{})
	return plain.Run(ctx, cfg, vm.Start)
}

// mount adds the library, the time zones and the port to a run. All runs have the
// same mounts, since the image knows them.
func (d *Driver) mount(cfg *vm.RunConfig, p *port) {
	cfg.Mounts = append(cfg.Mounts,
		vm.Mount{Path: libraryPath, FS: jail.NewLibrary(d.library, cfg.Limits.OpenFiles)},
		vm.Mount{Path: zonesPath, FS: jail.NewLibrary(d.zones, cfg.Limits.OpenFiles)},
		vm.Mount{Path: portPath, FS: p})
}

// engineMounts are where the engine gives a run its folder and its devices.
var engineMounts = []string{"/", "/dev"}

// emptyMounts are mounts there without anything in them.
func emptyMounts() (mounts []vm.Mount) {
	for _, path := range engineMounts {
		mounts = append(mounts, vm.Mount{Path: path, FS: jail.NewLibrary(new(zip.Reader), imageLimits.OpenFiles)})
	}
	return mounts
}

// withLibrary puts the library in front of the search path that env may have.
func withLibrary(env []string) []string {
	i := slices.IndexFunc(env, func(kv string) bool { return strings.HasPrefix(kv, searchPath) })
	if i < 0 {
		return append(env, searchPath+libraryPath)
	}
	env = slices.Clone(env)
	env[i] = searchPath + libraryPath + ":" + strings.TrimPrefix(env[i], searchPath)
	return env
}

// readsAtStart reports whether env has settings that the interpreter reads when
// it starts.
func readsAtStart(env []string) bool {
	return slices.ContainsFunc(env, func(kv string) bool {
		return strings.HasPrefix(kv, "PYTHON") && !strings.HasPrefix(kv, searchPath)
	})
}
