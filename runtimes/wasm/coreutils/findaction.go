package coreutils

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"time"
)

// action reads what is to be done with a file.
func (f *finder) action(name string) findTest {
	switch name {
	case "-prune":
		return func(*found) bool { f.prune = true; return true }
	case "-quit":
		f.acts = true
		return func(*found) bool { f.maxDepth = -1; f.prune = true; return true }
	}
	f.acts = true
	switch name {
	case "-print":
		return func(x *found) bool { return f.print(x, "\n") }
	case "-print0":
		return func(x *found) bool { return f.print(x, "\x00") }
	case "-printf":
		format := unescape(f.take())
		return func(x *found) bool { return f.printf(format, x) }
	case "-ls":
		return func(x *found) bool {
			owner, group := f.c.FS.Owner(x.info)
			fmt.Fprintf(f.c.out, "%s 1 %s %s %8d %s %s\n", modeText(x.info.Mode()), owner, group, x.info.Size(), x.info.ModTime().In(f.c.zone()).Format("Jan _2 15:04"), x.name)
			return true
		}
	case "-delete":
		f.depthFirst = true
		return f.remove
	case "-exec", "-execdir", "-ok":
		return f.exec()
	}
	f.c.usage("unknown predicate '%s'", name)
	return nil
}

func (f *finder) print(x *found, end string) bool {
	f.c.out.WriteString(x.name + end)
	return true
}

func (f *finder) remove(x *found) bool {
	if x.name == "." {
		return true
	}
	if err := f.c.FS.Remove(x.file); err != nil {
		f.c.errorf("cannot delete '%s': %s", x.name, errText(err))
		f.code = 1
		return false
	}
	return true
}

func (f *finder) exec() findTest {
	end := slices.IndexFunc(f.args, func(a string) bool { return a == ";" || a == "+" })
	if end < 1 {
		f.c.usage("missing argument to '-exec'")
	}
	command, batch := slices.Clone(f.args[:end]), f.args[end] == "+"
	f.args = f.args[end+1:]
	if batch {
		b := &findBatch{command: command[:len(command)-1]}
		f.batches = append(f.batches, b)
		return func(x *found) bool {
			if b.names = append(b.names, x.name); len(b.names) >= 500 {
				f.flush(b)
			}
			return true
		}
	}
	return func(x *found) bool {
		args := make([]string, len(command))
		for i, arg := range command {
			args[i] = strings.ReplaceAll(arg, "{}", x.name)
		}
		return f.c.exec(args, nil) == 0
	}
}

func (f *finder) flush(b *findBatch) {
	if len(b.names) > 0 && f.c.exec(slices.Concat(b.command, b.names), nil) != 0 {
		f.code = 1
	}
	b.names = nil
}

func (f *finder) printf(format string, x *found) bool {
	for i := 0; i < len(format); i++ {
		if format[i] != '%' || i+1 == len(format) {
			f.c.out.WriteByte(format[i])
			continue
		}
		i++
		owner, group := f.c.FS.Owner(x.info)
		switch format[i] {
		case 'p':
			f.c.out.WriteString(x.name)
		case 'f':
			f.c.out.WriteString(path.Base(x.name))
		case 'h':
			f.c.out.WriteString(path.Dir(x.name))
		case 'P':
			f.c.out.WriteString(strings.TrimPrefix(strings.TrimPrefix(x.name, x.start), "/"))
		case 's':
			fmt.Fprint(f.c.out, x.info.Size())
		case 'd':
			fmt.Fprint(f.c.out, x.depth)
		case 'm':
			fmt.Fprintf(f.c.out, "%o", x.info.Mode().Perm())
		case 'M':
			f.c.out.WriteString(modeText(x.info.Mode()))
		case 'y':
			f.c.out.WriteString(kindLetter(x.info.Mode()))
		case 'u':
			f.c.out.WriteString(owner)
		case 'g':
			f.c.out.WriteString(group)
		case 'l':
			target, _ := f.c.FS.Readlink(x.file)
			f.c.out.WriteString(target)
		case 't':
			f.c.out.WriteString(x.info.ModTime().In(f.c.zone()).Format(time.ANSIC))
		case 'T', 'A', 'C':
			if i++; i < len(format) {
				if format[i] == '@' {
					fmt.Fprintf(f.c.out, "%d.0000000000", x.info.ModTime().Unix())
				} else {
					f.c.out.WriteString(strftime("%"+string(format[i]), x.info.ModTime().In(f.c.zone())))
				}
			}
		default:
			f.c.out.WriteByte(format[i])
		}
	}
	return true
}
