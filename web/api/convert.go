package api

import (
	"cmp"
	"strings"
	"time"

	"sandpiper/sandbox"
	"sandpiper/web/api/wire"
)

// toSandbox writes a sandbox for a client that reaches the server at base.
func toSandbox(s sandbox.Sandbox, base string) wire.Sandbox {
	return wire.Sandbox{
		SandboxListItem: toListItem(s, base),
		Env:             orEmpty(s.Env),
		BackupCreatedAt: stamp(s.BackupAt),
		Volumes:         toVolumes(s.Volumes),
		LinkedSandboxID: s.Linked,
	}
}

func toListItem(s sandbox.Sandbox, base string) wire.SandboxListItem {
	return wire.SandboxListItem{
		ID: s.ID, OrganizationID: s.Organization, Name: s.Name,
		Snapshot: s.Snapshot, User: cmp.Or(s.User, s.OwnUser), Labels: orEmpty(s.Labels), Target: s.Target,
		Public:           s.Public,
		NetworkBlockAll:  s.Network.BlockAll,
		NetworkAllowList: strings.Join(s.Network.Allow, ","),
		DomainAllowList:  strings.Join(s.Network.Domains, ","),
		CPU:              s.Resources.CPU, GPU: s.Resources.GPU, Memory: s.Resources.MemoryGiB, Disk: s.Resources.DiskGiB,
		State: string(s.State), DesiredState: string(s.Desired),
		ErrorReason: s.ErrorReason, Recoverable: s.Recoverable,
		WarmPoolID: s.WarmPool, BackupState: string(s.Backup), RunnerID: s.Runner,
		AutoStopInterval:    minutes(s.Intervals.AutoStop),
		AutoPauseInterval:   minutes(s.Intervals.AutoPause),
		AutoArchiveInterval: minutes(s.Intervals.AutoArchive),
		AutoDeleteInterval:  minutes(s.Intervals.AutoDelete),
		AutoDestroyAt:       stamp(s.DestroyAt),
		CreatedAt:           stamp(s.CreatedAt),
		UpdatedAt:           stamp(s.UpdatedAt),
		LastActivityAt:      stamp(s.LastActivity()),
		SandboxClass:        sandbox.ClassContainer,
		DaemonVersion:       s.Agent,
		ToolboxProxyURL:     toolboxURL(base),
		Engine:              string(s.Engine),
		Isolation:           s.Isolation,
		Activity:            toActivity(s.Activity),
	}
}

// toolboxURL is what a slash, a sandbox's ID and a toolbox's path follow.
func toolboxURL(base string) string { return base + "/toolbox" }

func toVolumes(volumes []sandbox.VolumeMount) []wire.Volume {
	all := make([]wire.Volume, 0, len(volumes))
	for _, v := range volumes {
		all = append(all, wire.Volume{VolumeID: v.Volume, MountPath: v.Path, Subpath: v.Subpath})
	}
	return all
}

func fromVolumes(volumes []wire.Volume) []sandbox.VolumeMount {
	var all []sandbox.VolumeMount
	for _, v := range volumes {
		all = append(all, sandbox.VolumeMount{Volume: v.VolumeID, Path: v.MountPath, Subpath: v.Subpath})
	}
	return all
}

func toActivity(a sandbox.Activity) map[string]string {
	all := make(map[string]string, len(a))
	for source, at := range a {
		all[string(source)] = stamp(at)
	}
	return all
}

func toSandboxes(all []sandbox.Sandbox, base string) []wire.Sandbox {
	out := make([]wire.Sandbox, 0, len(all))
	for _, s := range all {
		out = append(out, toSandbox(s, base))
	}
	return out
}

func toSnapshot(s sandbox.Snapshot, region sandbox.Region) wire.Snapshot {
	out := wire.Snapshot{
		ID: s.ID, OrganizationID: s.Organization, General: s.Organization == "", Name: s.Name,
		ImageName: s.Image, State: string(s.State), Entrypoint: s.Entrypoint, Ref: s.Ref,
		CPU: s.Resources.CPU, GPU: s.Resources.GPU, Mem: s.Resources.MemoryGiB, Disk: s.Resources.DiskGiB,
		ErrorReason: optional(s.ErrorReason), SourceSandboxID: optional(s.Source),
		CreatedAt: stamp(s.CreatedAt), UpdatedAt: stamp(s.UpdatedAt), LastUsedAt: optionalStamp(s.LastUsedAt),
		RegionIDs: []string{region.ID}, SandboxClass: sandbox.ClassContainer,
		Engine: string(s.Engine), Aliases: s.Aliases, Runtime: s.Runtime,
	}
	if s.SizeBytes > 0 {
		gib := float64(s.SizeBytes) / (1 << 30)
		out.Size = &gib
	}
	return out
}

// splitList reads a list that is written with commas.
func splitList(text string) []string {
	var all []string
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part != "" {
			all = append(all, part)
		}
	}
	return all
}

// number is n, or 0 for one that was left out.
func number(n *int) int {
	if n == nil {
		return 0
	}
	return *n
}

// sizes turns requested resources into ours. What was left out is zero.
func sizes(cpu, gpu, memory, disk *int) (sandbox.Resources, error) {
	for _, f := range []struct {
		name   string
		value  *int
		lowest int
	}{{"cpu", cpu, 1}, {"gpu", gpu, 0}, {"memory", memory, 1}, {"disk", disk, 1}} {
		if f.value != nil && (*f.value < f.lowest || *f.value > 1<<20) {
			return sandbox.Resources{}, sandbox.FieldErrorf(f.name, "%s must be a whole number of at least %d, not %d", f.name, f.lowest, *f.value)
		}
	}
	return sandbox.Resources{CPU: number(cpu), GPU: number(gpu), MemoryGiB: number(memory), DiskGiB: number(disk)}, nil
}

// never is the time that fields show which must have one although nothing
// happened.
var never = stamp(time.Unix(0, 0))

// stampOr is stamp for a field that must have a time.
func stampOr(t time.Time) string {
	if t.IsZero() {
		return never
	}
	return stamp(t)
}
