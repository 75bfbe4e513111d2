package piston

import (
	"fmt"
	"testing"
)

func TestMatches(t *testing.T) {
	tests := []struct {
		selector string
		yes, no  []string
	}{
		{"*", []string{"3.12.0", "0.0.0", "2025.1"}, nil},
		{"x", []string{"3.12.0"}, nil},
		{"3", []string{"3.0.0", "3.12.0"}, []string{"2.9.9", "4.0.0"}},
		{"3.x", []string{"3.0.0", "3.12.7"}, []string{"4.0.0"}},
		{"3.X.x", []string{"3.12.7"}, []string{"4.0.0"}},
		{"3.*", []string{"3.12.7"}, []string{"2.0.0"}},
		{"3.12", []string{"3.12.0", "3.12.9"}, []string{"3.11.9", "3.13.0"}},
		{"3.12.0", []string{"3.12.0"}, []string{"3.12.1"}},
		{"v3.12.0", []string{"3.12.0"}, nil},
		{"=3.12.0", []string{"3.12.0"}, []string{"3.12.1"}},
		{"= 3.12.0", []string{"3.12.0"}, []string{"3.12.1"}},
		{">=3", []string{"3.0.0", "4.1.0"}, []string{"2.9.9"}},
		{">= 3.12", []string{"3.12.0", "4.0.0"}, []string{"3.11.9"}},
		{">3", []string{"4.0.0"}, []string{"3.12.0"}},
		{">3.12.0", []string{"3.12.1"}, []string{"3.12.0"}},
		{"<4", []string{"3.12.0"}, []string{"4.0.0"}},
		{"<=3.12", []string{"3.12.9"}, []string{"3.13.0"}},
		{"<*", nil, []string{"1.0.0"}},
		{">=*", []string{"1.0.0"}, nil},
		{"^3.10", []string{"3.10.0", "3.12.0"}, []string{"3.9.9", "4.0.0"}},
		{"^3", []string{"3.0.0"}, []string{"4.0.0"}},
		{"^0.2.3", []string{"0.2.3", "0.2.9"}, []string{"0.2.2", "0.3.0"}},
		{"^0.0.3", []string{"0.0.3"}, []string{"0.0.4"}},
		{"^0.0", []string{"0.0.9"}, []string{"0.1.0"}},
		{"^0.x", []string{"0.9.0"}, []string{"1.0.0"}},
		{"~3.12.1", []string{"3.12.1", "3.12.9"}, []string{"3.12.0", "3.13.0"}},
		{"~3.12", []string{"3.12.0"}, []string{"3.13.0"}},
		{"~3", []string{"3.99.0"}, []string{"4.0.0"}},
		{"~> 3.1", []string{"3.1.4"}, []string{"3.2.0"}},
		{"1.2 - 2.3", []string{"1.2.0", "2.3.9"}, []string{"1.1.9", "2.4.0"}},
		{"1.2.3 - 2.3.4", []string{"1.2.3", "2.3.4"}, []string{"1.2.2", "2.3.5"}},
		{">=3.10 <3.12", []string{"3.10.0", "3.11.9"}, []string{"3.12.0", "3.9.0"}},
		{"2 || 3.12.x", []string{"2.7.0", "3.12.1"}, []string{"3.11.0"}},
		{"nonsense || 3", []string{"3.1.0"}, []string{"4.0.0"}},
		{"3.12.0-rc1", []string{"3.12.0"}, nil},
		{"2025-09-13", []string{"2025-09-13"}, nil}, // not a semantic version: the same text matches
		{"", []string{"3.12.0"}, nil},
		{"nonsense", nil, []string{"3.12.0"}},
		{"3.12.0.1", nil, []string{"3.12.0"}},
		{"3.x.1", nil, []string{"3.12.1"}},
		{"99999999999999999999", nil, []string{"3.12.0"}},
		{"-1", nil, []string{"3.12.0"}},
		{">", nil, []string{"3.12.0"}},
	}
	for _, tt := range tests {
		for _, v := range tt.yes {
			if !matches(tt.selector, v) {
				t.Errorf("%q does not match %s", tt.selector, v)
			}
		}
		for _, v := range tt.no {
			if matches(tt.selector, v) {
				t.Errorf("%q matches %s", tt.selector, v)
			}
		}
	}
}

func FuzzMatches(f *testing.F) {
	for _, s := range []string{"*", "3.x", "^3.10", ">=3 <4 || 5", "1 - 2", "~> 1.2", "x.y.z", ">=", " || ", "v1.2.3-rc+b"} {
		f.Add(s, 3, 12, 1)
	}
	f.Fuzz(func(t *testing.T, selector string, major, minor, patch int) {
		if min(major, minor, patch) < 0 || max(major, minor, patch) >= 1<<30 {
			return
		}
		version := fmt.Sprintf("%d.%d.%d", major, minor, patch)
		got := matches(selector, version)
		if got != matches(selector, "v"+version) && selector != version && selector != "v"+version {
			t.Errorf("%q: %s and v%s differ", selector, version, version)
		}
		if got && len(selector)*2+7 <= maxSelector && !matches("0.0.0 || "+selector, version) {
			t.Errorf("%q matches %s, but not as an alternative", selector, version)
		}
		for _, always := range []string{"*", ">=0", version, "^" + version, "~" + version, ">=" + version, "<=" + version, version + " - " + version} {
			if !matches(always, version) {
				t.Errorf("%q does not match %s", always, version)
			}
		}
		for _, never := range []string{">" + version, "<" + version} {
			if matches(never, version) {
				t.Errorf("%q matches %s", never, version)
			}
		}
	})
}
