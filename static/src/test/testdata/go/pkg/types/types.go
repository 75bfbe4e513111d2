// Package types has the types of the SDK's reference that the playground's code uses.
package types

type CodeLanguage string

type DaytonaConfig struct{ APIKey, JWTToken, OrganizationID, APIUrl, Target string }

type Resources struct{ CPU, GPU, Memory, Disk int }

type SandboxBaseParams struct {
	Name, User                                                string
	Language                                                  CodeLanguage
	EnvVars, Labels                                           map[string]string
	Public, NetworkBlockAll, Ephemeral                        bool
	AutoStopInterval, AutoArchiveInterval, AutoDeleteInterval *int
	NetworkAllowList                                          *string
}

type SnapshotParams struct {
	SandboxBaseParams
	Snapshot string
}

type ImageParams struct {
	SandboxBaseParams
	Image     any
	Resources *Resources
}

type ExecuteResponse struct {
	ExitCode int
	Result   string
}

type FileInfo struct {
	Name string
	Size int64
}

type GitStatus struct{ CurrentBranch string }

type ScreenshotRegion struct{ X, Y, Width, Height int }

type ScreenshotResponse struct {
	Image         string
	Width, Height int
	SizeBytes     *int
}
