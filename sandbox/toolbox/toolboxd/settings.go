//go:build linux

package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"sandpiper/sandbox/guest/osguest"
)

// prefix begins the environment variables that are twins of the flags. Processes
// of the sandbox do not get them.
const prefix = "TOOLBOXD_"

// settings say what the agent serves. They are read from a file of JSON, then
// from the environment, then from flags: later ones win.
type settings struct {
	Socket     string            `json:"socket"` // path of a unix socket
	Listen     string            `json:"listen"` // or a TCP address
	Token      string            `json:"token"`
	User       string            `json:"user"` // who processes run as; "" for the agent's own user
	Home       string            `json:"home"`
	WorkDir    string            `json:"workDir"`
	Env        map[string]string `json:"env"`        // added to the agent's own environment
	Entrypoint []string          `json:"entrypoint"` // the main process; none if empty

	environ []string // the agent's own, without what is only for itself
}

// parse reads the settings.
func parse(args, environ []string) (settings, error) {
	var s settings
	flags := flag.NewFlagSet("toolboxd", flag.ContinueOnError)
	config := flags.String("config", "", "`file` of JSON with the settings")
	tokenFile := flags.String("token-file", "", "`file` with the token that callers must send")
	texts := map[string]*string{"socket": &s.Socket, "listen": &s.Listen, "user": &s.User, "home": &s.Home, "workdir": &s.WorkDir}
	for name, usage := range map[string]string{
		"socket": "`path` of a unix socket to serve on", "listen": "TCP `address` to serve on, instead of a socket",
		"user": "`user` that processes run as", "home": "the user's home, if not the usual", "workdir": "`folder` where commands run",
	} {
		flags.String(name, "", usage)
	}
	if err := flags.Parse(args); err != nil {
		return s, err
	}
	own := twins(environ)
	if *config == "" {
		*config = own["CONFIG"]
	}
	if err := s.readFile(*config); err != nil {
		return s, err
	}
	for name, to := range texts {
		if value, ok := own[strings.ToUpper(name)]; ok {
			*to = value
		}
	}
	flags.Visit(func(f *flag.Flag) {
		if to, ok := texts[f.Name]; ok {
			*to = f.Value.String()
		}
	})
	if flags.NArg() > 0 {
		s.Entrypoint = flags.Args()
	}
	if err := s.readToken(own, *tokenFile); err != nil {
		return s, err
	}
	s.environ = slices.DeleteFunc(slices.Clone(environ), func(kv string) bool { return strings.HasPrefix(kv, prefix) })
	return s, s.check()
}

// twins returns the variables that are meant for the agent, without the prefix.
func twins(environ []string) map[string]string {
	own := map[string]string{}
	for _, kv := range environ {
		if key, value, ok := strings.Cut(kv, "="); ok && strings.HasPrefix(key, prefix) {
			own[strings.TrimPrefix(key, prefix)] = value
		}
	}
	return own
}

func (s *settings) readFile(name string) error {
	if name == "" {
		return nil
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return fmt.Errorf("read the settings: %w", err)
	}
	if err := json.Unmarshal(data, s); err != nil {
		return fmt.Errorf("read the settings in %s: %w", name, err)
	}
	return nil
}

// readToken takes the token from the environment or a file, where one is named.
func (s *settings) readToken(own map[string]string, file string) error {
	if token := own["TOKEN"]; token != "" {
		s.Token = token
	}
	if file == "" {
		file = own["TOKEN_FILE"]
	}
	if file == "" {
		return nil
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("read the token: %w", err)
	}
	s.Token = strings.TrimSpace(string(data))
	return nil
}

func (s *settings) check() error {
	switch {
	case (s.Socket == "") == (s.Listen == ""):
		return errors.New("either a socket or an address to listen on is needed")
	case s.Token == "":
		return errors.New("a token is needed: whoever reaches the agent has the sandbox")
	}
	return nil
}

// guest returns the guest that the settings ask for. A folder that the image
// lacks must not make the sandbox useless.
func (s settings) guest() osguest.Config {
	env := slices.Clone(s.environ)
	for _, key := range slices.Sorted(maps.Keys(s.Env)) {
		env = append(env, key+"="+s.Env[key])
	}
	cfg := osguest.Config{User: s.User, Home: s.Home, WorkDir: s.WorkDir, Env: env}
	if !isFolder(cfg.Home) {
		cfg.Home = ""
	}
	if !isFolder(cfg.WorkDir) {
		cfg.WorkDir = ""
	}
	return cfg
}

func isFolder(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.IsDir()
}
