package inside

import (
	"context"
	"os"
	"testing"

	"sandpiper/runtimes/wasm/frame"
	"sandpiper/runtimes/wasm/program"
	"sandpiper/runtimes/wasm/worker/link"
	"sandpiper/sandbox"
	"sandpiper/sandbox/sandboxtest"
)

type engine struct{ *sandboxtest.Runner }

func (engine) Close() error { return nil }

func (engine) Commands() []string { return nil }

func (engine) NewGroup(program.Limits) program.Group { return group{} }

// group says who it is, and no more.
type group struct{}

func (group) Exec(_ context.Context, c program.Call) (sandbox.Outcome, error) {
	c.Output(sandbox.Stdout, []byte(c.Dir))
	_, err := c.Flow()
	return sandbox.Outcome{Status: sandbox.StatusOK}, err
}
func (group) Resize(program.Limits)               {}
func (group) Pause()                              {}
func (group) Resume()                             {}
func (group) Usage(context.Context) program.Usage { return program.Usage{} }
func (group) Close()                              {}

// FuzzBegin gives a worker requests of all kinds: each is answered, and nothing
// panics.
func FuzzBegin(f *testing.F) {
	f.Add(byte(link.OpRun), []byte(`{"Language":"script","Files":[{"Name":"a","Bytes":7}]}`), []byte("print x"))
	f.Add(byte(link.OpRun), []byte(`{"Language":"script"}`), []byte(nil)) // panics in this engine
	f.Add(byte(link.OpRun), []byte(`{"Language":"script","Files":[{"Name":"a","Bytes":-7}]}`), []byte("print x"))
	f.Add(byte(link.OpRun), []byte(`{"Language":"script","Files":[{"Name":"a","Bytes":99}]}`), []byte("print x"))
	f.Add(byte(link.OpRun), []byte(`{"Language":"script","Input":{"Bytes":5},"Files":[{"Name":"a","Bytes":4}]}`), []byte("echoinput"))
	f.Add(byte(link.OpExecute), []byte(`{"Kernel":1,"Code":3}`), []byte("1+1"))
	f.Add(byte(link.OpOpen), []byte(`{"Spec":{"Language":"script","Dir":"/"}}`), []byte(nil))
	f.Add(byte(link.OpResume), []byte(`{}`), []byte(nil))
	f.Add(byte(link.OpFork), []byte(`{"Kernel":9}`), []byte(nil))
	f.Add(byte(link.OpSave), []byte(`{"Kernel":9}`), []byte(nil))
	f.Add(byte(link.OpClose), []byte(`{"Kernel":9}`), []byte(nil))
	f.Add(byte(link.OpExec), []byte(`{"Group":1,"Command":"script","Dir":"/","Args":["a"],"Input":{"Bytes":9}}`), []byte("input"))
	f.Add(byte(link.OpUsage), []byte(`{"Group":1}`), []byte(nil))
	f.Add(byte(200), []byte(nil), []byte(nil))
	f.Fuzz(func(t *testing.T, op byte, body, data []byte) {
		switch link.Op(op) {
		case link.OpPing, link.OpCancel, link.OpInput, link.OpInterrupt, link.OpGroup, link.OpTaken:
			return // these want no answer
		}
		ours, theirs, err := frame.SocketPair()
		if err != nil {
			t.Fatal(err)
		}
		server, err := link.New(ours, false)
		if err != nil {
			t.Fatal(err)
		}
		l, err := link.New(theirs, true)
		if err != nil {
			t.Fatal(err)
		}
		w := newWorker(l, engine{sandboxtest.NewRunner()})
		w.handle(&link.Message{Op: link.OpInput, ID: 1, Body: body, Data: data})
		w.handle(&link.Message{Op: link.OpGroup, Body: body})
		m := &link.Message{Op: link.Op(op), ID: 1, Body: body, Data: data}
		if m.Op == link.OpExec {
			served, home, err := frame.SocketPair()
			if err != nil {
				t.Fatal(err)
			}
			defer served.Close()
			m.Files = []*os.File{home}
		}
		w.begin(m)
		w.handle(&link.Message{Op: link.OpTaken, ID: 1, Body: body})
		w.handle(&link.Message{Op: link.OpCancel, ID: 1, Body: []byte(`{"Cause":"killed"}`)})
		for {
			m, err := server.Receive()
			if err != nil {
				t.Fatal(err)
			}
			if m.Op == link.OpEnd {
				break
			}
		}
		w.end(nil)
		w.tasks.Wait()
		server.Release()
		l.Release()
	})
}
