package sandbox

import (
	"fmt"
	"net/netip"
	"path"
	"slices"
	"strings"
	"time"
	"unicode"

	"sandpiper/internal/lazyregexp"
)

// What a sandbox may carry.
const (
	MaxNameBytes   = 128
	MaxLabels      = 64
	MaxLabelBytes  = 32 << 10 // all keys and values together
	MaxVolumes     = 16
	MaxAllowCIDRs  = 10
	MaxDomains     = 20
	maxIntervalMin = 10 * 365 * 24 * 60 // of any interval, in minutes
)

// reservedNames are words that stand where an ID or a name does in paths of the
// wire.
var reservedNames = []string{"paginated", "for-runner", "ssh-access", "by-name"}

var uuidPattern = lazyregexp.New(`^[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$`)

// ValidateName reports, as a *Error of the field "name", why name cannot be the
// name of a sandbox, a snapshot or a key: it stands in paths, and it must not be
// taken for an ID.
func ValidateName(name string) error {
	switch {
	case name == "" || strings.TrimSpace(name) != name:
		return FieldErrorf("name", "a name may not be empty, nor begin or end with a space")
	case len(name) > MaxNameBytes:
		return FieldErrorf("name", "a name may have %d bytes at most", MaxNameBytes)
	case strings.ContainsAny(name, `/\?#%`) || !isPlainText(name) || strings.ContainsFunc(name, unicode.IsControl):
		return FieldErrorf("name", `a name may not have control characters or any of / \ ? # %%`)
	case name == "." || name == ".." || slices.Contains(reservedNames, name):
		return FieldErrorf("name", "%q cannot be a name", name)
	case uuidPattern().MatchString(name):
		return FieldErrorf("name", "a name may not look like an ID")
	}
	return nil
}

// ValidateLabels reports, as a *Error of the field "labels", what is wrong with
// labels.
func ValidateLabels(labels map[string]string) error {
	if len(labels) > MaxLabels {
		return FieldErrorf("labels", "a sandbox may have %d labels at most", MaxLabels)
	}
	total := 0
	for k, v := range labels {
		if k == "" || !isPlainText(k) || !isPlainText(v) {
			return FieldErrorf("labels", "the label %q must have a name, and both must be UTF-8 text without NUL characters", k)
		}
		total += len(k) + len(v)
	}
	if total > MaxLabelBytes {
		return FieldErrorf("labels", "the labels may have %d bytes in all", MaxLabelBytes)
	}
	return nil
}

// ValidateEnv reports, as a *Error of the field "env", what is wrong with an
// environment.
func ValidateEnv(env map[string]string) error { return validateEnv(env) }

// ValidateUser reports, as a *Error of the field "user", why processes cannot
// run as a user of that name.
func ValidateUser(user string) error {
	if len(user) > 64 || !isPlainText(user) || strings.ContainsFunc(user, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }) {
		return FieldErrorf("user", "%q cannot be the name of a user", user)
	}
	return nil
}

var targetPattern = lazyregexp.New(`^[A-Za-z0-9_.-]{1,64}$`)

// ValidateTarget reports, as a *Error of the field "target", why target cannot
// be the name of a region.
func ValidateTarget(target string) error {
	if target != "" && !targetPattern().MatchString(target) {
		return FieldErrorf("target", "a region is named with letters, digits and any of _ . -")
	}
	return nil
}

// Validate reports, as a *Error that names the field, which part of r is not
// within 1 and limit. A zero field of limit sets no limit.
func (r Resources) Validate(limit Resources) error {
	for _, part := range []struct {
		field, unit string
		value, most int
	}{
		{"cpu", "cores", r.CPU, limit.CPU},
		{"memory", "GiB of memory", r.MemoryGiB, limit.MemoryGiB},
		{"disk", "GiB of disk", r.DiskGiB, limit.DiskGiB},
	} {
		switch {
		case part.value < 1:
			return FieldErrorf(part.field, "a sandbox needs at least 1 of its %s", part.unit)
		case part.most > 0 && part.value > part.most:
			return FieldErrorf(part.field, "a sandbox may have %d %s here, not %d", part.most, part.unit, part.value)
		}
	}
	if r.GPU != 0 {
		return FieldErrorf("gpu", "this server has no GPUs for sandboxes")
	}
	return nil
}

// Validate reports, as a *Error that names the field, what is wrong with i.
func (i Intervals) Validate() error {
	for _, part := range []struct {
		field string
		value time.Duration
	}{
		{"autoStopInterval", i.AutoStop}, {"autoPauseInterval", i.AutoPause}, {"autoArchiveInterval", i.AutoArchive},
		{"ttlMinutes", i.TTL}, {"autoDeleteInterval", max(i.AutoDelete, 0)},
	} {
		switch {
		case part.value < 0:
			return FieldErrorf(part.field, "the interval must be 0 or more minutes")
		case part.value > maxIntervalMin*time.Minute:
			return FieldErrorf(part.field, "the interval may be %d minutes at most", maxIntervalMin)
		}
	}
	switch {
	case i.AutoArchive > MaxAutoArchive:
		return FieldErrorf("autoArchiveInterval", "the interval may be %d minutes at most; 0 stands for that", MaxAutoArchive/time.Minute)
	case i.AutoStop > 0 && i.AutoPause > 0:
		return FieldErrorf("autoPauseInterval", "a sandbox stops or pauses by itself, not both: set one of the intervals to 0")
	case i.AutoPause > 0 && i.Ephemeral():
		return FieldErrorf("autoPauseInterval", "a sandbox that is deleted when it stops cannot pause by itself")
	}
	return nil
}

// Ephemeral reports whether a sandbox is deleted as soon as it stops.
func (i Intervals) Ephemeral() bool { return i.AutoDelete == 0 }

// ParseAllowList reads the wire's list of networks that may be reached: up to
// MaxAllowCIDRs IPv4 networks with their prefix lengths, with commas between
// them. An empty one is nil. The error is a *Error of the field
// "networkAllowList".
func ParseAllowList(list string) ([]string, error) {
	var nets []string
	for _, part := range splitList(list) {
		prefix, err := netip.ParsePrefix(part)
		if err != nil || !prefix.Addr().Is4() {
			return nil, FieldErrorf("networkAllowList", "%q is not an IPv4 network such as 192.168.1.0/24", shorten(part))
		}
		nets = append(nets, prefix.String())
	}
	if len(nets) > MaxAllowCIDRs {
		return nil, FieldErrorf("networkAllowList", "the list may have %d networks at most", MaxAllowCIDRs)
	}
	return nets, nil
}

var domainPattern = lazyregexp.New(`^(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$`)

// ParseDomains reads the wire's list of names that may be reached: up to
// MaxDomains, each perhaps with *. in front, with commas between them. The error
// is a *Error of the field "domainAllowList".
func ParseDomains(list string) ([]string, error) {
	var names []string
	for _, part := range splitList(strings.ToLower(list)) {
		if len(part) > 253 || !domainPattern().MatchString(part) {
			return nil, FieldErrorf("domainAllowList", "%q is not the name of a domain", shorten(part))
		}
		names = append(names, part)
	}
	if len(names) > MaxDomains {
		return nil, FieldErrorf("domainAllowList", "the list may have %d domains at most", MaxDomains)
	}
	return names, nil
}

// splitList splits at commas. Spaces around the parts do not count.
func splitList(list string) []string {
	if strings.TrimSpace(list) == "" {
		return nil
	}
	parts := strings.Split(list, ",")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	return parts
}

// shorten keeps a value that somebody sent short enough for a message.
func shorten(s string) string {
	if len(s) > 64 {
		return strings.ToValidUTF8(s[:64], "") + "…"
	}
	return s
}

// Validate reports, as a *Error that names the field, what is wrong with n.
func (n Network) Validate() error {
	if _, err := ParseAllowList(strings.Join(n.Allow, ",")); err != nil {
		return err
	}
	_, err := ParseDomains(strings.Join(n.Domains, ","))
	return err
}

// systemFolders must not be hidden behind a volume.
var systemFolders = []string{"/proc", "/sys", "/dev", "/boot", "/etc", "/bin", "/sbin", "/lib", "/lib64"}

// ValidateVolumes reports, as a *Error that names the field, what is wrong with
// mounts.
func ValidateVolumes(mounts []VolumeMount) error {
	if len(mounts) > MaxVolumes {
		return FieldErrorf("volumes", "a sandbox may have %d volumes at most", MaxVolumes)
	}
	for i, m := range mounts {
		field := fmt.Sprintf("volumes[%d].", i)
		if m.Volume == "" {
			return FieldErrorf(field+"volumeId", "say which volume")
		}
		if err := validateMountPath(field+"mountPath", m.Path); err != nil {
			return err
		}
		if m.Subpath != "" && !validSubpath(m.Subpath) {
			return FieldErrorf(field+"subpath", "a part of a volume is a relative path without . or .. in it")
		}
		for _, o := range mounts[:i] {
			if strings.TrimSuffix(o.Path, "/") == strings.TrimSuffix(m.Path, "/") {
				return FieldErrorf(field+"mountPath", "two volumes cannot be at %s", m.Path)
			}
		}
	}
	return nil
}

func validateMountPath(field, p string) error {
	clean := path.Clean(p)
	switch {
	case !strings.HasPrefix(p, "/") || !isPlainText(p) || len(p) > 1024:
		return FieldErrorf(field, "a volume is mounted at an absolute path")
	case clean == "/":
		return FieldErrorf(field, "a volume cannot be mounted at /")
	case strings.TrimSuffix(p, "/") != clean:
		return FieldErrorf(field, "the path may not have . or .. or // in it")
	}
	for _, dir := range systemFolders {
		if clean == dir || strings.HasPrefix(clean, dir+"/") {
			return FieldErrorf(field, "a volume cannot be mounted at %s or below it", dir)
		}
	}
	return nil
}

func validSubpath(p string) bool {
	p = strings.TrimSuffix(p, "/")
	return p == path.Clean(p) && !strings.HasPrefix(p, "/") && p != "." && p != ".." && !strings.HasPrefix(p, "../") && isPlainText(p) && len(p) <= 1024
}
