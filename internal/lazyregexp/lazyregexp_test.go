package lazyregexp

import (
	"sync"
	"testing"
)

func TestNew(t *testing.T) {
	digits := New(`^\d+$`)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if re := digits(); re != digits() || !re.MatchString("12") || re.MatchString("1a") {
				t.Errorf("%v", re)
			}
		})
	}
	wg.Wait()
}

// TestWrongPattern holds that a pattern which does not compile fails in tests of
// the package that has it, whether or not they use it.
func TestWrongPattern(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a wrong pattern went unnoticed")
		}
	}()
	New(`(`)
}

func TestWrongPatternOfUsers(t *testing.T) {
	defer func(was bool) { inTest = was }(inTest)
	inTest = false
	wrong := New(`(`)
	defer func() {
		if recover() == nil {
			t.Error("a wrong pattern compiled")
		}
	}()
	wrong()
}
