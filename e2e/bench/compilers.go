package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// compiledLanguages are those that a build has after `make compilers`, with what is
// added to a hello so that it is another program, and the compiler of the machine
// that takes as long natively: the floor.
var compiledLanguages = []struct {
	id, comment, file string
	native            []string
}{
	{"go", "//", "main.go", []string{"go", "build", "-o", "program", "main.go"}},
	{"c", "//", "main.c", []string{"cc", "-O1", "-o", "program", "main.c"}},
	{"cpp", "//", "main.cpp", []string{"c++", "-O1", "-std=c++20", "-o", "program", "main.cpp"}},
}

// compilerIdle is longer than a compiler stays in memory without a program.
const compilerIdle = 2*time.Minute + 10*time.Second

// measureCompilers prints how long a changed hello takes from the request to the end
// of its output, with the compiler in memory and without, and what it takes of it.
func measureCompilers(ctx context.Context, c *client, languages []language, pid, n int) error {
	fmt.Printf("compiled languages: a hello that was changed, %d runs, ms\n", n)
	fmt.Printf("  %-6s %10s %10s %10s %12s %12s %12s\n", "", "first", "p50", "p99", "the same p50", "native p50", "compiler")
	any := false
	for _, l := range compiledLanguages {
		i := slices.IndexFunc(languages, func(x language) bool { return x.ID == l.id })
		if i < 0 {
			fmt.Printf("  %-6s not built: make compilers build\n", l.id)
			continue
		}
		any = true
		if err := measureCompiler(ctx, c, languages[i], l.comment, n); err != nil {
			return fmt.Errorf("%s: %w", l.id, err)
		}
		native, err := nativeBuilds(ctx, l.native, l.file, languages[i].Hello, l.comment, min(n, 10))
		if err != nil {
			return err
		}
		fmt.Printf(" %12s %9.0f MB\n", native, float64(childrenBytes(pid))/1e6)
	}
	if !any {
		fmt.Println()
		return nil
	}
	return measureRest(ctx, pid)
}

func measureCompiler(ctx context.Context, c *client, l language, comment string, n int) error {
	changed := func(i int) string { return fmt.Sprintf("%s\n%s %d %d\n", l.Hello, comment, i, time.Now().UnixNano()) }
	first, err := c.run(ctx, l.ID, changed(-1))
	if err != nil {
		return err
	}
	var edited, same []time.Duration
	for i := range n {
		code := changed(i)
		t, err := c.run(ctx, l.ID, code)
		if err != nil {
			return err
		}
		edited = append(edited, t.total)
		if t, err = c.run(ctx, l.ID, code); err != nil {
			return err
		}
		same = append(same, t.total)
	}
	fmt.Printf("  %-6s %10s %10s %10s %12s", l.ID, ms(first.total), ms(percentile(edited, 50)), ms(percentile(edited, 99)), ms(percentile(same, 50)))
	return nil
}

// nativeBuilds returns how long the machine's compiler takes for the same, and the
// program that it makes.
func nativeBuilds(ctx context.Context, argv []string, file, hello, comment string, n int) (string, error) {
	if _, err := exec.LookPath(argv[0]); err != nil {
		return "none here", nil
	}
	dir, err := os.MkdirTemp("", "sandpiper-bench-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	var took []time.Duration
	for i := range n {
		code := fmt.Sprintf("%s\n%s %d\n", hello, comment, i)
		if err := os.WriteFile(filepath.Join(dir, file), []byte(code), 0o600); err != nil {
			return "", err
		}
		began := time.Now()
		for _, args := range [][]string{argv, {"./program"}} {
			cmd := exec.CommandContext(ctx, args[0], args[1:]...)
			cmd.Dir = dir
			if out, err := cmd.CombinedOutput(); err != nil {
				return "", fmt.Errorf("native %s: %w: %s", args[0], err, out)
			}
		}
		took = append(took, time.Since(began))
	}
	return ms(percentile(took, 50)), nil
}

// measureRest prints what compilers take of the memory when nobody has compiled for a
// while.
func measureRest(ctx context.Context, pid int) error {
	before := childrenBytes(pid)
	select {
	case <-time.After(compilerIdle):
	case <-ctx.Done():
		return ctx.Err()
	}
	fmt.Printf("  memory of compilers: %.0f MB after these, %.0f MB when nobody compiles for %v\n\n", float64(before)/1e6, float64(childrenBytes(pid))/1e6, compilerIdle)
	return nil
}

// childrenBytes returns the resident memory of a server's compilers: the processes
// that its workers, or it itself, started as such.
func childrenBytes(server int) int64 {
	all, _ := filepath.Glob("/proc/[0-9]*/environ")
	var total int64
	for _, name := range all {
		env, err := os.ReadFile(name)
		if err != nil || !bytes.HasPrefix(env, []byte("SANDPIPER_TOOLCHAIN_CHILD=")) {
			continue
		}
		var pid int
		if _, err := fmt.Sscanf(strings.TrimPrefix(name, "/proc/"), "%d/", &pid); err != nil || !descends(pid, server) {
			continue
		}
		if bytes, err := residentBytes(pid); err == nil {
			total += bytes
		}
	}
	return total
}

// descends reports whether a process was started by another, or by one that was.
func descends(pid, from int) bool {
	for pid > 1 && pid != from {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			return false
		}
		rest := b[bytes.LastIndexByte(b, ')')+1:] // its name may hold anything
		var state string
		if _, err := fmt.Sscan(string(rest), &state, &pid); err != nil {
			return false
		}
	}
	return pid == from
}
