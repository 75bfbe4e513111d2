package quickjs

import (
	"crypto/rand"
	"errors"
	"io"
	"unicode/utf8"

	"sandpiper/sandbox"
)

// operation is something that the prelude can ask the host for.
type operation struct {
	name string
	do   func(s *session, args []value) value
}

// operations are all of them; the prelude calls them by their index. An
// operation gets three arguments at least, checks their types, and returns a
// value that the prelude owns, or exception after throwing.
var operations []operation

func init() {
	operations = []operation{
		{"write", opWrite},
		{"exit", opExit},
		{"readStdin", opReadStdin},
		{"watchStdin", opWatchStdin},
		{"watchTicks", opWatchTicks},
		{"random", opRandom},
		{"promiseState", opPromiseState},
		{"promiseResult", opPromiseResult},
		{"isProxy", opIsProxy},
		{"proxyTarget", opProxyTarget},
		{"display", opDisplay},
		{"locate", opLocate},
	}
	operations = append(operations, moduleOperations...)
	operations = append(operations, fileOperations...)
}

// maxRandom is how many random bytes one call may ask for, as in browsers.
const maxRandom = 65536

// opWrite sends a string or bytes to stdout (1) or stderr (2). Of a text that is
// over the output limit no more is looked at than shows that it is.
func opWrite(s *session, args []value) value {
	most := s.cfg.Limits.OutputBytes + utf8.UTFMax
	if s.cell != nil {
		most = maxCopy // each cell has a limit of its own
	}
	b, ok := s.bytesUpTo(args[1], most)
	if text, isText := s.strUpTo(args[1], most); isText {
		b, ok = validText(text), true
	}
	if !ok {
		return s.misuse("write")
	}
	stream := sandbox.Stdout
	if args[0].integer() == int(sandbox.Stderr) {
		stream = sandbox.Stderr
	}
	s.run.Write(stream, b)
	return undefined
}

// opExit ends the program, or a kernel's cell, which it leaves by an error that no
// code can catch.
func opExit(s *session, args []value) value {
	code := args[0].integer() & 0xff
	if s.cell == nil {
		s.run.Exit(code)
	}
	s.cell.exitCode = &code
	err := s.error("Error", "exit")
	s.call("JS_SetUncatchableError", s.context, uint64(err))
	return s.throw(err)
}

// stdinChunk is how much one read of standard input returns at most.
const stdinChunk = 64 << 10

// opReadStdin reads standard input: bytes, null at its end, and undefined when
// there is nothing yet and the first argument does not say to wait.
func opReadStdin(s *session, args []value) value {
	if args[0] != jsTrue && !s.run.Stdin().Ready() {
		return undefined
	}
	buf := make([]byte, stdinChunk)
	n, err := s.run.ReadStdin(s.ctx, buf)
	if errors.Is(err, io.EOF) {
		return null
	}
	return s.data(buf[:n])
}

// opWatchStdin says whether input is something to wait for.
func opWatchStdin(s *session, args []value) value {
	s.watchStdin = args[0] == jsTrue
	return undefined
}

// opWatchTicks says that the program may have ticks from now on.
func opWatchTicks(s *session, _ []value) value {
	s.ticking = true
	return undefined
}

// opRandom returns random bytes.
func opRandom(s *session, args []value) value {
	n := args[0].integer()
	if n < 0 || n > maxRandom {
		return s.misuse("random")
	}
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return s.data(b)
}

// opPromiseState returns a promise's state: 0 pending, 1 fulfilled, 2 rejected,
// and -1 for what is no promise.
func opPromiseState(s *session, args []value) value {
	if !args[0].isObject() {
		return number(-1)
	}
	return number(float64(int32(s.call("JS_PromiseState", s.context, uint64(args[0])))))
}

// opPromiseResult returns what a settled promise was settled with.
func opPromiseResult(s *session, args []value) value {
	if !args[0].isObject() {
		return undefined
	}
	return s.callValue("JS_PromiseResult", s.context, uint64(args[0]))
}

// opIsProxy reports whether a value is a proxy, which no program can tell.
func opIsProxy(s *session, args []value) value {
	return boolean(s.isProxy(args[0]))
}

// opProxyTarget returns the object behind a proxy.
func opProxyTarget(s *session, args []value) value {
	if !s.isProxy(args[0]) {
		return undefined
	}
	return s.callValue("JS_GetProxyTarget", s.context, uint64(args[0]))
}

func (g *guest) isProxy(v value) bool {
	return v.isObject() && g.call("JS_IsProxy", uint64(v)) != 0
}
