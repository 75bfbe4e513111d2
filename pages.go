package main

import (
	"sandpiper/sandbox"
	"sandpiper/web"
	"sandpiper/web/dashboard/sandboxpage"
	"sandpiper/web/desktop"
	"sandpiper/web/page"
	"sandpiper/web/playground"
	"sandpiper/web/proxy"
	"sandpiper/web/workbench"
)

// openPages makes the pages of sandboxes. Each package adds its tab to the frame
// that all of them share.
func (s *sandboxes) openPages(cfg sandboxConfig, organization string) {
	frame := page.New(cfg.assets, cfg.guard, cfg.log)
	s.frame = sandboxpage.New(sandboxpage.Config{Manager: s.manager, Frame: frame, Organization: organization, Log: cfg.log})
	s.desktop = desktop.New(desktop.Config{
		Manager: s.manager, Links: cfg.db, Pages: s.frame, Frame: frame, Assets: cfg.assets, Guard: cfg.guard, PublicURL: cfg.public, Log: cfg.log,
	})
	s.workbench = workbench.New(s.frame, frame)
	s.playground = playground.New(playground.Config{
		Manager: s.manager, Pages: s.frame, Frame: frame, Organization: organization, PublicURL: cfg.public, Image: sandboxImage,
	})
	s.terminal = workbench.NewPort(frame, cfg.assets, proxy.ToolboxPath)
}

// pages returns the pages that the server serves of sandboxes.
func (s *sandboxes) pages() []web.Routes {
	return []web.Routes{s.frame, s.dashboard, s.desktop, s.workbench, s.playground}
}

// pagePorts are the ports of every sandbox that lead to pages of ours.
func (s *sandboxes) pagePorts() map[int]proxy.PortHandler {
	return map[int]proxy.PortHandler{sandbox.RecordingsPort: s.desktop, sandbox.TerminalPort: s.terminal}
}
