package docker

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/moby/profiles/seccomp"
	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// refused are system calls that sandboxes do not need whatever Docker's own
// profile says of them: io_uring has been the way out of many a sandbox, and the
// others hand programs to the kernel or watch it.
var refused = []string{
	"io_uring_setup", "io_uring_enter", "io_uring_register",
	"bpf", "perf_event_open", "userfaultfd", "lookup_dcookie", "open_by_handle_at", "vmsplice",
}

// sockets are the rules for making sockets: those of the network, of this machine
// and of netlink, and none of the rare kinds that lead to little-used parts of the
// kernel. The kernel seems to have no audit: sudo reports to it and complains at
// each command when it may not.
func sockets() []*seccomp.Syscall {
	none := uint(unix.EPROTONOSUPPORT)
	rule := func(action specs.LinuxSeccompAction, errno *uint, args ...specs.LinuxSeccompArg) *seccomp.Syscall {
		return &seccomp.Syscall{LinuxSyscall: specs.LinuxSyscall{Names: []string{"socket"}, Action: action, ErrnoRet: errno, Args: args}}
	}
	family := func(f uint64, op specs.LinuxSeccompOperator) specs.LinuxSeccompArg {
		return specs.LinuxSeccompArg{Index: 0, Value: f, Op: op}
	}
	audit := func(op specs.LinuxSeccompOperator) specs.LinuxSeccompArg {
		return specs.LinuxSeccompArg{Index: 2, Value: unix.NETLINK_AUDIT, Op: op}
	}
	return []*seccomp.Syscall{
		rule(specs.ActAllow, nil, family(unix.AF_NETLINK, specs.OpLessThan)),
		rule(specs.ActAllow, nil, family(unix.AF_NETLINK, specs.OpEqualTo), audit(specs.OpNotEqual)),
		rule(specs.ActErrno, &none, family(unix.AF_NETLINK, specs.OpEqualTo), audit(specs.OpEqualTo)),
		rule(specs.ActAllow, nil, family(unix.AF_PACKET, specs.OpEqualTo)), // what needs a capability fails by itself
	}
}

// seccompProfile returns the profile of sandboxes as Docker reads it: its own
// newest one, less what is refused. Older engines come with older profiles, so
// every container is given this one.
func seccompProfile() (string, error) {
	p := seccomp.DefaultProfile()
	kept := p.Syscalls[:0]
	for _, rule := range p.Syscalls {
		rule.Names = slices.DeleteFunc(slices.Clone(rule.Names), func(name string) bool { return slices.Contains(refused, name) })
		if len(rule.Names) > 0 && !slices.Equal(rule.Names, []string{"socket"}) {
			kept = append(kept, rule)
		}
	}
	p.Syscalls = append(kept, sockets()...)
	text, err := json.Marshal(p)
	if err != nil {
		return "", fmt.Errorf("write the seccomp profile: %w", err)
	}
	return string(text), nil
}
