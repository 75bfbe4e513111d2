package computer

import (
	"context"
	"testing"

	"sandpiper/runtimes/wasm/shell/wire"
)

// TestLateCompletion holds that a shell that does not answer holds up what is typed
// for a moment only, and that its request is not called off.
func TestLateCompletion(t *testing.T) {
	answer := make(chan struct{})
	defer close(answer)
	h := &shellHost{ctx: t.Context(), ask: func(ctx context.Context, _ *wire.Message) (*wire.Message, error) {
		select {
		case <-ctx.Done():
			t.Error("the request was called off")
		case <-answer:
		}
		return &wire.Message{}, nil
	}}
	if start, words := h.complete("c"); start != 0 || words != nil {
		t.Errorf("got %d, %q", start, words)
	}
}
