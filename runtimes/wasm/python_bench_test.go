package wasm_test

import (
	"testing"

	"sandpiper/sandbox"
)

// BenchmarkPython runs a hello from the image, and, as the floor, with an
// interpreter that starts from nothing.
func BenchmarkPython(b *testing.B) {
	e := newEngine(b, "python")
	hello := pythonProgram("print(1)")
	plain := hello
	plain.Env = map[string]string{"PYTHONHASHSEED": "random"}
	for name, p := range map[string]sandbox.Program{"image": hello, "plain": plain} {
		b.Run(name, func(b *testing.B) {
			var end times
			for b.Loop() {
				_, d, _ := timedRun(b, e, p)
				end.add(d)
			}
			end.report(b, "end")
		})
	}
	b.Run("parallel", func(b *testing.B) {
		var end times
		b.SetParallelism(4)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				_, d, _ := timedRun(b, e, hello)
				end.add(d)
			}
		})
		end.report(b, "end")
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "runs/s")
	})
}
