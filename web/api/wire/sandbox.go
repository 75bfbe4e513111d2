package wire

// Sandbox is one sandbox, whole.
type Sandbox struct {
	SandboxListItem
	Env             map[string]string `json:"env"`
	BackupCreatedAt string            `json:"backupCreatedAt,omitempty"`
	Volumes         []Volume          `json:"volumes"`
	BuildInfo       *BuildInfo        `json:"buildInfo,omitempty"`
	LinkedSandboxID string            `json:"linkedSandboxId,omitempty"`
}

// SandboxListItem is a sandbox as lists show it.
type SandboxListItem struct {
	ID                  string            `json:"id"`
	OrganizationID      string            `json:"organizationId"`
	Name                string            `json:"name"`
	Snapshot            string            `json:"snapshot,omitempty"`
	User                string            `json:"user" doc:"The user that processes run as; empty for the image's own."`
	Labels              map[string]string `json:"labels"`
	Public              bool              `json:"public" doc:"Previews need no credential."`
	NetworkBlockAll     bool              `json:"networkBlockAll"`
	NetworkAllowList    string            `json:"networkAllowList,omitempty" doc:"CIDRs, separated by commas."`
	DomainAllowList     string            `json:"domainAllowList,omitempty"`
	Target              string            `json:"target" doc:"The region, as it was asked for."`
	CPU                 int               `json:"cpu" doc:"Cores."`
	GPU                 int               `json:"gpu"`
	Memory              int               `json:"memory" doc:"GiB."`
	Disk                int               `json:"disk" doc:"GiB."`
	State               string            `json:"state"`
	DesiredState        string            `json:"desiredState,omitempty"`
	ErrorReason         string            `json:"errorReason,omitempty" doc:"Why the state is error, and what to do."`
	Recoverable         bool              `json:"recoverable"`
	WarmPoolID          string            `json:"warmPoolId,omitempty"`
	BackupState         string            `json:"backupState,omitempty"`
	AutoStopInterval    int               `json:"autoStopInterval" doc:"Minutes without activity; 0 for never."`
	AutoPauseInterval   int               `json:"autoPauseInterval" doc:"Minutes without activity; 0 for never."`
	AutoArchiveInterval int               `json:"autoArchiveInterval" doc:"Minutes continuously stopped; 0 for the longest."`
	AutoDeleteInterval  int               `json:"autoDeleteInterval" doc:"Minutes continuously stopped; 0 on stopping, negative for never."`
	AutoDestroyAt       string            `json:"autoDestroyAt,omitempty"`
	CreatedAt           string            `json:"createdAt,omitempty"`
	UpdatedAt           string            `json:"updatedAt,omitempty"`
	LastActivityAt      string            `json:"lastActivityAt,omitempty"`
	SandboxClass        string            `json:"sandboxClass" doc:"Always container: the list of classes is closed. The engine says what it is."`
	DaemonVersion       string            `json:"daemonVersion,omitempty"`
	RunnerID            string            `json:"runnerId,omitempty"`
	ToolboxProxyURL     string            `json:"toolboxProxyUrl" doc:"The toolbox is at this address, a slash and the sandbox's id."`

	Engine    string            `json:"engine" doc:"What holds it: container or wasm. Not in the published API."`
	Isolation string            `json:"isolation,omitempty" doc:"What really isolates it. Not in the published API."`
	Activity  map[string]string `json:"activity,omitempty" doc:"When each source of activity was last active. Not in the published API."`
}

// Volume is a volume that a sandbox sees.
type Volume struct {
	VolumeID  string `json:"volumeId"`
	MountPath string `json:"mountPath"`
	Subpath   string `json:"subpath,omitempty"`
}

// BuildInfo says what an image was built from.
type BuildInfo struct {
	DockerfileContent string   `json:"dockerfileContent,omitempty"`
	ContextHashes     []string `json:"contextHashes,omitempty"`
	CreatedAt         string   `json:"createdAt"`
	UpdatedAt         string   `json:"updatedAt"`
	SnapshotRef       string   `json:"snapshotRef"`
}

// CreateBuildInfo asks for an image to be built.
type CreateBuildInfo struct {
	DockerfileContent string   `json:"dockerfileContent" doc:"One line FROM with the name of an image."`
	ContextHashes     []string `json:"contextHashes,omitempty"`
}

// CreateSandbox asks for a sandbox. Everything may be left out.
type CreateSandbox struct {
	Name                string              `json:"name,omitempty" doc:"Its id when left out."`
	Snapshot            string              `json:"snapshot,omitempty" doc:"An id, a name or an alias; the default snapshot when left out."`
	Image               string              `json:"image,omitempty" doc:"An image that the container engine has. Not in the published API."`
	User                string              `json:"user,omitempty"`
	Env                 map[string]string   `json:"env,omitempty"`
	Labels              map[string]string   `json:"labels,omitempty"`
	Public              bool                `json:"public,omitempty"`
	NetworkBlockAll     bool                `json:"networkBlockAll,omitempty"`
	NetworkAllowList    string              `json:"networkAllowList,omitempty"`
	DomainAllowList     string              `json:"domainAllowList,omitempty"`
	OutboundProxyURL    string              `json:"outboundProxyUrl,omitempty"`
	OtelEndpoint        string              `json:"otelEndpointOverride,omitempty"`
	Target              string              `json:"target,omitempty"`
	CPU                 *int                `json:"cpu,omitempty"`
	GPU                 *int                `json:"gpu,omitempty"`
	GPUType             any                 `json:"gpuType,omitempty"`
	Spot                bool                `json:"spot,omitempty"`
	Memory              *int                `json:"memory,omitempty" doc:"GiB."`
	Disk                *int                `json:"disk,omitempty" doc:"GiB."`
	AutoStopInterval    *int                `json:"autoStopInterval,omitempty" doc:"Minutes; 15 when left out."`
	AutoPauseInterval   *int                `json:"autoPauseInterval,omitempty" doc:"Minutes."`
	AutoArchiveInterval *int                `json:"autoArchiveInterval,omitempty" doc:"Minutes; 7 days when left out."`
	AutoDeleteInterval  *int                `json:"autoDeleteInterval,omitempty" doc:"Minutes; never when left out."`
	TTLMinutes          *int                `json:"ttlMinutes,omitempty" doc:"Minutes since the creation, in any state; 0 for no end."`
	Volumes             []Volume            `json:"volumes,omitempty"`
	BuildInfo           *CreateBuildInfo    `json:"buildInfo,omitempty"`
	LinkedSandbox       string              `json:"linkedSandbox,omitempty"`
	Secrets             []map[string]string `json:"secrets,omitempty"`
}

// ListSandboxesResponse is a page of a list that is followed by cursor.
type ListSandboxesResponse struct {
	Items      []SandboxListItem `json:"items"`
	NextCursor *string           `json:"nextCursor"`
}

// PaginatedSandboxes is a numbered page of a list.
type PaginatedSandboxes struct {
	Items      []Sandbox `json:"items"`
	Total      int       `json:"total"`
	Page       int       `json:"page"`
	TotalPages int       `json:"totalPages"`
}

// ResizeSandbox asks for other resources. What is left out stays.
type ResizeSandbox struct {
	CPU    *int `json:"cpu,omitempty"`
	Memory *int `json:"memory,omitempty" doc:"GiB."`
	Disk   *int `json:"disk,omitempty" doc:"GiB."`
}

// SandboxLabels is the whole set of a sandbox's labels.
type SandboxLabels struct {
	Labels map[string]string `json:"labels"`
}

// CreateSandboxSnapshot asks for a snapshot of a sandbox.
type CreateSandboxSnapshot struct {
	Name          string `json:"name"`
	IncludeMemory bool   `json:"includeMemory,omitempty"`
}

// ForkSandbox asks for a copy of a sandbox.
type ForkSandbox struct {
	Name string `json:"name,omitempty"`
}

// UpdateLastActivity says that a sandbox is in use.
type UpdateLastActivity struct {
	ActivityType string `json:"activityType,omitempty"`
}

// UpdateSandboxNetworkSettings changes what a sandbox may reach. What is left
// out stays; an empty list clears.
type UpdateSandboxNetworkSettings struct {
	NetworkBlockAll  *bool   `json:"networkBlockAll,omitempty"`
	NetworkAllowList *string `json:"networkAllowList,omitempty"`
	DomainAllowList  *string `json:"domainAllowList,omitempty"`
}

// PortPreviewURL is where a port of a sandbox answers, and the token that lets
// in.
type PortPreviewURL struct {
	SandboxID string `json:"sandboxId"`
	URL       string `json:"url"`
	Token     string `json:"token" doc:"For the header x-daytona-preview-token or the query DAYTONA_SANDBOX_AUTH_KEY; another one after every start."`
}

// SignedPortPreviewURL is where a port of a sandbox answers to whoever has the
// address.
type SignedPortPreviewURL struct {
	SandboxID string `json:"sandboxId"`
	Port      int    `json:"port"`
	Token     string `json:"token" doc:"A part of the address."`
	URL       string `json:"url"`
}

// URL is an address.
type URL struct {
	URL string `json:"url"`
}

// Workspace is a sandbox as the API before sandboxes called it.
type Workspace struct {
	Sandbox
	Image         string        `json:"image"`
	SnapshotState string        `json:"snapshotState"`
	Info          WorkspaceInfo `json:"info"`
}

// WorkspaceInfo is what the oldest clients read of a workspace.
type WorkspaceInfo struct {
	Created          string `json:"created"`
	Name             string `json:"name"`
	ProviderMetadata string `json:"providerMetadata,omitempty"`
}

// CreateWorkspace asks for a sandbox by the API before sandboxes.
type CreateWorkspace struct {
	CreateSandbox
	Class   string            `json:"class,omitempty" enum:"small,medium,large"`
	Command any               `json:"command,omitempty" doc:"The main process: a list, or a line for a shell."`
	EnvVars map[string]string `json:"envVars,omitempty" doc:"The same as env, which wins where both have a name."`
}

// PreviewWarning says whether a page warns before a preview.
type PreviewWarning struct {
	Enabled bool `json:"enabled"`
}
