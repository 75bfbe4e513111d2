package guest

import (
	"context"
	"net"
)

// Powers that a guest with sockets has besides, found by assertion.
type (
	// PortListener listens inside the sandbox.
	PortListener interface {
		// ListenPort listens on a TCP port of the loopback address, as the
		// sandbox's user could; 0 picks one.
		ListenPort(ctx context.Context, port int) (net.Listener, error)
	}

	// SocketDialer connects to unix sockets.
	SocketDialer interface {
		// DialSocket connects to the socket with an absolute path, if the
		// sandbox's user may.
		DialSocket(ctx context.Context, path string) (net.Conn, error)
	}
)
