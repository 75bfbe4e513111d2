package main

import (
	"flag"
	"strings"
	"testing"
)

func TestConfigTakesFlagsBeforeTheEnvironment(t *testing.T) {
	t.Setenv("SANDPIPER_LISTEN", "127.0.0.1:1")
	t.Setenv("SANDPIPER_OPEN_PLAYGROUND", "true")
	t.Setenv("SANDPIPER_TRUSTED_PROXIES", "127.0.0.1/32, 10.0.0.0/8")
	t.Setenv("SANDPIPER_API_KEY", "sp_from_the_environment")
	c, err := parseConfig("serve", []string{"--listen", "127.0.0.1:2"})
	if err != nil {
		t.Fatal(err)
	}
	if c.listen != "127.0.0.1:2" || !c.open || len(c.proxies) != 2 || c.apiKey != "sp_from_the_environment" {
		t.Errorf("got %+v", c)
	}
}

func TestConfigRefuses(t *testing.T) {
	tests := []struct {
		name string
		args []string
		env  map[string]string
		want string
	}{
		{"an argument", []string{"now"}, nil, "unexpected argument"},
		{"an unknown flag", []string{"--nonsense"}, nil, "nonsense"},
		{"a public URL with a path", []string{"--public-url", "https://example.org/run"}, nil, "--public-url"},
		{"a public URL without a scheme", []string{"--public-url", "example.org"}, nil, "--public-url"},
		{"a proxy that is no network", []string{"--trusted-proxies", "10.0.0.1"}, nil, "trusted-proxies"},
		{"no sessions", []string{"--sessions", "0"}, nil, "--sessions 0"},
		{"sessions paused at once", nil, map[string]string{"SANDPIPER_SESSION_IDLE": "1s"}, "--session-idle 1s"},
		{"a disk of less than nothing", []string{"--guest-session-disk", "-1"}, nil, "--guest-session-disk -1"},
		{"a quota of less than nothing", []string{"--quota-memory", "-1"}, nil, "--quota-memory -1"},
		{"a bad environment twin", nil, map[string]string{"SANDPIPER_VERBOSE": "perhaps"}, "SANDPIPER_VERBOSE"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for k, v := range tt.env {
				t.Setenv(k, v)
			}
			_, err := parseConfig("serve", tt.args)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want an error that names %q", err, tt.want)
			}
		})
	}
}

// Each flag must have an environment twin that its own usage text could name.
func TestEveryFlagHasATwin(t *testing.T) {
	fs := flag.NewFlagSet("test", flag.ContinueOnError)
	name := fs.String("some-name", "", "")
	asked := ""
	err := fromEnvironment(fs, func(key string) (string, bool) { asked = key; return "value", true })
	if err != nil || asked != "SANDPIPER_SOME_NAME" || *name != "value" {
		t.Errorf("asked for %q, set %q, %v", asked, *name, err)
	}
}
