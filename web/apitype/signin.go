package apitype

import "time"

// SignInLink signs one browser in, once.
type SignInLink struct {
	URL       string    `json:"url" doc:"Open it in the browser that is to be signed in."`
	ExpiresAt time.Time `json:"expires_at"`
}
