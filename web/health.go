package web

import (
	"net/http"

	"sandpiper/web/apitype"
	"sandpiper/web/reply"
)

// health answers 200 while the server takes work and 503 with the reason while
// it does not.
func health(ready func() error, version string) http.Handler {
	return reply.Handler(func(w http.ResponseWriter, _ *http.Request) error {
		if ready != nil {
			if err := ready(); err != nil {
				return err
			}
		}
		w.Header().Set("Cache-Control", "no-store")
		return reply.JSON(w, http.StatusOK, apitype.Health{Status: "ok", Version: version})
	})
}
