package sshgateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/ssh"

	"sandpiper/sandbox"
	"sandpiper/sandbox/sshaccess"
)

// conn is one connection that was let in.
type conn struct {
	gateway *Gateway
	ssh     *ssh.ServerConn
	visit   *sshaccess.Visit
	log     *slog.Logger

	ctx context.Context // ends with the connection; its cause is what sessions are told
	end context.CancelCauseFunc

	mu       sync.Mutex // orders channels with the end
	closing  bool
	channels sync.WaitGroup
	forwards map[bound]*forward
	notices  []string // for the next session to show: requests themselves are answered yes or no

	touched atomic.Int64 // when activity was noted, in nanoseconds since 1970
}

// errGone is the end of a connection whose peer has gone.
var errGone = errors.New("the peer has gone")

func newConn(g *Gateway, server *ssh.ServerConn, v *sshaccess.Visit) *conn {
	c := &conn{gateway: g, ssh: server, visit: v, forwards: map[bound]*forward{}}
	c.ctx, c.end = context.WithCancelCause(v.Context)
	c.log = g.log.With("sandbox", v.Sandbox.ID, "ssh_access", v.Access.ID, "peer", server.RemoteAddr().String())
	return c
}

// serve serves one connection to its end.
func (g *Gateway) serve(nc net.Conn) {
	defer nc.Close()
	address := addressOf(nc.RemoteAddr())
	if !g.limits.connect(address, time.Now()) {
		return
	}
	defer g.limits.disconnect(address)
	stop := context.AfterFunc(g.ctx, func() { _ = nc.SetDeadline(time.Now().Add(goodbyeTime)) })
	c, chans, requests, err := g.handshake(nc, address)
	stop()
	if err != nil {
		g.log.Debug("an SSH connection was not let in", "peer", nc.RemoteAddr().String(), "error", err)
		return
	}
	defer g.dismiss(c.visit)
	c.log.Debug("an SSH connection begins")
	c.serve(chans, requests)
	c.log.Debug("an SSH connection has ended", "cause", context.Cause(c.ctx))
}

func (c *conn) serve(chans <-chan ssh.NewChannel, requests <-chan *ssh.Request) {
	var watchers sync.WaitGroup
	watchers.Go(c.watchPeer)
	watchers.Go(c.watchSandbox)
	watchers.Go(c.close)
	watchers.Go(func() { c.serveRequests(requests) })
	for n := range chans {
		c.channel(n)
	}
	c.end(errGone)
	watchers.Wait()
	c.channels.Wait()
}

// close waits for the end, gives sessions time to tell why, and closes.
func (c *conn) close() {
	<-c.ctx.Done()
	c.mu.Lock()
	c.closing = true
	for _, f := range c.forwards {
		f.close()
	}
	c.mu.Unlock()
	done := make(chan struct{})
	go func() {
		c.channels.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(goodbyeTime):
	}
	_ = c.ssh.Close()
}

// watchPeer ends the connection when the peer does not answer any more.
func (c *conn) watchPeer() {
	ticks := time.NewTicker(keepAlive)
	defer ticks.Stop()
	for {
		select {
		case <-c.ctx.Done():
			return
		case <-ticks.C:
		}
		late := time.AfterFunc(keepAliveTime, func() {
			c.end(errGone)
			_ = c.ssh.Close() // it hears no goodbye
		})
		_, _, err := c.ssh.SendRequest("keepalive@openssh.com", true, nil)
		late.Stop()
		if err != nil {
			c.end(errGone)
			return
		}
	}
}

// watchSandbox ends the connection when its sandbox, which is started, stops. A
// paused one keeps its connections: they go on with it.
func (c *conn) watchSandbox() {
	id := c.visit.Sandbox.ID
	if _, err := c.gateway.manager.WaitState(c.ctx, id, sandbox.StateStarted); err != nil && c.ctx.Err() != nil {
		return
	}
	s, err := c.gateway.manager.WaitState(c.ctx, id, sandbox.StateStopping, sandbox.StateStopped, sandbox.StateArchiving, sandbox.StateArchived, sandbox.StateDestroy)
	switch {
	case c.ctx.Err() != nil:
	case sandbox.KindOf(err) == sandbox.KindNotFound, s.State == sandbox.StateDestroy:
		c.end(sandbox.Errorf(sandbox.KindConflict, "sandbox %s was deleted", c.visit.Sandbox.Name))
	case err != nil:
		c.end(err)
	default:
		c.end(sandbox.Errorf(sandbox.KindConflict, "sandbox %s was stopped", s.Name))
	}
}

// channel serves a channel that the peer opens.
func (c *conn) channel(n ssh.NewChannel) {
	serve := map[string]func(ssh.NewChannel){
		"session": c.session, "direct-tcpip": c.directTCP, "direct-streamlocal@openssh.com": c.directSocket,
	}[n.ChannelType()]
	if serve == nil {
		_ = n.Reject(ssh.UnknownChannelType, fmt.Sprintf("there are no channels of type %.60q here", n.ChannelType()))
		return
	}
	if !c.begin() {
		_ = n.Reject(ssh.ResourceShortage, fmt.Sprintf("there are %d channels to this sandbox already, or the connection is closing", maxChannels))
		return
	}
	go func() {
		defer c.done()
		serve(n)
	}()
}

// begin counts a channel, unless there are enough or the connection ends.
func (c *conn) begin() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing || !c.gateway.limits.openChannel(c.visit.Sandbox.ID) {
		return false
	}
	c.channels.Add(1)
	return true
}

func (c *conn) done() {
	c.gateway.limits.closeChannel(c.visit.Sandbox.ID)
	c.channels.Done()
}

// notice leaves a message for the next session.
func (c *conn) notice(text string) {
	const most = 20
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.notices) < most {
		c.notices = append(c.notices, text)
	}
}

func (c *conn) takeNotices() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	taken := c.notices
	c.notices = nil
	return taken
}

// touch notes that the sandbox is in use: something was said.
func (c *conn) touch() {
	now := time.Now().UnixNano()
	if last := c.touched.Load(); now-last < int64(time.Second) || !c.touched.CompareAndSwap(last, now) {
		return
	}
	s := c.visit.Sandbox
	_ = c.gateway.manager.Touch(c.ctx, s.Organization, s.ID, sandbox.ActivitySSH) // one that is gone needs no activity
}
