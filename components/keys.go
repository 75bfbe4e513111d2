package components

// KeyRow is one line of the list of API keys.
type KeyRow struct {
	ID          string // of letters, digits and hyphens
	Name, Hint  string
	State       SandboxState
	Permissions string
	Created     Age
	LastUsed    Age
	Expires     string // "until …"; "" for never
	Note        string
	Revoke      *SandboxAction // nil for one that cannot be revoked here
}
