package piston

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"sandpiper/sandbox"
	"sandpiper/sandbox/scheduler"
	"sandpiper/web/reply"
	"sandpiper/web/run"
	"sandpiper/web/run/socket"
)

// initTime is how long a client may take to say what to run: more than
// Piston's second, which slow lines miss.
const initTime = 10 * time.Second

// The codes that Piston closes with.
const (
	closeAlreadyInitialized = 4000
	closeInitTimeout        = 4001
	closeNotified           = 4002
	closeNotInitialized     = 4003
	closeOnlyStdin          = 4004
	closeInvalidSignal      = 4005
	closeCompleted          = 4999
)

// signals are the names that Piston takes. All but SIGINT end a program here.
var signals = strings.Fields("SIGABRT SIGALRM SIGBUS SIGCHLD SIGCLD SIGCONT SIGEMT SIGFPE SIGHUP SIGILL SIGINFO " +
	"SIGINT SIGIO SIGIOT SIGKILL SIGLOST SIGPIPE SIGPOLL SIGPROF SIGPWR SIGQUIT SIGSEGV SIGSTOP SIGTSTP SIGSYS " +
	"SIGTERM SIGTRAP SIGTTIN SIGTTOU SIGUNUSED SIGURG SIGUSR1 SIGUSR2 SIGVTALRM SIGXCPU SIGXFSZ SIGWINCH")

// conversation is one WebSocket.
type conversation struct{ *socket.Socket }

// errClosed says that a conversation has ended with a close code.
var errClosed = sandbox.Errorf(sandbox.KindInvalid, "the client broke the protocol")

// connect serves the WebSocket.
func (h *Handler) connect(w http.ResponseWriter, r *http.Request) error {
	s, ctx, err := socket.Accept(w, r, h.desk.Guard, maxRequest)
	if err != nil {
		return err
	}
	defer s.CloseNow()
	c := conversation{s}
	running, err := c.begin(ctx, h)
	if err != nil {
		c.notify(ctx, err)
		return err
	}
	defer running.Leave()
	return s.Converse(ctx,
		func(ctx context.Context) error { return c.receive(ctx, running) },
		func(ctx context.Context) error { return c.send(ctx, running) })
}

// begin reads the init message and submits its job.
func (c conversation) begin(ctx context.Context, h *Handler) (*scheduler.Run, error) {
	stop := c.CloseAfter(initTime, closeInitTimeout, "Initialization Timeout")
	data, err := c.Read(ctx)
	if !stop() {
		return nil, errClosed
	}
	if err != nil {
		return nil, err
	}
	var init struct {
		Type string `json:"type"`
		job
	}
	if err := reply.UnmarshalLenient(data, &init); err != nil {
		return nil, err
	}
	if init.Type != "init" {
		c.Close(closeNotInitialized, "Not yet initialized")
		return nil, errClosed
	}
	program, err := h.program(init.job)
	if err != nil {
		return nil, err
	}
	program.Stdin = sandbox.LiveStdin()
	return h.desk.Submit(ctx, program, "")
}

// notify tells a client about an error and closes.
func (c conversation) notify(ctx context.Context, err error) {
	if errors.Is(err, sandbox.ErrClientGone) || errors.Is(err, errClosed) {
		return
	}
	_ = c.Write(ctx, message{Type: "error", Message: reply.Public(err).Message}) // where this fails, so does what follows
	c.Close(closeNotified, "Notified Error")
}

// receive obeys messages until the connection ends or breaks the protocol. It
// never returns nil.
func (c conversation) receive(ctx context.Context, running *scheduler.Run) error {
	for {
		data, err := c.Read(ctx)
		var m message
		if err == nil {
			err = reply.UnmarshalLenient(data, &m)
		}
		if err == nil {
			err = c.obey(running, m)
		}
		if err != nil {
			c.notify(ctx, err)
			return err
		}
	}
}

// obey does what a message asks for. Types that Piston does not know are
// ignored, as Piston does.
func (c conversation) obey(running *scheduler.Run, m message) error {
	switch m.Type {
	case "init":
		c.Close(closeAlreadyInitialized, "Already Initialized")
		return errClosed
	case "data":
		if m.Stream != "stdin" {
			c.Close(closeOnlyStdin, "Can only write to stdin")
			return errClosed
		}
		if m.Data != nil {
			return writeStdin(running, *m.Data)
		}
	case "signal":
		cause := causeOf(m.Signal)
		if cause == nil {
			c.Close(closeInvalidSignal, "Invalid signal")
			return errClosed
		}
		running.Cancel(cause)
	}
	return nil
}

// writeStdin passes input on. What comes after the end of the program is
// nobody's mistake.
func writeStdin(running *scheduler.Run, data string) error {
	_, err := running.Stdin().Write([]byte(data))
	if err != nil && sandbox.KindOf(err) == sandbox.KindConflict {
		return nil
	}
	return err
}

// causeOf returns the cause that a signal stands for, or nil.
func causeOf(signal string) error {
	for _, known := range signals {
		if known == signal {
			if signal == "SIGINT" {
				return sandbox.ErrInterrupted
			}
			return sandbox.ErrKilled
		}
	}
	return nil
}

// send passes the run's events on to the end and then closes the connection.
func (c conversation) send(ctx context.Context, running *scheduler.Run) error {
	batch := func(events []sandbox.Event, _ int) error {
		for _, e := range events {
			for _, m := range wireMessages(e) {
				if err := c.Write(ctx, m); err != nil {
					return err
				}
			}
		}
		return nil
	}
	if err := run.Follow(ctx, running, 0, batch, func() error { return c.Ping(ctx) }); err != nil {
		return err
	}
	c.Close(closeCompleted, "Job Completed")
	return nil
}

// wireMessages returns what Piston says for an event.
func wireMessages(e sandbox.Event) []any {
	switch e.Type {
	case sandbox.EventStart:
		return []any{message{Type: "runtime", Language: e.Result.Language, Version: e.Result.Version}}
	case sandbox.EventStatus:
		if e.Status.State == sandbox.ProgressRunning {
			return []any{message{Type: "stage", Stage: "run"}}
		}
	case sandbox.EventStdout, sandbox.EventStderr:
		return []any{message{Type: "data", Stream: string(e.Type), Data: &e.Text}}
	case sandbox.EventExit:
		code, signal := codeAndSignal(*e.Result)
		return []any{exitMessage{Type: "exit", Stage: "run", Code: code, Signal: signal}}
	}
	return nil
}
