package sshgateway

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"

	"golang.org/x/crypto/ssh"

	"sandpiper/sandbox"
	"sandpiper/sandbox/toolbox/attach"
	"sandpiper/sandbox/toolbox/sftp"
)

// Exit codes of our own.
const (
	exitTrouble  = 255 // as OpenSSH has it for errors that are not the command's
	exitNotFound = 127
)

// session is one session channel: a shell, a command or a subsystem.
type session struct {
	conn    *conn
	channel ssh.Channel
	ctx     context.Context // ends with the channel or the connection
	cancel  context.CancelFunc

	env     []string
	tty     *attach.Size // the size that the terminal has or will have; nil for none
	begun   bool
	running sync.WaitGroup

	mu      sync.Mutex // held for what follows and for tty, once the session has begun
	process *attach.Process
}

// session serves a session channel to its end.
func (c *conn) session(n ssh.NewChannel) {
	channel, requests, err := n.Accept()
	if err != nil {
		return // the peer is gone
	}
	s := &session{conn: c, channel: channel}
	s.ctx, s.cancel = context.WithCancel(c.ctx)
	defer s.cancel()
	stop := context.AfterFunc(c.ctx, s.idleGoodbye)
	defer stop()
	for r := range requests {
		ok := s.request(r)
		if r.WantReply {
			_ = r.Reply(ok, nil) // a peer that is gone needs none
		}
	}
	s.cancel()
	s.running.Wait()
}

// idleGoodbye closes a channel in which nothing runs when the connection ends.
func (s *session) idleGoodbye() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.begun {
		_ = s.channel.Close()
	}
}

// request carries out a request and reports whether that could be.
func (s *session) request(r *ssh.Request) bool {
	switch r.Type {
	case "shell", "exec", "subsystem":
		return s.begin(r)
	case "window-change":
		return s.resize(r.Payload)
	case "signal":
		return s.signal(r.Payload)
	}
	if s.begun {
		return false
	}
	switch r.Type {
	case "pty-req":
		term, size, err := parsePTY(r.Payload)
		if err != nil || s.tty != nil {
			return false
		}
		s.tty, s.env = &size, append(s.env, "TERM="+term)
		return true
	case "env":
		kv, err := parseEnv(r.Payload)
		if err != nil || len(s.env) >= maxEnv {
			return false
		}
		s.env = append(s.env, kv)
		return true
	}
	return false
}

// begin starts what the session is for, once.
func (s *session) begin(r *ssh.Request) bool {
	if s.begun {
		return false
	}
	run := s.shell("")
	var err error
	var what string
	switch r.Type {
	case "exec":
		what, err = parseCommand(r.Payload)
		run = s.shell(what)
	case "subsystem":
		what, err = parseCommand(r.Payload)
		if what != "sftp" {
			return false
		}
		run = s.sftp
	}
	if err != nil {
		return false
	}
	s.mu.Lock()
	s.begun = true
	s.mu.Unlock()
	s.conn.touch()
	s.running.Go(func() {
		defer s.channel.Close()
		run()
	})
	return true
}

// shell returns what runs a script in the user's shell, or the shell itself for
// "".
func (s *session) shell(script string) func() {
	return func() {
		for _, text := range s.conn.takeNotices() {
			s.say(text)
		}
		if s.conn.visit.Sandbox.Engine == sandbox.EngineWasm && strings.HasPrefix(script, "scp ") {
			s.say("a WebAssembly sandbox has no scp of its own: leave -O out, so that scp uses SFTP")
			s.exit(exitNotFound)
			return
		}
		command := attach.Command{Shell: true, Script: script, Env: append(s.env, s.origin()...), TTY: s.size(), HangUp: true, Window: attach.MaxWindow}
		p, err := s.conn.start(s.ctx, command)
		if err != nil {
			s.say(s.why(err))
			s.exit(exitTrouble)
			return
		}
		defer p.Close()
		s.attend(p)
	}
}

// size is the size that the terminal is to have now; nil for none.
func (s *session) size() *attach.Size {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tty == nil {
		return nil
	}
	size := *s.tty
	return &size
}

// origin is the variables by which programs know that they are reached by SSH.
func (s *session) origin() []string {
	peer, ok1 := s.conn.ssh.RemoteAddr().(*net.TCPAddr)
	local, ok2 := s.conn.ssh.LocalAddr().(*net.TCPAddr)
	if !ok1 || !ok2 {
		return nil
	}
	return []string{
		fmt.Sprintf("SSH_CLIENT=%s %d %d", peer.IP, peer.Port, local.Port),
		fmt.Sprintf("SSH_CONNECTION=%s %d %s %d", peer.IP, peer.Port, local.IP, local.Port),
	}
}

// attend passes input, output and the exit of a process on.
func (s *session) attend(p *attach.Process) {
	s.mu.Lock()
	s.process = p
	if s.tty != nil {
		_ = p.Resize(*s.tty) // it may have changed meanwhile; a lost process is told of below
	}
	s.mu.Unlock()
	go func() {
		_, err := io.Copy(p, active{s.channel, s.conn})
		if err == nil {
			_ = p.CloseInput() // a lost process is told of below
		}
	}()
	exit, err := p.Wait(func(stream sandbox.Stream, content []byte) {
		to := io.Writer(s.channel)
		if stream == sandbox.Stderr {
			to = s.channel.Stderr()
		}
		s.conn.touch()
		if _, err := to.Write(content); err != nil {
			s.cancel() // which hangs the process up
		}
	})
	s.finish(exit, err)
}

// finish tells the peer how a process ended.
func (s *session) finish(exit attach.Exit, err error) {
	switch {
	case err != nil && exit.Error != "":
		s.say(exit.Error)
		s.exit(exit.Code)
	case err != nil:
		s.say(s.why(err))
		s.exit(exitTrouble)
	case exit.Signal != 0:
		if s.stopping() {
			s.say(s.why(nil))
		}
		_, _ = s.channel.SendRequest("exit-signal", false, ssh.Marshal(exitSignal{Name: signalName(exit.Signal)}))
	default:
		s.exit(exit.Code)
	}
}

// stopping reports whether the connection ends, or its sandbox does.
func (s *session) stopping() bool {
	if s.conn.ctx.Err() != nil {
		return true
	}
	now, err := s.conn.gateway.manager.ByID(context.WithoutCancel(s.ctx), s.conn.visit.Sandbox.ID)
	return err != nil || unreachable(now) != nil
}

// why says what ended a process that was lost, or kept one from starting.
func (s *session) why(err error) string {
	if s.conn.ctx.Err() != nil {
		return message(context.Cause(s.conn.ctx))
	}
	name := s.conn.visit.Sandbox.Name
	now, look := s.conn.gateway.manager.ByID(context.WithoutCancel(s.ctx), s.conn.visit.Sandbox.ID)
	switch {
	case look != nil:
		return "sandbox " + name + " was deleted"
	case unreachable(now) != nil:
		return message(unreachable(now))
	case err != nil && s.ctx.Err() == nil:
		s.conn.log.Warn("an SSH session was lost", "error", err)
	}
	return message(err)
}

// say writes a line to the peer's standard error.
func (s *session) say(text string) {
	_, _ = io.WriteString(s.channel.Stderr(), "sandpiper: "+text+"\r\n") // nobody may be left to read it
}

func (s *session) exit(code int) {
	_, _ = s.channel.SendRequest("exit-status", false, ssh.Marshal(exitStatus{uint32(code)})) // as with say
}

func (s *session) resize(payload []byte) bool {
	size, err := parseWindow(payload)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil || s.tty == nil {
		return false
	}
	*s.tty = size
	return s.process == nil || s.process.Resize(size) == nil
}

func (s *session) signal(payload []byte) bool {
	number, err := parseSignal(payload)
	s.mu.Lock()
	defer s.mu.Unlock()
	return err == nil && s.process != nil && s.process.Signal(number) == nil
}

// sftp serves the sandbox's files.
func (s *session) sftp() {
	files, err := s.conn.ask(s.ctx, http.MethodPost, "/sftp", sftp.Protocol)
	if err != nil {
		s.say(s.why(err))
		s.exit(exitTrouble)
		return
	}
	stop := context.AfterFunc(s.ctx, func() { _ = files.Close() })
	defer stop()
	_, _ = s.pass(files)
	if s.stopping() {
		s.say(s.why(nil))
		s.exit(exitTrouble)
		return
	}
	s.exit(0)
}

// pass copies between the channel and files until the peer has had all.
func (s *session) pass(files net.Conn) (int64, error) {
	peer := active{s.channel, s.conn}
	go func() {
		_, _ = io.Copy(files, peer)
		if half, ok := files.(interface{ CloseWrite() error }); ok && half.CloseWrite() == nil {
			return
		}
		_ = files.Close()
	}()
	return io.Copy(peer, files)
}

// active is a channel whose traffic counts as activity.
type active struct {
	ssh.Channel
	conn *conn
}

// Read implements io.Reader.
func (a active) Read(p []byte) (int, error) {
	n, err := a.Channel.Read(p)
	if n > 0 {
		a.conn.touch()
	}
	return n, err
}

// Write implements io.Writer.
func (a active) Write(p []byte) (int, error) {
	a.conn.touch()
	return a.Channel.Write(p)
}
