package coreutils

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// escapes resolves backslash escapes. With b, as %b has them: \c ends the output,
// which stop reports, and octal numbers begin with a zero.
func escapes(s string, b bool) (text string, stop bool) {
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			out.WriteByte(s[i])
			continue
		}
		i++
		switch ch := s[i]; ch {
		case 'a', 'b', 'f', 'n', 'r', 't', 'v', '\\', 'e', 'E', '"', '\'':
			out.WriteByte(map[byte]byte{'a': 7, 'b': 8, 'f': 12, 'n': 10, 'r': 13, 't': 9, 'v': 11, '\\': '\\', 'e': 27, 'E': 27, '"': '"', '\'': '\''}[ch])
		case 'c':
			return out.String(), true
		case 'x':
			n, size := digits(s[i+1:], 16, 2)
			if size == 0 {
				out.WriteString(`\x`)
				continue
			}
			out.WriteByte(byte(n))
			i += size
		case 'u', 'U':
			n, size := digits(s[i+1:], 16, map[byte]int{'u': 4, 'U': 8}[ch])
			out.WriteRune(rune(n))
			i += size
		case '0', '1', '2', '3', '4', '5', '6', '7':
			most := 3
			if b && ch == '0' {
				i, most = i+1, 3
			}
			n, size := digits(s[i:], 8, most)
			out.WriteByte(byte(n))
			i += size - 1
		default:
			out.WriteByte('\\')
			out.WriteByte(ch)
		}
	}
	return out.String(), false
}

// digits reads up to most digits.
func digits(s string, base, most int) (n uint64, size int) {
	for size < min(most, len(s)) {
		if _, err := strconv.ParseUint(s[size:size+1], base, 8); err != nil {
			break
		}
		size++
	}
	n, _ = strconv.ParseUint("0"+s[:size], base, 64) // it has digits only
	return n, size
}

// printf prints arguments by a format, again as long as there are any.
func printf(c *Call) int {
	args := c.Args[1:]
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	if len(args) == 0 {
		c.usage("usage: printf format [arguments]")
	}
	f := formatter{c: c, args: args[1:]}
	for {
		before := len(f.args)
		if f.print(args[0]) || len(f.args) == 0 || len(f.args) == before || c.Context.Err() != nil {
			return f.code
		}
	}
}

// formatter is a printf that runs.
type formatter struct {
	c    *Call
	args []string
	code int
}

func (f *formatter) next() (string, bool) {
	if len(f.args) == 0 {
		return "", false
	}
	arg := f.args[0]
	f.args = f.args[1:]
	return arg, true
}

// print goes through the format once and reports whether the output is to stop.
func (f *formatter) print(format string) bool {
	for len(format) > 0 {
		at := strings.IndexByte(format, '%')
		if at < 0 {
			at = len(format)
		}
		text, stop := escapes(format[:at], false)
		f.c.out.WriteString(text)
		if stop {
			return true
		}
		if format = format[at:]; format == "" {
			return false
		}
		size, stop := f.directive(format)
		if stop {
			return true
		}
		format = format[size:]
	}
	return false
}

// directive prints what a directive says and returns its length.
func (f *formatter) directive(format string) (size int, stop bool) {
	i := 1
	spec := "%"
	for i < len(format) && strings.IndexByte("#0- +'", format[i]) >= 0 {
		if format[i] != '\'' {
			spec += format[i : i+1]
		}
		i++
	}
	for i < len(format) && strings.IndexByte("0123456789.*", format[i]) >= 0 {
		if format[i] == '*' {
			arg, _ := f.next()
			spec += strconv.FormatInt(f.integer(arg), 10)
		} else {
			spec += format[i : i+1]
		}
		i++
	}
	for i < len(format) && strings.IndexByte("hlLjzt", format[i]) >= 0 {
		i++
	}
	if i == len(format) {
		f.c.errorf("missing format character")
		f.code = 1
		return i, true
	}
	verb := format[i]
	i++
	if verb == '(' {
		end := strings.Index(format[i:], ")T")
		if end < 0 {
			f.code = 1
			return len(format), true
		}
		f.time(format[i : i+end])
		return i + end + 2, false
	}
	return i, f.verb(spec, verb)
}

// verb prints one argument.
func (f *formatter) verb(spec string, verb byte) (stop bool) {
	out := f.c.out
	if verb == '%' {
		out.WriteByte('%')
		return false
	}
	arg, given := f.next()
	switch verb {
	case 's':
		fmt.Fprint(out, pad(spec, arg))
	case 'b':
		text, stop := escapes(arg, true)
		fmt.Fprint(out, pad(spec, text))
		return stop
	case 'q':
		fmt.Fprint(out, pad(spec, quoteWord(arg)))
	case 'c':
		if arg != "" {
			_, size := utf8.DecodeRuneInString(arg)
			arg = arg[:size]
		}
		fmt.Fprint(out, pad(spec, arg))
	case 'd', 'i':
		fmt.Fprintf(out, spec+"d", f.integer(arg))
	case 'u':
		fmt.Fprintf(out, spec+"d", uint64(f.integer(arg)))
	case 'o', 'x', 'X':
		fmt.Fprintf(out, spec+string(verb), uint64(f.integer(arg)))
	case 'e', 'E', 'f', 'F', 'g', 'G':
		n := 0.0
		if given && arg != "" {
			var err error
			if n, err = strconv.ParseFloat(strings.TrimSpace(arg), 64); err != nil {
				f.invalid(arg)
			}
		}
		fmt.Fprint(out, cFloat(spec, verb, n))
	default:
		f.c.errorf("`%c': invalid format character", verb)
		f.code = 1
		return true
	}
	return false
}

// cFloat formats a number as C does: %g without a precision has six digits.
func cFloat(spec string, verb byte, n float64) string {
	if math.IsInf(n, 0) || math.IsNaN(n) {
		text := strings.ToLower(strings.TrimPrefix(strconv.FormatFloat(n, 'g', -1, 64), "+"))
		return pad(strings.ReplaceAll(spec, "0", ""), text)
	}
	if (verb == 'g' || verb == 'G') && !strings.Contains(spec, ".") {
		spec += ".6"
	}
	return fmt.Sprintf(spec+string(verb), n)
}

// pad applies width and precision to a text. They count bytes, as in C.
func pad(spec, text string) string {
	spec = strings.TrimLeft(spec, "%0+ #")
	left := strings.HasPrefix(spec, "-")
	width, precision, cut := strings.Cut(strings.TrimLeft(spec, "-0+ #"), ".")
	if n, err := strconv.Atoi("0" + precision); cut && err == nil {
		text = text[:min(n, len(text))]
	}
	n, err := strconv.Atoi("0" + width)
	if err != nil || n > maxWidth {
		return text
	}
	space := strings.Repeat(" ", max(0, n-len(text)))
	if left {
		return text + space
	}
	return space + text
}

// maxWidth is the widest field.
const maxWidth = 1 << 20

func (f *formatter) invalid(arg string) {
	f.c.errorf("%s: invalid number", arg)
	f.code = 1
}

// integer reads a number as C does, or 'c for a character's.
func (f *formatter) integer(arg string) int64 {
	arg = strings.TrimSpace(arg)
	if arg == "" {
		return 0
	}
	if arg[0] == '\'' || arg[0] == '"' {
		r, _ := utf8.DecodeRuneInString(arg[1:])
		return int64(r)
	}
	if n, err := strconv.ParseInt(arg, 0, 64); err == nil && !strings.Contains(arg, "_") && !strings.HasPrefix(strings.ToLower(arg), "0b") {
		return n
	}
	if n, err := strconv.ParseUint(arg, 0, 64); err == nil {
		return int64(n)
	}
	end := 0
	for end < len(arg) && (arg[end] >= '0' && arg[end] <= '9' || end == 0 && (arg[0] == '-' || arg[0] == '+')) {
		end++
	}
	f.invalid(arg)
	n, _ := strconv.ParseInt(arg[:end], 10, 64) // as much as there is
	return n
}

func (f *formatter) time(format string) {
	arg, given := f.next()
	when := time.Now()
	if n := f.integer(arg); given && n >= 0 {
		when = time.Unix(n, 0)
	}
	if format == "" {
		format = "%X"
	}
	f.c.out.WriteString(strftime(format, when.In(f.c.zone())))
}

// quoteWord quotes a word for a shell as bash's %q does.
func quoteWord(s string) string {
	if s == "" {
		return "''"
	}
	if strings.ContainsFunc(s, func(r rune) bool { return r < 0x20 || r == 0x7f }) {
		return "$'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`, "\n", `\n`, "\t", `\t`, "\r", `\r`, "\x1b", `\E`).Replace(s) + "'"
	}
	var b strings.Builder
	for i, r := range s {
		if r < 0x80 && strings.ContainsRune(" !\"$&'()*,;<>?[\\]^`{|}", r) || i == 0 && (r == '#' || r == '~') {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// echo prints its arguments.
func echo(c *Call) int {
	args := c.Args[1:]
	newline, escaped := true, false
	for len(args) > 0 && len(args[0]) > 1 && args[0][0] == '-' && strings.Trim(args[0][1:], "neE") == "" {
		newline = newline && !strings.Contains(args[0], "n")
		escaped = strings.Contains(args[0], "e")
		args = args[1:]
	}
	text := strings.Join(args, " ")
	if escaped {
		var stop bool
		text, stop = escapes(text, true)
		newline = newline && !stop
	}
	c.out.WriteString(text)
	if newline {
		c.out.WriteByte('\n')
	}
	return 0
}

// seq prints numbers.
func seq(c *Call) int {
	args := c.Args[1:]
	separator, format, equal := "\n", "", false
	for len(args) > 0 && len(args[0]) > 1 && args[0][0] == '-' && strings.IndexByte("sfw", args[0][1]) >= 0 {
		flag, value := args[0][1], args[0][2:]
		args = args[1:]
		if flag == 'w' {
			equal = true
			continue
		}
		if value == "" && len(args) > 0 {
			value, args = args[0], args[1:]
		}
		if flag == 's' {
			separator = unescape(value)
		} else {
			format = value
		}
	}
	if len(args) == 0 || len(args) > 3 {
		c.usage("missing operand")
	}
	numbers := []float64{1, 1, 0}
	places := 0
	for i, arg := range args {
		n, err := strconv.ParseFloat(arg, 64)
		if err != nil {
			c.usage("invalid floating point argument: '%s'", arg)
		}
		if _, fraction, ok := strings.Cut(arg, "."); ok && i < 2 {
			places = max(places, len(fraction))
		}
		numbers[[][]int{{2}, {0, 2}, {0, 1, 2}}[len(args)-1][i]] = n
	}
	return c.sequence(numbers[0], numbers[1], numbers[2], places, separator, format, equal)
}

func (c *Call) sequence(first, step, last float64, places int, separator, format string, equal bool) int {
	if step == 0 {
		c.usage("invalid Zero increment value: '0'")
	}
	width := 0
	if equal {
		width = max(len(strconv.FormatFloat(first, 'f', places, 64)), len(strconv.FormatFloat(last, 'f', places, 64)))
	}
	any := false
	for i := 0.0; c.Context.Err() == nil; i++ {
		n := first + i*step
		if step > 0 && n > last+step*1e-9 || step < 0 && n < last+step*1e-9 {
			break
		}
		if any {
			c.out.WriteString(separator)
		}
		any = true
		if format != "" {
			fmt.Fprintf(c.out, format, n)
			continue
		}
		text := strconv.FormatFloat(n, 'f', places, 64)
		c.out.WriteString(strings.Repeat("0", max(0, width-len(text))) + text)
	}
	if any {
		c.out.WriteByte('\n')
	}
	return 0
}
