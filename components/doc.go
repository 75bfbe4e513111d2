// Package components holds the HTML of Sandpiper's pages as templ components,
// and the view models they show. It does no I/O and knows no domain types: a
// handler builds a view model and renders a component with it.
//
// The components share one design system: the tokens in
// static/src/css/tokens.css and the handful of controls in controls.css. Markup
// carries no style attribute and no inline handler, so that pages can have a
// strict Content-Security-Policy; a script or style element that is needed
// takes its nonce from templ.GetNonce.
package components

//go:generate go tool templ generate -path .
