package page

import (
	"crypto/rand"
	"net/http"
	"strings"
)

// NewNonce returns 128 random bits for a Content-Security-Policy.
func NewNonce() string { return rand.Text() }

// appHeaders sets what every page of the app has: nothing from elsewhere, no
// frames around it, no window that shares its process, no trace of its address.
func appHeaders(h http.Header, nonce string) {
	h.Set("Content-Security-Policy", strings.Join([]string{
		"default-src 'none'",
		"script-src 'self' 'nonce-" + nonce + "'",
		"style-src 'self' 'nonce-" + nonce + "'",
		"connect-src 'self'",
		"img-src 'self' data: blob:",
		"font-src 'self'",
		"media-src 'self'",
		"frame-src 'self'",
		"frame-ancestors 'none'",
		"form-action 'self'",
		"base-uri 'none'",
	}, "; "))
	h.Set("X-Frame-Options", "DENY")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-cache, private")
	h.Add("Vary", "HX-Request, Cookie")
}
