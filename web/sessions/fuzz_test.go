package sessions_test

import (
	"net/http"
	"testing"

	"sandpiper/web/apitype"
	"sandpiper/web/run/runtest"
)

// Whatever a body says, the answer is one that the caller can understand.
func FuzzBodies(f *testing.F) {
	for _, body := range []string{
		`{"language":"script"}`, `{"language":"script","name":"x","env":{"A":"b"},"files":[{"name":"a/b","content":"x"}]}`,
		`{"code":"print 1"}`, `{"code":"readline","stdin":"x","limits":{"timeout_ms":5}}`, `{"code":"raise A b","limits":null}`,
		`{"name":"x"}`, `{}`, `[]`, `null`, `{"name":1}`, "{\"name\":\"\xff\"}",
	} {
		for route := range byte(4) {
			f.Add(route, body)
		}
	}
	s := newServer(f, runtest.Options{})
	id := s.create().ID
	f.Fuzz(func(t *testing.T, route byte, body string) {
		method, path := "POST", "/v1/sessions"
		switch route % 4 {
		case 1:
			path += "/" + id + "/execute"
		case 2:
			path += "/" + id + "/fork"
		case 3:
			method, path = "PATCH", path+"/"+id
		}
		res, text := s.Do(t, method, path, body, "Content-Type", "application/json", "Authorization", "Bearer "+runtest.Key)
		switch res.StatusCode {
		case http.StatusOK:
		case http.StatusCreated:
			made := loose[struct{ ID string }](t, text)
			if res, text := s.Do(t, "DELETE", "/v1/sessions/"+made.ID, "", "Authorization", "Bearer "+runtest.Key); res.StatusCode != http.StatusNoContent {
				t.Errorf("delete: status %d: %s", res.StatusCode, text)
			}
		case http.StatusBadRequest, http.StatusUnprocessableEntity, http.StatusRequestEntityTooLarge:
			if runtest.Decode[apitype.ErrorBody](t, text).Error.Message == "" {
				t.Errorf("status %d without a reason: %s", res.StatusCode, text)
			}
		default:
			t.Errorf("%s %s %q: status %d: %s", method, path, body, res.StatusCode, text)
		}
	})
}
