package toolchain

import (
	"fmt"
	"os"

	"github.com/landlock-lsm/go-landlock/landlock"
	"golang.org/x/sys/unix"
)

// Limits of a child, by the kernel.
const (
	// maxChildData is the memory of one tool at most, which is reserved whole, and
	// twice as much for making machine code.
	maxChildData  = 3 << 30
	maxChildFiles = 1024
	oomScore      = 700 // of 1000: it ends before the server when memory is short
)

// confine takes from the process what building has no need of. What the kernel
// does not have is not taken: tools are guests of WebAssembly all the same.
func confine() error {
	for what, most := range map[int]uint64{unix.RLIMIT_DATA: maxChildData, unix.RLIMIT_NOFILE: maxChildFiles, unix.RLIMIT_CORE: 0} {
		if err := unix.Setrlimit(what, &unix.Rlimit{Cur: most, Max: most}); err != nil {
			return fmt.Errorf("limit the compiler: %w", err)
		}
	}
	_ = os.WriteFile("/proc/self/oom_score_adj", fmt.Appendln(nil, oomScore), 0)
	// Started by a worker process it is confined already, and cannot see its own
	// threads, which Landlock would have to be told of.
	if _, err := os.ReadDir("/proc/self/task"); err != nil {
		return nil
	}
	// Its own folder, where files go from one to another below it, and no TCP at all.
	return landlock.V5.BestEffort().Restrict(landlock.RWDirs(".").WithRefer(), landlock.ROFiles("/proc/self/exe"))
}

// baseFolder returns an absolute name of the working folder. The user of a worker
// process may not go through the folders that it is in.
func baseFolder() (string, error) {
	fd, err := unix.Open(".", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	return fmt.Sprintf("/proc/self/fd/%d", fd), err
}
