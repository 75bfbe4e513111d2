package coreutils

import (
	"fmt"
	"io/fs"
	"path"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func succeed(*Call) int { return 0 }

// user is who everything runs as.
func (c *Call) user() string {
	if u := c.getenv("USER"); u != "" {
		return u
	}
	return "daytona"
}

func whoami(c *Call) int {
	c.out.WriteString(c.user() + "\n")
	return 0
}

func id(c *Call) int {
	o := c.parse("ugGnr", "user:u", "group:g", "groups:G", "name:n", "real:r")
	user := c.user()
	switch {
	case o.has("u", "g", "G") && o.has("n"):
		c.out.WriteString(user + "\n")
	case o.has("u", "g", "G"):
		c.out.WriteString("1000\n")
	default:
		fmt.Fprintf(c.out, "uid=1000(%s) gid=1000(%s) groups=1000(%s)\n", user, user, user)
	}
	return 0
}

// hostName is what a WebAssembly sandbox calls itself.
const hostName = "wasm"

func hostname(c *Call) int {
	name := c.getenv("HOSTNAME")
	if name == "" {
		name = hostName
	}
	c.out.WriteString(name + "\n")
	return 0
}

func uname(c *Call) int {
	o := c.parse("asnrvmpio", "all:a", "kernel-name:s", "nodename:n", "kernel-release:r", "machine:m", "operating-system:o")
	if len(o.values) == 0 {
		o.values["s"] = nil
	}
	var parts []string
	for _, p := range [][2]string{{"s", "Linux"}, {"n", hostName}, {"r", "6.0.0-wasm"}, {"v", "#1 WASI"}, {"m", "wasm32"}, {"o", "GNU/Linux"}} {
		if o.has("a", p[0]) {
			parts = append(parts, p[1])
		}
	}
	c.out.WriteString(strings.Join(parts, " ") + "\n")
	return 0
}

func arch(c *Call) int {
	c.out.WriteString("wasm32\n")
	return 0
}

func nproc(c *Call) int {
	n := runtime.NumCPU()
	if own, err := strconv.Atoi(c.getenv("SANDPIPER_CPUS")); err == nil && own > 0 {
		n = own
	}
	fmt.Fprintln(c.out, n)
	return 0
}

func tty(c *Call) int {
	if c.TTY {
		c.out.WriteString("/dev/tty\n")
		return 0
	}
	c.out.WriteString("not a tty\n")
	return 1
}

func uptime(c *Call) int {
	all, err := c.Host.Processes(c.Context)
	if err != nil || len(all) == 0 {
		return c.fail(1, "not known")
	}
	fmt.Fprintf(c.out, " %s up %s\n", time.Now().In(c.zone()).Format("15:04:05"), time.Since(all[0].Started).Round(time.Second))
	return 0
}

func free(c *Call) int {
	return c.fail(1, "not known in a WebAssembly sandbox: its memory limit holds for all of its programs together")
}

// ps lists the sandbox's processes.
func ps(c *Call) int {
	o := c.parse("aeAfxulwp:o:C:TH", "pid:p", "no-headers", "format:o", "sort=", "forest")
	all, err := c.Host.Processes(c.Context)
	if err != nil {
		return c.failErr("processes", err)
	}
	long := o.has("f", "u", "l") || len(o.rest) > 0 && strings.Contains(o.rest[0], "u")
	if columns := strings.Join(o.values["o"], ","); columns != "" {
		return c.psColumns(o, all, columns)
	}
	if long {
		c.out.WriteString("UID          PID    PPID  C STIME TTY          TIME CMD\n")
	} else {
		c.out.WriteString("    PID TTY          TIME CMD\n")
	}
	for _, p := range all {
		if o.has("p") && !listed(o.value("p", ""), p.PID) {
			continue
		}
		cpu := time.Time{}.Add(p.CPU).Format("15:04:05")
		if long {
			fmt.Fprintf(c.out, "%-8s %7d %7d  0 %s ?        %s %s\n", c.user(), p.PID, p.Parent, p.Started.In(c.zone()).Format("15:04"), cpu, p.Command)
		} else {
			fmt.Fprintf(c.out, "%7d ?        %s %s\n", p.PID, cpu, shortName(p.Command))
		}
	}
	return 0
}

func listed(list string, pid int) bool {
	for part := range strings.FieldsFuncSeq(list, func(r rune) bool { return r == ',' || r == ' ' }) {
		if part == strconv.Itoa(pid) {
			return true
		}
	}
	return false
}

func shortName(command string) string {
	first, _, _ := strings.Cut(command, " ")
	return path.Base(first)
}

func (c *Call) psColumns(o options, all []Process, columns string) int {
	names := strings.FieldsFunc(columns, func(r rune) bool { return r == ',' || r == ' ' })
	heading := false
	for i, name := range names {
		name, _, _ = strings.Cut(name, ":")
		key, title, given := strings.Cut(name, "=")
		names[i] = key
		if !given {
			title = strings.ToUpper(key)
		}
		heading = heading || title != ""
	}
	if heading && !o.has("no-headers") {
		c.out.WriteString(strings.ToUpper(strings.Join(names, " ")) + "\n")
	}
	for _, p := range all {
		if o.has("p") && !listed(o.value("p", ""), p.PID) {
			continue
		}
		cells := make([]string, len(names))
		for i, name := range names {
			cells[i] = psCell(p, name, c.user())
		}
		c.out.WriteString(strings.Join(cells, " ") + "\n")
	}
	return 0
}

func psCell(p Process, column, user string) string {
	switch column {
	case "pid":
		return strconv.Itoa(p.PID)
	case "ppid":
		return strconv.Itoa(p.Parent)
	case "pgid":
		return strconv.Itoa(p.Group)
	case "user", "uid":
		return user
	case "comm", "cmd", "ucmd":
		return shortName(p.Command)
	case "args", "command":
		return p.Command
	case "stat", "s", "state":
		return p.State
	case "time":
		return time.Time{}.Add(p.CPU).Format("15:04:05")
	case "etime":
		return time.Time{}.Add(time.Since(p.Started)).Format("15:04:05")
	}
	return "-"
}

// signals are those that have an effect here.
var signals = map[string]int{"HUP": 1, "INT": 2, "QUIT": 3, "KILL": 9, "USR1": 10, "USR2": 12, "PIPE": 13, "ALRM": 14, "TERM": 15, "CHLD": 17, "CONT": 18, "STOP": 19, "TSTP": 20, "WINCH": 28, "EXIT": 0}

// SignalNumber returns the number of a signal that is given by name or number.
func SignalNumber(name string) (int, bool) {
	if n, err := strconv.Atoi(name); err == nil && n >= 0 && n < 65 {
		return n, true
	}
	n, ok := signals[strings.TrimPrefix(strings.ToUpper(name), "SIG")]
	return n, ok
}

// kill signals processes.
func kill(c *Call) int {
	args := c.Args[1:]
	signal := int(syscall.SIGTERM)
	if len(args) > 0 && args[0] == "-l" {
		c.out.WriteString("HUP INT QUIT KILL USR1 USR2 PIPE ALRM TERM\n")
		return 0
	}
	if len(args) > 0 && len(args[0]) > 1 && args[0][0] == '-' && args[0] != "--" {
		name := args[0][1:]
		args = args[1:]
		if (name == "s" || name == "n") && len(args) > 0 {
			name, args = args[0], args[1:]
		}
		n, ok := SignalNumber(name)
		if !ok {
			return c.fail(1, "%s: invalid signal specification", name)
		}
		signal = n
	}
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	if len(args) == 0 {
		c.usage("usage: kill [-s sigspec | -n signum | -sigspec] pid ...")
	}
	code := 0
	for _, arg := range args {
		pid, err := strconv.Atoi(arg)
		if err != nil {
			code = c.fail(1, "%s: arguments must be process or job IDs", arg)
			continue
		}
		if err := c.Host.Kill(c.Context, pid, signal); err != nil {
			code = c.fail(1, "(%d) - %s", pid, errText(err))
		}
	}
	return code
}

// pkill and pgrep find processes by their command.
func pkill(c *Call) int {
	signal := int(syscall.SIGTERM)
	if len(c.Args) > 1 && len(c.Args[1]) > 1 && c.Args[1][0] == '-' {
		if n, ok := SignalNumber(c.Args[1][1:]); ok {
			signal = n
			c.Args = append(c.Args[:1:1], c.Args[2:]...)
		}
	}
	o := c.parse("flxanu:c", "full:f", "list-name:l", "exact:x", "signal=", "count:c")
	o.need(1)
	all, err := c.Host.Processes(c.Context)
	if err != nil {
		return c.failErr("processes", err)
	}
	re, err := compile(o.rest[0], extended, "")
	if err != nil {
		c.usage("%s", err)
	}
	code := 1
	for _, p := range all {
		name := shortName(p.Command)
		if o.has("f") {
			name = p.Command
		}
		if p.PID == 1 || !re.MatchString(name) || o.has("x") && re.FindString(name) != name {
			continue
		}
		code = 0
		switch {
		case path.Base(c.Args[0]) == "pkill":
			_ = c.Host.Kill(c.Context, p.PID, signal) // it may have ended by itself
		case o.has("l", "a"):
			fmt.Fprintf(c.out, "%d %s\n", p.PID, name)
		default:
			fmt.Fprintln(c.out, p.PID)
		}
	}
	return code
}

// du adds up the sizes of files.
func du(c *Call) int {
	o := c.parse("shbkmcad:xLP0", "summarize:s", "human-readable:h", "bytes:b", "total:c", "all:a", "max-depth:d", "apparent-size")
	u := usage{Call: c, o: o, deepest: int(o.number("d", 1<<20))}
	if o.has("s") {
		u.deepest = 0
	}
	names := o.rest
	if len(names) == 0 {
		names = []string{"."}
	}
	total, code := int64(0), 0
	for _, name := range names {
		info, err := c.lstat(name)
		if err != nil {
			c.errorf("cannot access '%s': %s", name, errText(err))
			code = 1
			continue
		}
		total += u.walk(name, info, 0)
	}
	if o.has("c") {
		u.show(total, "total")
	}
	return code
}

// usage is a call of du.
type usage struct {
	*Call
	o       options
	deepest int // level that is shown
}

// walk returns what a file or folder takes, and shows what is to be shown of it.
func (u usage) walk(name string, info fs.FileInfo, depth int) int64 {
	if !info.IsDir() {
		size := info.Size()
		if !u.o.has("b", "apparent-size") {
			size = (size + 4095) / 4096 * 4096
		}
		if u.o.has("a") && depth <= u.deepest || depth == 0 {
			u.show(size, name)
		}
		return size
	}
	size := int64(4096)
	entries, err := u.FS.ReadDir(u.abs(name))
	if err != nil {
		u.errorf("cannot read directory '%s': %s", name, errText(err))
	}
	for _, e := range entries {
		if inner, err := e.Info(); err == nil && u.Context.Err() == nil {
			size += u.walk(strings.TrimSuffix(name, "/")+"/"+e.Name(), inner, depth+1)
		}
	}
	if depth <= u.deepest {
		u.show(size, name)
	}
	return size
}

func (u usage) show(n int64, name string) {
	text := strconv.FormatInt((n+1023)/1024, 10)
	switch {
	case u.o.has("h"):
		text = human(n)
	case u.o.has("b"):
		text = strconv.FormatInt(n, 10)
	case u.o.has("m"):
		text = strconv.FormatInt((n+1<<20-1)>>20, 10)
	}
	u.out.WriteString(text + "\t" + name + "\n")
}

func df(c *Call) int {
	o := c.parse("hkmTiPaB:", "human-readable:h", "print-type:T", "portability:P", "total", "output")
	used, limit, err := c.Host.Disk(c.Context)
	if err != nil {
		return c.failErr("disk", err)
	}
	text := func(n int64) string {
		if o.has("h") {
			return human(n)
		}
		return strconv.FormatInt(n/1024, 10)
	}
	percent := int64(0)
	if limit > 0 {
		percent = (used*100 + limit - 1) / limit
	}
	title := "1K-blocks"
	if o.has("h") {
		title = "Size"
	}
	fmt.Fprintf(c.out, "%-14s %10s %10s %10s %4s %s\n", "Filesystem", title, "Used", "Available", "Use%", "Mounted on")
	fmt.Fprintf(c.out, "%-14s %10s %10s %10s %3d%% %s\n", "sandbox", text(limit), text(used), text(max(0, limit-used)), percent, "/")
	return 0
}
