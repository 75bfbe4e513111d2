package auth_test

import (
	"context"
	"crypto/sha256"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"sandpiper/sandbox"
	"sandpiper/sandbox/sandboxtest"
	"sandpiper/web/auth"
)

func TestWhatLastsEndsWithItsCredential(t *testing.T) {
	const soon = 5 * time.Second
	sum := sha256.Sum256([]byte("limited"))
	limited := sandbox.APIKey{ID: "k2", Name: "limited", Hash: sum[:], Permissions: []string{}}
	tests := []struct {
		name   string
		header func(cookie *http.Cookie) (name, value string)
		end    func(t *testing.T, h http.Handler, store *sandboxtest.CredentialStore, cookie *http.Cookie)
		ends   bool
	}{
		{"a session that is signed out", bySession, func(t *testing.T, h http.Handler, _ *sandboxtest.CredentialStore, c *http.Cookie) {
			serve(h, request(t, "POST", "/signout", "", "Cookie", c.Name+"="+c.Value))
		}, true},
		{"a session that grows old", bySession, func(*testing.T, http.Handler, *sandboxtest.CredentialStore, *http.Cookie) {
			time.Sleep(30 * 24 * time.Hour)
		}, true},
		{"a key that is revoked", byKey, func(t *testing.T, _ http.Handler, store *sandboxtest.CredentialStore, _ *http.Cookie) {
			if err := store.DeleteAPIKey(t.Context(), "k2"); err != nil {
				t.Fatal(err)
			}
		}, true},
		{"a key that expires", byKey, func(*testing.T, http.Handler, *sandboxtest.CredentialStore, *http.Cookie) {
			time.Sleep(time.Hour)
		}, true},
		{"a key, when a session ends", byKey, func(t *testing.T, h http.Handler, _ *sandboxtest.CredentialStore, c *http.Cookie) {
			serve(h, request(t, "POST", "/signout", "", "Cookie", c.Name+"="+c.Value))
		}, false},
		{"nobody in particular", func(*http.Cookie) (string, string) { return "X-Nothing", "" }, func(t *testing.T, _ http.Handler, store *sandboxtest.CredentialStore, _ *http.Cookie) {
			if err := store.DeleteAPIKey(t.Context(), "k2"); err != nil {
				t.Fatal(err)
			}
		}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g, store := newGuard(t, nil)
				h := site(g)
				cookie := signIn(t, g, h)
				k := limited
				k.CreatedAt, k.ExpiresAt = time.Now(), time.Now().Add(time.Hour)
				if err := store.PutAPIKey(t.Context(), k); err != nil {
					t.Fatal(err)
				}
				var ctx context.Context
				name, value := tt.header(cookie)
				serve(g.Identify(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
					var cancel context.CancelFunc
					ctx, cancel = auth.Lasting(r.Context())
					t.Cleanup(cancel)
				})), request(t, "GET", "/", "", name, value))
				time.Sleep(soon)
				if ctx.Err() != nil {
					t.Fatalf("it ended before: %v", context.Cause(ctx))
				}
				tt.end(t, h, store, cookie)
				time.Sleep(soon)
				if ended := ctx.Err() != nil; ended != tt.ends {
					t.Fatalf("ended: %v, want %v", ended, tt.ends)
				}
				if cause := context.Cause(ctx); tt.ends && sandbox.KindOf(cause) != sandbox.KindUnauthorized {
					t.Errorf("the cause is %v", cause)
				}
			})
		})
	}
}

func bySession(c *http.Cookie) (name, value string) { return "Cookie", c.Name + "=" + c.Value }

func byKey(*http.Cookie) (name, value string) { return "Authorization", "Bearer limited" }
