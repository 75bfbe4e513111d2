package files

import (
	"errors"
	"os"
	"unsafe"

	"sandpiper/runtimes/wasm/jail"
)

// pageSize is that of the counters, and of what is mapped for them.
const pageSize = int(unsafe.Sizeof(jail.Changes{}))

// Page is memory with the counters of one file system's changes. The server writes
// them, and workers can do no more than read them.
type Page struct {
	file *os.File
	mem  []byte
}

// NewPage makes a page. The error is errors.ErrUnsupported where the system has no
// such memory; programs do without it, and cross more often.
func NewPage() (*Page, error) { return newPage() }

// Changes returns the counters, which are there until Close.
func (p *Page) Changes() *jail.Changes { return counters(p.mem) }

// File returns what a worker gets for Open.
func (p *Page) File() *os.File { return p.file }

// Close gives the page up. Workers that have it keep it.
func (p *Page) Close() error { return errors.Join(unmap(p.mem), p.file.Close()) }

// counters are those in a page.
func counters(mem []byte) *jail.Changes { return (*jail.Changes)(unsafe.Pointer(&mem[0])) }
