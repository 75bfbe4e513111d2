package proxy

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"sandpiper/sandbox"
	"sandpiper/web/preview"
	"sandpiper/web/reply"
)

// notice is what a preview's host says in our name: a page for a browser, JSON
// for a program.
type notice struct {
	Status  int
	Title   string // what happened
	Message string // why, and what to do
	Links   []link
	Accept  string        // the path that a button leads to; "" for no button
	Action  string        // where the button says that it was pressed
	Reload  time.Duration // after which the page loads itself again; 0 for never
}

// link is an address, or only its text where that is all there is.
type link struct{ Text, URL string }

//go:embed notice.css
var noticeStyle string

//go:embed notice.html
var noticeText string

var noticeTemplate = template.Must(template.New("notice").Parse(noticeText))

// noticePolicy lets a notice's page show its style and send its form, and no more.
var noticePolicy = func() string {
	sum := sha256.Sum256([]byte(noticeStyle))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
}()

var nothingHere = notice{
	Status: http.StatusNotFound, Title: "There is no preview here",
	Message: "The address of a preview begins with a port and the ID of a sandbox, such as 3000-6d4c8f6e-0b1a-4c2d-8e3f-001122334455. Look at the address that you were given.",
}

// warning tells a browser's user whose page comes next.
func warning(v *visit, next string) notice {
	return notice{
		Status: http.StatusOK, Title: "This page comes from a sandbox",
		Message: fmt.Sprintf("Port %d of the sandbox %s shows what its user runs there. Nobody has checked it. Go on only if you trust whoever gave you this address, and never enter a password of another site.", v.Port, v.sandbox.Name),
		Accept:  next, Action: v.prefix + acceptPath,
	}
}

func starting(v *visit) notice {
	return notice{
		Status: http.StatusServiceUnavailable, Title: "The sandbox is starting",
		Message: fmt.Sprintf("Sandbox %s is %s. This page loads itself again until it is there.", v.sandbox.Name, v.sandbox.State),
		Reload:  2 * time.Second,
	}
}

// justStarted is how long a sandbox's servers may take to be there.
const justStarted = time.Minute

// explain answers a visit for which there is no answer from inside.
func (p *Proxy) explain(w http.ResponseWriter, r *http.Request, v *visit, err error) {
	public := reply.Public(err)
	switch {
	case errors.Is(err, errSilent):
		p.show(w, r, p.silent(r.Context(), v))
	case errors.Is(err, errBroken):
		p.show(w, r, notice{Status: http.StatusBadGateway, Title: fmt.Sprintf("Port %d gave no answer", v.Port),
			Message: "The server on this port took the request and broke the connection off, or does not speak HTTP. Look at what it writes, and try again."})
	case v.sandbox.ID != "" && public.Kind == sandbox.KindConflict:
		p.show(w, r, p.asleep(v))
	default:
		p.showError(w, r, public)
	}
}

// silent says that nothing listens, and what does.
func (p *Proxy) silent(ctx context.Context, v *visit) notice {
	n := notice{
		Status: http.StatusBadGateway, Title: fmt.Sprintf("Nothing listens on port %d", v.Port),
		Message: fmt.Sprintf("Sandbox %s runs, but no server in it listens on port %d. Start one there, and load this page again.", v.sandbox.Name, v.Port),
	}
	if v.sandbox.Labels[StartOnVisit] == "true" && time.Since(v.sandbox.StartedAt) < justStarted {
		n.Message = fmt.Sprintf("Sandbox %s has just started, and its server on port %d is not there yet. This page loads itself again.", v.sandbox.Name, v.Port)
		n.Reload = 2 * time.Second
	}
	if v.way == byPublic {
		return n // strangers need not know what else there is
	}
	for _, port := range p.openPorts(ctx, v.sandbox) {
		if !reserved(port) && port != v.Port {
			n.Links = append(n.Links, p.linkTo(v, port))
		}
	}
	return n
}

func (p *Proxy) linkTo(v *visit, port int) link {
	to := preview.Address{Port: port, Name: v.Name}
	text := fmt.Sprintf("Port %d listens", port)
	switch {
	case v.Signed():
		return link{Text: text} // the address is good for one port
	case v.prefix != "":
		return link{text, to.Prefix() + "/"}
	}
	return link{text, p.site.URL(to) + "/"}
}

// asleep says why a sandbox cannot be reached.
func (p *Proxy) asleep(v *visit) notice {
	s := v.sandbox
	n := notice{Status: http.StatusServiceUnavailable, Title: fmt.Sprintf("The sandbox is %s", s.State)}
	switch s.State {
	case sandbox.StateStopped, sandbox.StateArchived, sandbox.StatePaused:
		n.Message = fmt.Sprintf("Sandbox %s is %s, so nothing in it runs. Start it, and load this page again. With the label %s=true a visit starts it.", s.Name, s.State, StartOnVisit)
	case sandbox.StateError, sandbox.StateBuildFail:
		n.Title, n.Message = "The sandbox has failed", fmt.Sprintf("Sandbox %s does not run.", s.Name)
		if s.ErrorReason != "" && v.way != byPublic {
			n.Message += " " + s.ErrorReason
		}
	default:
		n.Message = fmt.Sprintf("Sandbox %s is %s. Wait a moment, and load this page again.", s.Name, s.State)
		n.Reload = 2 * time.Second
	}
	if v.way == byPass { // in a browser that is signed in to the app
		n.Links = []link{{"Open the sandbox", p.site.App() + "/sandboxes/" + url.PathEscape(s.ID)}}
	}
	return n
}

// titles are what happened, by kind of error.
var titles = map[sandbox.Kind]string{
	sandbox.KindUnauthorized: "You are not let in",
	sandbox.KindForbidden:    "You may not do this",
	sandbox.KindNotFound:     "There is no such sandbox",
	sandbox.KindInvalid:      "This address cannot be used",
	sandbox.KindUnavailable:  "There is no answer now",
	sandbox.KindBusy:         "There is no room now",
	sandbox.KindUnsupported:  "This server does not do that",
	sandbox.KindInternal:     "Something went wrong",
}

// showError is a reply.ErrorWriter.
func (p *Proxy) showError(w http.ResponseWriter, r *http.Request, e *sandbox.Error) {
	n := notice{Status: reply.Status(e.Kind), Title: titles[e.Kind], Message: e.Message}
	if n.Title == "" {
		n.Title = http.StatusText(n.Status)
	}
	if strings.EqualFold(n.Message, n.Title) { // a sandbox that is not there
		n.Message = "It may have been deleted. Look at the address that you were given."
	}
	if e.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(max(1, int(e.RetryAfter.Seconds()))))
	}
	if e.Kind == sandbox.KindUnauthorized && r.Header.Get("Sec-Fetch-Dest") == "iframe" {
		n.Message += " Within another page a private preview is not let in by a cookie: open it in a tab of its own, or use a signed address."
	}
	p.show(w, r, n)
}

// show writes a notice.
func (p *Proxy) show(w http.ResponseWriter, r *http.Request, n notice) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	if n.Accept != "" {
		h.Set("Referrer-Policy", "same-origin") // else the form would not say where it is from
	}
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", noticePolicy)
	h.Set("Vary", "Accept")
	if n.Reload > 0 && h.Get("Retry-After") == "" {
		h.Set("Retry-After", strconv.Itoa(int(n.Reload.Seconds())))
	}
	if a, ok := p.site.Parse(r.Host); ok {
		p.allowOrigin(h, r, &visit{Address: a}) // for a page to read why
	}
	if !acceptsHTML(r) {
		h.Set("Content-Type", "application/json")
		body, _ := reply.Marshal(map[string]any{"statusCode": n.Status, "error": http.StatusText(n.Status), "message": n.Title + ": " + n.Message}) // of plain values
		w.WriteHeader(n.Status)
		_, _ = w.Write(append(body, '\n')) // the client may be gone
		return
	}
	var page bytes.Buffer
	data := struct {
		notice
		Style   template.CSS
		Seconds int
	}{n, template.CSS(noticeStyle), int(n.Reload.Seconds())}
	if err := noticeTemplate.Execute(&page, data); err != nil {
		p.log.ErrorContext(r.Context(), "write a notice", "error", err)
	}
	h.Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(n.Status)
	_, _ = w.Write(page.Bytes()) // the client may be gone
}

// maxPorts bounds what a toolbox may say about ports, in bytes.
const maxPorts = 64 << 10

// openPorts asks a sandbox's toolbox what listens; nothing where it does not say.
func (p *Proxy) openPorts(ctx context.Context, s sandbox.Sandbox) []int {
	ctx, cancel := context.WithTimeout(context.WithValue(ctx, callKey{}, call{sandbox: s, port: sandbox.ToolboxPort}), 2*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+host(s, sandbox.ToolboxPort)+"/port", nil)
	if err != nil {
		return nil
	}
	req.Header.Set(sandbox.TokenHeader, p.manager.ToolboxToken(s))
	res, err := p.pool.RoundTrip(req)
	if err != nil {
		return nil
	}
	defer res.Body.Close()
	var list struct{ Ports []int }
	if json.NewDecoder(io.LimitReader(res.Body, maxPorts)).Decode(&list) != nil || res.StatusCode != http.StatusOK {
		return nil
	}
	return list.Ports[:min(len(list.Ports), 20)]
}
