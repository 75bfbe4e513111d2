package ruby

import (
	"context"
	"embed"
	"errors"
	"io/fs"
	"strings"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"sandpiper/runtimes/wasm/jail"
	"sandpiper/runtimes/wasm/vm"
	"sandpiper/sandbox"
)

// libraryPath is where programs find the library folder, which holds the library
// sandpiper and the script that starts a program. Ruby looks at every folder on
// the way to a file, and there is none that leads to a mount: so it is at the
// top, under a name that no program uses.
const libraryPath = "/.sandpiper"

//go:embed lib
var libraryFiles embed.FS

// initArgs start Ruby with UTF-8 everywhere and an empty program: without one it
// would wait for a program on standard input.
var initArgs = []string{"ruby\x00", "-EUTF-8\x00", "-e_=0\x00"}

// startMemory is the memory limit while Ruby starts, for its image. It then asks for 256 MiB to
// speed up a search that few programs need, writes to all of it, and does
// without when it is refused.
const startMemory = 128 << 20

// startScript is the script of the library folder that starts programs.
const startScript = "sandpiper_run.rb"

// Driver runs Ruby programs. The zero value is ready for Load.
type Driver struct {
	module  *vm.Module
	signals signals
	library fs.FS
}

// Load prepares the image that programs go on from, or takes it from the host's
// cache.
func (d *Driver) Load(ctx context.Context, host *vm.Host, source vm.Source) (err error) {
	if d.library, err = fs.Sub(libraryFiles, "lib"); err != nil {
		return err
	}
	options := vm.LoadOptions{Images: true, Imports: map[string]func(wazero.HostModuleBuilder){
		"canonical_abi":  defineHandles,
		"rb-js-abi-host": defineJavaScript,
	}}
	key, err := imageKey(source)
	if err != nil {
		return err
	}
	image, err := host.Image(key, func() (*vm.Image, error) {
		plain, err := host.Load(ctx, "ruby", source, options)
		if err != nil {
			return nil, err
		}
		image, err := d.makeImage(ctx, plain)
		return image, errors.Join(err, host.Unload(context.WithoutCancel(ctx), plain))
	})
	if err != nil {
		return err
	}
	d.signals = signalsOf(image.Facts)
	d.module, err = host.LoadImage(ctx, "ruby", source, options, image)
	return err
}

// Run runs p as "ruby main.rb args…" would in its folder.
func (d *Driver) Run(ctx context.Context, cfg vm.RunConfig, p sandbox.Program) sandbox.Outcome {
	res := d.eval(ctx, cfg, startText(cfg.Env, p))
	if res.Status == sandbox.StatusError {
		res.Diagnostics = Diagnose(res.StderrTail, p.Files)
		if hint := missingGem(res.StderrTail, p.Files); hint != "" {
			vm.Note(cfg, hint)
		}
	}
	return res.Outcome
}

// furnish adds to cfg what every instance has, those too of which an image is
// taken: Ruby learns its mounts when it starts.
func (d *Driver) furnish(cfg *vm.RunConfig) {
	cfg.Args = []string{"ruby"}
	cfg.Mounts = append(cfg.Mounts, vm.Mount{Path: libraryPath, FS: jail.NewLibrary(d.library, cfg.Limits.OpenFiles)})
}

// eval has a fresh instance evaluate a text that ends the run itself, unless the
// program has redefined what that takes.
func (d *Driver) eval(ctx context.Context, cfg vm.RunConfig, text string) vm.Result {
	d.furnish(&cfg)
	return d.module.Run(ctx, cfg, func(ctx context.Context, mod api.Module) error {
		if ended, err := (guest{ctx, mod}).eval(text); ended || err != nil {
			return err
		}
		run := vm.Current(ctx)
		run.Note("the program redefined what Ruby ends with")
		run.Exit(1)
		return nil
	})
}

// startText is the Ruby text that runs p.
func startText(env []string, p sandbox.Program) string {
	return callText(env, "main", quoteAll(append([]string{p.Files[0].Name}, p.Args...)))
}

// callText is the Ruby text that begins a run with an environment and calls a
// method of the start script.
func callText(env []string, method, args string) string {
	return enterText(env) + "SandpiperRun." + method + "(" + args + ")\n"
}

// enterText is the Ruby text that begins a run with an environment.
func enterText(env []string) string {
	var b strings.Builder
	b.WriteString("SandpiperRun.enter({")
	for _, kv := range env {
		if name, v, ok := strings.Cut(kv, "="); ok {
			b.WriteString(quote(name) + "=>" + quote(v) + ",")
		}
	}
	b.WriteString("})\n")
	return b.String()
}

func quoteAll(args []string) string {
	quoted := make([]string, len(args))
	for i, arg := range args {
		quoted[i] = quote(arg)
	}
	return strings.Join(quoted, ", ")
}

var quoteEscapes = strings.NewReplacer(`\`, `\\`, `'`, `\'`)

// quote writes s as a Ruby string in which nothing is interpolated.
func quote(s string) string { return "'" + quoteEscapes.Replace(s) + "'" }
