//go:build linux

package osguest

import (
	"fmt"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// as calls fn with the account's rights on files: what fn creates belongs to
// the account, and what it may not touch is refused, though this process is
// root. Only the calling thread changes, for as long as fn runs: the kernel
// keeps these identities per thread.
func (a account) as(fn func() error) error {
	if !a.switched {
		return fn()
	}
	done := make(chan error, 1)
	go func() {
		// The thread is given back only when it is root again in every way;
		// otherwise it ends with this goroutine.
		runtime.LockOSThread()
		err := a.become()
		if err == nil {
			err = fn()
		}
		if unbecome() == nil {
			runtime.UnlockOSThread()
		}
		done <- err
	}()
	return <-done
}

// become takes on the account's rights. The user comes last: with it goes the
// right to change the rest.
func (a account) become() error {
	err := setThreadGroups(a.groups)
	if err == nil {
		err = setThreadID(unix.SYS_SETRESGID, a.gid)
	}
	if err == nil {
		err = setThreadID(unix.SYS_SETRESUID, a.uid)
	}
	if err != nil {
		return fmt.Errorf("become %s: %w", a.name, err)
	}
	return nil
}

// unbecome makes the calling thread root again.
func unbecome() error {
	if err := setThreadID(unix.SYS_SETRESUID, 0); err != nil {
		return err
	}
	if err := setThreadID(unix.SYS_SETRESGID, rootGroup); err != nil {
		return err
	}
	return setThreadGroups(rootGroups)
}

// setThreadID is setresuid(2) or setresgid(2) for the calling thread alone, and
// for the effective identity alone: the real one stays, and with it the way back.
func setThreadID(call uintptr, id uint32) error {
	const keep = ^uintptr(0)
	if _, _, errno := unix.RawSyscall(call, keep, uintptr(id), keep); errno != 0 {
		return errno
	}
	return nil
}

// The groups that this process started with.
var (
	rootGroup  = uint32(unix.Getegid())
	rootGroups = startGroups()
)

func startGroups() []uint32 {
	ids, err := unix.Getgroups()
	if err != nil {
		return nil
	}
	groups := make([]uint32, len(ids))
	for i, id := range ids {
		groups[i] = uint32(id)
	}
	return groups
}

// setThreadGroups is setgroups(2) for the calling thread alone: the wrappers of
// Go and C change every thread.
func setThreadGroups(groups []uint32) error {
	var first unsafe.Pointer
	if len(groups) > 0 {
		first = unsafe.Pointer(&groups[0])
	}
	if _, _, errno := unix.RawSyscall(unix.SYS_SETGROUPS, uintptr(len(groups)), uintptr(first), 0); errno != 0 {
		return errno
	}
	return nil
}
