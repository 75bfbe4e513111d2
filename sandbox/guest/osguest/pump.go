//go:build linux

package osguest

import (
	"errors"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// pumpBuffer is what one read of a process's output takes, in bytes: what a pipe
// holds.
const pumpBuffer = 64 << 10

// A pump passes on what a process writes. Descendants may keep the pipe open for
// as long as they like (nohup server &), so the end of the process, not the end
// of the pipe, ends the passing on; what descendants write later is read and
// dropped, since a closed pipe would kill them.
type pump struct {
	g       *Guest
	from    *os.File
	to      io.Writer
	ended   bool // from is at its end; once stopped is closed
	stopped chan struct{}
	buf     []byte
}

func newPump(g *Guest, from *os.File, to io.Writer) *pump {
	return &pump{g: g, from: from, to: to, stopped: make(chan struct{})}
}

// run passes on until the end of the pipe or until finish interrupts it.
func (p *pump) run() {
	defer close(p.stopped)
	p.buf = make([]byte, pumpBuffer)
	for {
		n, err := p.from.Read(p.buf)
		p.pass(p.buf[:n])
		if err != nil {
			p.ended = !errors.Is(err, os.ErrDeadlineExceeded)
			return
		}
	}
}

// pass writes to the receiver, if it still wants to hear: the process goes on
// without it.
func (p *pump) pass(data []byte) {
	if len(data) == 0 || p.to == nil {
		return
	}
	if _, err := p.to.Write(data); err != nil {
		p.to = nil
	}
}

// finish passes on what is in the pipe now and then lets go of the receiver.
// Precondition: the process has ended, so all that it wrote is there.
func (p *pump) finish() {
	_ = p.from.SetReadDeadline(time.Unix(1, 0)) // interrupts run
	<-p.stopped
	if !p.ended {
		_ = p.from.SetReadDeadline(time.Time{})
		p.drain()
	}
	if p.ended {
		_ = p.from.Close()
		return
	}
	p.to = nil
	p.g.discard(p.from)
}

// drain passes on the bytes that are in the pipe at this moment, and no more
// than those: a descendant may go on writing for ever. It notes whether the
// pipe has ended.
func (p *pump) drain() {
	left := p.available()
	for left > 0 {
		n, err := p.from.Read(p.buf[:min(left, len(p.buf))])
		p.pass(p.buf[:n])
		left -= n
		if err != nil {
			p.ended = true
			return
		}
	}
	p.ended = p.hasEnded()
}

// available returns how many bytes the pipe holds.
func (p *pump) available() (n int) {
	_ = control(p.from, func(fd int) (err error) { // an error is none
		n, err = unix.IoctlGetInt(fd, unix.TIOCINQ)
		return err
	})
	return n
}

// hasEnded reports whether nobody can write to the pipe any more.
func (p *pump) hasEnded() (ended bool) {
	err := control(p.from, func(fd int) error {
		fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		_, err := unix.Poll(fds, 0)
		ended = fds[0].Revents&(unix.POLLHUP|unix.POLLIN) == unix.POLLHUP
		return err
	})
	return ended && err == nil
}

// discard reads a pipe to its end for the descendants that still hold it, until
// the guest is closed.
func (g *Guest) discard(from *os.File) {
	g.background.Go(func() {
		stop := make(chan struct{})
		defer close(stop)
		go func() {
			select {
			case <-g.ctx.Done():
			case <-stop:
			}
			_ = from.Close()
		}()
		_, _ = io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{from}, make([]byte, 4<<10))
	})
}
