package wire

// SSHAccess is a token that opens a sandbox by SSH.
type SSHAccess struct {
	ID         string `json:"id"`
	SandboxID  string `json:"sandboxId"`
	Token      string `json:"token" doc:"The user name to connect with. It is shown once."`
	SSHCommand string `json:"sshCommand"`
	ExpiresAt  string `json:"expiresAt"`
	CreatedAt  string `json:"createdAt"`
	UpdatedAt  string `json:"updatedAt"`
}

// SSHAccessValidation says whether a token is good, and for which sandbox.
type SSHAccessValidation struct {
	Valid     bool   `json:"valid"`
	SandboxID string `json:"sandboxId" doc:"Empty for a token that is not valid."`
}
