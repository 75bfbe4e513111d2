package proxy

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"sandpiper/sandbox"
	"sandpiper/web/auth"
)

// Where clients show the token of previews.
const (
	previewHeader = "X-Daytona-Preview-Token"
	previewQuery  = "DAYTONA_SANDBOX_AUTH_KEY"
)

// organizationHeader is where clients say for which organization they act.
const organizationHeader = "X-Daytona-Organization-ID"

// errAway is the same for a sandbox that is not there and for one that a token
// does not open, so that nobody can ask which there are.
var errAway = sandbox.Errorf(sandbox.KindUnauthorized, "send an API key in the header Authorization: Bearer <key>; a preview token or a signature does not open this sandbox, or no longer")

// authorize returns the sandbox of r for a caller who may use its toolbox: by a
// key or a session, by the sandbox's preview token or, for one file, by a
// signed address.
func (p *Proxy) authorize(r *http.Request, path string) (sandbox.Sandbox, error) {
	name := r.PathValue("sandbox")
	if r.URL.Query().Has("signature") {
		return p.bySignature(r, name, path)
	}
	err := p.permitted(r)
	if err == nil {
		return p.manager.Sandbox(r.Context(), p.org, name)
	}
	if token := previewToken(r); token != "" {
		return p.byToken(r, name, token)
	}
	return sandbox.Sandbox{}, err
}

// permitted reports whether the caller may use the organization's sandboxes.
func (p *Proxy) permitted(r *http.Request) error {
	if err := auth.CheckPermission(r.Context(), auth.WriteSandboxes); err != nil {
		return err
	}
	if id := r.Header.Get(organizationHeader); id != "" && id != p.org {
		return sandbox.Errorf(sandbox.KindForbidden, "you are no member of the organization %.64q", id)
	}
	// No browser holds pages to their origin over WebSockets, so a session
	// counts only for our own.
	if auth.From(r.Context()).Kind == auth.KindSession && r.Header.Get("Upgrade") != "" && !p.guard.OwnPage(r) {
		return sandbox.Errorf(sandbox.KindForbidden, "a page of another site may not act for a signed-in browser; use an API key")
	}
	return nil
}

func previewToken(r *http.Request) string {
	if token := r.Header.Get(previewHeader); token != "" {
		return token
	}
	return r.URL.Query().Get(previewQuery)
}

func (p *Proxy) byToken(r *http.Request, id, token string) (sandbox.Sandbox, error) {
	s, err := p.lookUp(r, id)
	if err != nil {
		return s, err
	}
	if subtle.ConstantTimeCompare([]byte(token), []byte(p.manager.PreviewToken(s))) != 1 {
		return sandbox.Sandbox{}, errAway
	}
	return s, nil
}

// lookUp finds a sandbox for a caller that nothing is known of yet.
func (p *Proxy) lookUp(r *http.Request, id string) (sandbox.Sandbox, error) {
	s, err := p.manager.ByID(r.Context(), id)
	if err != nil && sandbox.KindOf(err) == sandbox.KindNotFound {
		return s, errAway
	}
	return s, err
}

// signed are the operations that an address can be signed for.
var signed = map[string]string{"/files/download": http.MethodGet, "/files/upload-v2": http.MethodPost}

// signaturePrefix says how an address was signed.
const signaturePrefix = "v1_"

// bySignature lets a signed address of one file in. Whatever else its query
// says is taken out: the signature is for no more than the path.
func (p *Proxy) bySignature(r *http.Request, id, path string) (sandbox.Sandbox, error) {
	q := r.URL.Query()
	if len(q["path"]) != 1 || len(q["expires"]) != 1 || len(q["signature"]) != 1 || signed[path] != r.Method {
		return sandbox.Sandbox{}, sandbox.Errorf(sandbox.KindInvalid, "a signed address is one of GET /files/download or POST /files/upload-v2 with path, expires and signature")
	}
	s, err := p.lookUp(r, id)
	if err != nil {
		return s, err
	}
	file, expires := q.Get("path"), q.Get("expires")
	want := sign(p.manager.SigningKey(s), r.Method, file, expires)
	if !hmac.Equal([]byte(q.Get("signature")), []byte(want)) {
		return sandbox.Sandbox{}, errAway
	}
	if expired(expires, time.Now()) {
		return sandbox.Sandbox{}, sandbox.Errorf(sandbox.KindUnauthorized, "this signed address has expired; make a new one")
	}
	r.URL.RawQuery = url.Values{"path": {file}}.Encode()
	return s, nil
}

// sign is the signature of a method on a file until a time, in seconds since
// 1970; "0" is for ever.
func sign(key, method, path, expires string) string {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(strings.Join([]string{"v1", "files", method, path, expires}, ":")))
	return signaturePrefix + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func expired(expires string, now time.Time) bool {
	at, err := strconv.ParseInt(expires, 10, 64)
	return err != nil || at != 0 && now.Unix() >= at
}
