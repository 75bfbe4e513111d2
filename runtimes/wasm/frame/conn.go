package frame

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// Limits of a frame.
type Limits struct {
	Head  int // bytes
	Data  int // bytes
	Files int // that come in; 0 takes none, and the kernel closes what is sent
}

// Frame is one packet.
type Frame struct {
	Head  []byte
	Data  []byte
	Files []*os.File // of a received one: the receiver's to close
}

const headerSize = 12

// ErrTooLarge is for a frame that is over a limit.
var ErrTooLarge = syscall.E2BIG

// Conn sends and receives frames on a unix socket.
type Conn struct {
	socket *net.UnixConn
	limits Limits

	writing sync.Mutex

	// The rest belongs to the one goroutine that receives.
	buf []byte // received and not yet taken
	fds []int  // received and not yet taken
}

// NewConn takes over f, a connected unix stream socket.
func NewConn(f *os.File, limits Limits) (*Conn, error) {
	c, err := net.FileConn(f)
	if err != nil {
		return nil, fmt.Errorf("open the socket: %w", err)
	}
	socket, ok := c.(*net.UnixConn)
	if !ok {
		return nil, errors.Join(errors.New("the socket is none"), c.Close())
	}
	return &Conn{socket: socket, limits: limits}, f.Close()
}

// Send writes a frame. It is safe for concurrent use; those who wait take turns.
func (c *Conn) Send(f Frame) error {
	if len(f.Head) > c.limits.Head || len(f.Data) > c.limits.Data {
		return ErrTooLarge
	}
	var rights []byte
	if len(f.Files) > 0 {
		fds := make([]int, len(f.Files))
		for i, file := range f.Files {
			var err error
			if fds[i], err = descriptor(file); err != nil {
				return err
			}
		}
		rights = unix.UnixRights(fds...)
	}
	b := make([]byte, headerSize, headerSize+len(f.Head)+len(f.Data))
	binary.LittleEndian.PutUint32(b, uint32(len(f.Head)))
	binary.LittleEndian.PutUint32(b[4:], uint32(len(f.Data)))
	binary.LittleEndian.PutUint32(b[8:], uint32(len(f.Files)))
	b = append(append(b, f.Head...), f.Data...)
	c.writing.Lock()
	defer c.writing.Unlock()
	if rights == nil {
		_, err := c.socket.Write(b)
		return err
	}
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

// Receive reads the next frame, whose bytes hold until the next call. One
// goroutine at a time may call it.
func (c *Conn) Receive() (Frame, error) {
	if err := c.fill(headerSize); err != nil {
		return Frame{}, err
	}
	head, data, files := binary.LittleEndian.Uint32(c.buf), binary.LittleEndian.Uint32(c.buf[4:]), binary.LittleEndian.Uint32(c.buf[8:])
	if uint64(head) > uint64(c.limits.Head) || uint64(data) > uint64(c.limits.Data) || uint64(files) > uint64(c.limits.Files) {
		return Frame{}, errors.New("a frame is over its limits")
	}
	size := headerSize + int(head) + int(data)
	if err := c.fill(size); err != nil {
		return Frame{}, err
	}
	if int(files) > len(c.fds) {
		return Frame{}, errors.New("a frame lacks its files")
	}
	f := Frame{Head: c.buf[headerSize : headerSize+int(head)], Data: c.buf[headerSize+int(head) : size]}
	c.buf = c.buf[size:]
	for _, fd := range c.fds[:files] {
		f.Files = append(f.Files, os.NewFile(uintptr(fd), "file"))
	}
	c.fds = c.fds[files:]
	return f, nil
}

// fill reads until the buffer has n bytes.
func (c *Conn) fill(n int) error {
	for len(c.buf) < n {
		if cap(c.buf)-len(c.buf) < 4096 {
			c.buf = append(make([]byte, 0, max(n, 64<<10)+4096), c.buf...)
		}
		got, err := c.read(c.buf[len(c.buf):cap(c.buf)])
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

func (c *Conn) read(room []byte) (int, error) {
	if c.limits.Files == 0 {
		return c.socket.Read(room)
	}
	rights := make([]byte, unix.CmsgSpace(4*c.limits.Files))
	got, oob, _, _, err := c.socket.ReadMsgUnix(room, rights)
	if oob > 0 {
		if err := c.keepRights(rights[:oob]); err != nil {
			return 0, err
		}
	}
	return got, err
}

func (c *Conn) keepRights(rights []byte) error {
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
	if len(c.fds) > 4*c.limits.Files {
		return errors.New("more files came than frames said")
	}
	return nil
}

// Shut ends the connection: Receive and Send fail from now on.
func (c *Conn) Shut() error { return c.socket.Close() }

// Release ends the connection and closes files that nobody took. The goroutine
// that receives calls it when it has ended.
func (c *Conn) Release() {
	_ = c.socket.Close()
	for _, fd := range c.fds {
		_ = unix.Close(fd)
	}
	c.fds = nil
}
