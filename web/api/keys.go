package api

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"net/http"
	"slices"
	"strings"
	"time"

	"sandpiper/sandbox"
	"sandpiper/web/api/wire"
	"sandpiper/web/auth"
	"sandpiper/web/reply"
)

const (
	// keyPrefix is what keys begin with, as clients and scanners for leaked
	// secrets know them.
	keyPrefix   = "dtn_"
	maxKeys     = 1000
	maxKeyName  = 100
	manageKeys  = "manage:api_keys"
	shownOfKeys = 3 // characters at either end of a masked key
)

// permissions are all that a key may have, as on the wire.
var permissions = []string{
	"write:registries", "delete:registries", "write:snapshots", "delete:snapshots",
	auth.WriteSandboxes, deleteSandboxes, "read:volumes", "write:volumes", "delete:volumes",
	"write:regions", "delete:regions", "read:runners", "write:runners", "delete:runners",
	"read:audit_logs", manageKeys, "manage:secrets", "read:limits", "read:billing", "manage:billing", "manage:sso",
}

func (h *Handler) keyRoutes() []route {
	return []route{
		{with(op("POST", "/api-keys", "createApiKey", "Make an API key"), 201, wire.CreateAPIKey{}, wire.APIKeyResponse{}), manageKeys, h.postKey},
		{with(op("GET", "/api-keys", "listApiKeys", "List API keys"), 200, nil, []wire.APIKey{}), "", h.getKeys},
		{with(op("GET", "/api-keys/current", "getCurrentApiKey", "The key that this request carries"), 200, nil, wire.APIKey{}), "", h.getCurrentKey},
		{with(op("GET", "/api-keys/{name}", "getApiKey", "Look at an API key"), 200, nil, wire.APIKey{}), "", h.getKey},
		{with(op("DELETE", "/api-keys/{name}", "deleteApiKey", "Revoke an API key"), 204, nil, nil), manageKeys, h.deleteKey},
		{with(op("DELETE", "/api-keys/{userId}/{name}", "deleteApiKeyForUser", "Revoke an API key of a user"), 204, nil, nil), manageKeys, h.deleteKeyOfUser},
	}
}

func (h *Handler) postKey(w http.ResponseWriter, r *http.Request) error {
	var req wire.CreateAPIKey
	if err := decode(w, r, &req); err != nil {
		return err
	}
	expires, err := checkKey(r.Context(), req)
	if err != nil {
		return err
	}
	if all, err := h.keys.APIKeys(r.Context()); err != nil || len(all) >= maxKeys {
		return cmpErr(err, sandbox.Errorf(sandbox.KindForbidden, "there are %d keys already; delete some first", maxKeys))
	}
	secret := keyPrefix + strings.ToLower(rand.Text()+rand.Text())
	hash := sha256.Sum256([]byte(secret))
	key := sandbox.APIKey{
		ID: sandbox.NewID(), Name: req.Name, Hash: hash[:], Hint: mask(secret),
		Permissions: req.Permissions, CreatedAt: time.Now(), ExpiresAt: expires,
	}
	if err := h.keys.PutAPIKey(r.Context(), key); err != nil {
		if sandbox.KindOf(err) == sandbox.KindConflict {
			return &sandbox.Error{Kind: sandbox.KindConflict, Field: "name", Message: "there is a key with this name already", Err: err}
		}
		return err
	}
	return reply.JSON(w, http.StatusCreated, wire.APIKeyResponse{
		Name: key.Name, Value: secret, CreatedAt: stamp(key.CreatedAt), Permissions: key.Permissions, ExpiresAt: optionalStamp(expires),
	})
}

// checkKey reports what is wrong with a request for a key. No key gets more
// permissions than its maker has.
func checkKey(ctx context.Context, req wire.CreateAPIKey) (expires time.Time, err error) {
	if len(req.Name) > maxKeyName || strings.ContainsFunc(req.Name, func(c rune) bool { return c < ' ' || c == '/' || c == 0x7f }) {
		return expires, sandbox.FieldErrorf("name", "the name of a key may have %d characters at most, and no slash", maxKeyName)
	}
	mine := auth.Permissions(ctx)
	for _, p := range req.Permissions {
		switch {
		case !slices.Contains(permissions, p):
			return expires, sandbox.FieldErrorf("permissions", "there is no permission %.60q; there are %s", p, strings.Join(permissions, ", "))
		case mine != nil && !slices.Contains(mine, p):
			return expires, &sandbox.Error{Kind: sandbox.KindForbidden, Field: "permissions", Message: "a key cannot have the permission " + p + ", which the key that makes it does not have"}
		}
	}
	if req.ExpiresAt == nil {
		return expires, nil
	}
	expires, err = time.Parse(time.RFC3339Nano, *req.ExpiresAt)
	if err != nil || !expires.After(time.Now()) {
		return expires, sandbox.FieldErrorf("expiresAt", "expiresAt must be a time to come, like 2030-01-31T12:00:00Z")
	}
	return expires, nil
}

// cmpErr returns the first of the two that is an error.
func cmpErr(err error, other *sandbox.Error) error {
	if err != nil {
		return err
	}
	return other
}

// mask leaves out the middle of a key.
func mask(secret string) string {
	start := len(keyPrefix) + shownOfKeys
	return secret[:start] + strings.Repeat("*", 8) + secret[len(secret)-shownOfKeys:]
}

func (h *Handler) getKeys(w http.ResponseWriter, r *http.Request) error {
	all, err := h.keys.APIKeys(r.Context())
	if err != nil {
		return err
	}
	out := make([]wire.APIKey, 0, len(all))
	for _, k := range all {
		out = append(out, h.toKey(k))
	}
	return reply.JSON(w, http.StatusOK, out)
}

func (h *Handler) toKey(k sandbox.APIKey) wire.APIKey {
	has := k.Permissions
	if has == nil {
		has = permissions
	}
	value := k.Hint
	if value == "" {
		value = strings.Repeat("*", 8)
	}
	return wire.APIKey{
		Name: k.Name, Value: value, CreatedAt: stamp(k.CreatedAt), Permissions: has,
		LastUsedAt: optionalStamp(k.LastUsedAt), ExpiresAt: optionalStamp(k.ExpiresAt), UserID: h.org.Owner,
	}
}

func (h *Handler) getCurrentKey(w http.ResponseWriter, r *http.Request) error {
	k, ok := auth.Key(r.Context())
	if !ok {
		return sandbox.Errorf(sandbox.KindNotFound, "this request carries no API key")
	}
	return reply.JSON(w, http.StatusOK, h.toKey(k))
}

func (h *Handler) getKey(w http.ResponseWriter, r *http.Request) error {
	k, err := h.key(r)
	if err != nil {
		return err
	}
	return reply.JSON(w, http.StatusOK, h.toKey(k))
}

// key finds the key that the path names.
func (h *Handler) key(r *http.Request) (sandbox.APIKey, error) {
	all, err := h.keys.APIKeys(r.Context())
	if err != nil {
		return sandbox.APIKey{}, err
	}
	name := r.PathValue("name")
	if i := slices.IndexFunc(all, func(k sandbox.APIKey) bool { return k.Name == name }); i >= 0 {
		return all[i], nil
	}
	return sandbox.APIKey{}, sandbox.Errorf(sandbox.KindNotFound, "there is no API key with the name %.100q", name)
}

// deleteKey revokes a key. The key of the data folder comes back with the next
// start, so it is not taken away here.
func (h *Handler) deleteKey(w http.ResponseWriter, r *http.Request) error {
	k, err := h.key(r)
	switch {
	case err != nil:
		return err
	case k.Permissions == nil:
		return sandbox.Errorf(sandbox.KindForbidden, "the key of the server's operator is changed where the server is started, not here")
	}
	if err := h.keys.DeleteAPIKey(r.Context(), k.ID); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (h *Handler) deleteKeyOfUser(w http.ResponseWriter, r *http.Request) error {
	if user := r.PathValue("userId"); user != h.org.Owner {
		return sandbox.Errorf(sandbox.KindNotFound, "there is no user %.100q", user)
	}
	return h.deleteKey(w, r)
}
