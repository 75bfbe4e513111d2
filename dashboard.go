package main

import (
	"cmp"
	"context"
	"net"
	"time"

	"sandpiper/sandbox"
	"sandpiper/web/api"
	"sandpiper/web/dashboard"
	"sandpiper/web/page"
)

// openDashboard opens the places where sandboxes are looked after. shells gives
// out access by SSH, and is nil where that is off.
func (s *sandboxes) openDashboard(cfg sandboxConfig, owner sandbox.Organization, shells sshDesk) {
	c := dashboard.Config{
		Manager: s.manager, Keys: cfg.db, Frame: page.New(cfg.assets, cfg.guard, cfg.log), Pages: s.frame, Organization: owner,
		PublicURL: cfg.public, Version: version, Log: cfg.log,
	}
	if shells != nil {
		c.SSH = sshGrants{shells, cfg.ssh, cfg.public.Hostname()}
	}
	s.dashboard = dashboard.New(c)
}

// sshDesk is where access by SSH is given out and taken back.
type sshDesk interface {
	api.SSH
	Accesses(ctx context.Context, org, idOrName string) ([]sandbox.SSHAccess, error)
	RevokeByID(ctx context.Context, org, idOrName, id string) error
}

// sshGrants gives out access by SSH with the command that uses it.
type sshGrants struct {
	sshDesk
	address string // host:port of SSH for users
	public  string // host of the server, where the address names none
}

// Grant implements dashboard.SSH.
func (g sshGrants) Grant(ctx context.Context, org, id string, ttl time.Duration) (token, command string, expires time.Time, err error) {
	access, token, err := g.Create(ctx, org, id, ttl)
	if err != nil {
		return "", "", time.Time{}, err
	}
	host, port, err := net.SplitHostPort(g.address)
	if err != nil {
		return "", "", time.Time{}, err
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = cmp.Or(g.public, "localhost")
	}
	return token, "ssh -p " + port + " " + token + "@" + host, access.ExpiresAt, nil
}
