package coreutils

import (
	"maps"
	"slices"
	"time"
)

// Process is a line of ps.
type Process struct {
	PID, Parent, Group int
	Started            time.Time
	CPU                time.Duration
	State, Command     string
}

// Lookup returns the command of that name.
func Lookup(name string) (Func, bool) {
	f, ok := table[name]
	return f, ok
}

// Names returns the names of all commands, sorted.
func Names() []string { return slices.Sorted(maps.Keys(table)) }

// table is filled by init, since some commands look up others.
var table map[string]Func

func init() { table = makeTable() }

func makeTable() map[string]Func {
	all := map[string]Func{
		"cat": cat, "tee": tee, "head": head, "tail": tail, "wc": wc, "sort": sortLines, "uniq": uniq, "cut": cut,
		"tr": tr, "nl": nl, "rev": rev, "tac": tac, "comm": comm, "paste": paste, "split": split, "fold": fold,
		"shuf": shuf, "column": column, "expand": expandTabs, "join": join,
		"grep": grep, "egrep": grep, "fgrep": grep, "sed": sed, "awk": awk, "gawk": awk, "diff": diff, "cmp": cmpFiles,
		"ls": ls, "dir": ls, "cp": cp, "mv": mv, "rm": rm, "mkdir": mkdir, "rmdir": rmdir, "touch": touch, "chmod": chmod,
		"chown": chown, "chgrp": chown, "ln": ln, "stat": stat, "readlink": readlink, "realpath": realpath, "mktemp": mktemp,
		"du": du, "df": df, "find": find, "truncate": truncate, "install": install, "file": fileType, "unlink": unlink,
		"basename": basename, "dirname": dirname, "pwd": pwd, "sync": succeed,
		"xargs": xargs, "env": env, "printenv": printenv, "timeout": timeout, "nohup": nohup, "nice": nice, "which": which,
		"printf": printf, "echo": echo, "seq": seq, "yes": yes, "expr": expr, "test": test, "[": test,
		"true": succeed, "false": func(*Call) int { return 1 },
		"date": date, "sleep": sleep, "id": id, "whoami": whoami, "groups": whoami, "uname": uname, "hostname": hostname,
		"nproc": nproc, "arch": arch, "tty": tty, "logname": whoami, "uptime": uptime, "free": free,
		"ps": ps, "kill": kill, "pkill": pkill, "pgrep": pkill, "serve": serve,
		"od": od, "xxd": xxd, "hexdump": xxd, "base64": base64Command, "base32": base64Command, "strings": stringsCommand,
		"md5sum": checksum, "sha1sum": checksum, "sha224sum": checksum, "sha256sum": checksum, "sha384sum": checksum, "sha512sum": checksum, "cksum": checksum,
		"tar": tarCommand, "gzip": gzipCommand, "gunzip": gzipCommand, "zcat": gzipCommand, "unzip": unzip, "zip": zipCommand,
		"less": pager, "more": pager, "clear": clear, "tput": tput, "stty": succeed, "reset": clear,
	}
	for name, f := range refused {
		all[name] = f
	}
	return all
}
