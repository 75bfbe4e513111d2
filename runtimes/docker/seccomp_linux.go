package docker

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/moby/profiles/seccomp"
)

// refused are system calls that sandboxes do not need whatever Docker's own
// profile says of them: io_uring has been the way out of many a sandbox, and the
// others hand programs to the kernel or watch it.
var refused = []string{
	"io_uring_setup", "io_uring_enter", "io_uring_register",
	"bpf", "perf_event_open", "userfaultfd", "lookup_dcookie", "open_by_handle_at", "vmsplice",
}

// seccompProfile returns the profile of sandboxes as Docker reads it: its own
// newest one, less what is refused. Older engines come with older profiles, so
// every container is given this one.
func seccompProfile() (string, error) {
	p := seccomp.DefaultProfile()
	kept := p.Syscalls[:0]
	for _, rule := range p.Syscalls {
		rule.Names = slices.DeleteFunc(slices.Clone(rule.Names), func(name string) bool { return slices.Contains(refused, name) })
		if len(rule.Names) > 0 {
			kept = append(kept, rule)
		}
	}
	p.Syscalls = kept
	text, err := json.Marshal(p)
	if err != nil {
		return "", fmt.Errorf("write the seccomp profile: %w", err)
	}
	return string(text), nil
}
