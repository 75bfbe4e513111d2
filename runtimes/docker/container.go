package docker

import (
	"fmt"
	"maps"
	"net/netip"
	"path"
	"slices"
	"strings"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/api/types/strslice"
	"github.com/docker/go-units"

	"sandpiper/sandbox"
)

// Limits that are the same for every sandbox.
const (
	maxProcesses = 1024
	shmBytes     = 256 << 20 // browsers need more than Docker's 64 MiB
	maxFiles     = 65536     // open ones, of a process
	gib          = 1 << 30
)

// capabilities are those that remain; doc.go says why.
var capabilities = strslice.StrSlice{"CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID", "KILL"}

// How a sandbox gets its network.
const (
	plugNone   = "none"
	plugVeth   = "veth"   // by us, after every start
	plugDocker = "docker" // by Docker, with a fixed address
)

// plan is all that decides how a container is made.
type plan struct {
	spec    sandbox.Spec
	image   imageInfo
	runtime string // its name in Docker
	plug    string
	address netip.Addr
	seccomp string
	quota   bool  // the storage driver holds the disk limit
	beneath int64 // what it counts of the image as the sandbox's own
	files   int64 // limit of open files; 0 leaves the daemon's
	agent   string
	boxes   boxes
	names   names
	kind    string // kindProbe, or "" for a sandbox
}

// config returns the container's own part. Nothing of the user's is in it.
func (p plan) config() *container.Config {
	labels := map[string]string{
		labelSandbox: p.spec.ID, labelInstance: p.names.instance, labelRuntime: p.runtime, labelPlug: p.plug,
		labelKind: p.kind, // an image's kind is not the container's
	}
	return &container.Config{
		Hostname:        hostname(p.spec),
		User:            "0:0",
		WorkingDir:      p.image.workDir,
		Image:           p.image.id,
		Entrypoint:      strslice.StrSlice{insideAgent + "/" + agentFile, "--config", insideRun + "/" + agentConfig},
		Cmd:             strslice.StrSlice{},
		Labels:          labels,
		NetworkDisabled: p.plug != plugDocker,
		StopSignal:      "SIGTERM",
		Healthcheck:     &container.HealthConfig{Test: []string{"NONE"}},
	}
}

// hostname makes a host's name of a sandbox's.
func hostname(s sandbox.Spec) string {
	name := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '-':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return '-'
	}, s.Name)
	name = strings.Trim(name[:min(len(name), 40)], "-")
	if name == "" {
		return "sandbox-" + s.ID[:8]
	}
	return name
}

// hostConfig returns what the container may do and use.
func (p plan) hostConfig() *container.HostConfig {
	h := &container.HostConfig{
		Runtime:       p.runtime,
		CapDrop:       strslice.StrSlice{"ALL"},
		CapAdd:        capabilities,
		SecurityOpt:   p.securityOptions(),
		NetworkMode:   "none",
		LogConfig:     container.LogConfig{Type: "none"}, // the agent keeps logs, within bounds
		RestartPolicy: container.RestartPolicy{Name: container.RestartPolicyDisabled},
		ShmSize:       shmBytes,
		IpcMode:       container.IPCModePrivate,
		Mounts:        p.mounts(),
		Resources:     resources(p.spec.Resources),
		OomScoreAdj:   500, // before anything of the host
	}
	h.Ulimits = []*units.Ulimit{{Name: "core"}}
	if p.files > 0 {
		h.Ulimits = append(h.Ulimits, &units.Ulimit{Name: "nofile", Soft: p.files, Hard: p.files})
	}
	if p.plug == plugDocker {
		h.NetworkMode = container.NetworkMode(p.names.network())
	}
	if p.quota {
		h.StorageOpt = map[string]string{"size": fmt.Sprint(int64(p.spec.Resources.DiskGiB)*gib + p.beneath)}
	}
	return h
}

// resources returns the limits that can change later.
func resources(r sandbox.Resources) container.Resources {
	processes := int64(maxProcesses)
	return container.Resources{
		NanoCPUs:   int64(r.CPU) * 1e9,
		Memory:     int64(r.MemoryGiB) * gib,
		MemorySwap: int64(r.MemoryGiB) * gib, // the same: no swap
		PidsLimit:  &processes,
	}
}

func (p plan) securityOptions() []string {
	var options []string
	if p.seccomp != "" {
		options = append(options, "seccomp="+p.seccomp)
	}
	if !p.image.sudo {
		options = append(options, "no-new-privileges")
	}
	return options
}

func (p plan) mounts() []mount.Mount {
	id := p.spec.ID
	all := []mount.Mount{
		{Type: mount.TypeBind, Source: p.agent, Target: insideAgent, ReadOnly: true},
		{Type: mount.TypeBind, Source: p.boxes.path(id, "run"), Target: insideRun},
		{Type: mount.TypeBind, Source: p.boxes.path(id, "hosts"), Target: hostsFile},
		{Type: mount.TypeBind, Source: p.boxes.path(id, "resolv.conf"), Target: resolverFile},
	}
	for i, v := range p.spec.Volumes {
		all = append(all, mount.Mount{Type: mount.TypeBind, Source: p.boxes.path(id, "volumes", fmt.Sprint(i)), Target: v.Path})
	}
	return all
}

// networking returns the address that Docker gives the container, if it does.
func (p plan) networking() *network.NetworkingConfig {
	if p.plug != plugDocker {
		return nil
	}
	ipam := &network.EndpointIPAMConfig{IPv4Address: p.address.String()}
	return &network.NetworkingConfig{EndpointsConfig: map[string]*network.EndpointSettings{p.names.network(): {IPAMConfig: ipam}}}
}

// settings returns what the agent reads when the sandbox starts.
func settings(s sandbox.Spec, image imageInfo) agentSettings {
	user := s.User
	if user == "" {
		user = image.user
	}
	env := maps.Clone(s.Env)
	if env == nil {
		env = map[string]string{}
	}
	return agentSettings{
		Socket: insideRun + "/" + agentSocket, Token: s.Token, User: user, WorkDir: image.workDir,
		Env: env, Entrypoint: slices.Clone(s.Entrypoint),
	}
}

// checkVolumes refuses mounts that would hide what a sandbox stands on.
func checkVolumes(volumes []sandbox.VolumeMount) error {
	for i, v := range volumes {
		field := fmt.Sprintf("volumes[%d].mountPath", i)
		clean := path.Clean(v.Path)
		switch {
		case !path.IsAbs(v.Path) || clean != strings.TrimSuffix(v.Path, "/"):
			return sandbox.FieldErrorf(field, "%.80q is not a plain absolute path", v.Path)
		case strings.Count(clean, "/") == 1 && slices.Contains([]string{"/", "/etc", "/usr", "/bin", "/sbin", "/lib", "/lib64", "/boot", "/root"}, clean):
			return sandbox.FieldErrorf(field, "a volume cannot take the place of %s", clean)
		case underAny(clean, "/proc", "/sys", "/dev", inside):
			return sandbox.FieldErrorf(field, "a volume cannot be mounted at %s", clean)
		}
	}
	return nil
}

func underAny(p string, dirs ...string) bool {
	return slices.ContainsFunc(dirs, func(dir string) bool { return p == dir || strings.HasPrefix(p, dir+"/") })
}
