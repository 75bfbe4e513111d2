package quickjs

import "math"

// value is a JavaScript value as the engine passes it on a 32-bit machine: a tag
// in the upper half and a number or a pointer in the lower, or else a float,
// moved so that no tag is mistaken for one. Values that point into the guest's
// memory are counted there; see guest.free.
type value uint64

// The engine's tags that matter here.
const (
	tagFirst     = -9
	tagString    = -7
	tagRope      = -6 // a string that is not joined yet
	tagObject    = -1
	tagInt       = 0
	tagBool      = 1
	tagNull      = 2
	tagUndefined = 3
	tagException = 6
	tagFloat     = 8 // and everything after it
)

// floatShift is what the engine subtracts from a float to make it a value.
const floatShift = uint64(0x7ff80000-tagFirst+1) << 32

// The values that need no memory.
const (
	undefined = value(tagUndefined << 32)
	null      = value(tagNull << 32)
	exception = value(tagException << 32)
	jsFalse   = value(tagBool << 32)
	jsTrue    = value(tagBool<<32 | 1)
)

func (v value) tag() int32 { return int32(uint64(v) >> 32) }

func (v value) isFloat() bool { return uint32(v.tag()-tagFirst) >= tagFloat-tagFirst }

func (v value) isString() bool {
	return !v.isFloat() && (v.tag() == tagString || v.tag() == tagRope)
}

func (v value) isObject() bool { return !v.isFloat() && v.tag() == tagObject }

// float returns the number that v is, and NaN for anything else.
func (v value) float() float64 {
	switch {
	case v.isFloat():
		return math.Float64frombits(uint64(v) + floatShift)
	case v.tag() == tagInt:
		return float64(int32(v))
	}
	return math.NaN()
}

// integer returns the number that v is, cut to an int; 0 for anything else.
func (v value) integer() int {
	f := v.float()
	if math.IsNaN(f) || math.Abs(f) > math.MaxInt32 {
		return 0
	}
	return int(f)
}

func boolean(b bool) value {
	if b {
		return jsTrue
	}
	return jsFalse
}

func number(f float64) value {
	if i := int32(f); float64(i) == f && (i != 0 || !math.Signbit(f)) {
		return value(uint32(i))
	}
	if math.IsNaN(f) {
		f = math.NaN() // the canonical one: others could pass for a tag
	}
	return value(math.Float64bits(f) - floatShift)
}
