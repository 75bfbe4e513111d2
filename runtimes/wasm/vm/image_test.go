package vm_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tetratelabs/wazero/api"

	"sandpiper/runtimes/wasm/vm"
	. "sandpiper/runtimes/wasm/wasmtest"
	"sandpiper/sandbox"
)

// counterModule has a counter in memory, at address 0, and one in a global. Its
// data says 7, which an instance of an image must not see again.
func counterModule() []byte {
	return Module{
		Memory: [2]uint32{2, 1 << 12}, Globals: []int32{5}, Data: "\x07",
		Imports: []Import{fdWrite, pollOneoff, clockGet},
		Funcs: []Func{
			{Export: "bump", Type: ":i", Code: Code(
				I32(0), I32(0), Load(), I32(1), Op(0x6a), Store(),
				Op(0x23, 0), I32(1), Op(0x6a), Op(0x24, 0),
				I32(0), Load())},
			{Export: "global", Type: ":i", Code: Op(0x23, 0)},
			{Export: "peek", Type: "i:i", Code: Code(Get(0), Load())},
			{Export: "poke", Type: "ii", Code: Code(Get(0), Get(1), Store())},
			{Export: "grow", Type: "i:i", Code: Code(Get(0), Op(0x40, 0))},
			{Export: "clock", Code: Code(I32(1), I64(0), I32(64), Call(2), Drop())}, // monotonic, to address 64
			{Export: "spin", Code: Forever()},
			{Export: "crash", Code: Op(0x00)},
			{Export: "sleep", Code: Code(Op(0x03, 0x40), // until the counter is not 9 any more
				I32(0), Load(), I32(9), Op(0x46), Op(0x04, 0x40),
				I32(1024), I32(2048), I32(1), I32(4096), Call(1), Drop(), Op(0x0c, 1), Op(0x0b), Op(0x0b))},
		},
	}.Bytes()
}

// images is a module with an image of it: both counters were bumped twice.
type images struct {
	host   *vm.Host
	wasm   []byte
	image  *vm.Image
	module *vm.Module
}

func newImages(t testing.TB) *images {
	t.Helper()
	i := &images{wasm: counterModule()}
	i.host = newHostWith(t, vm.Config{CacheDir: t.TempDir(), Log: slog.New(slog.DiscardHandler)})
	plain := load(t, i.host, i.wasm, vm.LoadOptions{Images: true})
	res := plain.Run(t.Context(), vm.RunConfig{Limits: limits}, func(ctx context.Context, guest api.Module) (err error) {
		invoke(ctx, guest, "bump")
		invoke(ctx, guest, "bump")
		i.image, err = vm.Current(ctx).Capture()
		return err
	})
	if res.Status != sandbox.StatusOK {
		t.Fatal(res.Message)
	}
	i.module = i.load(t)
	return i
}

func (i *images) load(t testing.TB) *vm.Module {
	t.Helper()
	m, err := i.host.LoadImage(t.Context(), "counter", vm.Binary(i.wasm), vm.LoadOptions{Images: true}, i.image)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// invoke calls an export and returns its result.
func invoke(ctx context.Context, guest api.Module, name string, args ...uint64) int32 {
	res, err := guest.ExportedFunction(name).Call(ctx, args...)
	if err != nil {
		panic(err)
	}
	if len(res) == 0 {
		return 0
	}
	return int32(res[0])
}

// once runs body on m and fails the test when it does not end well.
func once(t testing.TB, m *vm.Module, body func(ctx context.Context, guest api.Module)) vm.Result {
	t.Helper()
	res := m.Run(t.Context(), vm.RunConfig{Limits: limits}, func(ctx context.Context, guest api.Module) error {
		body(ctx, guest)
		return nil
	})
	if res.Status != sandbox.StatusOK {
		t.Error(res.Message)
	}
	return res
}

func TestImage(t *testing.T) {
	i := newImages(t)
	for range 3 {
		once(t, i.module, func(ctx context.Context, guest api.Module) {
			if n, g := invoke(ctx, guest, "bump"), invoke(ctx, guest, "global"); n != 10 || g != 8 {
				t.Errorf("the counters are %d and %d", n, g)
			}
		})
	}
	plain := load(t, i.host, i.wasm, vm.LoadOptions{Images: true})
	once(t, plain, func(ctx context.Context, guest api.Module) {
		if n := invoke(ctx, guest, "bump"); n != 8 {
			t.Errorf("without the image the counter is %d", n)
		}
	})
}

// TestSlotsAreClean has runs leave secrets in all places, end in all ways, and
// others look for them, also at the same time.
func TestSlotsAreClean(t *testing.T) {
	i := newImages(t)
	const secret = 0x5ec2e7
	ends := map[string]func(ctx context.Context, guest api.Module) error{
		"a normal end": func(context.Context, api.Module) error { return nil },
		"a crash": func(ctx context.Context, guest api.Module) error {
			_, err := guest.ExportedFunction("crash").Call(ctx)
			return err
		},
		"a time-out": func(ctx context.Context, guest api.Module) error {
			_, err := guest.ExportedFunction("spin").Call(ctx)
			return err
		},
		"an exit": func(ctx context.Context, _ api.Module) error { vm.Current(ctx).Exit(3); return nil },
		"a panic": func(context.Context, api.Module) error { panic("oops") },
	}
	quick := limits
	quick.Wall = 50 * time.Millisecond
	dirty := func(end func(ctx context.Context, guest api.Module) error, grow uint64) {
		i.module.Run(context.Background(), vm.RunConfig{Limits: quick}, func(ctx context.Context, guest api.Module) error {
			invoke(ctx, guest, "grow", grow)
			size := uint64(guest.Memory().Size())
			for at := uint64(8); at+4 <= size; at += 3000 {
				invoke(ctx, guest, "poke", at, secret)
			}
			return end(ctx, guest)
		})
	}
	clean := func() {
		once(t, i.module, func(ctx context.Context, guest api.Module) {
			if n := guest.Memory().Size(); n != 2<<16 {
				t.Errorf("the memory begins with %d bytes", n)
			}
			invoke(ctx, guest, "grow", 300)
			b, _ := guest.Memory().Read(4, guest.Memory().Size()-4)
			if at := bytes.IndexFunc(b, func(r rune) bool { return r != 0 }); at >= 0 {
				t.Errorf("there is something at %d", at+4)
			}
		})
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			for _, grow := range []uint64{0, 3, 300} {
				dirty(end, grow)
				clean()
			}
		})
	}
	t.Run("at the same time", func(t *testing.T) {
		var all sync.WaitGroup
		for n := range 16 {
			all.Go(func() {
				if n%2 == 0 {
					dirty(ends["a normal end"], uint64(n))
				} else {
					clean()
				}
			})
		}
		all.Wait()
	})
}

// TestKeptImage takes an image from the cache, and makes it again when the file
// is damaged.
func TestKeptImage(t *testing.T) {
	dir := t.TempDir()
	wasm := counterModule()
	made := 0
	open := func() *vm.Module {
		h := newHostWith(t, vm.Config{CacheDir: dir, Log: slog.New(slog.DiscardHandler)})
		image, err := h.Image("counter", func() (image *vm.Image, err error) {
			made++
			plain := load(t, h, wasm, vm.LoadOptions{Images: true})
			once(t, plain, func(ctx context.Context, guest api.Module) {
				invoke(ctx, guest, "bump")
				invoke(ctx, guest, "poke", 1<<17-4, 42)
				image, err = vm.Current(ctx).Capture()
			})
			image.Facts["entry"] = 77
			return image, err
		})
		if err != nil {
			t.Fatal(err)
		}
		if image.Facts["entry"] != 77 {
			t.Errorf("facts %v", image.Facts)
		}
		m, err := h.LoadImage(t.Context(), "counter", vm.Binary(wasm), vm.LoadOptions{Images: true}, image)
		if err != nil {
			t.Fatal(err)
		}
		sameImage, err1 := h.Image("counter", nil)
		sameModule, err2 := h.LoadImage(t.Context(), "counter", vm.Binary(wasm), vm.LoadOptions{Images: true}, sameImage)
		if sameImage != image || sameModule != m || err1 != nil || err2 != nil {
			t.Error("the image or its module is there twice", err1, err2)
		}
		return m
	}
	see := func(want int) {
		t.Helper()
		once(t, open(), func(ctx context.Context, guest api.Module) {
			if n, end := invoke(ctx, guest, "bump"), invoke(ctx, guest, "peek", 1<<17-4); n != 9 || end != 42 {
				t.Errorf("the image has %d and %d", n, end)
			}
		})
		if made != want {
			t.Errorf("made %d times, want %d", made, want)
		}
	}
	see(1)
	see(1)
	files, err := filepath.Glob(filepath.Join(dir, "*", "image"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	for _, damage := range []func(b []byte) []byte{
		func(b []byte) []byte { b[0]++; return b },
		func(b []byte) []byte { return b[:len(b)-1] },
		func([]byte) []byte { return nil },
	} {
		b, err := os.ReadFile(files[0])
		if err != nil {
			t.Fatal(err)
		}
		// Another file in its place: guests of before may still have this one mapped.
		if err := os.Remove(files[0]); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(files[0], damage(b), 0o600); err != nil {
			t.Fatal(err)
		}
		see(made + 1)
	}
}

func TestCaptureNeedsImages(t *testing.T) {
	plain := load(t, newHost(t), counterModule(), vm.LoadOptions{})
	once(t, plain, func(ctx context.Context, _ api.Module) {
		if _, err := vm.Current(ctx).Capture(); err == nil {
			t.Error("an image was taken of a module that was not loaded for it")
		}
	})
	if _, err := plain.Open(t.Context(), vm.RunConfig{Limits: limits}); err == nil {
		t.Error("an instance was opened without an image")
	}
}

// open opens an instance of the image.
func (i *images) open(t testing.TB) *vm.Instance {
	t.Helper()
	in, err := i.module.Open(t.Context(), vm.RunConfig{Limits: limits})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := in.Close(); err != nil {
			t.Error(err)
		}
	})
	return in
}

// bump bumps an instance's counters and returns them.
func bump(t testing.TB, in *vm.Instance) string {
	t.Helper()
	var got string
	res, kept, err := in.Run(t.Context(), vm.RunConfig{Limits: limits}, func(ctx context.Context, guest api.Module) error {
		n := invoke(ctx, guest, "bump")
		got = fmt.Sprint(n, invoke(ctx, guest, "global"))
		return nil
	})
	if res.Status != sandbox.StatusOK || !kept || err != nil {
		t.Errorf("%+v, kept %t, %v", res.Outcome, kept, err)
	}
	return got
}

func expect(t testing.TB, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestInstance(t *testing.T) {
	i := newImages(t)
	a, b := i.open(t), i.open(t)
	expect(t, bump(t, a), "10 8")
	expect(t, bump(t, a), "11 9")
	expect(t, bump(t, b), "10 8")
	c, err := a.Fork(t.Context(), vm.RunConfig{Limits: limits})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	expect(t, bump(t, a), "12 10")
	expect(t, bump(t, c), "12 10")
	expect(t, bump(t, c), "13 11")
	expect(t, bump(t, a), "13 11")
	if n := a.Memory(); n < 4096 || n > 64<<10 {
		t.Errorf("it has %d bytes for itself", n)
	}
}

// TestInstanceGoesBack ends runs in the middle of a change.
func TestInstanceGoesBack(t *testing.T) {
	i := newImages(t)
	in := i.open(t)
	expect(t, bump(t, in), "10 8")
	short := limits
	short.Wall = 50 * time.Millisecond
	for name, end := range map[string]string{"a crash": "crash", "a time-out": "spin"} {
		res, kept, err := in.Run(t.Context(), vm.RunConfig{Limits: short}, func(ctx context.Context, guest api.Module) error {
			invoke(ctx, guest, "bump")
			invoke(ctx, guest, "grow", 10)
			invoke(ctx, guest, "poke", 5<<16, 99)
			_, err := guest.ExportedFunction(end).Call(ctx)
			return err
		})
		if res.Status == sandbox.StatusOK || kept || err != nil {
			t.Errorf("%s: %+v, kept %t, %v", name, res.Outcome, kept, err)
		}
	}
	expect(t, bump(t, in), "11 9")
}

// TestInstanceClock has the monotonic clock never go back, whatever becomes of an
// instance.
func TestInstanceClock(t *testing.T) {
	i := newImages(t)
	open, err := i.module.Open(t.Context(), vm.RunConfig{Limits: limits})
	if err != nil {
		t.Fatal(err)
	}
	defer open.Close()
	var last uint64
	look := func(name string, inst *vm.Instance, body func(ctx context.Context, guest api.Module)) {
		t.Helper()
		_, _, err := inst.Run(t.Context(), vm.RunConfig{Limits: limits}, func(ctx context.Context, guest api.Module) error {
			invoke(ctx, guest, "clock")
			now, _ := guest.Memory().ReadUint64Le(64)
			if now <= last {
				t.Errorf("%s: %d ns after %d ns", name, now, last)
			}
			last = now
			body(ctx, guest)
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
	nothing := func(context.Context, api.Module) {}
	look("opened", open, nothing)
	look("again", open, nothing)
	look("exiting", open, func(ctx context.Context, _ api.Module) { vm.Current(ctx).Exit(1) })
	look("rolled back", open, nothing)
	fork, err := open.Fork(t.Context(), vm.RunConfig{Limits: limits})
	if err != nil {
		t.Fatal(err)
	}
	defer fork.Close()
	look("forked", fork, nothing)
	var state bytes.Buffer
	if err := fork.Save(&state); err != nil {
		t.Fatal(err)
	}
	restored, err := i.module.Restore(t.Context(), vm.RunConfig{Limits: limits}, &state)
	if err != nil {
		t.Fatal(err)
	}
	defer restored.Close()
	look("restored", restored, nothing)
}

func TestInstanceInterrupt(t *testing.T) {
	i := newImages(t)
	for _, export := range []string{"spin", "sleep"} {
		t.Run(export, func(t *testing.T) {
			in := i.open(t)
			if in.Interrupt(func(context.Context, api.Module) {}) {
				t.Error("there was a run to interrupt")
			}
			started := make(chan struct{})
			go func() {
				<-started
				called := make(chan struct{})
				if !in.Interrupt(func(ctx context.Context, guest api.Module) {
					invoke(ctx, guest, "bump")
					close(called)
					if export == "spin" {
						vm.Current(ctx).Exit(9)
					}
				}) {
					t.Error("there was no run to interrupt")
				}
				<-called
			}()
			res, kept, err := in.Run(t.Context(), vm.RunConfig{Limits: limits}, func(ctx context.Context, guest api.Module) error {
				// A subscription to the monotonic clock, an hour from now.
				b := make([]byte, 48)
				b[16], b[29] = 1, 0x10
				guest.Memory().Write(1024, b)
				close(started)
				_, err := guest.ExportedFunction(export).Call(ctx)
				return err
			})
			if err != nil || kept != (export == "sleep") || res.Usage.Wall > limits.Wall/2 {
				t.Errorf("%+v, kept %t, %v", res.Outcome, kept, err)
			}
		})
	}
}

func TestInstanceEnds(t *testing.T) {
	i := newImages(t)
	in := i.open(t)
	started := make(chan struct{})
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		<-started
		if _, _, err := in.Run(t.Context(), vm.RunConfig{Limits: limits}, nil); !errors.Is(err, vm.ErrBusy) {
			t.Errorf("a second run: %v", err)
		}
		if err := in.Save(&bytes.Buffer{}); !errors.Is(err, vm.ErrBusy) {
			t.Errorf("saving: %v", err)
		}
		if _, err := in.Fork(t.Context(), vm.RunConfig{Limits: limits}); !errors.Is(err, vm.ErrBusy) {
			t.Errorf("a fork: %v", err)
		}
		if err := in.Close(); err != nil {
			t.Error(err)
		}
	}()
	res, kept, err := in.Run(t.Context(), vm.RunConfig{Limits: limits}, func(ctx context.Context, guest api.Module) error {
		close(started)
		_, err := guest.ExportedFunction("spin").Call(ctx)
		return err
	})
	if res.Status != sandbox.StatusCancelled || kept || err != nil {
		t.Errorf("%+v, kept %t, %v", res.Outcome, kept, err)
	}
	<-closed
	if _, _, err := in.Run(t.Context(), vm.RunConfig{Limits: limits}, nil); !errors.Is(err, vm.ErrClosed) {
		t.Errorf("a run after the end: %v", err)
	}
}

func TestSavedState(t *testing.T) {
	i := newImages(t)
	in := i.open(t)
	expect(t, bump(t, in), "10 8")
	_, _, err := in.Run(t.Context(), vm.RunConfig{Limits: limits}, func(ctx context.Context, guest api.Module) error {
		invoke(ctx, guest, "grow", 20)
		invoke(ctx, guest, "poke", 20<<16, 1234)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	var saved bytes.Buffer
	if err := in.Save(&saved); err != nil {
		t.Fatal(err)
	}
	expect(t, bump(t, in), "11 9")
	restore := func(b []byte, most int64) (*vm.Instance, error) {
		own := limits
		own.MemoryBytes = most
		return i.module.Restore(t.Context(), vm.RunConfig{Limits: own}, bytes.NewReader(b))
	}
	again, err := restore(saved.Bytes(), limits.MemoryBytes)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	expect(t, bump(t, again), "11 9")
	if n := saved.Len(); n > 1024 {
		t.Errorf("the state takes %d bytes", n)
	}
	for name, b := range map[string][]byte{
		"nothing": nil, "text": []byte(strings.Repeat("hello ", 100)), "half": saved.Bytes()[:saved.Len()/2],
		"changed": append(append([]byte(nil), saved.Bytes()[:saved.Len()-20]...), make([]byte, 20)...),
	} {
		if _, err := restore(b, limits.MemoryBytes); !errors.Is(err, vm.ErrBadState) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := restore(saved.Bytes(), 10<<16); !errors.Is(err, vm.ErrBadState) {
		t.Errorf("more memory than allowed: %v", err)
	}
	other := newImages(t)
	once(t, other.module, func(ctx context.Context, guest api.Module) {
		invoke(ctx, guest, "bump")
		if other.image, err = vm.Current(ctx).Capture(); err != nil {
			t.Error(err)
		}
	})
	if _, err := other.load(t).Restore(t.Context(), vm.RunConfig{Limits: limits}, bytes.NewReader(saved.Bytes())); !errors.Is(err, vm.ErrOtherImage) {
		t.Errorf("another image: %v", err)
	}
	older := bytes.Replace(saved.Bytes(), []byte("spstate4"), []byte("spstate3"), 1)
	if _, err := restore(older, limits.MemoryBytes); !errors.Is(err, vm.ErrOtherImage) {
		t.Errorf("a state of an older form: %v", err)
	}
}

func FuzzRestore(f *testing.F) {
	i := newImages(f)
	in := i.open(f)
	bump(f, in)
	var saved bytes.Buffer
	if err := in.Save(&saved); err != nil {
		f.Fatal(err)
	}
	f.Add(saved.Bytes())
	f.Add(saved.Bytes()[:50])
	f.Add([]byte(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := i.module.Restore(t.Context(), vm.RunConfig{Limits: limits}, bytes.NewReader(b))
		if err == nil {
			bump(t, got)
			got.Close()
		} else if !errors.Is(err, vm.ErrBadState) && !errors.Is(err, vm.ErrOtherImage) {
			t.Error(err)
		}
	})
}

// TestGuestsMadeAhead has runs that differ in what they are given, of which some
// go on from a guest that was made for another.
func TestGuestsMadeAhead(t *testing.T) {
	i := newImages(t)
	small := limits
	small.MemoryBytes = 64 << 10
	share := vm.NewShare(1, 64<<10)
	for range 20 {
		if res := once(t, i.module, func(ctx context.Context, guest api.Module) { invoke(ctx, guest, "bump") }); res.Usage.MemoryBytes != 2<<16 {
			t.Errorf("a run used %d bytes", res.Usage.MemoryBytes)
		}
		for name, cfg := range map[string]vm.RunConfig{"a small run": {Limits: small}, "a run of a small share": {Limits: limits, Share: share}} {
			res := i.module.Run(t.Context(), cfg, func(context.Context, api.Module) error { return errors.New("it began") })
			if res.Status != sandbox.StatusMemoryLimit {
				t.Errorf("%s: %+v", name, res.Outcome)
			}
		}
	}
	if used, _ := share.Usage(); used != 0 {
		t.Errorf("%d bytes of the share are in use", used)
	}
}
