package coreutils

import (
	"io"
	"strings"
)

// pager copies its input: there is no paging here.
func pager(c *Call) int {
	var names []string
	for _, arg := range c.Args[1:] {
		if !strings.HasPrefix(arg, "-") && !strings.HasPrefix(arg, "+") {
			names = append(names, arg)
		}
	}
	return c.eachInput(names, func(_ string, r io.Reader) error {
		_, err := io.Copy(c.Stdout, r)
		return err
	})
}

func clear(c *Call) int {
	c.out.WriteString("\x1b[H\x1b[2J\x1b[3J")
	return 0
}

// tputTexts are the capabilities that scripts ask for.
var tputTexts = map[string]string{
	"bold": "\x1b[1m", "dim": "\x1b[2m", "rev": "\x1b[7m", "smul": "\x1b[4m", "rmul": "\x1b[24m", "sgr0": "\x1b(B\x1b[m", "clear": "\x1b[H\x1b[2J", "civis": "\x1b[?25l", "cnorm": "\x1b[?25h", "el": "\x1b[K",
}

func tput(c *Call) int {
	o := c.parse("+T:")
	o.need(1)
	switch name := o.rest[0]; {
	case name == "cols":
		c.out.WriteString(orElse(c.getenv("COLUMNS"), "80") + "\n")
	case name == "lines":
		c.out.WriteString(orElse(c.getenv("LINES"), "24") + "\n")
	case name == "colors":
		c.out.WriteString("256\n")
	case (name == "setaf" || name == "setab") && len(o.rest) > 1:
		c.out.WriteString("\x1b[" + map[string]string{"setaf": "3", "setab": "4"}[name] + "8;5;" + o.rest[1] + "m")
	case tputTexts[name] != "":
		c.out.WriteString(tputTexts[name])
	default:
		return 1
	}
	return 0
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
