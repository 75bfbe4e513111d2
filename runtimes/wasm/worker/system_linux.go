package worker

import (
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"sandpiper/runtimes/wasm/worker/confine"
)

// selfPath is this program, which is there even when its file has been replaced.
func selfPath() (string, error) { return "/proc/self/exe", nil }

func signalName(s unix.Signal) string { return unix.SignalName(s) }

// machineMemory returns how much memory this machine has, in bytes.
func machineMemory() int64 {
	var info unix.Sysinfo_t
	if unix.Sysinfo(&info) != nil {
		return 4 << 30
	}
	return int64(info.Totalram) * int64(info.Unit)
}

// processMemory returns what memory a process has for itself, in bytes; 0 when it is
// gone. The program's text and images of memory are shared, and not counted.
func processMemory(pid int) int64 {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0
	}
	f := strings.Fields(string(b))
	if len(f) < 3 {
		return 0
	}
	resident, _ := strconv.ParseInt(f[1], 10, 64) // the kernel writes numbers
	shared, _ := strconv.ParseInt(f[2], 10, 64)
	return (resident - shared) * int64(os.Getpagesize())
}

// handOver makes a folder and all in it the workers' own. What is in it may be a
// guest's: links in it are not followed.
func handOver(dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	return fs.WalkDir(root.FS(), ".", func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return root.Lchown(path, confine.User, confine.User)
	})
}

// keep leaves a folder closed to workers, who reach only what in it is given to them.
func keep(dir string) error { return os.MkdirAll(dir, 0o700) }

// readable lets workers read a folder, if there is one, and go through it. The folders
// above keep others out.
func readable(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return os.Chmod(dir, 0o755)
}
