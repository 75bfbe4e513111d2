package sandboxtest

import (
	"strconv"
	"strings"
	"testing"

	"sandpiper/sandbox"
)

func TestFakeKernels(t *testing.T) {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	open := func(t *testing.T) (sandbox.KernelEngine, string) { return NewFakeKernels(), t.TempDir() }
	TestKernelEngine(t, open, Cells{
		Language: "script", Set: "set a 1", Change: "set a 2", Print: "get a", Value: "value a", Fail: "raise E v",
		Stderr: "print out\neprint err", Display: "display text/html <b>x</b>",
		Bytes: "write " + strconv.Quote(string(all)), Huge: "print " + strings.Repeat("x", hugeOutput),
		Env: "env SECRET", Save: "file secret.txt hidden", Read: "cat secret.txt",
		Loop: "print begun\nloop", Sleep: "print begun\nsleep 1h", Input: "print begun\nreadline",
		Stubborn: "print begun\nstubborn", Flood: "flood", Hoard: "hoard", Crash: "crash",
	})
}
