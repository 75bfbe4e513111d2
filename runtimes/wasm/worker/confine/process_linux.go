package confine

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/landlock-lsm/go-landlock/landlock"
	"golang.org/x/sys/unix"

	"sandpiper/runtimes/wasm/worker/link"
)

const (
	// maxOpen is how many files a worker may have open: its runs' files, up to 256
	// for each, and folders and images of memory.
	maxOpen = 16 << 10

	// oomScore makes the kernel end a worker before the server, of 1000.
	oomScore = 500
)

// Process confines this process. The error is for a state in which it must not go
// on; a measure that cannot be taken is not one.
func Process(setup link.Setup) ([]link.Measure, error) {
	_ = time.Now().Local().String() // reads the system's time zone, for the log, while it can be read
	measures := []link.Measure{
		ownUser(setup),
		ownNetwork(setup),
		// The server has asked for this, too; a thread other than the first cannot see it.
		measure("lifetime", "ended by the kernel when the server ends", unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0)),
		measure("memory order", "ended before the server when memory is short", preferVictim()),
		measure("open files", fmt.Sprintf("%d at most, no core dumps", maxOpen), limit()),
		ownEnvironment(),
		measure("privileges", "given up for good", unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)),
		restrictFiles(setup),
		otherProcesses(setup),
		measure("system calls", "filtered: no sockets, no tracing, no mounts", filterCalls()),
	}
	return measures, nil
}

func measure(name, fine string, err error) link.Measure {
	if err != nil {
		return link.Measure{Name: name, Detail: err.Error()}
	}
	return link.Measure{Name: name, Taken: true, Detail: fine}
}

func ownUser(setup link.Setup) link.Measure {
	uid := os.Getuid()
	if uid == setup.UID {
		return link.Measure{Name: "user", Detail: fmt.Sprintf("the server's (uid %d): only root can start workers as another one", uid)}
	}
	return link.Measure{Name: "user", Taken: true, Detail: fmt.Sprintf("its own (uid %d)", uid)}
}

func ownEnvironment() link.Measure {
	if n := len(os.Environ()); n > 0 {
		return link.Measure{Name: "environment", Detail: fmt.Sprintf("%d variables", n)}
	}
	return link.Measure{Name: "environment", Taken: true, Detail: "empty"}
}

func ownNetwork(setup link.Setup) link.Measure {
	if own := Network(); own == "" || own == setup.Network {
		return link.Measure{Name: "network", Detail: "the server's: it may not make namespaces here"}
	}
	return link.Measure{Name: "network", Taken: true, Detail: "a namespace without any, not even loopback"}
}

func preferVictim() error {
	return os.WriteFile("/proc/self/oom_score_adj", fmt.Appendln(nil, oomScore), 0)
}

func limit() error {
	var now unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &now); err != nil {
		return err
	}
	most := min(now.Max, maxOpen)
	return errors.Join(
		unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: most, Max: most}),
		unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}),
	)
}

// Rights of Landlock in folders: all but executing, and making devices and sockets.
const (
	readRights  = unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_READ_DIR
	writeRights = readRights | unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_TRUNCATE |
		unix.LANDLOCK_ACCESS_FS_REMOVE_DIR | unix.LANDLOCK_ACCESS_FS_REMOVE_FILE |
		unix.LANDLOCK_ACCESS_FS_MAKE_DIR | unix.LANDLOCK_ACCESS_FS_MAKE_REG | unix.LANDLOCK_ACCESS_FS_MAKE_SYM |
		unix.LANDLOCK_ACCESS_FS_REFER
)

// self keeps this process's folder of /proc the one that a rule was made for.
var self *os.File

func restrictFiles(setup link.Setup) link.Measure {
	err := errors.New("this kernel has no Landlock")
	if landlockVersion() > 0 {
		err = landlockFiles(setup)
	}
	return measure("files", "its own folders only, by Landlock", err)
}

// scopesVersion is the version of Landlock from which it keeps signals in.
const scopesVersion = 6

// otherProcesses says why this process cannot signal others, the server first of all.
func otherProcesses(setup link.Setup) link.Measure {
	switch {
	case landlockVersion() >= scopesVersion:
		return link.Measure{Name: "processes", Taken: true, Detail: "none but its children can be signalled, by Landlock"}
	case os.Getuid() != setup.UID:
		return link.Measure{Name: "processes", Taken: true, Detail: "those of its own user only"}
	}
	return link.Measure{Name: "processes", Detail: "it could signal those of the server's user: this kernel's Landlock is too old"}
}

// landlockVersion returns the version of the kernel's Landlock, 0 for none.
func landlockVersion() int {
	abi, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if errno != 0 {
		return 0
	}
	return int(abi)
}

// landlockFiles leaves this process its folders, and what it takes to start itself
// again as a child that translates TypeScript. The library applies that to all
// threads, for which /proc must show them by the numbers that they know themselves:
// so a worker has no namespace of processes.
func landlockFiles(setup link.Setup) error {
	program, err := programFiles()
	if err != nil {
		return err
	}
	if self, err = os.Open("/proc/self"); err != nil {
		return err
	}
	rules := []landlock.Rule{
		landlock.ROFiles(program...),
		landlock.RWFiles(os.DevNull),
		landlock.PathAccess(readRights, fmt.Sprintf("/proc/self/fd/%d", self.Fd())),
	}
	for _, dir := range []string{setup.Cache, setup.Runs, setup.Kernels} {
		if dir != "" {
			rules = append(rules, landlock.PathAccess(writeRights, dir))
		}
	}
	if setup.Languages != "" {
		rules = append(rules, landlock.PathAccess(readRights, setup.Languages).IgnoreIfMissing())
	}
	return landlock.V6.BestEffort().Restrict(rules...)
}

// programFiles returns the files that this program is made of: its own and those of
// the libraries that it is linked with.
func programFiles() ([]string, error) {
	maps, err := os.Open("/proc/self/maps")
	if err != nil {
		return nil, err
	}
	defer maps.Close()
	files := []string{"/proc/self/exe"}
	seen := map[string]bool{}
	if own, err := os.Readlink("/proc/self/exe"); err == nil {
		seen[own] = true
	}
	for lines := bufio.NewScanner(maps); lines.Scan(); {
		_, path, ok := strings.Cut(lines.Text(), "/")
		if path = "/" + path; !ok || seen[path] {
			continue
		}
		seen[path] = true
		if _, err := os.Stat(path); err == nil {
			files = append(files, path)
		}
	}
	const libraries = "/etc/ld.so.cache"
	if _, err := os.Stat(libraries); err == nil {
		files = append(files, libraries)
	}
	return files, nil
}
