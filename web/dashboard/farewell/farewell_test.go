package farewell_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"sandpiper/web/dashboard/farewell"
)

func TestFarewell(t *testing.T) {
	for _, tt := range []struct {
		name    string
		do      func(d *farewell.Desk)
		removed int
	}{
		{"it is deleted later", func(*farewell.Desk) {}, 1},
		{"it is taken back", func(d *farewell.Desk) { d.Undo("a") }, 0},
		{"it is too late to take it back", func(d *farewell.Desk) {
			time.Sleep(11 * time.Second) // of the bubble's clock
			if d.Undo("a") {
				panic("it was deleted and taken back")
			}
		}, 1},
		{"the server ends first", func(d *farewell.Desk) { d.Close() }, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				removed, changes := 0, 0
				d := farewell.New(farewell.Wait, func() { changes++ })
				d.Add("a", func() error { removed++; return nil })
				d.Add("a", func() error { removed += 10; return nil })
				at, ok := d.At("a")
				if !ok || time.Until(at) != farewell.Wait {
					t.Errorf("it begins at %v, %v", at, ok)
				}
				tt.do(d)
				time.Sleep(time.Minute)
				synctest.Wait()
				if _, ok := d.At("a"); ok || removed != tt.removed {
					t.Errorf("removed %d, waiting %v", removed, ok)
				}
				if changes == 0 {
					t.Error("nobody heard of it")
				}
				d.Close()
			})
		})
	}
}

func TestFailedFarewell(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := farewell.New(farewell.Wait, func() {})
		defer d.Close()
		broken := errors.New("the engine is gone")
		d.Add("a", func() error { return broken })
		time.Sleep(time.Minute)
		synctest.Wait()
		if err := d.Failed("a"); err != broken {
			t.Errorf("it failed with %v", err)
		}
		d.Add("a", func() error { return nil })
		if err := d.Failed("a"); err != nil {
			t.Errorf("it is tried again, and still failed with %v", err)
		}
	})
}
