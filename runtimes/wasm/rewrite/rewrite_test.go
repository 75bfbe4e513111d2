package rewrite_test

import (
	"context"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"sandpiper/runtimes/wasm/rewrite"
)

// allFeatures is what the rewriter must be able to decode.
const allFeatures = api.CoreFeaturesV2 | experimental.CoreFeaturesThreads |
	experimental.CoreFeaturesTailCall | experimental.CoreFeaturesExtendedConst |
	experimental.CoreFeaturesExceptionHandling | experimental.CoreFeaturesTypedFunctionReferences

// host is a runtime with a tick function that counts its calls and refills.
type host struct {
	wazero.Runtime
	ticks  int
	refill uint64
}

func newHost(t testing.TB, config wazero.RuntimeConfig) *host {
	t.Helper()
	ctx := context.Background()
	h := &host{Runtime: wazero.NewRuntimeWithConfig(ctx, config.WithCoreFeatures(allFeatures)), refill: 10}
	t.Cleanup(func() {
		if err := h.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	tick := func(_ context.Context, m api.Module, _ []uint64) {
		h.ticks++
		m.ExportedGlobal(rewrite.FuelExport).(api.MutableGlobal).Set(h.refill)
	}
	_, err := h.NewHostModuleBuilder(rewrite.TickModule).NewFunctionBuilder().
		WithGoModuleFunction(api.GoModuleFunc(tick), nil, nil).Export(rewrite.TickName).Instantiate(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *host) instantiate(t testing.TB, wasm []byte) api.Module {
	t.Helper()
	m, err := h.InstantiateWithConfig(context.Background(), wasm, wazero.NewModuleConfig().WithName(""))
	if err != nil {
		t.Fatalf("instantiate: %v", err)
	}
	return m
}

func mustRewrite(t testing.TB, wasm []byte, opts rewrite.Options) ([]byte, rewrite.Info) {
	t.Helper()
	out, info, err := rewrite.Rewrite(wasm, opts)
	if err != nil {
		t.Fatalf("rewrite: %v", err)
	}
	return out, info
}

func call(t testing.TB, m api.Module, name string, args ...uint64) uint64 {
	t.Helper()
	results, err := m.ExportedFunction(name).Call(context.Background(), args...)
	if err != nil {
		t.Fatalf("%s%v: %v", name, args, err)
	}
	return results[0]
}

func TestFuelCountsLoopIterations(t *testing.T) {
	for _, tc := range []struct {
		name  string
		fuel  rewrite.Fuel
		ticks int // for 100 iterations, with a refill of 10
	}{
		{"loops", rewrite.Fuel{Initial: 10}, 10},
		{"loops and entries", rewrite.Fuel{Initial: 9, Entries: true}, 10},
		{"empty at the start", rewrite.Fuel{Initial: 0}, 10},
		{"below zero at the start", rewrite.Fuel{Initial: -5}, 10},
		{"more than is needed", rewrite.Fuel{Initial: 1000, Entries: true}, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := newHost(t, wazero.NewRuntimeConfig())
			out, info := mustRewrite(t, sumModule(), rewrite.Options{Fuel: &tc.fuel})
			if got := call(t, h.instantiate(t, out), "sum", 100); got != 5050 {
				t.Errorf("sum(100) = %d, want 5050", got)
			}
			if h.ticks != tc.ticks {
				t.Errorf("%d ticks, want %d", h.ticks, tc.ticks)
			}
			if info.Loops != 1 || info.Functions != 1 {
				t.Errorf("info = %+v", info)
			}
		})
	}
}
