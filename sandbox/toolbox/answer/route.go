package answer

import (
	"net/http"
	"strings"
)

// Route is an operation of the toolbox: who serves it, and what the document about
// the API says of it. The mux and the document are both made of routes.
type Route struct {
	Pattern     string // of http.ServeMux: a method, a space and a path
	Handler     Handler
	ID, Summary string // ID is the name for generated clients
	Query       []Parameter
	Body        any    // a value of the type of the body; nil for none
	Form        bool   // the body is a form with files, not JSON
	Status      int    // of success
	Other       int    // another one with the same body; 0 for none
	Answer      any    // a value of the type of the answer; nil for none, or one that is no JSON
	Media       string // of an answer that is no JSON; "" for none
}

// Parameter is a parameter in the query.
type Parameter struct {
	Name, Type string // of JSON Schema
	Required   bool
}

// Op returns a route that answers 200 with nothing.
func Op(pattern string, handler Handler, id, summary string) Route {
	return Route{Pattern: pattern, Handler: handler, ID: id, Summary: summary, Status: http.StatusOK}
}

// Needs adds parameters that the query must have. Each is a name, or a name, a space
// and a type other than string.
func (r Route) Needs(parameters ...string) Route { return r.query(true, parameters) }

// Knows adds parameters that the query may have, written as for Needs.
func (r Route) Knows(parameters ...string) Route { return r.query(false, parameters) }

func (r Route) query(required bool, parameters []string) Route {
	for _, text := range parameters {
		name, kind, ok := strings.Cut(text, " ")
		if !ok {
			kind = "string"
		}
		r.Query = append(r.Query, Parameter{name, kind, required})
	}
	return r
}

// Takes gives the type of the body.
func (r Route) Takes(body any) Route {
	r.Body = body
	return r
}

// TakesForm gives the type of a body that is a form with files.
func (r Route) TakesForm(body any) Route {
	r.Body, r.Form = body, true
	return r
}

// Gives says what success is answered with; nil is no body.
func (r Route) Gives(status int, body any) Route {
	r.Status, r.Answer = status, body
	return r
}

// Also gives another status of success, with the same body.
func (r Route) Also(status int) Route {
	r.Other = status
	return r
}

// Sends says that success is answered with something other than JSON.
func (r Route) Sends(media string) Route {
	r.Media = media
	return r
}

// Upgrades says that success is a WebSocket.
func (r Route) Upgrades() Route { return r.Gives(http.StatusSwitchingProtocols, nil) }

// Register adds routes to a mux.
func Register(mux *http.ServeMux, routes []Route) {
	for _, r := range routes {
		mux.Handle(r.Pattern, r.Handler)
	}
}
