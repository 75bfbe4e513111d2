//go:build linux

package osguest

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"sandpiper/sandbox/guest"
)

// command is one command of a shell with its pipes.
type command struct {
	g     *Guest
	dir   string
	stdin io.Reader
	in    *os.File // nil without input
	codes *os.File
	pumps []*pump
	holds []*os.File // writing ends: without them the pipes would end before the shell opens them
	code  chan int

	redirects string // what the shell is told of the pipes
}

// newCommand makes a folder with the command's script and pipes.
func (s *shell) newCommand(script string, streams guest.ShellIO) (*command, error) {
	dir, err := s.g.privateDir()
	if err != nil {
		return nil, err
	}
	c := &command{g: s.g, dir: dir, stdin: streams.Stdin, code: make(chan int, 1)}
	err = s.g.user.as(func() error { return os.WriteFile(c.file("script"), []byte(script+"\n"), 0o600) })
	if err == nil {
		err = c.pipes(streams)
	}
	if err != nil {
		for _, p := range c.pumps {
			_ = p.from.Close()
		}
		c.release()
		c.remove()
		return nil, err
	}
	return c, nil
}

func (c *command) pipes(streams guest.ShellIO) (err error) {
	c.redirects = "</dev/null"
	if c.stdin != nil {
		if c.in, err = c.fifo("in"); err != nil {
			return err
		}
		c.redirects = "<'" + c.file("in") + "'"
	}
	if c.codes, err = c.fifo("code"); err != nil {
		return err
	}
	if err := c.output("out", "1", streams.Stdout); err != nil {
		return err
	}
	if streams.Stderr != nil && sameWriter(streams.Stdout, streams.Stderr) {
		c.redirects += " 2>&1"
		return nil
	}
	return c.output("err", "2", streams.Stderr)
}

// output makes the pipe of an output, if somebody wants it.
func (c *command) output(name, fd string, to io.Writer) error {
	if to == nil {
		c.redirects += " " + fd + ">/dev/null"
		return nil
	}
	c.redirects += " " + fd + ">'" + c.file(name) + "'"
	hold, err := c.fifo(name)
	if err != nil {
		return err
	}
	c.holds = append(c.holds, hold)
	var r *os.File
	err = c.g.user.as(func() (err error) {
		r, err = os.OpenFile(c.file(name), os.O_RDONLY|syscall.O_NONBLOCK, 0)
		return err
	})
	if err != nil {
		return err
	}
	c.pumps = append(c.pumps, newPump(c.g, r, to))
	return nil
}

// fifo makes a named pipe and opens it in both directions, which waits for nobody.
func (c *command) fifo(name string) (f *os.File, err error) {
	err = c.g.user.as(func() error {
		if err := unix.Mkfifo(c.file(name), 0o600); err != nil {
			return &os.PathError{Op: "mkfifo", Path: c.file(name), Err: err}
		}
		f, err = os.OpenFile(c.file(name), os.O_RDWR|syscall.O_NONBLOCK, 0)
		return err
	})
	return f, err
}

// start begins to pass input, output and the exit code on.
func (c *command) start() {
	for _, p := range c.pumps {
		go p.run()
	}
	if c.in != nil {
		go func() {
			_, _ = io.Copy(c.in, c.stdin) // the command need not read it all
			_ = c.in.Close()
		}()
	}
	go func() {
		line, err := bufio.NewReader(c.codes).ReadString('\n')
		if code, numErr := strconv.Atoi(strings.TrimSpace(line)); err == nil && numErr == nil {
			c.code <- code
		}
	}()
}

// line is what the shell is told. "command" keeps a script with an error in its
// syntax from ending the shell, and functions of the user's out of the way.
func (c *command) line() string {
	return fmt.Sprintf("command . '%s' %s; command printf '%%d\\n' \"$?\" >'%s'\n", c.file("script"), c.redirects, c.file("code"))
}

func (c *command) file(name string) string { return filepath.Join(c.dir, name) }

// finish passes on what the command had written and lets go of its pipes.
func (c *command) finish() {
	c.release()
	for _, p := range c.pumps {
		p.finish()
	}
}

func (c *command) release() {
	for _, f := range c.holds {
		_ = f.Close()
	}
	for _, f := range []*os.File{c.in, c.codes} {
		if f != nil {
			_ = f.Close()
		}
	}
}

// remove removes the command's folder.
func (c *command) remove() {
	_ = c.g.user.as(func() error { return os.RemoveAll(c.dir) }) // an empty folder may stay
}

// privateDir makes a folder that only the guest's user can enter, in memory
// where that is possible.
func (g *Guest) privateDir() (dir string, err error) {
	err = g.user.as(func() error {
		for _, parent := range []string{"/dev/shm", os.TempDir(), g.info.Home} {
			if dir, err = os.MkdirTemp(parent, ".shell-"); err == nil {
				return nil
			}
		}
		return err
	})
	return dir, err
}
