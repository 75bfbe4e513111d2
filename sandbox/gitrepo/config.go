package gitrepo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	format "github.com/go-git/go-git/v5/plumbing/format/config"
)

// What files are opened for.
const (
	readOnly  = os.O_RDONLY
	createNew = os.O_WRONLY | os.O_CREATE | os.O_EXCL
)

// maxConfig bounds the configuration files that are read, in bytes.
const maxConfig = 1 << 20

// Scope says whose configuration is meant.
type Scope string

// The scopes.
const (
	ScopeGlobal Scope = "global" // the user's
	ScopeLocal  Scope = "local"  // the repository's
	ScopeSystem Scope = "system" // the guest's
)

// Config returns a setting such as user.name of one scope; ok is false when it
// is not set. dir is needed for ScopeLocal only.
func (c *Client) Config(ctx context.Context, key string, scope Scope, dir string) (value string, ok bool, err error) {
	cfg, err := c.scope(ctx, scope, dir)
	if err != nil {
		return "", false, err
	}
	return cfg.get(key)
}

// SetConfig sets a setting of one scope.
func (c *Client) SetConfig(ctx context.Context, key, value string, scope Scope, dir string) error {
	cfg, err := c.scope(ctx, scope, dir)
	if err != nil {
		return err
	}
	return cfg.set(key, value)
}

func (c *Client) scope(ctx context.Context, scope Scope, dir string) (*rawConfig, error) {
	switch scope {
	case ScopeGlobal:
		return &rawConfig{c, path.Join(c.home, ".gitconfig")}, nil
	case ScopeSystem:
		return &rawConfig{c, "/etc/gitconfig"}, nil
	case ScopeLocal:
		if dir == "" {
			return nil, errorf(KindInvalid, "the local scope needs the path of a repository")
		}
		r, err := c.Open(ctx, dir)
		if err != nil {
			return nil, err
		}
		return &rawConfig{c, path.Join(r.dot, "config")}, nil
	}
	return nil, errorf(KindInvalid, "the scope must be global, local or system, not %.40q", scope)
}

// setting returns a setting of the repository, or else of its user, or else of
// the guest; "" when there is none.
func (r *Repo) setting(key string) string {
	if v, ok := r.c.overrides[strings.ToLower(key)]; ok {
		return v
	}
	for _, name := range []string{path.Join(r.dot, "config"), path.Join(r.c.home, ".gitconfig"), "/etc/gitconfig"} {
		if v, ok, err := (&rawConfig{r.c, name}).get(key); err == nil && ok {
			return v
		}
	}
	return ""
}

// rawConfig is a configuration file, which may be missing.
type rawConfig struct {
	c    *Client
	name string
}

// parse reads the file.
func (r *rawConfig) parse() (*format.Config, error) {
	content, err := r.read()
	if err != nil {
		return nil, err
	}
	cfg := format.New()
	if err := format.NewDecoder(bytes.NewReader(content)).Decode(cfg); err != nil {
		return nil, &Error{KindInvalid, r.name + " is not a valid git configuration: " + err.Error(), err}
	}
	return cfg, nil
}

// list returns all keys with their values.
func (r *rawConfig) list() (entries [][2]string, err error) {
	cfg, err := r.parse()
	if err != nil {
		return nil, err
	}
	for _, s := range cfg.Sections {
		for _, o := range s.Options {
			entries = append(entries, [2]string{strings.ToLower(s.Name + "." + o.Key), o.Value})
		}
		for _, ss := range s.Subsections {
			for _, o := range ss.Options {
				entries = append(entries, [2]string{strings.ToLower(s.Name) + "." + ss.Name + "." + strings.ToLower(o.Key), o.Value})
			}
		}
	}
	return entries, nil
}

// get returns the last value of a key.
func (r *rawConfig) get(key string) (value string, ok bool, err error) {
	section, sub, name, err := splitKey(key)
	if err != nil {
		return "", false, err
	}
	cfg, err := r.parse()
	if err != nil {
		return "", false, err
	}
	options := optionsOf(cfg, section, sub)
	if !options.Has(name) {
		return "", false, nil
	}
	return options.Get(name), true, nil
}

func optionsOf(cfg *format.Config, section, sub string) format.Options {
	var all format.Options
	for _, s := range cfg.Sections {
		if !s.IsName(section) {
			continue
		}
		if sub == "" {
			all = append(all, s.Options...)
			continue
		}
		for _, ss := range s.Subsections {
			if ss.IsName(sub) {
				all = append(all, ss.Options...)
			}
		}
	}
	return all
}

// set sets a key and leaves all other lines as they are, comments too.
func (r *rawConfig) set(key, value string) error {
	section, sub, name, err := splitKey(key)
	if err != nil {
		return err
	}
	if strings.ContainsRune(value, 0) {
		return errorf(KindInvalid, "the value must not have NUL characters")
	}
	content, err := r.read()
	if err != nil {
		return err
	}
	edited := setLine(string(content), header(section, sub), name, value)
	return r.c.writeFile(r.name, []byte(edited), 0o644)
}

// unset removes all lines of a key, and reports whether there were any.
func (r *rawConfig) unset(key string) (found bool, err error) {
	section, sub, name, err := splitKey(key)
	if err != nil {
		return false, err
	}
	content, err := r.read()
	if err != nil {
		return false, err
	}
	want, inside, continued := header(section, sub), false, false
	var kept []string
	for line := range strings.Lines(string(content)) {
		text := strings.TrimSpace(line)
		if strings.HasPrefix(text, "[") && !continued {
			inside = sameHeader(text, want)
		}
		left, _, _ := strings.Cut(text, "=")
		if drop := continued || inside && strings.EqualFold(strings.TrimSpace(left), name); drop {
			found, continued = true, continues(strings.TrimRight(line, "\n"))
			continue
		}
		kept = append(kept, line)
	}
	if !found {
		return false, nil
	}
	return true, r.c.writeFile(r.name, []byte(strings.Join(kept, "")), 0o644)
}

func (r *rawConfig) read() ([]byte, error) {
	content, err := r.c.readFile(r.name, maxConfig)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return content, err
}

// splitKey splits section.name or section.subsection.name.
func splitKey(key string) (section, sub, name string, err error) {
	first, last := strings.Index(key, "."), strings.LastIndex(key, ".")
	if first <= 0 || last == len(key)-1 {
		return "", "", "", errorf(KindInvalid, "a key must be section.name or section.subsection.name, not %.100q", key)
	}
	section, name = key[:first], key[last+1:]
	if last > first {
		sub = key[first+1 : last]
	}
	plain := func(s string) bool {
		return !strings.ContainsFunc(s, func(c rune) bool {
			return c != '-' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z')
		})
	}
	if !plain(section) || !plain(name) || name[0] >= '0' && name[0] <= '9' || name[0] == '-' || strings.ContainsAny(sub, "\n\x00") {
		return "", "", "", errorf(KindInvalid, "%.100q is not a valid key", key)
	}
	return section, sub, name, nil
}

func header(section, sub string) string {
	if sub == "" {
		return "[" + strings.ToLower(section) + "]"
	}
	return "[" + strings.ToLower(section) + ` "` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(sub) + `"]`
}

// setLine puts name = value below a header: in the place of its last line there,
// or else after the header's last line, or else at the end.
func setLine(content, header, name, value string) string {
	line := "\t" + name + " = " + quoteValue(value)
	lines := strings.Split(strings.TrimSuffix(content, "\n"), "\n")
	if content == "" {
		lines = nil
	}
	inside, last, old := false, -1, -1
	for i, l := range lines {
		text := strings.TrimSpace(l)
		if strings.HasPrefix(text, "[") {
			inside = sameHeader(text, header)
		}
		if !inside || text == "" {
			continue
		}
		last = i
		key, _, _ := strings.Cut(text, "=")
		if strings.EqualFold(strings.TrimSpace(key), name) {
			old = i
		}
	}
	switch {
	case old >= 0:
		end := old + 1
		for end < len(lines) && continues(lines[end-1]) {
			end++
		}
		lines = slices.Replace(lines, old, end, line)
	case last >= 0:
		for last+1 < len(lines) && continues(lines[last]) {
			last++
		}
		lines = slices.Insert(lines, last+1, line)
	default:
		lines = append(lines, header, line)
	}
	return strings.Join(lines, "\n") + "\n"
}

// continues tells whether a line's value goes on in the next: whether it ends in
// a backslash that is not itself escaped.
func continues(line string) bool {
	return (len(line)-len(strings.TrimRight(line, `\`)))%2 == 1
}

// sameHeader compares a line that begins with a header to one that header made.
func sameHeader(line, want string) bool {
	end := strings.LastIndex(line, "]")
	if end < 0 {
		return false
	}
	section, sub, hasSub := strings.Cut(line[1:end], " ")
	wantSection, wantSub, wantHas := strings.Cut(want[1:len(want)-1], " ")
	return strings.EqualFold(section, wantSection) && strings.TrimSpace(sub) == wantSub && hasSub == wantHas
}

// quoteValue writes a value so that git reads it back as it is.
func quoteValue(v string) string {
	escaped := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\t", `\t`, "\b", `\b`).Replace(v)
	if escaped != v || v != strings.TrimSpace(v) || strings.ContainsAny(v, "#;") || v == "" {
		return `"` + escaped + `"`
	}
	return v
}

// writeFile replaces a file as a whole. It follows a link, which users who keep
// their configuration elsewhere have.
func (c *Client) writeFile(name string, content []byte, perm fs.FileMode) error {
	for range 8 {
		target, err := c.fs.Readlink(name)
		if err != nil {
			break
		}
		if !path.IsAbs(target) {
			target = path.Join(path.Dir(name), target)
		}
		name = path.Clean(target)
	}
	if info, err := c.fs.Stat(name); err == nil {
		perm = info.Mode().Perm()
	}
	temp := name + ".lock"
	f, err := c.fs.OpenFile(temp, createNew, perm)
	if errors.Is(err, fs.ErrExist) {
		return &Error{KindBusy, fmt.Sprintf("another git writes %s; if none does, remove %s", name, temp), err}
	}
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = c.fs.Rename(temp, name)
	}
	if err != nil {
		_ = c.fs.Remove(temp)
	}
	return err
}
