package toolchain

import (
	"bufio"
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// process is a child, from the server's side. One goroutine at a time uses it.
type process struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	to  sender
	out receiver
}

// errChildEnded is for a child that ended, or was killed, in the middle of an order.
var errChildEnded = errors.New("the compiler's process ended")

// maxAnswer bounds what is read of one child: answers are a few kilobytes.
const maxAnswer = 1 << 30

// start starts this program as a child, with an empty environment, in the
// toolchain's folder.
func start(cfg Config) (*process, error) {
	self := "/proc/self/exe" // is there even when the file has been replaced
	if runtime.GOOS != "linux" {
		var err error
		if self, err = os.Executable(); err != nil {
			return nil, fmt.Errorf("find this program: %w", err)
		}
	}
	cmd := exec.Command(self)
	cmd.Dir = cfg.Dir
	cmd.Env = []string{childVariable + "=" + cfg.Set.Name}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // whose priority is its own
	in, err1 := cmd.StdinPipe()
	out, err2 := cmd.StdoutPipe()
	says, err3 := cmd.StderrPipe()
	if err := errors.Join(err1, err2, err3); err != nil {
		return nil, fmt.Errorf("start a compiler's process: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start a compiler's process: %w", err)
	}
	go listen(says, cfg.Log.With("toolchain", cfg.Set.Name, "pid", cmd.Process.Pid))
	return &process{cmd: cmd, in: in, to: gob.NewEncoder(in), out: gob.NewDecoder(io.LimitReader(out, maxAnswer))}, nil
}

// listen logs the first lines of what a child writes to its standard error.
func listen(says io.Reader, log *slog.Logger) {
	const maxLines, maxLine = 100, 2 << 10
	lines := bufio.NewReaderSize(says, maxLine)
	for n := 0; ; n++ {
		line, _, err := lines.ReadLine()
		if err != nil {
			return
		}
		if n < maxLines {
			log.Warn("a compiler's process says", "line", string(line))
		}
	}
}

// ask sends an order and waits for the answer. When ctx is done the child is told
// to stop, and killed when it does not. After an error it is of no use.
func (p *process) ask(ctx context.Context, o order) (answer, error) {
	if err := p.to.Encode(o); err != nil {
		return answer{}, errors.Join(errChildEnded, err)
	}
	heard := make(chan error, 1)
	var a answer
	go func() { heard <- p.out.Decode(&a) }()
	select {
	case err := <-heard:
		return p.answer(a, err)
	case <-ctx.Done():
	}
	late := time.AfterFunc(cancelTime, p.kill)
	defer late.Stop()
	cancelled := p.to.Encode(order{Cancel: true})
	err := <-heard
	return p.answer(a, errors.Join(cancelled, err))
}

func (p *process) answer(a answer, err error) (answer, error) {
	if err != nil {
		return answer{}, errors.Join(errChildEnded, err)
	}
	return a, nil
}

func (p *process) kill() { _ = p.cmd.Process.Kill() }

// end ends the child and waits until it is gone.
func (p *process) end() {
	_ = p.in.Close()
	p.kill()
	_ = p.cmd.Wait() // killed: that is its error
}
