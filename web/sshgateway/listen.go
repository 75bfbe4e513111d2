package sshgateway

import (
	"context"
	"fmt"
	"sync"

	"golang.org/x/crypto/ssh"

	"sandpiper/sandbox/toolbox/reverse"
)

// forward is a port that listens in the sandbox for the peer.
type forward struct {
	listener *reverse.Listener
	once     sync.Once
}

func (f *forward) close() { f.once.Do(func() { _ = f.listener.Close() }) }

// listen listens on a port in the sandbox for the peer: the remote forwarding of
// SSH. Whatever address is asked for, only programs in the sandbox reach it.
func (c *conn) listen(payload []byte) (ok bool, answer []byte) {
	b, err := parse[bound](payload)
	if err != nil || b.Port > 65535 {
		return false, nil
	}
	asked := b.Port
	ctx, cancel := context.WithTimeout(c.ctx, startTime+dialTime)
	defer cancel()
	c.mu.Lock()
	full := len(c.forwards) >= maxForwards
	c.mu.Unlock()
	if full {
		c.notice(errForwards.Message)
		return false, nil
	}
	l, err := reverse.Listen(ctx, c.dialToolbox, c.token(), int(b.Port))
	if err != nil {
		c.notice(fmt.Sprintf("port %d is not forwarded out of the sandbox: %s", asked, message(err)))
		return false, nil
	}
	b.Port = uint32(l.Port)
	f := &forward{listener: l}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing || c.forwards[b] != nil {
		f.close()
		return false, nil
	}
	c.forwards[b] = f
	go c.relay(b, f)
	if asked == 0 {
		return true, ssh.Marshal(struct{ Port uint32 }{b.Port})
	}
	return true, nil
}

// unlisten ends what listen began.
func (c *conn) unlisten(payload []byte) bool {
	b, err := parse[bound](payload)
	if err != nil {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	f := c.forwards[b]
	delete(c.forwards, b)
	if f != nil {
		f.close()
	}
	return f != nil
}

// relay leads connections to a port in the sandbox to the peer.
func (c *conn) relay(b bound, f *forward) {
	for {
		in, err := f.listener.Next()
		if err != nil {
			return // it was closed, or the sandbox has stopped
		}
		if !c.begin() {
			continue // it is closed when nobody takes it
		}
		go func() {
			defer c.done()
			c.forwarded(b, in)
		}()
	}
}

// forwarded offers the peer one connection of the sandbox.
func (c *conn) forwarded(b bound, in reverse.Incoming) {
	host, port := originOf(in.From)
	channel, requests, err := c.ssh.OpenChannel("forwarded-tcpip", ssh.Marshal(forwardedTCP{b.Address, b.Port, host, port}))
	if err != nil {
		return // the peer does not want it, or is gone
	}
	ctx, cancel := context.WithTimeout(c.ctx, dialTime)
	defer cancel()
	inside, err := in.Take(ctx)
	if err != nil {
		_ = channel.Close()
		return
	}
	c.copy(channel, requests, inside)
}
