package worker

import (
	"log/slog"
	"testing"

	"sandpiper/runtimes/wasm/worker/link"
	"sandpiper/sandbox"
)

// counter is a sink.
type counter struct{ bytes int }

func (c *counter) Output(_ sandbox.Stream, p []byte) { c.bytes += len(p) }

func (c *counter) Display(sandbox.Display) {}

// FuzzHandle gives the server's side what a worker that a guest has taken over may
// send: it is refused or taken, never more than was sent, and nothing panics.
func FuzzHandle(f *testing.F) {
	f.Add(byte(link.OpBegan), uint64(1), []byte(nil), []byte(nil))
	f.Add(byte(link.OpHungry), uint64(1), []byte(nil), []byte(nil))
	f.Add(byte(link.OpSaid), uint64(1), []byte(`{"Pieces":[{"Stream":1,"Bytes":3},{"Display":{"data":{"a":1}}}]}`), []byte("abc"))
	f.Add(byte(link.OpSaid), uint64(1), []byte(`{"Pieces":[{"Stream":1,"Bytes":-3}]}`), []byte("abc"))
	f.Add(byte(link.OpSaid), uint64(1), []byte(`{"Pieces":[{"Stream":9,"Bytes":3}]}`), []byte("abc"))
	f.Add(byte(link.OpEnd), uint64(1), []byte(`{"Outcome":{"Status":"ok"},"Files":[{"Name":"a","Bytes":4}]}`), []byte("file"))
	f.Add(byte(link.OpEnd), uint64(1), []byte(`{"Files":[{"Bytes":-1}]}`), []byte("file"))
	f.Add(byte(link.OpEnd), uint64(1), []byte(`{"Fault":{"Kind":"busy","Message":"x"}}`), []byte(nil))
	f.Add(byte(link.OpLanguages), uint64(0), []byte(`{"States":[{"ID":"a"},{"ID":"b"}]}`), []byte(nil))
	f.Add(byte(link.OpHello), uint64(1), []byte(`{}`), []byte(nil))
	f.Fuzz(func(t *testing.T, op byte, id uint64, body, data []byte) {
		out := &counter{}
		w := &process{calls: map[uint64]*call{}, log: slog.New(slog.DiscardHandler), onChange: func() {}, languages: []sandbox.Language{{ID: "a"}}}
		first, c, err := w.begin(request{sink: out})
		if err != nil || first != 1 {
			t.Fatal(first, err)
		}
		err = w.handle(&link.Message{Op: link.Op(op), ID: id, Body: body, Data: data})
		if out.bytes > len(data) {
			t.Errorf("%d bytes of output came of %d", out.bytes, len(data))
		}
		select {
		case a := <-c.answer:
			if err != nil {
				t.Error("an answer that was refused")
			}
			_, _ = outcomeOf(a)
		default:
		}
		if n, _ := w.busy(); n == 0 && link.Op(op) != link.OpEnd {
			t.Error("a call ended without its end")
		}
	})
}
