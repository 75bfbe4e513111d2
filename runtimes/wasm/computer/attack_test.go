package computer_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"sandpiper/runtimes/wasm/computer"
	"sandpiper/sandbox/guest"
)

// mark is in the host's file that no sandbox may see.
const mark = "SECRET-OF"

// hostSecret puts a file outside of all sandboxes, which none may see or change.
func hostSecret(t *testing.T) (dir, file string) {
	t.Helper()
	dir = t.TempDir()
	file = filepath.Join(dir, "secret.txt")
	if err := os.WriteFile(file, []byte(mark+"-THE-HOST"), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir, file
}

// TestEscapes tries to reach the host's files from shell and programs. SECRET and
// DIR stand for the host's file and its folder, UP for a path to it from anywhere.
func TestEscapes(t *testing.T) {
	dir, secret := hostSecret(t)
	g := newLab(t, computer.Config{Dir: filepath.Join(dir, "boxes")}).box(t)
	words := strings.NewReplacer("SECRET", secret, "DIR", dir, "UP", strings.Repeat("../", 20)+secret[1:])
	for _, script := range []string{
		"cat SECRET", "cat UP", "cd /; cat .SECRET", "cat < SECRET", "source SECRET", ". UP", "bash SECRET", "python3 SECRET",
		`ln -s SECRET l; cat l; python3 -c 'print(open("l").read())'; node -e 'console.log(require("fs").readFileSync("l", "utf8"))'`,
		"ln -s DIR d; cat d/secret.txt; ls d/; echo hacked > d/secret.txt; cp d/secret.txt x",
		"ln -s / r; cat rSECRET; ln -s r/.. rr; cat rrSECRET",
		"ln -s ../../../../../../../.. u; cat uSECRET; cd u; pwd; cat .SECRET",
		`python3 -c 'import os; os.symlink("DIR", "p"); print(os.listdir("p"))'`,
		`python3 -c 'print(open("UP").read())'`,
		`python3 -c 'import os; os.chdir("/"); print(open("..SECRET").read())'`,
		`python3 -c 'import os; os.link("SECRET", "h"); print(open("h").read())'`,
		`ruby -e 'puts File.read("SECRET")'`, `lua -e 'print(io.open("SECRET"):read())'`,
		"find / -name secret.txt; grep -r -- -THE-HOST /; ls DIR",
		"mv SECRET here; cp SECRET here; cat here; rm SECRET",
		"tar cf - SECRET | tar xf - -O; tar cf - -C DIR secret.txt | tar xf - -O",
		"cat /proc/self/environ /proc/1/environ /proc/self/maps /etc/shadow /dev/mem",
		"exec 2>&1; cat /dev/fd/3 /dev/fd/4 /dev/fd/5; head -c 10 < /dev/fd/3",
		`awk 'BEGIN { while ((getline l < "SECRET") > 0) print l }'`, `awk 'BEGIN { print "x" > "SECRET" }'`,
		`awk 'BEGIN { system("cat SECRET") }'`, `awk 'BEGIN { "cat SECRET" | getline x; print x }'`, "awk '{print}' SECRET",
		"sed -n p SECRET", "sed -i s/S/H/ SECRET", "sed 'w SECRET' <<< x", "sort -o SECRET <<< x", "tee SECRET <<< x", "split -l1 - SECRET <<< x",
		"sqlite3 SECRET 'create table t(a)'", "touch SECRET", "chmod 777 SECRET", "truncate -s0 SECRET",
		"[ -e SECRET ] && echo " + mark, "[[ -f SECRET ]] && echo " + mark, "command -v SECRET && echo " + mark, "type SECRET && echo " + mark,
		"[ -d DIR ] && echo " + mark, "cd DIR && echo " + mark, "pwd -P; echo DIR/*.txt | grep -v '\\*'",
		"PATH=/usr/sbin:/sbin:$PATH; command -v ldconfig fdisk mount.nfs && echo " + mark,
	} {
		script = words.Replace(script)
		if got := sh(t, g, script); strings.Contains(got.stdout, mark) || strings.Contains(got.stderr, mark+"-THE-HOST") {
			t.Errorf("%s: %+v", script, got)
		}
	}
	b, err := os.ReadFile(secret)
	if err != nil || string(b) != mark+"-THE-HOST" {
		t.Errorf("the host's file is %q, %v", b, err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 2 {
		t.Errorf("the host's folder has %v, %v", entries, err)
	}
}

// badArchives makes archives whose names and links lead elsewhere.
const badArchives = `
import io, tarfile, zipfile
def add(t, name, data=None, link=None, kind=tarfile.SYMTYPE):
    i = tarfile.TarInfo(name)
    if link: i.type, i.linkname = kind, link
    else: i.size = len(data)
    t.addfile(i, io.BytesIO(data or b""))
with tarfile.open("bad.tar", "w") as t:
    add(t, "../outside", b"1"); add(t, "/etc/absolute", b"2"); add(t, "ok", b"fine")
    add(t, "dir", link="/home/daytona"); add(t, "dir/through", b"3")
    add(t, "up", link=".."); add(t, "up/through2", b"4")
    add(t, "hard", link="../make.py", kind=tarfile.LNKTYPE)
with zipfile.ZipFile("bad.zip", "w") as z:
    z.writestr("../zipped", "1"); z.writestr("/etc/zipped2", "2"); z.writestr("okz", "fine")
`

func TestArchiveEscapes(t *testing.T) {
	g := newLab(t, computer.Config{}).box(t)
	if got := run(t, g, badArchives, "python3", "-"); got.code != 0 {
		t.Fatalf("%+v", got)
	}
	got := sh(t, g, `mkdir in; tar xf bad.tar -C in; unzip -q bad.zip -d in; cat in/ok in/okz
find / -name 'outside' -o -name 'absolute' -o -name 'through*' -o -name 'zipped*' | grep -v ^/home/daytona/in/; ls in/hard`)
	if got.stdout != "finefine" {
		t.Errorf("%+v", got)
	}
}

// bystander runs short commands in another sandbox while f runs, and returns the
// longest that one took.
func bystander(t *testing.T, l *lab, f func()) time.Duration {
	t.Helper()
	other := l.box(t)
	run(t, other, "", "true")
	done := make(chan struct{})
	var worst time.Duration
	var w sync.WaitGroup
	w.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
			}
			began := time.Now()
			if got := sh(t, other, "echo alive"); got.stdout != "alive\n" {
				t.Errorf("a bystander: %+v", got)
			}
			worst = max(worst, time.Since(began))
			time.Sleep(10 * time.Millisecond)
		}
	})
	f()
	close(done)
	w.Wait()
	return worst
}

// patience is how long anything may take on the busiest machine, also for a
// bystander: one that is held up for good waits longer.
const patience = time.Minute

// hostile are scripts that would take the server down if they ran in it.
var hostile = []struct{ name, script string }{
	{"growing variable", `x=aaaaaaaaaaaaaaaa; while :; do x=$x$x; done`},
	{"brace expansion", `echo {1..999999999} > /dev/null`},
	{"nested braces", `echo ` + strings.Repeat("{a,b}", 28) + ` > /dev/null`},
	{"command substitution", `x=$(yes)`},
	{"function recursion", `f() { f; }; f`},
	{"fork bomb", `f() { f | f & }; f; wait`},
	{"subshells", `f() { (f); }; f`},
	{"loop", `while :; do :; done`},
	{"arithmetic loop", `for ((;;)); do ((x++)); done`},
	{"background jobs", `while :; do sleep 100 & done`},
	{"sort of endless input", `yes | sort`},
	{"tac of endless input", `tac /dev/zero`},
	{"awk memory", `awk 'BEGIN { x = "a"; while (1) x = x x }'`},
	{"sed memory", `yes | sed ':a;N;ba'`},
	{"many files", `i=0; while :; do : > f$i; i=$((i+1)); done`},
	{"python memory", "python3 -c 'x = []\nwhile True: x.append(bytearray(1<<20))'"},
	{"python many", `for i in 1 2 3 4 5 6 7 8; do python3 -c 'while True: pass' & done; wait`},
	{"regular expression", `yes aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa | grep -E '(a+)+b'`},
	{"printf width", `printf '%999999999d' 1 > /dev/null`},
	{"seq", `seq 1 999999999999 > /dev/null`},
	{"process substitution", `while :; do cat <(yes) > /dev/null & done`},
	{"eval nest", `x='eval "$x"'; eval "$x"`},
	{"source itself", `echo '. ./s' > s; . ./s`},
	{"script calls itself", `printf '#!/bin/sh\n./s\n' > s; chmod +x s; ./s`},
	{"environment grows", `export A=$(head -c 300000 /dev/zero | tr '\0' x); while :; do export A=$A$A; true | cat; done`},
	{"reads itself", `echo x > f; while :; do cat f f > g; mv g f; done`},
}

func TestHostileScripts(t *testing.T) {
	l := newLab(t, computer.Config{})
	for _, tt := range hostile {
		t.Run(tt.name, func(t *testing.T) {
			g := l.box(t)
			worst := bystander(t, l, func() {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				p, err := g.Start(ctx, guest.Cmd{Args: []string{"bash", "-c", tt.script}, Dir: g.Info().WorkDir, Env: g.Info().Env})
				if err != nil {
					t.Fatal(err)
				}
				time.AfterFunc(1500*time.Millisecond, cancel)
				if _, err := p.Wait(); err != nil {
					t.Error(err)
				}
			})
			if worst > patience {
				t.Errorf("a bystander waited %v", worst)
			}
			if got := sh(t, g, "echo well"); got.stdout != "well\n" {
				t.Errorf("the sandbox afterwards: %+v", got)
			}
		})
	}
}

// stuckWriter blocks until its channel is closed.
type stuckWriter struct{ until chan struct{} }

func (w stuckWriter) Write(p []byte) (int, error) {
	<-w.until
	return len(p), nil
}

// TestFloods checks that output which nobody reads stops the program and not the
// server.
func TestFloods(t *testing.T) {
	l := newLab(t, computer.Config{})
	g := l.box(t)
	for _, args := range [][]string{{"bash", "-c", "yes"}, {"python3", "-c", "while True: print('y' * 1000)"}, {"bash", "-c", "while :; do echo flood; done"}} {
		worst := bystander(t, l, func() {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			stuck := make(chan struct{})
			p, err := g.Start(ctx, guest.Cmd{Args: args, Dir: "/", Env: g.Info().Env, Stdout: stuckWriter{stuck}})
			if err != nil {
				t.Fatal(err)
			}
			time.AfterFunc(time.Second, cancel)
			time.AfterFunc(1500*time.Millisecond, func() { close(stuck) })
			if status, err := p.Wait(); err != nil || status.Code == 0 {
				t.Errorf("%q: %+v, %v", args, status, err)
			}
		})
		if worst > patience {
			t.Errorf("%q: a bystander waited %v", args, worst)
		}
	}
}

// TestFullDisk checks that the quota holds for shell and programs and is given
// back.
func TestFullDisk(t *testing.T) {
	g := newLab(t, computer.Config{}).box(t)
	got := sh(t, g, `truncate -s 1000M big; truncate -s 2T huge; head -c 100M /dev/zero > more; stat -c %s big
python3 -c 'open("small", "w").write("x" * 1000)' 2>&1 | tail -1; df -h / | tail -1; rm big more; echo fits > small; cat small`)
	if !strings.Contains(got.stderr, "No space left on device") || !strings.HasPrefix(got.stdout, "1048576000\n") || !strings.HasSuffix(got.stdout, "\nfits\n") {
		t.Errorf("a full disk: %+v", got)
	}
	if m, err := g.Metrics(t.Context()); err != nil || m.DiskBytes > 1<<20 || m.DiskLimit != 1<<30 {
		t.Errorf("%+v, %v", m, err)
	}
}

// TestLimitsOfOneSandbox checks what is shared among a sandbox's processes.
func TestLimitsOfOneSandbox(t *testing.T) {
	g := newLab(t, computer.Config{MaxProcesses: 12}).box(t)
	// Who has it keeps it until all three have had their answer, however long that takes.
	const hold = `import os, time
x = bytearray(400 << 20)
print("had it", flush=True)
while not os.path.exists("over"): time.sleep(0.05)`
	got := sh(t, g, "for i in 1 2 3; do (python3 -c '"+hold+"' || echo refused) > answer$i & done\n"+
		"until [ $(cat answer* 2> /dev/null | wc -l) = 3 ]; do sleep 0.05; done; : > over; wait; cat answer*")
	if n := strings.Count(got.stdout, "had it"); n != 2 {
		t.Errorf("%d processes had 400 MiB each at the same time, of 1 GiB: %+v", n, got)
	}
	got = sh(t, g, `for i in $(seq 40); do sleep 0.5 & done 2>&1 | head -1; echo on`)
	if !strings.HasSuffix(got.stdout, "on\n") {
		t.Errorf("too many processes: %+v", got)
	}
	got = sh(t, g, `while ps -ef | grep -q '[s]leep 0.5'; do sleep 0.1; done; python3 -c '
fs = []
try:
    for i in range(5000): fs.append(open(f"/tmp/f{i}", "w"))
except OSError as e: print("stopped", len(fs) > 100)
'; echo still > /tmp/ok; cat /tmp/ok`)
	if got.stdout != "stopped True\nstill\n" {
		t.Errorf("open files: %+v", got)
	}
}

// TestRefusals checks that what cannot be had says so, and names what can.
func TestRefusals(t *testing.T) {
	g := newLab(t, computer.Config{}).box(t)
	for _, command := range []string{"curl http://example.com", "wget x", "apt install vim", "pip install numpy", "npm install", "sudo ls", "docker ps"} {
		if got := sh(t, g, command); got.code != 127 || !strings.Contains(got.stderr, "container snapshot") {
			t.Errorf("%s: %+v", command, got)
		}
	}
	for _, command := range []string{
		`python3 -c 'import socket; socket.create_connection(("127.0.0.1", 80))'`, `python3 -c 'import subprocess; subprocess.run(["ls"])'`, `node -e 'require("net").connect(80)'`,
	} {
		if got := sh(t, g, command); got.code == 0 {
			t.Errorf("%s: %+v", command, got)
		}
	}
}
