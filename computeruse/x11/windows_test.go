package x11

import (
	"encoding/binary"
	"image"
	"slices"
	"testing"
)

func TestWords(t *testing.T) {
	for name, c := range map[string]struct {
		data []byte
		want []uint32
	}{
		"nothing":          {nil, []uint32{}},
		"less than a word": {[]byte{1, 2, 3}, []uint32{}},
		"a word":           {[]byte{1, 2, 0, 0}, []uint32{0x201}},
		"a rest is left":   {[]byte{1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 9}, []uint32{1, 0xffffffff}},
	} {
		if got := words(c.data); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestWithFrame(t *testing.T) {
	inner := image.Rect(10, 30, 110, 80)
	for name, c := range map[string]struct {
		frame []uint32
		want  image.Rectangle
	}{
		"none":         {nil, inner},
		"too few":      {[]uint32{1, 2, 3}, inner},
		"left to last": {[]uint32{1, 2, 20, 4}, image.Rect(9, 10, 112, 84)},
		"too wide":     {[]uint32{1, 2, 0xffffffff, 4}, inner},
	} {
		if got := withFrame(inner, c.frame); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestTitleOf(t *testing.T) {
	for name, c := range map[string]struct{ property, want string }{
		"plain":         {"A title", "A title"},
		"ends with nul": {"A title\x00\x00", "A title"},
		"other letters": {"日本語 – 😀", "日本語 – 😀"},
		"cut in a rune": {"caf\xc3", "caf"},
		"not UTF-8":     {"\xff\xfe", ""},
	} {
		if got := titleOf([]byte(c.property)); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// FuzzProperties reads what any program in a sandbox may set on its windows.
func FuzzProperties(f *testing.F) {
	f.Add([]byte(nil))
	f.Add([]byte("a title\x00"))
	f.Add([]byte{1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0})
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0x80, 1, 2, 3, 4, 5, 6, 7, 8})
	f.Fuzz(func(t *testing.T, data []byte) {
		numbers := words(data)
		var back []byte
		for _, n := range numbers {
			back = binary.LittleEndian.AppendUint32(back, n)
		}
		if rest := len(data) - len(back); rest < 0 || rest > 3 || string(data[:len(back)]) != string(back) {
			t.Errorf("%x became %v", data, numbers)
		}
		inner := image.Rect(-5, 7, 100, 200)
		if outer := withFrame(inner, numbers); !inner.In(outer) || outer.Dx() > inner.Dx()+1000 || outer.Dy() > inner.Dy()+1000 {
			t.Errorf("a frame %v makes %v", numbers, outer)
		}
		if title := titleOf(data); len(title) > len(data) {
			t.Errorf("%q became %q", data, title)
		}
	})
}
