package api

import (
	"net/http"
	"net/url"
	"strings"
)

// router finds the handler of a path. http.ServeMux refuses the published API,
// some of whose paths overlap (/runners/by-sandbox/{sandboxId} and
// /runners/{id}/full): here the first part that is not a parameter wins.
type router struct {
	parts    map[string]*router
	param    *router
	handlers map[string]endpoint // by method
}

// endpoint is a handler and the names of its path's parameters, in order.
type endpoint struct {
	http.Handler
	names []string
}

// handle adds a handler for a method and a path like /a/{b}.
func (t *router) handle(method, path string, h http.Handler) {
	var names []string
	for part := range strings.SplitSeq(path, "/") {
		name, isParam := strings.CutPrefix(part, "{")
		if isParam {
			names = append(names, strings.TrimSuffix(name, "}"))
		}
		t = t.next(part, isParam)
	}
	if _, twice := t.handlers[method]; twice {
		panic("two handlers for " + method + " " + path)
	}
	if t.handlers == nil {
		t.handlers = map[string]endpoint{}
	}
	t.handlers[method] = endpoint{h, names}
}

// next returns the router for what follows a part, and makes it where there is
// none.
func (t *router) next(part string, isParam bool) *router {
	if isParam {
		if t.param == nil {
			t.param = &router{}
		}
		return t.param
	}
	if t.parts == nil {
		t.parts = map[string]*router{}
	}
	if t.parts[part] == nil {
		t.parts[part] = &router{}
	}
	return t.parts[part]
}

// find returns the endpoint for a method and the parts of a path, and the values
// of its parameters.
func (t *router) find(method string, parts, values []string) (endpoint, []string) {
	if len(parts) == 0 {
		return t.handlers[method], values
	}
	if next := t.parts[parts[0]]; next != nil {
		if e, found := next.find(method, parts[1:], values); e.Handler != nil {
			return e, found
		}
	}
	if t.param == nil || parts[0] == "" {
		return endpoint{}, nil
	}
	return t.param.find(method, parts[1:], append(values[:len(values):len(values)], parts[0]))
}

// match returns the handler for r and sets the parameters of its path; nil when
// there is none.
func (t *router) match(r *http.Request) http.Handler {
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	e, values := t.find(method, strings.Split(r.URL.EscapedPath(), "/"), nil)
	if e.Handler == nil {
		return nil
	}
	for i, name := range e.names {
		value, err := url.PathUnescape(values[i])
		if err != nil {
			return nil
		}
		r.SetPathValue(name, value)
	}
	return e.Handler
}
