package ruby

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/tetratelabs/wazero/api"
)

// signals says where Ruby notes that a signal has come: what a handler of the
// system's would write to. Ruby looks there between two of its instructions and
// raises Interrupt. No system sends signals to a WASI guest, but the program can
// send some to itself, and while it does, in SandpiperRun.signal, these places are
// found by what is written to them.
type signals struct {
	count uint32 // of SIGINT that have come
	size  uint32 // of all signals that have come
	flag  uint32 // of the thread; trapFlag is for signals
}

// trapFlag is the bit that tells a thread of signals.
const trapFlag = 8

// The facts of an image about signals.
const (
	factCount = "signalCount"
	factSize  = "signalSize"
	factFlag  = "signalFlag"
)

func (s signals) facts() map[string]uint64 {
	return map[string]uint64{factCount: uint64(s.count), factSize: uint64(s.size), factFlag: uint64(s.flag)}
}

func signalsOf(facts map[string]uint64) signals {
	return signals{uint32(facts[factCount]), uint32(facts[factSize]), uint32(facts[factFlag])}
}

// interrupt sends SIGINT to the program.
func (s signals) interrupt(mem api.Memory) bool {
	return s.count != 0 && bump(mem, s.count, func(n uint32) uint32 { return n + 1 }) &&
		bump(mem, s.size, func(n uint32) uint32 { return n + 1 }) &&
		bump(mem, s.flag, func(n uint32) uint32 { return n | trapFlag })
}

func bump(mem api.Memory, at uint32, f func(uint32) uint32) bool {
	n, ok := mem.ReadUint32Le(at)
	return ok && mem.WriteUint32Le(at, f(n))
}

// signalFinder looks at the memory each time that the script asks it to: before any
// signal has come, after one and two SIGINT, after a SIGTERM, which all wait, and
// when they have been handled.
type signalFinder struct {
	before               []byte
	looks                int
	counts, sizes, flags []uint32
}

// The words at each look.
var (
	countLooks = []uint32{0, 1, 2, 2, 0}
	sizeLooks  = []uint32{0, 1, 2, 3, 0}
	flagLooks  = []uint32{0, trapFlag, trapFlag, trapFlag, 0}
)

func (f *signalFinder) look(mem api.Memory) {
	now, _ := mem.Read(0, mem.Size())
	look := f.looks
	f.looks++
	switch {
	case look == 0:
		f.before = bytes.Clone(now)
		return
	case look >= len(countLooks):
		return
	case look == 1:
		for at := 0; at+4 <= len(f.before); at += 4 {
			a, b := binary.LittleEndian.Uint32(f.before[at:]), binary.LittleEndian.Uint32(now[at:])
			if a == 0 && b == 1 {
				f.counts, f.sizes = append(f.counts, uint32(at)), append(f.sizes, uint32(at))
			} else if a < 256 && a&trapFlag == 0 && b == a|trapFlag {
				f.flags = append(f.flags, uint32(at))
			}
		}
		f.before = nil
		return
	}
	word := func(at uint32) uint32 { return binary.LittleEndian.Uint32(now[at:]) }
	f.counts = slices.DeleteFunc(f.counts, func(at uint32) bool { return word(at) != countLooks[look] })
	f.sizes = slices.DeleteFunc(f.sizes, func(at uint32) bool { return word(at) != sizeLooks[look] })
	f.flags = slices.DeleteFunc(f.flags, func(at uint32) bool { return word(at)&trapFlag != flagLooks[look] })
}

var errLooks = errors.New("the start script did not show how signals come")

// found returns the places, of which there must be one each.
func (f *signalFinder) found() (signals, error) {
	if f.looks != len(countLooks) {
		return signals{}, errLooks
	}
	if len(f.counts) != 1 || len(f.sizes) != 1 || len(f.flags) != 1 {
		return signals{}, fmt.Errorf("where signals are noted: %d, %d and %d places look like it", len(f.counts), len(f.sizes), len(f.flags))
	}
	return signals{f.counts[0], f.sizes[0], f.flags[0]}, nil
}
