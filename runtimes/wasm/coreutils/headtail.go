package coreutils

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// oldStyle turns "-5" into "-n 5".
func (c *Call) oldStyle() {
	if len(c.Args) < 2 {
		return
	}
	if n := strings.TrimPrefix(c.Args[1], "-"); n != c.Args[1] && n != "" && n[0] >= '0' && n[0] <= '9' {
		c.Args = slices.Concat(c.Args[:1], []string{"-n", n}, c.Args[2:])
	}
}

// head copies the beginning of files.
func head(c *Call) int {
	c.oldStyle()
	o := c.parse("n:c:qvz", "lines:n", "bytes:c", "quiet:q", "silent:q", "verbose:v")
	amount, bytes := o.value("n", "10"), o.has("c")
	if bytes {
		amount = o.value("c", "")
	}
	n, ok := parseSize(amount)
	if !ok {
		c.usage("invalid number of lines: '%s'", amount)
	}
	first := true
	return c.eachInput(o.rest, func(name string, r io.Reader) error {
		c.banner(o, name, &first)
		switch {
		case n < 0 || strings.HasPrefix(amount, "-"):
			return c.allButLast(r, int(-n), bytes)
		case bytes:
			_, err := io.CopyN(c.out, r, n)
			return ignoreEOF(err)
		case n == 0:
			return nil
		}
		left := n
		return c.eachLine(r, func(line string) bool {
			c.out.WriteString(line)
			left--
			return left > 0
		})
	})
}

// banner names a file of several.
func (c *Call) banner(o options, name string, first *bool) {
	if o.has("q") || len(o.rest) < 2 && !o.has("v") {
		return
	}
	if name == "-" {
		name = "standard input"
	}
	if !*first {
		c.out.WriteByte('\n')
	}
	*first = false
	fmt.Fprintf(c.out, "==> %s <==\n", name)
}

func (c *Call) allButLast(r io.Reader, n int, bytes bool) error {
	if bytes {
		b, err := io.ReadAll(r)
		c.out.Write(b[:max(0, len(b)-n)])
		return err
	}
	var kept []string
	return c.eachLine(r, func(line string) bool {
		kept = append(kept, line)
		if len(kept) > n {
			c.out.WriteString(kept[0])
			kept = kept[1:]
		}
		return true
	})
}

func ignoreEOF(err error) error {
	if err == io.EOF {
		return nil
	}
	return err
}

// tail copies the end of files.
func tail(c *Call) int {
	c.oldStyle()
	o := c.parse("n:c:qvfFz", "lines:n", "bytes:c", "quiet:q", "verbose:v", "follow:f", "retry", "pid=", "sleep-interval=")
	amount := o.value("n", "10")
	if o.has("c") {
		amount = o.value("c", "")
	}
	n, err := strconv.ParseInt(strings.TrimLeft(amount, "+-"), 10, 64)
	if size, ok := parseSize(strings.TrimLeft(amount, "+-")); ok {
		n, err = size, nil
	}
	if err != nil {
		c.usage("invalid number of lines: '%s'", amount)
	}
	from := strings.HasPrefix(amount, "+")
	first := true
	code := c.eachInput(o.rest, func(name string, r io.Reader) error {
		c.banner(o, name, &first)
		switch {
		case o.has("c"):
			return c.tailBytes(r, n, from)
		case from:
			return c.fromLine(r, n)
		}
		return c.lastLines(r, int(n))
	})
	if o.has("f", "F") && len(o.rest) > 0 && code == 0 {
		return c.follow(o.rest[len(o.rest)-1])
	}
	return code
}

func (c *Call) fromLine(r io.Reader, n int64) error {
	b := bufio.NewReader(r)
	for i := int64(1); i < n; i++ {
		if _, err := b.ReadString('\n'); err != nil {
			return ignoreEOF(err)
		}
	}
	_, err := io.Copy(c.out, b)
	return err
}

// lastLines keeps no more than n lines.
func (c *Call) lastLines(r io.Reader, n int) error {
	var kept []string
	err := c.eachLine(r, func(line string) bool {
		kept = append(kept, line)
		if len(kept) >= 2*n+1024 {
			kept = slices.Clone(kept[len(kept)-n:])
		}
		return true
	})
	for _, line := range kept[max(0, len(kept)-n):] {
		c.out.WriteString(line)
	}
	return err
}

func (c *Call) tailBytes(r io.Reader, n int64, from bool) error {
	if from {
		if _, err := io.CopyN(io.Discard, r, max(0, n-1)); err != nil {
			return ignoreEOF(err)
		}
		_, err := io.Copy(c.out, r)
		return err
	}
	b, err := io.ReadAll(r)
	c.out.Write(b[max(0, int64(len(b))-n):])
	return err
}

// followEvery is how often tail -f looks for more.
const followEvery = 200 * time.Millisecond

// follow copies what is added to a file until the command is ended.
func (c *Call) follow(name string) int {
	_ = c.out.Flush()
	f, err := c.FS.OpenFile(c.abs(name), os.O_RDONLY, 0)
	if err != nil {
		return c.failErr(name, err)
	}
	defer f.Close()
	if _, err := f.Seek(0, io.SeekEnd); err != nil {
		return c.failErr(name, err)
	}
	for {
		if _, err := io.Copy(c.Stdout, f); err != nil {
			return c.failErr(name, err)
		}
		if !c.pause(followEvery) {
			return 130
		}
	}
}

// pause waits and reports whether the command may go on.
func (c *Call) pause(d time.Duration) bool {
	ctx, cancel := context.WithTimeout(c.Context, d)
	defer cancel()
	<-ctx.Done()
	return c.Context.Err() == nil
}
