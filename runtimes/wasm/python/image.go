package python

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tetratelabs/wazero/api"

	"sandpiper/runtimes/wasm/vm"
	"sandpiper/sandbox"
)

// imageScript makes the image.
const imageScript = "sandpiper_image"

// Facts of an image: addresses and sizes in its memory.
const (
	factLibrary     = "library" // the archive of the library folder
	factLibrarySize = "librarySize"
	factRequest     = "request" // where a run finds what it is to do
	factRequestSize = "requestSize"
	factMain        = "main" // the function that a run calls
	factNothing     = "nothing"
	factRandom      = "random" // the state of the module random
)

// randomWords is the size of a Mersenne Twister's state.
const randomWords = 624

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
	return fmt.Sprintf("python 2; %s; %x", moduleHash, h.Sum(nil)), err
}

// loadFromImage makes the driver ready with the image, which is made when the
// cache does not have it.
func (d *Driver) loadFromImage(ctx context.Context, host *vm.Host, source vm.Source) error {
	key, err := imageKey()
	if err != nil {
		return err
	}
	image, err := host.Image(key, func() (*vm.Image, error) { return d.makeImage(ctx, host, source) })
	if err != nil {
		return err
	}
	d.image = image
	if d.fromImage, err = host.LoadImage(ctx, "python", source, loadOptions, image); err != nil {
		return err
	}
	d.library, err = d.libraryOf(ctx, image)
	return err
}

// makeImage starts the interpreter in the plain module and takes the image. The
// plain module is given back.
func (d *Driver) makeImage(ctx context.Context, host *vm.Host, source vm.Source) (image *vm.Image, err error) {
	plain, err := host.Load(ctx, "python", source, loadOptions)
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
	p := &port{limit: 16 << 10}
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
	facts, err := findPlaces(guest.Memory(), places)
	if err != nil {
		return nil, fmt.Errorf("the script says %q: %w", places, err)
	}
	image, err := run.Capture()
	if err != nil {
		return nil, err
	}
	image.Facts = facts
	return image, nil
}

// findPlaces returns the facts that places says, when the memory agrees: objects
// have their types, and the generator of random numbers has the state that it
// said it had.
func findPlaces(mem api.Memory, places string) (map[string]uint64, error) {
	var n []uint64
	for _, field := range strings.Fields(places) {
		v, err := strconv.ParseUint(field, 10, 32)
		if err != nil {
			return nil, err
		}
		n = append(n, v)
	}
	const before = 10 // the random state
	if len(n) != before+randomWords {
		return nil, fmt.Errorf("%d numbers", len(n))
	}
	has := func(at uint64, want ...uint64) bool {
		for i, w := range want {
			if got, ok := mem.ReadUint32Le(uint32(at) + 4*uint32(i)); !ok || uint64(got) != w {
				return false
			}
		}
		return true
	}
	const typeOffset = 4 // of an object, behind its reference count
	switch {
	case !has(n[4]+typeOffset, n[5]):
		return nil, errors.New("there is no function")
	case !has(n[6]+typeOffset, n[7]):
		return nil, errors.New("there is no tuple")
	case !has(n[8], n[9:]...):
		return nil, errors.New("there is no state of random")
	}
	return map[string]uint64{
		factLibrary: n[0], factLibrarySize: n[1], factRequest: n[2], factRequestSize: n[3],
		factMain: n[4], factNothing: n[6], factRandom: n[8],
	}, nil
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

// ask tells the guest what it is to do when it is entered next: in its memory, or
// in the port where it is too long for that.
func (d *Driver) ask(guest api.Module, p *port, request []byte) error {
	p.ask(request)
	if uint64(len(request)) > d.image.Facts[factRequestSize] {
		request = []byte{marshalNone}
	}
	if !guest.Memory().Write(uint32(d.image.Facts[factRequest]), request) {
		return errors.New("the image has no room for a request")
	}
	return nil
}

// seed gives the module random a state that is as good as any.
func (d *Driver) seed(guest api.Module) error {
	at := uint32(d.image.Facts[factRandom])
	var state [4 + 4*randomWords]byte
	_, _ = rand.Read(state[4:])                          // never fails
	binary.LittleEndian.PutUint32(state[:], randomWords) // all of them are used up
	if !guest.Memory().Write(at, state[:]) {
		return errors.New("the image has no random state")
	}
	return nil
}

// enter has the guest do what it was asked to.
func (d *Driver) enter(ctx context.Context, guest api.Module) error {
	res, err := vm.Current(ctx).Call(ctx, callObject, d.image.Facts[factMain], d.image.Facts[factNothing], 0)
	if err == nil && uint32(res[0]) == 0 {
		vm.Current(ctx).Exit(1) // an exception, which the script should have caught
	}
	return err
}

// fits reports whether a run can go on from the image: what the image cannot do is
// to apply settings that the interpreter reads when it starts, to be small, and to
// have other mounts than those that the C library learned of.
func (d *Driver) fits(cfg vm.RunConfig) bool {
	mounted := slices.EqualFunc(cfg.Mounts, engineMounts, func(m vm.Mount, path string) bool { return m.Path == path })
	return d.fromImage != nil && cfg.Limits.MemoryBytes >= d.image.Size()+imageSlack && mounted && !readsAtStart(cfg.Env)
}

// imageSlack is memory that a program needs at least.
const imageSlack = 4 << 20
