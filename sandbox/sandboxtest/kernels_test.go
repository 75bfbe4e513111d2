package sandboxtest

import "testing"

func TestFakeKernels(t *testing.T) {
	TestKernelEngine(t, NewFakeKernels(), Cells{
		Language: "script", Set: "set a 1", Change: "set a 2", Print: "get a", Value: "value a", Fail: "raise E v", Loop: "print begun\nloop",
	})
}
