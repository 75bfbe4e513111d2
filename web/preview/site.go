package preview

import (
	"cmp"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// Config says where previews are.
type Config struct {
	Domain string   // that their hosts are below, such as "localhost"
	Public *url.URL // where browsers reach the app: previews have its scheme and its port
	Paths  *url.URL // where the previews' own listener is reached; nil for none
}

// Site knows the addresses of previews. It does not change.
type Site struct {
	domain string
	public *url.URL
	paths  *url.URL
}

// NewSite returns a Site. It fails when the domain is none.
func NewSite(cfg Config) (*Site, error) {
	domain := strings.ToLower(strings.TrimSuffix(cfg.Domain, "."))
	if !isDomain(domain) {
		return nil, fmt.Errorf("preview domain %q: give a host name without a port, such as preview.example.org", cfg.Domain)
	}
	return &Site{domain: domain, public: cfg.Public, paths: cfg.Paths}, nil
}

// isDomain reports whether s can stand behind a label and a dot. Addresses of
// hosts cannot.
func isDomain(s string) bool {
	if s == "" || len(s) > 189 { // 253 without the longest label of ours
		return false
	}
	if _, err := netip.ParseAddr(s); err == nil {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || !isName(label) {
			return false
		}
	}
	return true
}

// isName reports whether s has nothing but lower-case letters, digits and
// hyphens within.
func isName(s string) bool {
	return s[0] != '-' && s[len(s)-1] != '-' && !strings.ContainsFunc(s, func(c rune) bool {
		return !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-')
	})
}

// Address names a port of a sandbox.
type Address struct {
	Port int    // from 1 to 65535
	Name string // the ID of a sandbox, or the token of a signed address
	Pass string // of a path alone: what lets a browser in, in the words of whoever gave it; "" for none
}

// Signed reports whether the name is a token's rather than a sandbox's.
func (a Address) Signed() bool { return len(a.Name) == tokenLength && !strings.Contains(a.Name, "-") }

// Local is what the server inside the sandbox takes itself for.
func (a Address) Local() string { return "localhost:" + strconv.Itoa(a.Port) }

// Owns reports whether a Host header is below the domain of previews, whether
// or not it names one. The app's own host is never one.
func (s *Site) Owns(host string) bool {
	name := hostname(host)
	return strings.HasSuffix(name, "."+s.domain) && name != strings.ToLower(s.public.Hostname())
}

// Parse returns the preview that a Host header names. A port behind it and a dot
// at the end of the name are fine, as is any case.
func (s *Site) Parse(host string) (Address, bool) {
	if !s.Owns(host) {
		return Address{}, false
	}
	label := strings.TrimSuffix(hostname(host), "."+s.domain)
	port, name, ok := strings.Cut(label, "-")
	if !ok {
		return Address{}, false
	}
	return parse(port, name)
}

// parse reads the parts of an address. Each has one spelling.
func parse(port, name string) (Address, bool) {
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 || port != strconv.FormatUint(n, 10) {
		return Address{}, false
	}
	if name == "" || len(name) > tokenLength || !isName(name) {
		return Address{}, false
	}
	return Address{Port: int(n), Name: name}, true
}

// hostname is the name in a Host header, in lower case, without the port and
// the root's dot. It is empty for what is none.
func hostname(host string) string {
	if name, port, err := net.SplitHostPort(host); err == nil {
		if strings.Trim(port, "0123456789") != "" {
			return ""
		}
		host = name
	}
	if strings.ContainsAny(host, ":/@[]%") {
		return ""
	}
	return strings.TrimSuffix(strings.ToLower(host), ".")
}

// URL is the address of a preview, without a path.
func (s *Site) URL(a Address) string {
	return s.public.Scheme + "://" + strconv.Itoa(a.Port) + "-" + a.Name + "." + s.domain + s.suffix()
}

// Template is URL with {{PORT}} and {{sandboxId}} for the parts.
func (s *Site) Template() string {
	return s.public.Scheme + "://{{PORT}}-{{sandboxId}}." + s.domain + s.suffix()
}

// suffix is the port of all addresses, with its colon.
func (s *Site) suffix() string {
	if port := s.public.Port(); port != "" {
		return ":" + port
	}
	return ""
}

// Secure reports whether browsers reach previews by TLS.
func (s *Site) Secure() bool { return s.public.Scheme == "https" }

// App is where browsers reach the app, without a slash at the end. A server that
// listens on all addresses and was not told its name is reached by the domain of
// its previews.
func (s *Site) App() string {
	u := url.URL{Scheme: s.public.Scheme, Host: s.public.Host}
	if ip, err := netip.ParseAddr(u.Hostname()); err == nil && ip.IsUnspecified() {
		u.Host = s.domain + s.suffix()
	}
	return u.String()
}

// Return is where a browser goes back to that came from target, an address of a
// preview with its path and query: the same on this site, or false where it
// leads to no preview of a sandbox by its ID.
func (s *Site) Return(target string) (a Address, base, path string, ok bool) {
	u, err := url.Parse(target)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.User != nil || u.Opaque != "" {
		return a, "", "", false
	}
	path = u.EscapedPath()
	if path == "" {
		path = "/"
	}
	if u.RawQuery != "" {
		path += "?" + u.RawQuery
	}
	if s.paths != nil && strings.EqualFold(u.Host, s.paths.Host) {
		a, rest, ok := ParsePath(path)
		a.Pass = "" // another is to be had
		return a, s.paths.Scheme + "://" + s.paths.Host, cmp.Or(rest, "/"), ok && !a.Signed()
	}
	a, ok = s.Parse(u.Host)
	return a, s.origin(a, u.Port()), path, ok && !a.Signed()
}

// IsPaths reports whether base is where previews are told apart by their paths.
func (s *Site) IsPaths(base string) bool {
	return s.paths != nil && base == s.paths.Scheme+"://"+s.paths.Host
}

// origin is the address of a preview on one of the two listeners.
func (s *Site) origin(a Address, port string) string {
	if s.paths == nil || port == "" || port != s.paths.Port() {
		return s.URL(a)
	}
	return s.paths.Scheme + "://" + strconv.Itoa(a.Port) + "-" + a.Name + "." + s.domain + ":" + port
}

// pathPrefix begins the paths of previews.
const pathPrefix = "/p/"

// ParsePath returns the preview that an escaped path (and query) of the previews'
// own listener names, and what the server inside sees of it. That begins with a
// slash; it is empty for /p/<name>/<port>, which must be asked for with a slash.
// A pass stands behind the name and a dot.
func ParsePath(escaped string) (a Address, rest string, ok bool) {
	inner, ok := strings.CutPrefix(escaped, pathPrefix)
	if !ok {
		return Address{}, "", false
	}
	name, inner, _ := strings.Cut(inner, "/")
	name, pass, passed := strings.Cut(name, ".")
	if passed && !isPass(pass) {
		return Address{}, "", false
	}
	end := strings.IndexAny(inner, "/?")
	if end < 0 {
		end = len(inner)
	}
	a, ok = parse(inner[:end], name)
	if !ok {
		return Address{}, "", false
	}
	a.Pass = pass
	if end < len(inner) && inner[end] == '/' {
		rest = inner[end:]
	}
	return a, rest, true
}

// Prefix is the path of a preview, without a slash at the end.
func (a Address) Prefix() string {
	name := a.Name
	if a.Pass != "" {
		name += "." + a.Pass
	}
	return pathPrefix + name + "/" + strconv.Itoa(a.Port)
}

// maxPass is the longest pass in a path, in bytes.
const maxPass = 256

// isPass reports whether s can be a pass: it is written as it is in a path.
func isPass(s string) bool {
	return s != "" && len(s) <= maxPass && !strings.ContainsFunc(s, func(c rune) bool {
		return !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.')
	})
}
