//go:build linux

package osguest

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"strconv"
	"strings"
	"syscall"
)

// account is who processes run as.
type account struct {
	name   string
	home   string // "" when it is not known
	uid    uint32
	gid    uint32
	groups []uint32

	// switched says that it is another than this process runs as.
	switched bool
}

// lookupAccount finds "name", "uid", "name:group" or "uid:gid"; "" is the
// current user.
func lookupAccount(spec string) (account, error) {
	if spec == "" {
		spec = strconv.Itoa(os.Geteuid())
	}
	name, group, hasGroup := strings.Cut(spec, ":")
	a, err := findUser(name)
	if err != nil {
		return account{}, err
	}
	if hasGroup {
		if a.gid, err = findGroup(group); err != nil {
			return account{}, err
		}
		a.groups = []uint32{a.gid}
	}
	a.switched = int(a.uid) != os.Geteuid() || int(a.gid) != os.Getegid()
	if a.switched && os.Geteuid() != 0 {
		return account{}, fmt.Errorf("user %s: only root can run processes as somebody else", spec)
	}
	return a, nil
}

func findUser(name string) (account, error) {
	id, numErr := strconv.ParseUint(name, 10, 32)
	u, err := user.Lookup(name)
	if err != nil && numErr == nil {
		u, err = user.LookupId(name)
	}
	if err != nil && numErr == nil {
		// Images may name a user that their files do not know.
		return account{name: name, uid: uint32(id), gid: uint32(id) * min(1, uint32(id)), groups: []uint32{}}, nil
	}
	if err != nil {
		return account{}, fmt.Errorf("user %q: %w", name, err)
	}
	a := account{name: u.Username, home: u.HomeDir}
	if a.uid, err = parseID(u.Uid); err == nil {
		a.gid, err = parseID(u.Gid)
	}
	if err != nil {
		return account{}, fmt.Errorf("user %q: %w", name, err)
	}
	a.groups = groupsOf(u, a.gid)
	return a, nil
}

// groupsOf returns the groups that a user is in; the primary one at least.
func groupsOf(u *user.User, primary uint32) []uint32 {
	groups := []uint32{primary}
	ids, err := u.GroupIds()
	if err != nil {
		return groups // no group file: nothing but the primary group can be known
	}
	for _, s := range ids {
		if id, err := parseID(s); err == nil && id != primary {
			groups = append(groups, id)
		}
	}
	return groups
}

func findGroup(name string) (uint32, error) {
	if id, err := parseID(name); err == nil {
		return id, nil
	}
	g, err := user.LookupGroup(name)
	if err != nil {
		return 0, fmt.Errorf("group %q: %w", name, err)
	}
	return parseID(g.Gid)
}

func parseID(s string) (uint32, error) {
	id, err := strconv.ParseUint(s, 10, 32)
	if err != nil {
		return 0, errors.New("not a number: " + s)
	}
	return uint32(id), nil
}

// credential is what a process of this account is started with; nil when it is
// that of this process.
func (a account) credential() *syscall.Credential {
	if !a.switched {
		return nil
	}
	return &syscall.Credential{Uid: a.uid, Gid: a.gid, Groups: a.groups}
}
