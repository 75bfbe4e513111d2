package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/coder/websocket"

	"sandpiper/e2e/spec"
)

// callTimeout bounds one call; a container may start in it.
const callTimeout = 2 * time.Minute

// step is one call of the script. Texts may name what earlier steps saved, as
// ${name}; so may the parameters of a path, by their own names.
type step struct {
	op    string // API and ID
	path  string // parameters as name=value&name=value
	query string
	body  string // JSON, unless media says otherwise
	media string
	want  int // the status; 0 for any success that the specification has
	ws    bool
	needs string               // what must have been saved; without it there is no call
	save  string               // names and where their values are: name=field&name=0.field
	wait  func(w *walk) string // before the call; a problem, or ""
}

// walk makes the calls for one snapshot.
type walk struct {
	base, key string
	vars      map[string]string
	ops       map[string]operation
	answers   map[string]spec.Operation
	docs      map[string]*spec.Document
	outcomes  map[string]outcome
	log       io.Writer
}

func newWalk(base, key, snapshot string, ops []operation, docs map[string]*spec.Document) *walk {
	w := &walk{
		base: base, key: key, log: io.Discard, docs: docs,
		vars: map[string]string{"snapshot": snapshot, "run": strconv.FormatInt(time.Now().UnixNano(), 36)},
		ops:  map[string]operation{}, answers: map[string]spec.Operation{}, outcomes: map[string]outcome{},
	}
	for _, op := range ops {
		w.ops[op.key()] = op
	}
	for api, d := range docs {
		for _, op := range d.Operations {
			w.answers[api+" "+op.ID] = op
		}
	}
	return w
}

// all makes the calls of the script, and one call of each operation that it
// leaves out. The sandboxes of the script go in the end.
func (w *walk) all(ctx context.Context) {
	listed := map[string]bool{}
	for _, steps := range [][]step{script, desktop, moves, cleanUp} {
		for _, s := range steps {
			if _, ok := w.ops[s.op]; !ok {
				panic("the script calls the unknown operation " + s.op)
			}
			listed[s.op] = true
		}
	}
	w.steps(ctx, script)
	w.onDesktop(ctx)
	for key := range w.ops {
		if !listed[key] {
			w.step(ctx, step{op: key, body: "{}"})
		}
	}
	w.steps(ctx, moves)
	w.steps(ctx, cleanUp)
}

func (w *walk) steps(ctx context.Context, steps []step) {
	for _, s := range steps {
		if s.needs == "" || w.vars[s.needs] != "" {
			w.step(ctx, s)
		}
	}
}

// step makes one call and notes how it went.
func (w *walk) step(ctx context.Context, s step) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	problem := ""
	if s.wait != nil {
		problem = s.wait(w)
	}
	o := w.outcomes[s.op]
	status, body, err := w.call(ctx, s)
	note := cmp.Or(problem, w.judge(s, status, body, err))
	switch {
	case note == "":
		o.good++
		w.keep(s, body)
	case status == http.StatusNotImplemented:
		o.missing++
	default:
		o.bad++
	}
	if fatal := fatal(s, status, body, err); fatal != "" {
		o.fatal = fatal
	}
	if o.note == "" {
		o.note = note
	}
	w.outcomes[s.op] = o
	fmt.Fprintf(w.log, "%s: %d %s\n", s.op, status, note)
}

// judge says why an answer is not the success that was wanted.
func (w *walk) judge(s step, status int, body []byte, err error) string {
	if err != nil {
		return err.Error()
	}
	if s.want != 0 {
		if status == s.want {
			return ""
		}
		return fmt.Sprintf("%d instead of %d: %s", status, s.want, message(body))
	}
	op, known := w.answers[s.op]
	if !known {
		if status < 300 {
			return ""
		}
		return fmt.Sprintf("%d: %s", status, message(body))
	}
	schema, known := op.Answers[status]
	switch {
	case status >= 400:
		return fmt.Sprintf("%d: %s", status, message(body))
	case !known:
		return fmt.Sprintf("the specification has no status %d", status)
	case schema == nil || schema.Type == "file" || status == http.StatusSwitchingProtocols || s.op == "toolbox DownloadFiles":
		return ""
	}
	var v any
	if err := json.Unmarshal(body, &v); err != nil {
		return "the answer is no JSON"
	}
	api, _, _ := strings.Cut(s.op, " ")
	return strings.Join(w.docs[api].Check(schema, v), ", ")
}

// fatal says what no operation may answer: that there is no such operation, a
// failure of the server, or an error in a shape that clients cannot read.
func fatal(s step, status int, body []byte, err error) string {
	var e struct {
		StatusCode int    `json:"statusCode"`
		Message    string `json:"message"`
	}
	switch shape := json.Unmarshal(body, &e); {
	case err != nil:
		return err.Error()
	case status < 400:
		return ""
	case shape != nil || e.StatusCode != status || e.Message == "":
		return fmt.Sprintf("status %d in another shape: %.200s", status, body)
	case status == http.StatusInternalServerError || status == http.StatusBadGateway:
		return fmt.Sprintf("%d: %s", status, e.Message)
	case strings.Contains(e.Message, " no "+method(s)+" /"), status == http.StatusMethodNotAllowed:
		return "it is not routed"
	}
	return ""
}

func method(s step) string {
	for line := range strings.Lines(operations) {
		if f := strings.Fields(line); len(f) == 4 && f[0]+" "+f[3] == s.op {
			return f[1]
		}
	}
	return ""
}

func message(body []byte) string {
	var e struct{ Message string }
	if json.Unmarshal(body, &e) == nil && e.Message != "" {
		return e.Message
	}
	return fmt.Sprintf("%.100s", body)
}

var parameter = regexp.MustCompile(`\{(\w+)\}`)

// address returns where a step's operation is.
func (w *walk) address(s step) string {
	op := w.ops[s.op]
	given, _ := url.ParseQuery(w.expand(s.path))
	path := parameter.ReplaceAllStringFunc(op.path, func(name string) string {
		name = strings.Trim(name, "{}")
		if given.Has(name) {
			return url.PathEscape(given.Get(name))
		}
		if v := w.vars[name]; v != "" {
			return url.PathEscape(v)
		}
		return "none"
	})
	prefix := w.base + "/api"
	if op.api == "toolbox" {
		prefix = w.base + "/toolbox/" + w.vars["sandbox"]
	}
	if s.query != "" {
		path += "?" + w.expand(s.query)
	}
	return prefix + path
}

func (w *walk) expand(text string) string {
	return os.Expand(text, func(name string) string { return w.vars[name] })
}

func (w *walk) call(ctx context.Context, s step) (status int, body []byte, err error) {
	if s.ws {
		return w.connect(ctx, s)
	}
	op := w.ops[s.op]
	var content io.Reader
	if op.method != http.MethodGet && s.body != "" {
		content = strings.NewReader(w.expand(s.body))
	}
	req, err := http.NewRequestWithContext(ctx, op.method, w.address(s), content)
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Authorization", "Bearer "+w.key)
	req.Header.Set("X-Daytona-SDK-Version", "0.216.0")
	if content != nil {
		req.Header.Set("Content-Type", "application/json")
		if s.media != "" {
			req.Header.Set("Content-Type", s.media)
		}
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	body, err = io.ReadAll(io.LimitReader(res.Body, 16<<20))
	return res.StatusCode, bytes.TrimSpace(body), err
}

// connect opens a WebSocket and closes it.
func (w *walk) connect(ctx context.Context, s step) (int, []byte, error) {
	address := "ws" + strings.TrimPrefix(w.address(s), "http")
	ws, res, err := websocket.Dial(ctx, address, &websocket.DialOptions{HTTPHeader: http.Header{"Authorization": {"Bearer " + w.key}}})
	if err == nil {
		return http.StatusSwitchingProtocols, nil, ws.CloseNow()
	}
	if res == nil {
		return 0, nil, err
	}
	body, _ := io.ReadAll(res.Body)
	return res.StatusCode, bytes.TrimSpace(body), nil
}

// keep saves what later steps need of an answer.
func (w *walk) keep(s step, body []byte) {
	if s.save == "" {
		return
	}
	var v any
	if json.Unmarshal(body, &v) != nil {
		return
	}
	for pair := range strings.SplitSeq(s.save, "&") {
		name, where, _ := strings.Cut(pair, "=")
		if found := find(v, where); found != "" {
			w.vars[name] = found
		}
	}
}

// find returns the text at a place in a value: names and indexes with dots.
func find(v any, where string) string {
	for part := range strings.SplitSeq(where, ".") {
		switch x := v.(type) {
		case map[string]any:
			v = x[part]
		case []any:
			i, err := strconv.Atoi(part)
			if err != nil || i < 0 || i >= len(x) {
				return ""
			}
			v = x[i]
		default:
			return ""
		}
	}
	text, _ := v.(string)
	return text
}

// until polls the sandbox until it is in a state, and tells of what it does not
// come out of.
func until(want string) func(*walk) string {
	return func(w *walk) string {
		var now, reason string
		for range 600 {
			_, body, err := w.call(context.Background(), step{op: "control getSandbox"})
			if err != nil {
				return err.Error()
			}
			v := parse(body)
			if now, reason = find(v, "state"), find(v, "errorReason"); now == want {
				return ""
			}
			if now == "error" || now == "" {
				break
			}
			time.Sleep(100 * time.Millisecond)
		}
		return fmt.Sprintf("before, the sandbox was %s instead of %s: %s", now, want, reason)
	}
}

func parse(body []byte) (v any) {
	if json.Unmarshal(body, &v) != nil {
		return nil
	}
	return v
}
