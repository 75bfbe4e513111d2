//go:build linux

package osguest

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"sandpiper/sandbox/guest"
)

// hangUpTime is how long a terminal's last output may take to come after its
// process has ended. The kernel hangs the terminal up at once.
const hangUpTime = 500 * time.Millisecond

// openTerminal gives the process a terminal. What it returns is the child's.
func (p *process) openTerminal(g *Guest, c guest.Cmd) (child []io.Closer, err error) {
	master, slave, err := openPTY()
	if err != nil {
		return nil, err
	}
	child = []io.Closer{slave}
	p.tty = master
	to := c.Stdout
	if to == nil {
		to = io.Discard
	}
	out := newPump(g, master, to)
	p.outputs = []*pump{out}
	if g.user.switched {
		// Programs that open their terminal by name must be let in.
		if err := slave.Chown(int(g.user.uid), int(g.user.gid)); err != nil {
			return child, err
		}
	}
	if err := p.Resize(*c.TTY); err != nil {
		return child, err
	}
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = slave, slave, slave
	p.cmd.SysProcAttr.Setpgid = false // a session's leader leads a group too
	p.cmd.SysProcAttr.Setsid = true
	p.cmd.SysProcAttr.Setctty = true
	if c.Stdin != nil {
		p.stdin = master
	}
	return child, nil
}

// Resize implements guest.Process.
func (p *process) Resize(size guest.WinSize) error {
	if p.tty == nil {
		return errors.New("the process has no terminal")
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended {
		return os.ErrProcessDone
	}
	return control(p.tty, func(fd int) error {
		return unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: size.Rows, Col: size.Cols})
	})
}

// hangUp passes on what a terminal still shows, and closes it.
// Precondition: the process has ended.
func (p *pump) hangUp() {
	_ = p.from.SetReadDeadline(time.Now().Add(hangUpTime))
	<-p.stopped
	p.scrape()
	_ = p.from.Close()
}

// scrape passes on what a terminal holds at this moment: the time to read it may
// have ended while the receiver, or the machine, was slow.
func (p *pump) scrape() {
	for left := pumpBuffer; left > 0 && !p.ended; {
		n := 0
		err := control(p.from, func(fd int) (err error) { // read past the deadline
			n, err = unix.Read(fd, p.buf[:left])
			return err
		})
		if err != nil || n <= 0 {
			return
		}
		p.pass(p.buf[:n])
		left -= n
	}
}

// openPTY opens a pair of pseudo-terminals. The master must not block: its
// reads end by deadlines.
func openPTY() (master, slave *os.File, err error) {
	master, err = os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, err
	}
	var number int
	err = control(master, func(fd int) (err error) {
		if err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err == nil {
			number, err = unix.IoctlGetInt(fd, unix.TIOCGPTN)
		}
		return err
	})
	if err == nil {
		slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	}
	if err != nil {
		_ = master.Close()
		return nil, nil, err
	}
	return master, slave, nil
}

// control calls fn with an open file's number. Unlike Fd it leaves the file as
// it is.
func control(f *os.File, fn func(fd int) error) error {
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	if ctlErr := conn.Control(func(fd uintptr) { err = fn(int(fd)) }); ctlErr != nil {
		return ctlErr
	}
	return err
}
