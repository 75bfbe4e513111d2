package wasm

import (
	"testing"
	"testing/synctest"

	"sandpiper/sandbox"
)

func TestTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		waiting := func(id string, weight int) *language {
			return &language{weight: weight, info: sandbox.Language{ID: id, State: sandbox.LanguagePreparing}}
		}
		heavy, light, middle, last := waiting("heavy", 3), waiting("light", 1), waiting("middle", 2), waiting("last", 4)
		failed := &language{info: sandbox.Language{ID: "failed", State: sandbox.LanguageFailed}}
		turns := newTurns([]*language{heavy, light, failed, middle, last})
		taken := make(chan *language, 1)
		next := func() {
			l := turns.take()
			if l == nil {
				l = failed // nothing is left
			}
			taken <- l
		}
		expect := func(want *language) {
			t.Helper()
			go next()
			if got := <-taken; got != want {
				t.Fatalf("it is the turn of %s, want %s", got.info.ID, want.info.ID)
			}
		}

		expect(light)
		turns.prefer(heavy)
		expect(heavy)

		go next()
		synctest.Wait()
		if len(taken) > 0 {
			t.Fatalf("%s is prepared beside what somebody waits for", (<-taken).info.ID)
		}
		turns.prefer(last)
		if got := <-taken; got != last {
			t.Fatalf("it is the turn of %s, somebody waits for the last", got.info.ID)
		}

		go next()
		turns.done(light)
		turns.done(heavy)
		synctest.Wait()
		if len(taken) > 0 {
			t.Fatalf("%s is prepared beside the last", (<-taken).info.ID)
		}
		turns.prefer(failed) // which has no turn
		turns.done(last)
		if got := <-taken; got != middle {
			t.Fatalf("it is the turn of %s", got.info.ID)
		}
		expect(failed)
	})
}
