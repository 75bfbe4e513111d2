package coreutils

import (
	"bufio"
	"bytes"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"net/http"
	"path"
	"strings"
	"unicode/utf8"
)

var hashes = map[string]func() hash.Hash{
	"md5sum": md5.New, "sha1sum": sha1.New, "sha224sum": sha256.New224, "sha256sum": sha256.New, "sha384sum": sha512.New384, "sha512sum": sha512.New,
	"cksum": func() hash.Hash { return crc32.NewIEEE() },
}

// checksum prints, or with -c checks, the checksums of files.
func checksum(c *Call) int {
	o := c.parse("cbtwz", "check:c", "quiet", "status", "binary:b", "text:t", "tag")
	make := hashes[path.Base(c.Args[0])]
	if o.has("c") {
		return c.checkSums(o, make)
	}
	return c.eachInput(o.rest, func(name string, r io.Reader) error {
		h := make()
		_, err := io.Copy(h, r)
		if err == nil {
			fmt.Fprintf(c.out, "%x  %s\n", h.Sum(nil), name)
		}
		return err
	})
}

func (c *Call) checkSums(o options, make func() hash.Hash) int {
	failed := 0
	code := c.eachInput(o.rest, func(_ string, r io.Reader) error {
		return c.eachLine(r, func(line string) bool {
			sum, name, ok := strings.Cut(chomp(line), " ")
			if !ok {
				return true
			}
			name = strings.TrimLeft(name, " *")
			h := make()
			f, err := c.open(name)
			if err == nil {
				_, err = io.Copy(h, f)
				_ = f.Close()
			}
			verdict := "OK"
			if err != nil || hex.EncodeToString(h.Sum(nil)) != strings.ToLower(sum) {
				verdict = "FAILED"
				failed++
			}
			if !o.has("status") && !(o.has("quiet") && verdict == "OK") {
				fmt.Fprintf(c.out, "%s: %s\n", name, verdict)
			}
			return true
		})
	})
	if failed > 0 {
		return c.fail(1, "WARNING: %d computed checksum did NOT match", failed)
	}
	return code
}

// base64Command encodes and decodes base64 and base32.
func base64Command(c *Call) int {
	o := c.parse("dw:i", "decode:d", "wrap:w", "ignore-garbage:i")
	width := int(o.number("w", 76))
	thirtyTwo := strings.HasPrefix(path.Base(c.Args[0]), "base32")
	return c.eachInput(o.rest, func(_ string, r io.Reader) error {
		b, err := io.ReadAll(r)
		if err != nil {
			return err
		}
		if o.has("d") {
			text := strings.Join(strings.Fields(string(b)), "")
			var plain []byte
			if thirtyTwo {
				plain, err = base32.StdEncoding.DecodeString(text)
			} else {
				plain, err = base64.StdEncoding.DecodeString(text)
			}
			c.out.Write(plain)
			if err != nil {
				return fmt.Errorf("invalid input")
			}
			return nil
		}
		text := base64.StdEncoding.EncodeToString(b)
		if thirtyTwo {
			text = base32.StdEncoding.EncodeToString(b)
		}
		for width > 0 && len(text) > width {
			c.out.WriteString(text[:width] + "\n")
			text = text[width:]
		}
		c.out.WriteString(text)
		if width > 0 && text != "" {
			c.out.WriteByte('\n')
		}
		return nil
	})
}

// od prints bytes as numbers or characters, 16 to a line.
func od(c *Call) int {
	o := c.parse("A:t:N:j:cxbdovw:", "address-radix:A", "format:t", "read-bytes:N", "skip-bytes:j", "width:w", "output-duplicates:v")
	kind := o.value("t", "o2")
	switch {
	case o.has("c"):
		kind = "c"
	case o.has("x"):
		kind = "x2"
	case o.has("b"):
		kind = "o1"
	case o.has("d"):
		kind = "u2"
	}
	return c.dump(o, func(at int64, line []byte) {
		switch o.value("A", "o") {
		case "n":
		case "x":
			fmt.Fprintf(c.out, "%06x", at)
		case "d":
			fmt.Fprintf(c.out, "%07d", at)
		default:
			fmt.Fprintf(c.out, "%07o", at)
		}
		c.out.WriteString(odCells(kind, line) + "\n")
	})
}

// dump calls line for each 16 bytes of the input, and for the end with none.
func (c *Call) dump(o options, line func(at int64, b []byte)) int {
	at := o.number("j", 0)
	code := c.eachInput(o.rest, func(_ string, r io.Reader) error {
		if _, err := io.CopyN(io.Discard, r, at); err != nil {
			return ignoreEOF(err)
		}
		if o.has("N", "l") {
			r = io.LimitReader(r, o.number("N", o.number("l", 0)))
		}
		b := make([]byte, max(1, o.number("w", 16)))
		for c.Context.Err() == nil {
			n, err := io.ReadFull(r, b)
			if n > 0 {
				line(at, b[:n])
				at += int64(n)
			}
			if err == io.ErrUnexpectedEOF || err == io.EOF {
				return nil
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	if o.value("A", "") != "n" && path.Base(c.Args[0]) == "od" {
		line(at, nil)
	}
	return code
}

// odCells formats bytes in od's kinds: c, and o, x, u or d with a size.
func odCells(kind string, line []byte) string {
	var b strings.Builder
	if kind[0] == 'c' || kind[0] == 'a' {
		for _, ch := range line {
			b.WriteString(fmt.Sprintf("%4s", odChar(ch)))
		}
		return b.String()
	}
	size := 4
	if len(kind) > 1 {
		size = map[byte]int{'1': 1, '2': 2, '4': 4, '8': 8, 'C': 1, 'S': 2, 'I': 4, 'L': 8}[kind[1]]
	}
	size = max(1, size)
	for len(line) > 0 {
		var n uint64
		for i := min(size, len(line)) - 1; i >= 0; i-- {
			n = n<<8 | uint64(line[i])
		}
		line = line[min(size, len(line)):]
		switch kind[0] {
		case 'x':
			fmt.Fprintf(&b, " %0*x", 2*size, n)
		case 'u', 'd':
			fmt.Fprintf(&b, " %*d", map[int]int{1: 3, 2: 5, 4: 10, 8: 20}[size], n)
		default:
			fmt.Fprintf(&b, " %0*o", map[int]int{1: 3, 2: 6, 4: 11, 8: 22}[size], n)
		}
	}
	return b.String()
}

func odChar(ch byte) string {
	if s, ok := map[byte]string{0: `\0`, 7: `\a`, 8: `\b`, 9: `\t`, 10: `\n`, 11: `\v`, 12: `\f`, 13: `\r`}[ch]; ok {
		return s
	}
	if ch < 0x20 || ch > 0x7e {
		return fmt.Sprintf("%03o", ch)
	}
	return string(rune(ch))
}

// xxd prints bytes in hexadecimal with the text beside them; hexdump is the same
// with -C.
func xxd(c *Call) int {
	o := c.parse("pl:s:c:g:urCn:v", "ps:p", "plain:p")
	if o.has("r") {
		return c.xxdReverse(o)
	}
	if o.has("n") {
		o.values["l"] = o.values["n"]
	}
	if o.has("s") {
		o.values["j"] = o.values["s"]
	}
	if o.has("p") {
		o.values["w"] = []string{o.value("c", "30")}
		return c.dump(o, func(_ int64, line []byte) { fmt.Fprintf(c.out, "%x\n", line) })
	}
	o.values["w"] = []string{o.value("c", "16")}
	width := int(o.number("w", 16))
	if path.Base(c.Args[0]) == "hexdump" {
		return c.dump(o, func(at int64, line []byte) {
			cells := strings.TrimSuffix(spaced(line[:min(8, len(line))], 1)+" "+spaced(line[min(8, len(line)):], 1), " ")
			fmt.Fprintf(c.out, "%08x  %-48s  |%s|\n", at, cells, printable(line))
		})
	}
	group := max(1, int(o.number("g", 2)))
	return c.dump(o, func(at int64, line []byte) {
		fmt.Fprintf(c.out, "%08x: %-*s  %s\n", at, 2*width+(width-1)/group, strings.TrimSuffix(spaced(line, group), " "), printable(line))
	})
}

// spaced is bytes in hexadecimal with a space after each group.
func spaced(line []byte, group int) string {
	var b strings.Builder
	for i, ch := range line {
		fmt.Fprintf(&b, "%02x", ch)
		if (i+1)%group == 0 {
			b.WriteByte(' ')
		}
	}
	return b.String()
}

func printable(line []byte) string {
	out := make([]byte, len(line))
	for i, ch := range line {
		out[i] = ch
		if ch < 0x20 || ch > 0x7e {
			out[i] = '.'
		}
	}
	return string(out)
}

func (c *Call) xxdReverse(o options) int {
	return c.eachInput(o.rest, func(_ string, r io.Reader) error {
		return c.eachLine(r, func(line string) bool {
			text := chomp(line)
			if !o.has("p") {
				_, text, _ = strings.Cut(text, ": ")
				text, _, _ = strings.Cut(text, "  ")
			}
			b, err := hex.DecodeString(strings.Join(strings.Fields(text), ""))
			c.out.Write(b)
			return err == nil
		})
	})
}

// stringsCommand prints runs of printable characters.
func stringsCommand(c *Call) int {
	o := c.parse("an:", "bytes:n")
	least := int(o.number("n", 4))
	return c.eachInput(o.rest, func(_ string, r io.Reader) error {
		b := bufio.NewReader(r)
		var run []byte
		flush := func() {
			if len(run) >= least {
				c.out.Write(append(run, '\n'))
			}
			run = run[:0]
		}
		for {
			ch, err := b.ReadByte()
			if err != nil {
				flush()
				return ignoreEOF(err)
			}
			if ch >= 0x20 && ch < 0x7f || ch == '\t' {
				run = append(run, ch)
			} else {
				flush()
			}
		}
	})
}

// fileType says what files hold.
func fileType(c *Call) int {
	o := c.parse("bihLk", "brief:b", "mime:i", "mime-type:i")
	o.need(1)
	for _, name := range o.rest {
		text := c.describe(name, o.has("i"))
		if !o.has("b") {
			text = name + ": " + text
		}
		c.out.WriteString(text + "\n")
	}
	return 0
}

func (c *Call) describe(name string, mime bool) string {
	info, err := c.lstat(name)
	if err != nil {
		return "cannot open (" + errText(err) + ")"
	}
	if info.IsDir() {
		return "directory"
	}
	if target, err := c.FS.Readlink(c.abs(name)); err == nil {
		return "symbolic link to " + target
	}
	r, err := c.open(name)
	if err != nil {
		return "cannot open (" + errText(err) + ")"
	}
	defer r.Close()
	head := make([]byte, 512)
	n, _ := io.ReadFull(r, head) // less is fine
	head = head[:n]
	kind := http.DetectContentType(head)
	switch {
	case mime:
		return kind
	case n == 0:
		return "empty"
	case bytes.HasPrefix(head, []byte("#!")):
		line, _, _ := strings.Cut(string(head[2:]), "\n")
		return strings.TrimSpace(line) + " script, text executable"
	case strings.HasPrefix(kind, "text/") && utf8.Valid(head):
		if bytes.ContainsFunc(head, func(r rune) bool { return r > 0x7f }) {
			return "Unicode text, UTF-8 text"
		}
		return "ASCII text"
	case kind == "application/octet-stream":
		return "data"
	}
	return kind
}
