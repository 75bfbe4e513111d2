package python

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/tetratelabs/wazero/api"

	"sandpiper/runtimes/wasm/vm"
	"sandpiper/sandbox"
)

// imageScript makes the image.
const imageScript = "sandpiper_image"

// entryText is what a run calls in the image; see ENTRY of imageScript.
const entryText = "__import__('sandpiper_image').main()\x00"

// Facts of an image: addresses in its memory.
const (
	factEntry       = "entry"
	factLibrary     = "library" // the archive of the library folder
	factLibrarySize = "librarySize"
)

// WASI's clocks as imageScript uses them.
const (
	clockWork    = 0 // its resolution is the work done so far
	clockCapture = 1 // asking for its resolution takes the image
)

// imageLimits bound the run of imageScript.
var imageLimits = sandbox.Limits{
	Wall: 5 * time.Minute, CPU: 2 * time.Minute, MemoryBytes: 256 << 20, OutputBytes: 1 << 20, OpenFiles: 64,
}

// imageKey names what the image is made of: the module and our own files.
func imageKey() (string, error) {
	h := sha256.New()
	h.Write([]byte(freezeScript))
	err := fs.WalkDir(libraryFiles, ".", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := libraryFiles.ReadFile(path)
		fmt.Fprintf(h, "%s %d\n%s", path, len(b), b)
		return err
	})
	return fmt.Sprintf("python 1; %s; %x", moduleHash, h.Sum(nil)), err
}

// loadFromImage makes the driver ready with the image, which is made when the
// cache does not have it.
func (d *Driver) loadFromImage(ctx context.Context, host *vm.Host, wasm []byte) error {
	key, err := imageKey()
	if err != nil {
		return err
	}
	image, err := host.Image(key, func() (*vm.Image, error) { return d.makeImage(ctx, host, wasm) })
	if err != nil {
		return err
	}
	d.imageSize = image.Size()
	d.entry = uint64(image.Facts[factEntry])
	if d.fromImage, err = host.LoadImage(ctx, "python", wasm, loadOptions, image); err != nil {
		return err
	}
	d.library, err = d.libraryOf(ctx, image)
	return err
}

// makeImage starts the interpreter in the plain module and takes the image. The
// plain module is given back.
func (d *Driver) makeImage(ctx context.Context, host *vm.Host, wasm []byte) (image *vm.Image, err error) {
	plain, err := host.Load(ctx, "python", wasm, loadOptions)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, host.Unload(context.WithoutCancel(ctx), plain)) }()
	archive, err := freeze(ctx, plain)
	if err != nil {
		return nil, err
	}
	if d.library, err = openLibrary(archive); err != nil {
		return nil, err
	}
	var output bytes.Buffer
	p := &port{limit: 1 << 10}
	p.ask(tuple(string(archive)))
	cfg := vm.RunConfig{
		Limits: imageLimits,
		Args:   []string{"python", "-B", "-s", "-X", "utf8", libraryPath + "/" + imageScript + ".pyc"},
		Output: func(_ sandbox.Stream, b []byte) { output.Write(b) },
		Env:    withLibrary(nil),
		Mounts: emptyMounts(),
	}
	d.mount(&cfg, p)
	var failed error
	cfg.Probe = func(ctx context.Context, guest api.Module, clock uint32) uint64 {
		run := vm.Current(ctx)
		if clock != clockCapture {
			return uint64(run.Work())
		}
		image, failed = takeImage(run, guest, string(p.answer))
		run.Exit(0)
		return 0
	}
	res := plain.Run(ctx, cfg, vm.Start)
	if image == nil && failed == nil {
		failed = fmt.Errorf("%s %s", res.Message, output.Bytes())
	}
	if failed != nil {
		return nil, fmt.Errorf("make the image: %w", failed)
	}
	return image, nil
}

// takeImage takes the image. places is what the script says of it.
func takeImage(run *vm.Run, guest api.Module, places string) (*vm.Image, error) {
	var entry, library, size uint64
	if _, err := fmt.Sscanf(places, "%d %d %d", &entry, &library, &size); err != nil {
		return nil, fmt.Errorf("the script says %q: %w", places, err)
	}
	if b, ok := guest.Memory().Read(uint32(entry), uint32(len(entryText))); !ok || string(b) != entryText {
		return nil, fmt.Errorf("the entry is not at %d", entry)
	}
	image, err := run.Capture()
	if err != nil {
		return nil, err
	}
	image.Facts = map[string]uint64{factEntry: entry, factLibrary: library, factLibrarySize: size}
	return image, nil
}

// libraryOf reads the library folder from the image.
func (d *Driver) libraryOf(ctx context.Context, image *vm.Image) (library fs.FS, err error) {
	var archive []byte
	cfg := vm.RunConfig{Limits: imageLimits, Mounts: emptyMounts()}
	d.library = new(zip.Reader)
	d.mount(&cfg, &port{})
	res := d.fromImage.Run(ctx, cfg, func(_ context.Context, guest api.Module) error {
		b, ok := guest.Memory().Read(uint32(image.Facts[factLibrary]), uint32(image.Facts[factLibrarySize]))
		if !ok {
			return errors.New("the image has no library")
		}
		archive = bytes.Clone(b)
		return nil
	})
	if res.Status != sandbox.StatusOK {
		return nil, fmt.Errorf("read the library of the image: %s", res.Message)
	}
	return openLibrary(archive)
}

func openLibrary(archive []byte) (fs.FS, error) {
	library, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		return nil, fmt.Errorf("open the library: %w", err)
	}
	return library, nil
}

// runEntry is the body of a run of the image: the guest finds in its port what it
// is to do.
func (d *Driver) runEntry(ctx context.Context, guest api.Module) error {
	res, err := guest.ExportedFunction(runString).Call(ctx, d.entry, 0)
	if err == nil && int32(res[0]) != 0 {
		vm.Current(ctx).Exit(1) // it has said why
	}
	return err
}

// fits reports whether a run can go on from the image: what the image cannot do is
// to apply settings that the interpreter reads when it starts, to be small, and to
// have other mounts than those that the C library learned of.
func (d *Driver) fits(cfg vm.RunConfig) bool {
	mounted := slices.EqualFunc(cfg.Mounts, engineMounts, func(m vm.Mount, path string) bool { return m.Path == path })
	return d.fromImage != nil && cfg.Limits.MemoryBytes >= d.imageSize+imageSlack && mounted && !readsAtStart(cfg.Env)
}

// imageSlack is memory that a program needs at least.
const imageSlack = 4 << 20
