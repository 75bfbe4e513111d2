package upgrade

import (
	"io"
	"sync"
)

// TCP is the name of the upgrade to a connection's plain bytes.
const TCP = "tcp"

// Join copies between two connections in both directions. The end of what one
// says is passed on, where the other can be told, and the other direction stays
// open; an error ends both. It returns when both directions have ended, and
// closes both.
func Join(a, b io.ReadWriteCloser) {
	var both sync.WaitGroup
	both.Go(func() { Pass(a, b) })
	both.Go(func() { Pass(b, a) })
	both.Wait()
	_ = a.Close()
	_ = b.Close()
}

// Pass is one direction of Join: it copies to the end of from, and passes the end
// on. An error closes both.
func Pass(to, from io.ReadWriteCloser) {
	if _, err := io.Copy(to, from); err != nil {
		_ = to.Close()
		_ = from.Close()
		return
	}
	if half, ok := to.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite() // one that is gone ends the other direction too
	}
}
