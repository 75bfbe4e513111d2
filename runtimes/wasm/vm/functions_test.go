package vm

import (
	"runtime"
	"testing"

	"github.com/tetratelabs/wazero/api"
)

type fakeExport struct{ api.Function }

// exporter is a guest that makes a new function each time.
type exporter struct{ api.Module }

func (exporter) ExportedFunction(name string) api.Function {
	if name == "missing" {
		return nil
	}
	return new(fakeExport)
}

func TestFunctionsInACallAreNotShared(t *testing.T) {
	k := new(keptFunctions).get()
	outer := k.take(exporter{}, "f")
	inner := k.take(exporter{}, "f")
	if outer == inner {
		t.Fatal("a function that is in a call was given to another one")
	}
	k.give("f", inner)
	k.give("f", outer)
	if a, b := k.take(exporter{}, "f"), k.take(exporter{}, "f"); a != outer || b != inner {
		t.Error("functions that came back were not used again")
	}
	if f := k.take(exporter{}, "missing"); f != nil {
		t.Errorf("got %v for what is not exported", f)
	}
}

func TestFunctionsAreForgottenByTheCollector(t *testing.T) {
	var kept keptFunctions
	first := kept.get()
	first.give("f", new(fakeExport))
	if kept.get() != first {
		t.Fatal("functions in use were forgotten")
	}
	runtime.KeepAlive(first)
	runtime.GC()
	if n := len(kept.get().idle); n != 0 {
		t.Errorf("%d functions of nobody outlived a collection", n)
	}
}
