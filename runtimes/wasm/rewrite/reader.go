package rewrite

import "fmt"

// reader walks over the bytes b[pos:end] of a module. Its error sticks: after
// the first failure nothing is left to read and every read returns zero, so that
// callers need to look at err only where they would loop or allocate.
type reader struct {
	b        []byte // the whole module, so that pos is an offset for people
	pos, end int
	err      error
}

// fail records the first error, at the given offset, and ends the reading.
func (r *reader) fail(offset int, format string, args ...any) {
	if r.err == nil {
		r.err = &Error{Offset: offset, Reason: fmt.Sprintf(format, args...)}
	}
	r.pos = r.end
}

func (r *reader) more() bool { return r.err == nil && r.pos < r.end }

func (r *reader) byte() byte {
	if r.pos >= r.end {
		r.fail(r.pos, "unexpected end")
		return 0
	}
	r.pos++
	return r.b[r.pos-1]
}

// take returns the next n bytes, which alias the input.
func (r *reader) take(n int) []byte {
	if n < 0 || n > r.end-r.pos {
		r.fail(r.pos, "unexpected end")
		return nil
	}
	r.pos += n
	return r.b[r.pos-n : r.pos]
}

// u32 reads an unsigned LEB128 number of at most 32 bits.
func (r *reader) u32() uint32 {
	start := r.pos
	var v uint32
	for shift := 0; shift < 35; shift += 7 {
		c := r.byte()
		if shift == 28 && c > 0x0f {
			break
		}
		v |= uint32(c&0x7f) << shift
		if c < 0x80 {
			return v
		}
	}
	r.fail(start, "number does not fit in 32 bits")
	return 0
}

// signed reads a signed LEB128 number of at most the given number of bits.
func (r *reader) signed(bits int) int64 {
	start := r.pos
	var v int64
	for shift := 0; shift < bits; shift += 7 {
		c := r.byte()
		v |= int64(c&0x7f) << shift
		if c >= 0x80 {
			continue
		}
		if left := bits - shift; left < 7 && !signExtended(c, left) {
			break
		}
		if shift+7 < 64 && c&0x40 != 0 {
			v |= -1 << (shift + 7)
		}
		return v
	}
	r.fail(start, "number does not fit in %d bits", bits)
	return 0
}

// signExtended reports whether the bits of the last LEB128 byte c from bit n-1
// upward are all the same, where n of its seven bits carry the number.
func signExtended(c byte, n int) bool {
	high := c & 0x7f >> (n - 1)
	return high == 0 || high == 0x7f>>(n-1)
}

// count reads the length of a vector whose items take at least size bytes each.
func (r *reader) count(size int) int {
	start := r.pos
	n := r.u32()
	if int64(n) > int64((r.end-r.pos)/size) {
		r.fail(start, "%d items do not fit in the %d bytes that are left", n, r.end-r.pos)
		return 0
	}
	return int(n)
}

// name reads a string as its raw encoding, length included.
func (r *reader) name() []byte {
	start := r.pos
	r.take(r.count(1))
	return r.b[start:r.pos]
}

// enter narrows the reader to the next block, which starts with its size, and
// returns the end to give to leave.
func (r *reader) enter() (outer int) {
	size := r.count(1)
	outer, r.end = r.end, r.pos+size
	return outer
}

// leave widens the reader again and fails if the block was not read to its end.
func (r *reader) leave(outer int) {
	if r.pos != r.end {
		r.fail(r.pos, "%d bytes too many", r.end-r.pos)
	}
	r.end = outer
	if r.err != nil {
		r.pos = r.end
	}
}

// appendU32 appends v as unsigned LEB128.
func appendU32(b []byte, v uint32) []byte {
	for v >= 0x80 {
		b = append(b, byte(v)|0x80)
		v >>= 7
	}
	return append(b, byte(v))
}

// appendS32 appends v as signed LEB128.
func appendS32(b []byte, v int32) []byte {
	for v < -0x40 || v >= 0x40 {
		b = append(b, byte(v)|0x80)
		v >>= 7
	}
	return append(b, byte(v)&0x7f)
}

// appendBlock appends content after its size.
func appendBlock(b, content []byte) []byte {
	return append(appendU32(b, uint32(len(content))), content...)
}
