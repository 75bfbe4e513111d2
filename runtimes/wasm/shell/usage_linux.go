package shell

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// clockTick is the unit of the kernel's times, which is the same everywhere.
const clockTick = 10 * time.Millisecond

// processUsage asks the kernel for a process's memory and CPU time, 0 when it is
// gone. Memory is what is its own: the program's text is shared with the server.
func processUsage(pid int) (memory int64, cpu time.Duration) {
	if b, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid)); err == nil {
		if f := strings.Fields(string(b)); len(f) > 2 {
			resident, _ := strconv.ParseInt(f[1], 10, 64) // the kernel writes numbers
			shared, _ := strconv.ParseInt(f[2], 10, 64)
			memory = (resident - shared) * int64(os.Getpagesize())
		}
	}
	if b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)); err == nil {
		_, rest, _ := strings.Cut(string(b), ") ")
		if f := strings.Fields(rest); len(f) > 12 {
			user, _ := strconv.ParseInt(f[11], 10, 64)
			system, _ := strconv.ParseInt(f[12], 10, 64)
			cpu = time.Duration(user+system) * clockTick
		}
	}
	return memory, cpu
}
