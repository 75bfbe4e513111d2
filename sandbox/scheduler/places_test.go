package scheduler_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sandpiper/sandbox/scheduler"
)

// TestPlacesTakeTurns lets two clients wait for one place.
func TestPlacesTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := scheduler.NewPlaces(1)
		var order []string
		take := func(ctx context.Context, client string) {
			go func() {
				if p.Take(ctx, client, func() {}) != nil {
					return
				}
				order = append(order, client) // whoever has the place writes alone
				time.Sleep(time.Second)
				p.Leave()
			}()
			synctest.Wait()
		}
		impatient, cut := context.WithCancel(t.Context())
		for range 4 {
			take(t.Context(), "ada")
		}
		take(impatient, "eve")
		take(t.Context(), "bob")
		cut()
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if got := strings.Join(order, " "); got != "ada ada bob ada ada" {
			t.Errorf("the places went to %s", got)
		}
	})
}

// TestPlacesWait looks at who is told to wait, and why a wait ended.
func TestPlacesWait(t *testing.T) {
	p := scheduler.NewPlaces(1)
	if err := p.Take(t.Context(), "ada", func() { t.Error("a free place is waited for") }); err != nil {
		t.Fatal(err)
	}
	why := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	if err := p.Take(ctx, "bob", func() { cancel(why) }); !errors.Is(err, why) {
		t.Errorf("the wait ended with %v", err)
	}
	p.Leave()
	if err := p.Take(t.Context(), "bob", func() { t.Error("who gave up still has a place") }); err != nil {
		t.Fatal(err)
	}
}
