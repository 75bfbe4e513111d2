//go:build linux

package osguest

import (
	"context"
	"net"
	"path"
	"strconv"
	"syscall"

	"sandpiper/sandbox/guest"
)

var (
	_ guest.PortListener = (*Guest)(nil)
	_ guest.SocketDialer = (*Guest)(nil)
)

// firstFreePort is the first port that is not root's alone.
const firstFreePort = 1024

// ListenPort implements guest.PortListener.
func (g *Guest) ListenPort(ctx context.Context, port int) (net.Listener, error) {
	if port != 0 && port < firstFreePort && g.user.uid != 0 {
		return nil, &net.OpError{Op: "listen", Net: "tcp", Err: syscall.EACCES}
	}
	var config net.ListenConfig
	return config.Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
}

// DialSocket implements guest.SocketDialer. The kernel checks the rights of the
// thread that connects, so the connection is made on the user's.
func (g *Guest) DialSocket(ctx context.Context, name string) (conn net.Conn, err error) {
	if !path.IsAbs(name) {
		return nil, &net.OpError{Op: "dial", Net: "unix", Err: syscall.EINVAL}
	}
	err = g.user.as(func() error {
		var d net.Dialer
		conn, err = d.DialContext(ctx, "unix", name)
		return err
	})
	return conn, err
}
