package shell

import (
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"time"

	"sandpiper/runtimes/wasm/shell/wire"
)

const (
	// childStack bounds the recursion of a child, in bytes: a function that calls
	// itself without end crashes its shell, as it does elsewhere.
	childStack = 64 << 20

	// childMemory is when a child begins to collect its garbage eagerly.
	childMemory = 192 << 20
)

const (
	// restMemory is how much memory a process may have taken, in bytes, to be used for
	// another command: the kernel counts all of it against the next one's limit.
	restMemory = 96 << 20

	// restWait is how long what a command has started may take to end after it.
	restWait = 100 * time.Millisecond
)

// process is a child process: the connection, and the child that has it now. After
// a command that has left nothing behind comes another child, for the sandbox's next
// command, which then need not wait for a process to start.
type process struct {
	peer  *wire.Peer
	ended chan struct{} // closed to end the process

	goroutines int // that there are without a command
	descriptor int // the first that is free then

	mu    sync.Mutex
	child *child
}

// childMain serves one shell after the other. It ends with the connection, so also
// when the server does.
func childMain() int {
	debug.SetMaxStack(childStack)
	debug.SetMemoryLimit(childMemory)
	debug.SetTraceback("none")
	os.Clearenv()
	p := &process{ended: make(chan struct{})}
	var err error
	if p.peer, err = wire.NewPeer(os.NewFile(socketFD, "socket"), p.handle); err != nil {
		return 1
	}
	if err := confine(); err != nil {
		return 1
	}
	p.child = newChild(p)
	p.descriptor = freeDescriptor()
	const main, reader = 1, 1
	p.goroutines = main + reader
	go func() {
		p.peer.Serve()
		os.Exit(0)
	}()
	<-p.ended
	return 0
}

// handle carries out the server's requests, which nobody reads before the process is
// confined.
func (p *process) handle(m *wire.Message, answer func(*wire.Message)) {
	if m.Op == wire.OpReady {
		answer(&wire.Message{})
		return
	}
	p.mu.Lock()
	c := p.child
	p.mu.Unlock()
	c.handle(m, answer)
}

// over ends the process after the last run of c, or tells the server that it rests.
// It is called by the goroutine of that run.
func (p *process) over(c *child) {
	if c.terminal != nil || c.session != nil || !p.clean(c) {
		close(p.ended)
		return
	}
	p.mu.Lock()
	p.child = newChild(p)
	p.mu.Unlock()
	_ = p.peer.Tell(&wire.Message{Op: wire.OpRest}) // without a server the process ends
}

// clean reports whether nothing is left of a command: no goroutine, no descriptor,
// and no more memory than the next command can do without.
func (p *process) clean(c *child) bool {
	const caller = 1
	for began := time.Now(); runtime.NumGoroutine() > p.goroutines+caller; time.Sleep(time.Millisecond) {
		if time.Since(began) > restWait {
			return false
		}
	}
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	return c.pipes.empty() && freeDescriptor() <= p.descriptor && memory.Sys <= restMemory
}
