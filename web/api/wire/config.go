package wire

// Error is the body of every answer with a status of 400 or more.
type Error struct {
	StatusCode int    `json:"statusCode"`
	Message    string `json:"message" doc:"What happened and what to do."`
	Error      string `json:"error" doc:"The name of the status."`
	Path       string `json:"path"`
	Timestamp  string `json:"timestamp"`
	Field      string `json:"field,omitempty" doc:"The field at fault. Not in the published API."`
	RequestID  string `json:"requestId,omitempty" doc:"Names the request in the server's log. Not in the published API."`
}

// Configuration is what clients must know of a server.
type Configuration struct {
	Version                string                  `json:"version"`
	OIDC                   OIDC                    `json:"oidc"`
	LinkedAccountsEnabled  bool                    `json:"linkedAccountsEnabled"`
	Announcements          map[string]Announcement `json:"announcements"`
	ProxyTemplateURL       string                  `json:"proxyTemplateUrl"`
	ProxyToolboxURL        string                  `json:"proxyToolboxUrl"`
	DefaultSnapshot        string                  `json:"defaultSnapshot"`
	DashboardURL           string                  `json:"dashboardUrl"`
	MaxAutoArchiveInterval int                     `json:"maxAutoArchiveInterval" doc:"Minutes."`
	MaintananceMode        bool                    `json:"maintananceMode"`
	Environment            string                  `json:"environment"`
	SSHGatewayCommand      string                  `json:"sshGatewayCommand,omitempty" doc:"Has {{TOKEN}} where the token goes; not there where SSH is off."`
}

// OIDC says where people sign in; empty where keys are all there is.
type OIDC struct {
	Issuer   string `json:"issuer"`
	ClientID string `json:"clientId"`
	Audience string `json:"audience"`
}

// Announcement is a message for everyone.
type Announcement struct {
	Text         string `json:"text"`
	LearnMoreURL string `json:"learnMoreUrl,omitempty"`
}

// Readiness says whether the server takes work, and what does not.
type Readiness struct {
	Status  string            `json:"status" enum:"ok,error"`
	Info    map[string]Health `json:"info"`
	Error   map[string]Health `json:"error"`
	Details map[string]Health `json:"details"`
}

// Health is the state of a part of the server.
type Health struct {
	Status  string `json:"status" enum:"up,down"`
	Message string `json:"message,omitempty"`
}

// CreateAPIKey asks for a key.
type CreateAPIKey struct {
	Name        string   `json:"name"`
	Permissions []string `json:"permissions"`
	ExpiresAt   *string  `json:"expiresAt,omitempty"`
}

// APIKeyResponse is a new key, the only time that it is whole.
type APIKeyResponse struct {
	Name        string   `json:"name"`
	Value       string   `json:"value"`
	CreatedAt   string   `json:"createdAt"`
	Permissions []string `json:"permissions"`
	ExpiresAt   *string  `json:"expiresAt"`
}

// APIKey is a key with its value masked.
type APIKey struct {
	Name        string   `json:"name"`
	Value       string   `json:"value"`
	CreatedAt   string   `json:"createdAt"`
	Permissions []string `json:"permissions"`
	LastUsedAt  *string  `json:"lastUsedAt"`
	ExpiresAt   *string  `json:"expiresAt"`
	UserID      string   `json:"userId"`
}

// User is who a caller is.
type User struct {
	ID            string          `json:"id"`
	Name          string          `json:"name"`
	Email         string          `json:"email"`
	EmailVerified bool            `json:"emailVerified"`
	PublicKeys    []UserPublicKey `json:"publicKeys"`
	CreatedAt     string          `json:"createdAt"`
}

// UserPublicKey is a public key of a user.
type UserPublicKey struct {
	Key  string `json:"key"`
	Name string `json:"name"`
}
