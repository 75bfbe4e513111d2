package python

import (
	"context"
	"embed"
	"io/fs"
	"slices"
	"strings"

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

	module  *vm.Module
	library fs.FS
	zones   fs.FS
}

// Load compiles CPython, and with it the library.
func (d *Driver) Load(ctx context.Context, host *vm.Host, wasm []byte) error {
	source, err := fs.Sub(libraryFiles, "lib")
	if err != nil {
		return err
	}
	if d.module, err = host.Load(ctx, "python", wasm, vm.LoadOptions{}); err != nil {
		return err
	}
	if d.library, err = freeze(ctx, d.module, source); err != nil {
		return err
	}
	d.zones, err = d.Zones()
	return err
}

// Run runs p as "python main.py args…" would in its folder.
func (d *Driver) Run(ctx context.Context, cfg vm.RunConfig, p sandbox.Program) sandbox.Outcome {
	// No bytecode files, no user's site folder, UTF-8 everywhere.
	cfg.Args = append([]string{"python", "-B", "-s", "-X", "utf8", libraryPath + "/" + startScript + ".pyc", p.Files[0].Name}, p.Args...)
	d.mount(&cfg)
	res := d.module.Run(ctx, cfg, vm.Start)
	if res.Status == sandbox.StatusError || res.Status == sandbox.StatusMemoryLimit {
		res.Diagnostics = Diagnose(res.StderrTail, p.Files)
		if hint := missingModule(res.StderrTail, p.Files); hint != "" {
			vm.Note(cfg, hint)
		}
	}
	return res.Outcome
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
