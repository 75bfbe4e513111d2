package coreutils

import (
	"errors"
	"io/fs"
	"strconv"
	"strings"
	"unicode/utf8"
)

// expr evaluates an expression. Its exit code is 1 when that is empty or 0.
func expr(c *Call) int {
	e := exprParser{c: c, args: c.Args[1:]}
	if len(e.args) > 0 && e.args[0] == "--" {
		e.args = e.args[1:]
	}
	value, err := e.or()
	if err == nil && len(e.args) > 0 {
		err = errors.New("syntax error: unexpected argument '" + e.args[0] + "'")
	}
	if err != nil {
		return c.fail(2, "%s", err)
	}
	c.out.WriteString(value + "\n")
	if null(value) {
		return 1
	}
	return 0
}

func null(v string) bool { return v == "" || strings.Trim(v, "0-") == "" && v != "-" }

type exprParser struct {
	c    *Call
	args []string
}

func (e *exprParser) accept(operators ...string) string {
	for _, op := range operators {
		if len(e.args) > 0 && e.args[0] == op {
			e.args = e.args[1:]
			return op
		}
	}
	return ""
}

// binary reads operands with operators between them, from the left.
func (e *exprParser) binary(operand func() (string, error), apply func(op, a, b string) (string, error), operators ...string) (string, error) {
	left, err := operand()
	for err == nil {
		op := e.accept(operators...)
		if op == "" {
			return left, nil
		}
		var right string
		if right, err = operand(); err == nil {
			left, err = apply(op, left, right)
		}
	}
	return "", err
}

func (e *exprParser) or() (string, error) {
	return e.binary(e.and, func(_, a, b string) (string, error) {
		switch {
		case !null(a):
			return a, nil
		case !null(b):
			return b, nil
		}
		return "0", nil
	}, "|")
}

func (e *exprParser) and() (string, error) {
	return e.binary(e.comparison, func(_, a, b string) (string, error) {
		if null(a) || null(b) {
			return "0", nil
		}
		return a, nil
	}, "&")
}

func (e *exprParser) comparison() (string, error) {
	return e.binary(e.sum, func(op, a, b string) (string, error) {
		n := strings.Compare(a, b)
		x, err1 := strconv.ParseInt(a, 10, 64)
		y, err2 := strconv.ParseInt(b, 10, 64)
		if err1 == nil && err2 == nil {
			n = 0
			if x < y {
				n = -1
			} else if x > y {
				n = 1
			}
		}
		holds := map[string]bool{"=": n == 0, "==": n == 0, "!=": n != 0, "<": n < 0, "<=": n <= 0, ">": n > 0, ">=": n >= 0}[op]
		if holds {
			return "1", nil
		}
		return "0", nil
	}, "=", "==", "!=", "<", "<=", ">", ">=")
}

func (e *exprParser) sum() (string, error)     { return e.binary(e.product, arithmetic, "+", "-") }
func (e *exprParser) product() (string, error) { return e.binary(e.match, arithmetic, "*", "/", "%") }

func arithmetic(op, a, b string) (string, error) {
	x, err1 := strconv.ParseInt(a, 10, 64)
	y, err2 := strconv.ParseInt(b, 10, 64)
	switch {
	case err1 != nil || err2 != nil:
		return "", errors.New("non-integer argument")
	case (op == "/" || op == "%") && y == 0:
		return "", errors.New("division by zero")
	}
	switch op {
	case "+":
		x += y
	case "-":
		x -= y
	case "*":
		x *= y
	case "/":
		x /= y
	default:
		x %= y
	}
	return strconv.FormatInt(x, 10), nil
}

func (e *exprParser) match() (string, error) {
	return e.binary(e.primary, func(_, a, b string) (string, error) { return matchText(a, b) }, ":")
}

func matchText(text, pattern string) (string, error) {
	re, err := compile("^"+pattern, basic, "s")
	if err != nil {
		return "", err
	}
	m := re.FindStringSubmatch(text)
	switch {
	case re.NumSubexp() > 0 && m != nil:
		return m[1], nil
	case re.NumSubexp() > 0:
		return "", nil
	case m == nil:
		return "0", nil
	}
	return strconv.Itoa(utf8.RuneCountInString(m[0])), nil
}

func (e *exprParser) primary() (string, error) {
	if len(e.args) == 0 {
		return "", errors.New("syntax error: missing argument")
	}
	word := e.args[0]
	e.args = e.args[1:]
	switch {
	case word == "(":
		value, err := e.or()
		if err == nil && e.accept(")") == "" {
			err = errors.New("syntax error: expecting ')'")
		}
		return value, err
	case word == "length" && len(e.args) > 0:
		value, err := e.primary()
		return strconv.Itoa(utf8.RuneCountInString(value)), err
	case word == "match" && len(e.args) > 1:
		a, b := e.args[0], e.args[1]
		e.args = e.args[2:]
		return matchText(a, b)
	case word == "index" && len(e.args) > 1:
		a, b := e.args[0], e.args[1]
		e.args = e.args[2:]
		return strconv.Itoa(strings.IndexAny(a, b) + 1), nil
	case word == "substr" && len(e.args) > 2:
		text := []rune(e.args[0])
		from, err1 := strconv.Atoi(e.args[1])
		n, err2 := strconv.Atoi(e.args[2])
		e.args = e.args[3:]
		if err1 != nil || err2 != nil || from < 1 || n < 1 || from > len(text) {
			return "", nil
		}
		return string(text[from-1 : min(len(text), from-1+n)]), nil
	}
	return word, nil
}

// test evaluates a condition. Shells have it built in; this one is for xargs,
// find and their like.
func test(c *Call) int {
	args := c.Args[1:]
	if c.Args[0] == "[" {
		if len(args) == 0 || args[len(args)-1] != "]" {
			return c.fail(2, "missing ']'")
		}
		args = args[:len(args)-1]
	}
	switch {
	case len(args) > 1 && args[0] == "!":
		return 1 - min(1, test(&Call{Context: c.Context, Args: append([]string{"test"}, args[1:]...), Dir: c.Dir, FS: c.FS, out: c.out, Stderr: c.Stderr}))
	case len(args) == 1:
		return boolCode(args[0] != "")
	case len(args) == 2:
		return c.testOne(args[0], args[1])
	case len(args) == 3:
		return c.testTwo(args[0], args[1], args[2])
	}
	return 1
}

func boolCode(ok bool) int {
	if ok {
		return 0
	}
	return 1
}

func (c *Call) testOne(op, arg string) int {
	if op == "-n" || op == "-z" {
		return boolCode((arg == "") == (op == "-z"))
	}
	look := c.stat
	if op == "-L" || op == "-h" {
		look = c.lstat
	}
	info, err := look(arg)
	if err != nil {
		return 1
	}
	switch op {
	case "-e", "-r", "-w":
		return 0
	case "-f":
		return boolCode(info.Mode().IsRegular())
	case "-d":
		return boolCode(info.IsDir())
	case "-s":
		return boolCode(info.Size() > 0)
	case "-x":
		return boolCode(info.Mode()&0o111 != 0)
	case "-L", "-h":
		return boolCode(info.Mode()&fs.ModeSymlink != 0)
	}
	return c.fail(2, "%s: unary operator expected", op)
}

func (c *Call) testTwo(a, op, b string) int {
	switch op {
	case "=", "==":
		return boolCode(a == b)
	case "!=":
		return boolCode(a != b)
	}
	x, err1 := strconv.ParseInt(a, 10, 64)
	y, err2 := strconv.ParseInt(b, 10, 64)
	if err1 != nil || err2 != nil {
		return c.fail(2, "%s: integer expression expected", a)
	}
	holds, ok := map[string]bool{"-eq": x == y, "-ne": x != y, "-lt": x < y, "-le": x <= y, "-gt": x > y, "-ge": x >= y}[op]
	if !ok {
		return c.fail(2, "%s: binary operator expected", op)
	}
	return boolCode(holds)
}
