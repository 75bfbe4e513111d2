package keys

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// modifierKeys are the keys that are held with others.
var modifierKeys = map[string]Keysym{"ctrl": ControlL, "alt": AltL, "shift": ShiftL, "cmd": SuperL}

// aliases lead other names of keys to ours.
var aliases = map[string]string{
	"return": "enter", "esc": "escape", "del": "delete", "ins": "insert", "back": "backspace", "spacebar": "space",
	"control": "ctrl", "ctl": "ctrl", "lctrl": "ctrl", "command": "cmd", "meta": "cmd", "win": "cmd", "windows": "cmd", "super": "cmd",
	"option": "alt", "opt": "alt", "pgup": "pageup", "page_up": "pageup", "pgdn": "pagedown", "pgdown": "pagedown", "page_down": "pagedown",
	"arrowup": "up", "arrowdown": "down", "arrowleft": "left", "arrowright": "right",
	"caps": "capslock", "caps_lock": "capslock", "numlock": "num_lock", "print": "printscreen", "prtsc": "printscreen",
	"num_add": "num_plus", "num_subtract": "num_minus", "num_multiply": "num_asterisk", "num_divide": "num_slash", "num_period": "num_decimal",
	"plus": "+", "minus": "-", "comma": ",", "period": ".", "slash": "/", "backslash": "\\", "semicolon": ";", "apostrophe": "'", "grave": "`", "equal": "=",
}

// namedKeys are the keys that have a name, without the aliases.
var namedKeys = func() map[string]Keysym {
	named := map[string]Keysym{
		"enter": Return, "escape": 0xff1b, "tab": 0xff09, "backspace": 0xff08, "delete": 0xffff, "space": 0x20,
		"home": 0xff50, "end": 0xff57, "pageup": 0xff55, "pagedown": 0xff56, "insert": 0xff63,
		"left": 0xff51, "up": 0xff52, "right": 0xff53, "down": 0xff54,
		"capslock": 0xffe5, "menu": 0xff67, "printscreen": 0xff61, "pause": 0xff13, "scrolllock": 0xff14,
		"num_plus": 0xffab, "num_minus": 0xffad, "num_asterisk": 0xffaa, "num_slash": 0xffaf,
		"num_decimal": 0xffae, "num_enter": 0xff8d, "num_equal": 0xffbd, "num_lock": 0xff7f,
		"+": '+', "-": '-', ",": ',', ".": '.', "/": '/', "\\": '\\', ";": ';', "'": '\'', "`": '`', "=": '=',
	}
	maps.Copy(named, modifierKeys)
	for i := range 24 {
		named[fmt.Sprintf("f%d", i+1)] = 0xffbe + Keysym(i)
	}
	for i := range 10 {
		named[fmt.Sprintf("num%d", i)] = 0xffb0 + Keysym(i)
	}
	return named
}()

// canonical returns our spelling of a key's name.
func canonical(name string) string {
	name = strings.ToLower(strings.TrimSpace(name))
	name = strings.ReplaceAll(name, "-", "_")
	if to, ok := aliases[name]; ok {
		return to
	}
	if left := strings.TrimSuffix(strings.TrimSuffix(name, "_l"), "_r"); left != name { // Control_L and the like
		if to, ok := aliases[left]; ok {
			left = to
		}
		if _, ok := modifierKeys[left]; ok {
			return left
		}
	}
	return name
}

// suggest returns the known name that is nearest to one that is not known; ""
// when none is near.
func suggest(name string) string {
	if len(name) < 2 || len(name) > 20 {
		return ""
	}
	best, distance := "", 3
	for _, known := range slices.Sorted(maps.Keys(namedKeys)) {
		if d := edits(name, known); d < distance && d < len(known) {
			best, distance = known, d
		}
	}
	return best
}

// edits counts the insertions, deletions and replacements between two words.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
