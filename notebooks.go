package main

import (
	"sandpiper/web"
	"sandpiper/web/notebook"
	"sandpiper/web/page"
	"sandpiper/web/ui"
)

// notebooks makes the pages of notebooks, of what the other pages stand on.
func (s *server) notebooks(cfg ui.Config) web.Routes {
	return notebook.New(notebook.Config{
		Frame: page.New(cfg.Assets, s.guard, cfg.Log), Guard: s.guard, Languages: s.guests.kernels.KernelLanguages,
	})
}
