package keys

import (
	"slices"
	"unicode"
)

// Layout is what the keys of a keyboard mean.
type Layout struct {
	First byte       // the keycode of the first row
	Rows  [][]Keysym // by keycode: plain and shifted, then the same of a second group
	Group int        // the group that is in use, 0 or 1
	Caps  bool       // Caps Lock is on
	Num   bool       // Num Lock is on
}

// Stroke is a key to press and release.
type Stroke struct {
	Code  byte
	Shift bool
}

// Batch is a change of the layout and what to type with it. The change must have
// reached the application before the strokes do, and the strokes must have
// before the next change.
type Batch struct {
	Remap   map[byte]Keysym // what spare keys are to mean from now on
	Strokes []Stroke
}

// Plan says how to type syms. It takes keys that the layout has where it can,
// and gives meanings to spare keys for the rest: to those without one first, and
// then to those of borrowed, which were given one before, the first before the
// others. It returns nil when text needs spare keys and there are none.
func (l Layout) Plan(syms []Keysym, borrowed []byte) []Batch {
	have, spare := l.index(borrowed)
	all := len(spare)
	var batches []Batch
	now := Batch{Remap: map[byte]Keysym{}}
	used := map[byte]bool{} // spare keys that this batch needs as they are
	for _, sym := range syms {
		stroke, ok := have[sym]
		if !ok {
			spare = slices.DeleteFunc(spare, func(code byte) bool { return used[code] })
			if len(spare) == 0 {
				if all == 0 {
					return nil
				}
				batches = append(batches, now)
				now, used = Batch{Remap: map[byte]Keysym{}}, map[byte]bool{}
				_, spare = l.index(borrowed)
			}
			code := spare[0]
			spare = spare[1:]
			for old, s := range have {
				if s.Code == code {
					delete(have, old)
				}
			}
			stroke = Stroke{Code: code}
			have[sym], now.Remap[code] = stroke, sym
		}
		used[stroke.Code] = true
		now.Strokes = append(now.Strokes, stroke)
	}
	return append(batches, now)
}

// Find returns how to press a key that the layout has.
func (l Layout) Find(sym Keysym) (Stroke, bool) {
	have, _ := l.index(nil)
	s, ok := have[sym]
	return s, ok
}

// index returns how to type what the layout has, and the keys that can be given
// a meaning. Plain keys come before shifted ones, and low keycodes before high
// ones.
func (l Layout) index(borrowed []byte) (have map[Keysym]Stroke, spare []byte) {
	have = map[Keysym]Stroke{}
	for _, shifted := range []bool{false, true} {
		for i, row := range l.Rows {
			plain, shift := l.levels(row)
			sym, stroke := plain, Stroke{Code: l.First + byte(i)}
			if shifted {
				sym, stroke.Shift = shift, true
			}
			if l.Caps && isLetter(plain, shift) || l.Num && isKeypad(shift) {
				stroke.Shift = !stroke.Shift // it undoes the lock
			}
			if _, ok := have[sym]; sym != 0 && !ok {
				have[sym] = stroke
			}
		}
	}
	for i, row := range l.Rows {
		code := l.First + byte(i)
		if !slices.ContainsFunc(row, func(s Keysym) bool { return s != 0 }) && !slices.Contains(borrowed, code) {
			spare = append(spare, code)
		}
	}
	for _, code := range borrowed {
		if int(code) >= int(l.First) && int(code)-int(l.First) < len(l.Rows) {
			spare = append(spare, code)
		}
	}
	return have, spare
}

// levels returns what a key means plain and with Shift, in the group in use.
func (l Layout) levels(row []Keysym) (plain, shift Keysym) {
	at := 2 * l.Group
	if at >= len(row) || row[at] == 0 {
		at = 0 // keys without that group keep the first
	}
	if len(row) == 0 {
		return 0, 0
	}
	plain = unify(row[at])
	if at+1 < len(row) {
		shift = unify(row[at+1])
	}
	if shift == 0 {
		shift = plain
		if r, ok := plain.rune(); ok && unicode.IsLower(r) {
			shift = symOf(unicode.ToUpper(r)) // as the X protocol has it
		}
	}
	return plain, shift
}

// unify returns the one spelling of a keysym that has two.
func unify(s Keysym) Keysym {
	if r, ok := s.rune(); ok {
		return symOf(r)
	}
	return s
}

// rune returns the character that a keysym stands for.
func (s Keysym) rune() (rune, bool) {
	switch {
	case s >= 0x20 && s <= 0x7e, s >= 0xa0 && s <= 0xff:
		return rune(s), true
	case s&0xff000000 == unicodeBit && s&0xffffff <= unicode.MaxRune:
		return rune(s & 0xffffff), true
	}
	return 0, false
}

// isKeypad reports whether Num Lock changes what a key types.
func isKeypad(shift Keysym) bool { return shift >= 0xff80 && shift <= 0xffbd }

// isLetter reports whether Caps Lock changes what a key types.
func isLetter(plain, shift Keysym) bool {
	a, ok := plain.rune()
	b, ok2 := shift.rune()
	return ok && ok2 && a != b && unicode.ToUpper(a) == b
}
