package sshgateway

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"

	"golang.org/x/crypto/ssh"

	"sandpiper/sandbox"
	"sandpiper/sandbox/toolbox/upgrade"
)

// directTCP connects the peer to a port of the sandbox, or of one that is linked
// to it: the local and the dynamic forwarding of SSH.
func (c *conn) directTCP(n ssh.NewChannel) {
	d, err := parse[directTCP](n.ExtraData())
	if err != nil || d.Port < 1 || d.Port > 65535 || d.Port == sandbox.ToolboxPort {
		_ = n.Reject(ssh.ConnectionFailed, "there is no such port")
		return
	}
	ctx, cancel := context.WithTimeout(c.ctx, dialTime)
	defer cancel()
	id, err := c.target(ctx, d.Host)
	if err != nil {
		_ = n.Reject(ssh.Prohibited, message(err))
		return
	}
	inside, err := c.gateway.manager.Dial(ctx, id, int(d.Port))
	c.join(n, inside, err)
}

// target returns the sandbox that a host names.
func (c *conn) target(ctx context.Context, host string) (id string, err error) {
	own := c.visit.Sandbox
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	addr, err := netip.ParseAddr(host)
	if err == nil && addr.Unmap().IsLoopback() || host == "localhost" || host == strings.ToLower(own.Name) || host == own.ID {
		return own.ID, nil
	}
	if s, err := c.gateway.manager.Sandbox(ctx, own.Organization, host); err == nil && (s.Linked == own.ID || own.Linked == s.ID) {
		return s.ID, nil
	}
	return "", sandbox.Errorf(sandbox.KindForbidden, "only ports of this sandbox and of those linked to it are forwarded: use localhost, not %.80q", host)
}

// directSocket connects the peer to a unix socket of the sandbox.
func (c *conn) directSocket(n ssh.NewChannel) {
	d, err := parse[directSocket](n.ExtraData())
	if err != nil || !strings.HasPrefix(d.Path, "/") {
		_ = n.Reject(ssh.ConnectionFailed, "the path of a socket begins with a slash")
		return
	}
	inside, err := c.ask(c.ctx, http.MethodGet, "/unix?path="+url.QueryEscape(d.Path), upgrade.TCP)
	c.join(n, inside, err)
}

// join accepts a channel for a connection into the sandbox, or says why there is
// none, and copies until both are done.
func (c *conn) join(n ssh.NewChannel, inside net.Conn, err error) {
	if err != nil {
		_ = n.Reject(ssh.ConnectionFailed, message(err))
		return
	}
	channel, requests, err := n.Accept()
	if err != nil {
		_ = inside.Close()
		return // the peer is gone
	}
	c.copy(channel, requests, inside)
}

// copy copies between a channel and a connection into the sandbox until both are
// done, the peer closes the channel, or the connection ends.
func (c *conn) copy(channel ssh.Channel, requests <-chan *ssh.Request, inside net.Conn) {
	stop := context.AfterFunc(c.ctx, func() {
		_ = inside.Close()
		_ = channel.Close()
	})
	defer stop()
	defer channel.Close()
	peer := active{channel, c}
	gone, answered := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(gone)
		ssh.DiscardRequests(requests) // until the peer closes the channel
	}()
	var asking sync.WaitGroup
	defer asking.Wait()
	asking.Go(func() {
		upgrade.Pass(inside, peer)
		// A peer that has said all may still listen; one that has closed the
		// channel does not, and what it said before has been passed on.
		select {
		case <-gone:
		case <-answered:
		}
		_ = inside.Close()
	})
	upgrade.Pass(peer, inside)
	close(answered)
}

// serveRequests carries out the connection's own requests.
func (c *conn) serveRequests(requests <-chan *ssh.Request) {
	for r := range requests {
		var ok bool
		var answer []byte
		switch r.Type {
		case "tcpip-forward":
			ok, answer = c.listen(r.Payload)
		case "cancel-tcpip-forward":
			ok = c.unlisten(r.Payload)
		case "keepalive@openssh.com":
			ok = true
		case "streamlocal-forward@openssh.com":
			c.notice("unix sockets are not forwarded out of a sandbox; forward a port")
		}
		if r.WantReply {
			_ = r.Reply(ok, answer) // a peer that is gone needs none
		}
	}
}

// originOf splits an address for the peer.
func originOf(address string) (host string, port uint32) {
	a, err := netip.ParseAddrPort(address)
	if err != nil {
		return "127.0.0.1", 0
	}
	return a.Addr().String(), uint32(a.Port())
}

var errForwards = sandbox.Errorf(sandbox.KindBusy, "%s", fmt.Sprintf("a connection may forward %d ports out of a sandbox", maxForwards))
