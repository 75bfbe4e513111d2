package api

import (
	"net/http"
	"time"

	"sandpiper/sandbox"
	"sandpiper/web/api/wire"
	"sandpiper/web/apikey"
	"sandpiper/web/auth"
	"sandpiper/web/reply"
)

func (h *Handler) keyRoutes() []route {
	return []route{
		{with(op("POST", "/api-keys", "createApiKey", "Make an API key"), 201, wire.CreateAPIKey{}, wire.APIKeyResponse{}), apikey.Manage, h.postKey},
		{with(op("GET", "/api-keys", "listApiKeys", "List API keys"), 200, nil, []wire.APIKey{}), "", h.getKeys},
		{with(op("GET", "/api-keys/current", "getCurrentApiKey", "The key that this request carries"), 200, nil, wire.APIKey{}), "", h.getCurrentKey},
		{with(op("GET", "/api-keys/{name}", "getApiKey", "Look at an API key"), 200, nil, wire.APIKey{}), "", h.getKey},
		{with(op("DELETE", "/api-keys/{name}", "deleteApiKey", "Revoke an API key"), 204, nil, nil), apikey.Manage, h.deleteKey},
		{with(op("DELETE", "/api-keys/{userId}/{name}", "deleteApiKeyForUser", "Revoke an API key of a user"), 204, nil, nil), apikey.Manage, h.deleteKeyOfUser},
	}
}

func (h *Handler) postKey(w http.ResponseWriter, r *http.Request) error {
	var req wire.CreateAPIKey
	if err := decode(w, r, &req); err != nil {
		return err
	}
	expires, err := parseExpiry(req.ExpiresAt)
	if err != nil {
		return err
	}
	key, secret, err := apikey.Make(r.Context(), h.keys, apikey.Request{Name: req.Name, Permissions: req.Permissions, Expires: expires})
	if err != nil {
		return err
	}
	return reply.JSON(w, http.StatusCreated, wire.APIKeyResponse{
		Name: key.Name, Value: secret, CreatedAt: stamp(key.CreatedAt), Permissions: key.Permissions, ExpiresAt: optionalStamp(expires),
	})
}

func parseExpiry(text *string) (time.Time, error) {
	if text == nil {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339Nano, *text)
	if err != nil {
		return t, sandbox.FieldErrorf("expiresAt", "expiresAt must be a time to come, like 2030-01-31T12:00:00Z")
	}
	return t, nil
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
		has = apikey.Permissions
	}
	return wire.APIKey{
		Name: k.Name, Value: apikey.Masked(k), CreatedAt: stamp(k.CreatedAt), Permissions: has,
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
	k, err := apikey.Find(r.Context(), h.keys, r.PathValue("name"))
	if err != nil {
		return err
	}
	return reply.JSON(w, http.StatusOK, h.toKey(k))
}

func (h *Handler) deleteKey(w http.ResponseWriter, r *http.Request) error {
	if err := apikey.Revoke(r.Context(), h.keys, r.PathValue("name")); err != nil {
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
