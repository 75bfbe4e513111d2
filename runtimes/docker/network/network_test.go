package network

import (
	"fmt"
	"net/netip"
	"testing"

	"sandpiper/sandbox"
)

func TestParsePolicy(t *testing.T) {
	many := make([]string, maxAllowed+1)
	for i := range many {
		many[i] = fmt.Sprintf("192.0.2.%d", i)
	}
	for name, tt := range map[string]struct {
		network sandbox.Network
		want    string // "" when it is refused
	}{
		"default":        {sandbox.Network{}, "{true []}"},
		"block all":      {sandbox.Network{BlockAll: true, Allow: []string{"192.0.2.0/24"}}, "{false []}"},
		"a list":         {sandbox.Network{Allow: []string{"198.51.100.0/24", " 192.0.2.1 "}}, "{false [192.0.2.1/32 198.51.100.0/24]}"},
		"one in another": {sandbox.Network{Allow: []string{"192.0.2.128/25", "192.0.2.0/24", "192.0.2.7"}}, "{false [192.0.2.0/24]}"},
		"host bits":      {sandbox.Network{Allow: []string{"192.0.2.77/24"}}, "{false [192.0.2.0/24]}"},
		"everything":     {sandbox.Network{Allow: []string{"0.0.0.0/0"}}, "{false [0.0.0.0/0]}"},
		"a name":         {sandbox.Network{Allow: []string{"example.org"}}, ""},
		"IPv6":           {sandbox.Network{Allow: []string{"2001:db8::/32"}}, ""},
		"mapped IPv6":    {sandbox.Network{Allow: []string{"::ffff:192.0.2.1"}}, ""},
		"too many":       {sandbox.Network{Allow: many}, ""},
		"domains":        {sandbox.Network{Domains: []string{"example.org"}}, ""},
	} {
		p, err := ParsePolicy(tt.network)
		if tt.want == "" {
			if sandbox.KindOf(err) != sandbox.KindUnprocessed {
				t.Errorf("%s: %v, %v", name, p, err)
			}
			continue
		}
		if got := fmt.Sprint(p); got != tt.want || err != nil {
			t.Errorf("%s: got %s, %v; want %s", name, got, err, tt.want)
		}
	}
}

func TestCheck(t *testing.T) {
	for name, tt := range map[string]struct {
		allow, opened []string
		refused       bool
	}{
		"public":             {allow: []string{"198.51.100.0/24"}},
		"everything":         {allow: []string{"0.0.0.0/0"}},
		"half of a list":     {allow: []string{"10.0.0.0/8", "198.51.100.7"}},
		"private":            {allow: []string{"10.0.0.0/8", "192.168.1.1"}, refused: true},
		"metadata":           {allow: []string{"169.254.169.254", "127.0.0.1"}, refused: true},
		"wider than private": {allow: []string{"10.0.0.0/7"}},
		"opened":             {allow: []string{"10.1.2.0/24"}, opened: []string{"10.1.0.0/16"}},
		"around what is":     {allow: []string{"10.0.0.0/8"}, opened: []string{"10.1.0.0/16"}},
		"beside what is":     {allow: []string{"10.2.0.0/16"}, opened: []string{"10.1.0.0/16"}, refused: true},
		"metadata, opened":   {allow: []string{"100.100.100.200"}, opened: []string{"100.64.0.0/10"}, refused: true},
	} {
		p, err := ParsePolicy(sandbox.Network{Allow: tt.allow})
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Check(prefixes(tt.opened...)); (err != nil) != tt.refused {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := CheckOpened(prefixes("10.0.0.0/8", "100.64.0.0/10")); err != nil {
		t.Error(err)
	}
	for _, never := range []string{"127.0.0.0/8", "169.254.169.254/32", "fd00::/8"} {
		if CheckOpened(prefixes(never)) == nil {
			t.Errorf("%s can be opened", never)
		}
	}
}

func FuzzParsePolicy(f *testing.F) {
	f.Add("192.0.2.0/24", "192.0.2.7")
	f.Add("0.0.0.0/0", "x")
	f.Fuzz(func(t *testing.T, one, two string) {
		p, err := ParsePolicy(sandbox.Network{Allow: []string{one, two}})
		if err != nil {
			return
		}
		for i, a := range p.Allow {
			if !a.Addr().Is4() || a != a.Masked() || !a.Contains(last(a)) || last(a).Next().IsValid() && a.Contains(last(a).Next()) {
				t.Errorf("%q, %q give %v with the end %s", one, two, a, last(a))
			}
			if i > 0 && p.Allow[i-1].Overlaps(a) {
				t.Errorf("%q, %q give %v: two overlap", one, two, p.Allow)
			}
		}
	})
}

func TestPool(t *testing.T) {
	p := NewPool(netip.MustParsePrefix("10.0.0.0/29"))
	if p.Gateway().String() != "10.0.0.1" {
		t.Errorf("the gateway is %s", p.Gateway())
	}
	seen := map[netip.Addr]bool{}
	for range 5 {
		addr, err := p.Take()
		if err != nil || seen[addr] || !p.Subnet().Contains(addr) || addr == p.Gateway() {
			t.Fatalf("got %s, %v", addr, err)
		}
		seen[addr] = true
	}
	if _, err := p.Take(); sandbox.KindOf(err) != sandbox.KindBusy {
		t.Errorf("from an empty pool: %v", err)
	}
	free := netip.MustParseAddr("10.0.0.4")
	p.Release(free)
	if !p.Claim(free) || p.Claim(free) || p.Claim(netip.MustParseAddr("10.0.0.1")) || p.Claim(netip.MustParseAddr("10.1.0.1")) {
		t.Error("claims are wrong")
	}
	p.Release(free)
	if addr, err := p.Take(); addr != free || err != nil {
		t.Errorf("got %s, %v", addr, err)
	}
}
