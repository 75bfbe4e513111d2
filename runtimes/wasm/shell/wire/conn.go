package wire

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// Limits of a message.
const (
	MaxData  = 128 << 10 // bytes of Data
	maxJSON  = 1 << 20
	maxFiles = 3
)

const headerSize = 12

// ErrTooLarge is for a message that is over a limit, such as one with too many
// arguments.
var ErrTooLarge = syscall.E2BIG

// conn reads and writes messages on a unix socket.
type conn struct {
	socket *net.UnixConn

	writing sync.Mutex

	// The rest belongs to the one goroutine that reads.
	buf []byte // received and not yet taken
	fds []int  // received and not yet taken
}

// newConn takes over f, a connected unix stream socket.
func newConn(f *os.File) (*conn, error) {
	c, err := net.FileConn(f)
	if err != nil {
		return nil, fmt.Errorf("open the shell's socket: %w", err)
	}
	socket, ok := c.(*net.UnixConn)
	if !ok {
		return nil, errors.Join(errors.New("the shell's socket is none"), c.Close())
	}
	return &conn{socket: socket}, f.Close()
}

// send writes a message. It is safe for concurrent use.
func (c *conn) send(m *Message) error {
	b, err := frame(m)
	if err != nil {
		return err
	}
	var rights []byte
	if len(m.Files) > 0 {
		fds := make([]int, len(m.Files))
		for i, f := range m.Files {
			if fds[i], err = descriptor(f); err != nil {
				return err
			}
		}
		rights = unix.UnixRights(fds...)
	}
	c.writing.Lock()
	defer c.writing.Unlock()
	n, _, err := c.socket.WriteMsgUnix(b, rights, nil)
	if err == nil && n < len(b) {
		_, err = c.socket.Write(b[n:])
	}
	return err
}

// descriptor returns f's number without putting it into blocking mode, as Fd
// would.
func descriptor(f *os.File) (fd int, err error) {
	raw, err := f.SyscallConn()
	if err != nil {
		return -1, err
	}
	err = raw.Control(func(n uintptr) { fd = int(n) })
	return fd, err
}

func frame(m *Message) ([]byte, error) {
	text, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("encode a message: %w", err)
	}
	if len(text) > maxJSON || len(m.Data) > MaxData || len(m.Files) > maxFiles {
		return nil, ErrTooLarge
	}
	b := make([]byte, headerSize, headerSize+len(text)+len(m.Data))
	binary.LittleEndian.PutUint32(b, uint32(len(text)))
	binary.LittleEndian.PutUint32(b[4:], uint32(len(m.Data)))
	binary.LittleEndian.PutUint32(b[8:], uint32(len(m.Files)))
	return append(append(b, text...), m.Data...), nil
}

// receive reads the next message.
func (c *conn) receive() (*Message, error) {
	if err := c.fill(headerSize); err != nil {
		return nil, err
	}
	text, data, files := binary.LittleEndian.Uint32(c.buf), binary.LittleEndian.Uint32(c.buf[4:]), binary.LittleEndian.Uint32(c.buf[8:])
	if text > maxJSON || data > MaxData || files > maxFiles {
		return nil, errors.New("a message is over its limits")
	}
	size := headerSize + int(text) + int(data)
	if err := c.fill(size); err != nil {
		return nil, err
	}
	var m Message
	if err := json.Unmarshal(c.buf[headerSize:headerSize+int(text)], &m); err != nil {
		return nil, fmt.Errorf("decode a message: %w", err)
	}
	if data > 0 {
		m.Data = append([]byte(nil), c.buf[headerSize+int(text):size]...)
	}
	c.buf = c.buf[size:]
	if int(files) > len(c.fds) {
		return nil, errors.New("a message lacks its files")
	}
	for _, fd := range c.fds[:files] {
		m.Files = append(m.Files, os.NewFile(uintptr(fd), "pipe"))
	}
	c.fds = c.fds[files:]
	return &m, nil
}

// fill reads until the buffer has n bytes.
func (c *conn) fill(n int) error {
	for len(c.buf) < n {
		if cap(c.buf)-len(c.buf) < 4096 {
			c.buf = append(make([]byte, 0, max(n, 64<<10)+4096), c.buf...)
		}
		room := c.buf[len(c.buf):cap(c.buf)]
		rights := make([]byte, unix.CmsgSpace(4*maxFiles))
		got, oob, _, _, err := c.socket.ReadMsgUnix(room, rights)
		if oob > 0 {
			if err := c.keepRights(rights[:oob]); err != nil {
				return err
			}
		}
		if err != nil {
			return err
		}
		if got == 0 {
			return net.ErrClosed
		}
		c.buf = c.buf[:len(c.buf)+got]
	}
	return nil
}

func (c *conn) keepRights(rights []byte) error {
	messages, err := unix.ParseSocketControlMessage(rights)
	if err != nil {
		return fmt.Errorf("receive files: %w", err)
	}
	for _, m := range messages {
		fds, err := unix.ParseUnixRights(&m)
		if err != nil {
			return fmt.Errorf("receive files: %w", err)
		}
		c.fds = append(c.fds, fds...)
	}
	if len(c.fds) > 4*maxFiles {
		return errors.New("more files came than messages said")
	}
	return nil
}

// close ends the connection and closes what nobody took. The reader must have
// ended.
func (c *conn) close() {
	_ = c.socket.Close()
	for _, fd := range c.fds {
		_ = unix.Close(fd)
	}
	c.fds = nil
}
