package docker

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strings"

	"sandpiper/sandbox"
)

// Where things are in a container.
const (
	inside       = "/.sandpiper"
	insideAgent  = inside + "/bin"
	insideRun    = inside + "/run"
	agentFile    = "toolboxd"
	agentConfig  = "agent.json"
	agentSocket  = "toolbox.sock"
	resolverFile = "/etc/resolv.conf"
	hostsFile    = "/etc/hosts"
)

// boxes keeps a folder for each sandbox:
//
//	token         the agent's secret; only the host sees it
//	run/          in the container too: the agent's configuration and socket
//	hosts, resolv.conf
//	volumes/0 …   the mounted volumes
type boxes struct {
	dir   string
	tmpfs bool // the server may mount; then each box is a small tmpfs of its own
	owner int  // the user who is root in the container
}

func (b boxes) path(id string, parts ...string) string {
	return filepath.Join(append([]string{b.dir, id}, parts...)...)
}

// agentSettings is the file that toolboxd reads when it starts.
type agentSettings struct {
	Socket     string            `json:"socket"`
	Token      string            `json:"token"`
	User       string            `json:"user"`
	WorkDir    string            `json:"workDir"`
	Env        map[string]string `json:"env"`
	Entrypoint []string          `json:"entrypoint"`
}

// boxFiles is what a box holds when a sandbox starts.
type boxFiles struct {
	settings  agentSettings
	hostname  string
	address   netip.Addr
	resolvers []netip.Addr
	volumes   []string // folders of the host
}

// fill makes a sandbox's box anew, empty but for what it needs to start.
func (b boxes) fill(id string, f boxFiles) error {
	if err := b.remove(id); err != nil {
		return err
	}
	if err := b.make(id); err != nil {
		return noRoom(fmt.Errorf("make the box of sandbox %s: %w", id, err))
	}
	for i, dir := range f.volumes {
		if err := b.stage(dir, b.path(id, "volumes", fmt.Sprint(i))); err != nil {
			return fmt.Errorf("mount volume %d: %w", i, err)
		}
	}
	settings, err := json.Marshal(f.settings)
	if err != nil {
		return err
	}
	for name, text := range map[string]string{
		"token": f.settings.Token, "run/" + agentConfig: string(settings),
		"hosts": hostsText(f.hostname, f.address), "resolv.conf": resolverText(f.resolvers),
	} {
		if err := b.write(b.path(id, name), text); err != nil {
			return noRoom(fmt.Errorf("fill the box of sandbox %s: %w", id, err))
		}
	}
	return nil
}

// write makes a file; all but secrets can be read by every user of the container.
func (b boxes) write(name, text string) error {
	mode := fs.FileMode(0o600)
	if base := filepath.Base(name); base == "hosts" || base == "resolv.conf" {
		mode = 0o644
	}
	if err := os.WriteFile(name, []byte(text), mode); err != nil {
		return err
	}
	return b.give(name)
}

// give makes the container's root the owner of a file.
func (b boxes) give(name string) error {
	if b.owner == 0 {
		return nil
	}
	return os.Chown(name, b.owner, b.owner)
}

func hostsText(hostname string, address netip.Addr) string {
	text := "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n"
	if !address.IsValid() {
		address = netip.AddrFrom4([4]byte{127, 0, 1, 1})
	}
	return text + address.String() + "\t" + hostname + "\n"
}

// linkedMark ends the lines of a hosts file that are ours to change.
const linkedMark = "# linked sandbox"

// maxHosts bounds what is read of a hosts file, which the sandbox may write to.
const maxHosts = 1 << 20

// writeLinked replaces the lines of linked sandboxes in a sandbox's hosts file, and
// leaves what it has written there itself. The file is mounted in the sandbox, so it
// is changed in place; one that is gone with its box is fine.
func (b boxes) writeLinked(id, lines string) error {
	f, err := os.OpenFile(b.path(id, "hosts"), os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	text, err := io.ReadAll(io.LimitReader(f, maxHosts))
	if err == nil && len(text) == maxHosts {
		err = errors.New("its hosts file is too long")
	}
	if changed := withLinked(string(text), lines); err == nil && changed != string(text) {
		if _, err = f.WriteAt([]byte(changed), 0); err == nil {
			err = f.Truncate(int64(len(changed)))
		}
	}
	return errors.Join(err, f.Close())
}

// withLinked returns a hosts file's text with other lines of linked sandboxes.
func withLinked(text, lines string) string {
	var kept strings.Builder
	for line := range strings.Lines(text) {
		if !strings.HasSuffix(strings.TrimSpace(line), linkedMark) {
			kept.WriteString(line)
		}
	}
	if text := kept.String(); lines != "" && text != "" && !strings.HasSuffix(text, "\n") {
		return text + "\n" + lines
	}
	return kept.String() + lines
}

func resolverText(resolvers []netip.Addr) string {
	var text strings.Builder
	for _, r := range resolvers {
		fmt.Fprintf(&text, "nameserver %s\n", r)
	}
	text.WriteString("options timeout:2 attempts:2\n")
	return text.String()
}

// token returns the secret of a sandbox's agent.
func (b boxes) token(id string) (string, error) {
	text, err := os.ReadFile(b.path(id, "token"))
	if errors.Is(err, fs.ErrNotExist) {
		return "", sandbox.Errorf(sandbox.KindConflict, "sandbox %s is not started", id)
	}
	return string(text), err
}

// ids returns the sandboxes that have a box.
func (b boxes) ids() ([]string, error) {
	entries, err := os.ReadDir(b.dir)
	if err != nil {
		return nil, fmt.Errorf("list the boxes: %w", err)
	}
	var all []string
	for _, e := range entries {
		if validateID(e.Name()) == nil {
			all = append(all, e.Name())
		}
	}
	return all, nil
}
