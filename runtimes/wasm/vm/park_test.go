package vm_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/tetratelabs/wazero/api"

	"sandpiper/runtimes/wasm/vm"
)

// in runs body on an instance.
func in(t *testing.T, i *vm.Instance, body func(ctx context.Context, guest api.Module)) {
	t.Helper()
	_, kept, err := i.Run(t.Context(), vm.RunConfig{Limits: limits}, func(ctx context.Context, guest api.Module) error {
		body(ctx, guest)
		return nil
	})
	if err != nil || !kept {
		t.Errorf("kept %t, %v", kept, err)
	}
}

// TestPark holds that an instance is after parking what it was before, whatever is
// done to it next.
func TestPark(t *testing.T) {
	const far = 3 << 16 // behind the image
	for name, check := range map[string]func(t *testing.T, i *vm.Instance){
		"a run": func(t *testing.T, i *vm.Instance) { expect(t, bump(t, i), "11 9") },
		"parked again": func(t *testing.T, i *vm.Instance) {
			i.Park()
			expect(t, bump(t, i), "11 9")
			i.Park()
			expect(t, bump(t, i), "12 10")
		},
		"a run that fails": func(t *testing.T, i *vm.Instance) {
			_, kept, err := i.Run(t.Context(), vm.RunConfig{Limits: limits}, func(ctx context.Context, guest api.Module) error {
				invoke(ctx, guest, "bump")
				_, err := guest.ExportedFunction("crash").Call(ctx)
				return err
			})
			if kept || err != nil {
				t.Errorf("kept %t, %v", kept, err)
			}
			expect(t, bump(t, i), "11 9")
		},
		"a fork": func(t *testing.T, i *vm.Instance) {
			fork, err := i.Fork(t.Context(), vm.RunConfig{Limits: limits})
			if err != nil {
				t.Fatal(err)
			}
			defer fork.Close()
			expect(t, bump(t, fork), "11 9")
			expect(t, bump(t, i), "11 9")
		},
		"its clock": func(t *testing.T, i *vm.Instance) {
			var last, now uint64
			clock := func(at *uint64) func(ctx context.Context, guest api.Module) {
				return func(ctx context.Context, guest api.Module) {
					invoke(ctx, guest, "clock")
					*at, _ = guest.Memory().ReadUint64Le(64)
				}
			}
			in(t, i, clock(&last))
			i.Park()
			if in(t, i, clock(&now)); now <= last {
				t.Errorf("its clock went from %d to %d", last, now)
			}
		},
		"closed": func(t *testing.T, i *vm.Instance) {
			if err := i.Close(); err != nil {
				t.Error(err)
			}
			if _, _, err := i.Run(t.Context(), vm.RunConfig{Limits: limits}, nil); !errors.Is(err, vm.ErrClosed) {
				t.Error(err)
			}
			i.Park()
		},
	} {
		t.Run(name, func(t *testing.T) {
			i := newImages(t).open(t)
			in(t, i, func(ctx context.Context, guest api.Module) {
				invoke(ctx, guest, "bump")
				invoke(ctx, guest, "grow", 2)
				invoke(ctx, guest, "poke", far, 42)
			})
			i.Park()
			if name != "closed" {
				in(t, i, func(ctx context.Context, guest api.Module) {
					if n := invoke(ctx, guest, "peek", far); n != 42 {
						t.Errorf("behind the image it finds %d, want 42", n)
					}
				})
			}
			i.Park()
			check(t, i)
		})
	}
}

// TestParkIsNoUse has an instance parked again and again while it is used: it is
// never busy because of that.
func TestParkIsNoUse(t *testing.T) {
	i := newImages(t).open(t)
	stop := make(chan struct{})
	var parker sync.WaitGroup
	parker.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				i.Park()
			}
		}
	})
	for range 200 {
		in(t, i, func(ctx context.Context, guest api.Module) { invoke(ctx, guest, "bump") })
		if err := i.Save(io.Discard); err != nil {
			t.Error(err)
		}
		fork, err := i.Fork(t.Context(), vm.RunConfig{Limits: limits})
		if err != nil {
			t.Fatal(err)
		}
		_ = fork.Close()
	}
	close(stop)
	parker.Wait()
	expect(t, bump(t, i), "210 208")
}

// TestFewAreIdle uses many instances by turns: those that were used last keep their
// guests, and all their state.
func TestFewAreIdle(t *testing.T) {
	images := newImages(t)
	all := make([]*vm.Instance, 20)
	for n := range all {
		all[n] = images.open(t)
		expect(t, bump(t, all[n]), "10 8")
	}
	kept := func() (kept []int) {
		for n, i := range all {
			if !i.Parked() {
				kept = append(kept, n)
			}
		}
		return kept
	}
	for end := time.Now().Add(10 * time.Second); len(kept()) == len(all) || kept()[0] < len(all)/2; runtime.Gosched() {
		if time.Now().After(end) {
			t.Fatalf("of %d instances %v are not parked", len(all), kept())
		}
	}
	if k := kept(); len(k) == 0 || k[len(k)-1] != len(all)-1 {
		t.Errorf("the last one used is parked; %v are not", k)
	}
	for _, i := range all {
		expect(t, bump(t, i), "11 9")
	}
}

// TestRestoredAreIdle holds that instances which were restored and not used yet give
// their guests back as others do.
func TestRestoredAreIdle(t *testing.T) {
	images := newImages(t)
	first := images.open(t)
	expect(t, bump(t, first), "10 8")
	var saved bytes.Buffer
	if err := first.Save(&saved); err != nil {
		t.Fatal(err)
	}
	all := make([]*vm.Instance, 20)
	for n := range all {
		i, err := images.module.Restore(t.Context(), vm.RunConfig{Limits: limits}, bytes.NewReader(saved.Bytes()))
		if err != nil {
			t.Fatal(err)
		}
		defer i.Close()
		all[n] = i
	}
	for end := time.Now().Add(10 * time.Second); !all[0].Parked(); runtime.Gosched() {
		if time.Now().After(end) {
			t.Fatal("the one that has been idle longest keeps its guest")
		}
	}
	expect(t, bump(t, all[0]), "11 9")
}

// TestParkedSaves holds that what is saved of a parked instance is what it was.
func TestParkedSaves(t *testing.T) {
	i := newImages(t)
	a := i.open(t)
	expect(t, bump(t, a), "10 8")
	a.Park()
	var saved bytes.Buffer
	if err := a.Save(&saved); err != nil {
		t.Fatal(err)
	}
	b, err := i.module.Restore(t.Context(), vm.RunConfig{Limits: limits}, &saved)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	expect(t, bump(t, b), "11 9")
}

// TestMemoryIsWhatParkingTakes has an instance write to pages what is in them
// already, as a guest that is used again has pages of those before.
func TestMemoryIsWhatParkingTakes(t *testing.T) {
	i := newImages(t).open(t)
	in(t, i, func(ctx context.Context, guest api.Module) {
		invoke(ctx, guest, "bump")
		for page := range uint64(31) {
			invoke(ctx, guest, "poke", 4096*(page+1), 0)
		}
		invoke(ctx, guest, "poke", 4096*20, 42)
	})
	before := i.Memory()
	i.Park()
	if after := i.Memory(); before != 2*4096 || after != 2*4096 {
		t.Errorf("it needs %d bytes for itself, and %d when it is parked", before, after)
	}
}

// TestParkKeepsFiles holds that an instance with a file open, or its descriptors
// rearranged, keeps its guest.
func TestParkKeepsFiles(t *testing.T) {
	a := newAgain(t)
	i, err := a.module.Open(t.Context(), a.cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer i.Close()
	next := func(parked bool, body func(ctx context.Context, guest api.Module)) {
		t.Helper()
		in(t, i, body)
		if i.Park(); i.Parked() != parked {
			t.Errorf("parked %t, want %t", !parked, parked)
		}
	}
	next(true, func(context.Context, api.Module) {})
	next(false, func(ctx context.Context, guest api.Module) {
		if e := invoke(ctx, guest, "open", 3); e != 0 {
			t.Errorf("open: %d", e)
		}
	})
	next(true, func(ctx context.Context, guest api.Module) {
		if e := invoke(ctx, guest, "stat", 4); e != 0 {
			t.Errorf("the open file is gone: %d", e)
		}
		if e := invoke(ctx, guest, "close", 4); e != 0 {
			t.Errorf("close: %d", e)
		}
	})
	next(false, func(ctx context.Context, guest api.Module) { invoke(ctx, guest, "close", 1) })
	next(false, func(context.Context, api.Module) {})
}
