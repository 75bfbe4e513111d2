package wire

// Organization owns sandboxes, snapshots and keys.
type Organization struct {
	ID                                 string         `json:"id"`
	Name                               string         `json:"name"`
	CreatedBy                          string         `json:"createdBy"`
	Personal                           bool           `json:"personal"`
	CreatedAt                          string         `json:"createdAt"`
	UpdatedAt                          string         `json:"updatedAt"`
	Suspended                          bool           `json:"suspended"`
	SuspendedAt                        string         `json:"suspendedAt"`
	SuspensionReason                   string         `json:"suspensionReason"`
	SuspendedUntil                     string         `json:"suspendedUntil"`
	SuspensionCleanupGracePeriodHours  int            `json:"suspensionCleanupGracePeriodHours"`
	MaxCPUPerSandbox                   int            `json:"maxCpuPerSandbox"`
	MaxMemoryPerSandbox                int            `json:"maxMemoryPerSandbox"`
	MaxDiskPerSandbox                  int            `json:"maxDiskPerSandbox"`
	SecretQuota                        int            `json:"secretQuota"`
	MaxSecretsPerSandbox               int            `json:"maxSecretsPerSandbox"`
	SnapshotDeactivationTimeoutMinutes int            `json:"snapshotDeactivationTimeoutMinutes"`
	SandboxLimitedNetworkEgress        bool           `json:"sandboxLimitedNetworkEgress"`
	PreviewWarningEnabled              bool           `json:"previewWarningEnabled"`
	SSOEnabled                         bool           `json:"ssoEnabled"`
	DefaultRegionID                    string         `json:"defaultRegionId,omitempty"`
	AuthenticatedRateLimit             *int           `json:"authenticatedRateLimit"`
	SandboxCreateRateLimit             *int           `json:"sandboxCreateRateLimit"`
	SandboxLifecycleRateLimit          *int           `json:"sandboxLifecycleRateLimit"`
	ExperimentalConfig                 map[string]any `json:"experimentalConfig"`
	OtelConfig                         any            `json:"otelConfig"`
	AuthenticatedRateLimitTTL          *int           `json:"authenticatedRateLimitTtlSeconds"`
	SandboxCreateRateLimitTTL          *int           `json:"sandboxCreateRateLimitTtlSeconds"`
	SandboxLifecycleRateLimitTTL       *int           `json:"sandboxLifecycleRateLimitTtlSeconds"`
}

// OrganizationUser is a member of an organization.
type OrganizationUser struct {
	UserID         string `json:"userId"`
	OrganizationID string `json:"organizationId"`
	Name           string `json:"name"`
	Email          string `json:"email"`
	Role           string `json:"role" enum:"owner,member"`
	AssignedRoles  []any  `json:"assignedRoles"`
	CreatedAt      string `json:"createdAt"`
	UpdatedAt      string `json:"updatedAt"`
}

// OrganizationUsage is what an organization uses of what it may.
type OrganizationUsage struct {
	RegionUsage          []RegionUsage          `json:"regionUsage"`
	TotalSnapshotQuota   int                    `json:"totalSnapshotQuota"`
	CurrentSnapshotUsage int                    `json:"currentSnapshotUsage"`
	TotalVolumeQuota     int                    `json:"totalVolumeQuota"`
	CurrentVolumeUsage   int                    `json:"currentVolumeUsage"`
	Engines              map[string]EngineUsage `json:"engines" doc:"What each engine holds. Not in the published API."`
}

// EngineUsage is what the started sandboxes of an engine may use together.
type EngineUsage struct {
	CPU     int `json:"cpu"`
	Memory  int `json:"memory" doc:"GiB."`
	Disk    int `json:"disk" doc:"GiB."`
	GPU     int `json:"gpu"`
	Started int `json:"started"`
}

// RegionUsage is the usage of one class in one region.
type RegionUsage struct {
	RegionID                      string `json:"regionId"`
	SandboxClass                  string `json:"sandboxClass"`
	TotalCPUQuota                 int    `json:"totalCpuQuota"`
	CurrentCPUUsage               int    `json:"currentCpuUsage"`
	TotalMemoryQuota              int    `json:"totalMemoryQuota"`
	CurrentMemoryUsage            int    `json:"currentMemoryUsage"`
	TotalDiskQuota                int    `json:"totalDiskQuota"`
	CurrentDiskUsage              int    `json:"currentDiskUsage"`
	TotalGPUQuota                 int    `json:"totalGpuQuota"`
	CurrentGPUUsage               int    `json:"currentGpuUsage"`
	MaxCPUPerSandbox              *int   `json:"maxCpuPerSandbox"`
	MaxMemoryPerSandbox           *int   `json:"maxMemoryPerSandbox"`
	MaxDiskPerSandbox             *int   `json:"maxDiskPerSandbox"`
	MaxDiskPerNonEphemeralSandbox *int   `json:"maxDiskPerNonEphemeralSandbox"`
	MaxCPUPerGPU                  *int   `json:"maxCpuPerGpu"`
	MaxMemoryPerGPU               *int   `json:"maxMemoryPerGpu"`
	MaxDiskPerGPU                 *int   `json:"maxDiskPerGpu"`
}

// RegionQuota is what an organization may use of one class in one region.
type RegionQuota struct {
	OrganizationID                string `json:"organizationId"`
	RegionID                      string `json:"regionId"`
	SandboxClass                  string `json:"sandboxClass"`
	TotalCPUQuota                 int    `json:"totalCpuQuota"`
	TotalMemoryQuota              int    `json:"totalMemoryQuota"`
	TotalDiskQuota                int    `json:"totalDiskQuota"`
	TotalGPUQuota                 int    `json:"totalGpuQuota"`
	MaxCPUPerSandbox              *int   `json:"maxCpuPerSandbox"`
	MaxMemoryPerSandbox           *int   `json:"maxMemoryPerSandbox"`
	MaxDiskPerSandbox             *int   `json:"maxDiskPerSandbox"`
	MaxDiskPerNonEphemeralSandbox *int   `json:"maxDiskPerNonEphemeralSandbox"`
	MaxCPUPerGPU                  *int   `json:"maxCpuPerGpu"`
	MaxMemoryPerGPU               *int   `json:"maxMemoryPerGpu"`
	MaxDiskPerGPU                 *int   `json:"maxDiskPerGpu"`
	MaxSandboxLifespan            *int   `json:"maxSandboxLifespan"`
}

// AvailableSandboxClass is a class that a region has room for.
type AvailableSandboxClass struct {
	RegionID     string `json:"regionId"`
	SandboxClass string `json:"sandboxClass"`
	GPUAvailable bool   `json:"gpuAvailable"`
}

// Region is a named group of runners.
type Region struct {
	ID                 string  `json:"id"`
	Name               string  `json:"name"`
	OrganizationID     *string `json:"organizationId"`
	RegionType         string  `json:"regionType" enum:"shared,dedicated,custom"`
	CreatedAt          string  `json:"createdAt"`
	UpdatedAt          string  `json:"updatedAt"`
	ProxyURL           *string `json:"proxyUrl"`
	SSHGatewayURL      *string `json:"sshGatewayUrl"`
	SnapshotManagerURL *string `json:"snapshotManagerUrl"`
}

// Runner is a host with an engine.
type Runner struct {
	ID                        string   `json:"id"`
	CPU                       int      `json:"cpu"`
	Memory                    int      `json:"memory" doc:"GiB."`
	Disk                      int      `json:"disk" doc:"GiB."`
	GPU                       int      `json:"gpu"`
	SandboxClass              string   `json:"sandboxClass"`
	CurrentAllocatedCPU       int      `json:"currentAllocatedCpu"`
	CurrentAllocatedMemoryGiB int      `json:"currentAllocatedMemoryGiB"`
	CurrentAllocatedDiskGiB   int      `json:"currentAllocatedDiskGiB"`
	CurrentStartedSandboxes   int      `json:"currentStartedSandboxes"`
	Region                    string   `json:"region"`
	Name                      string   `json:"name"`
	State                     string   `json:"state"`
	LastChecked               string   `json:"lastChecked,omitempty"`
	Unschedulable             bool     `json:"unschedulable"`
	Tags                      []string `json:"tags"`
	CreatedAt                 string   `json:"createdAt"`
	UpdatedAt                 string   `json:"updatedAt"`
	Version                   string   `json:"version"`
	APIVersion                string   `json:"apiVersion"`
	AppVersion                string   `json:"appVersion"`
	RunnerClass               string   `json:"runnerClass"`
	Engine                    string   `json:"engine" doc:"container or wasm. Not in the published API."`
	Isolation                 string   `json:"isolation,omitempty" doc:"What really isolates its sandboxes. Not in the published API."`
	Reason                    string   `json:"reason,omitempty" doc:"Why it is not ready. Not in the published API."`
}

// RunnerSnapshot says that a runner has a snapshot.
type RunnerSnapshot struct {
	RunnerSnapshotID string `json:"runnerSnapshotId"`
	RunnerID         string `json:"runnerId"`
}

// PaginatedJobs is a numbered page of the work of runners.
type PaginatedJobs struct {
	Items      []Job `json:"items"`
	Total      int   `json:"total"`
	Page       int   `json:"page"`
	TotalPages int   `json:"totalPages"`
}

// Job is a piece of work of a runner.
type Job struct {
	ID           string `json:"id"`
	Type         string `json:"type"`
	Status       string `json:"status" enum:"PENDING,IN_PROGRESS,COMPLETED,FAILED"`
	ResourceType string `json:"resourceType" enum:"SANDBOX,SNAPSHOT,BACKUP"`
	ResourceID   string `json:"resourceId"`
	CreatedAt    string `json:"createdAt"`
	UpdatedAt    string `json:"updatedAt,omitempty"`
}

// UpdateDefaultRegion chooses the region of sandboxes that name none.
type UpdateDefaultRegion struct {
	DefaultRegionID string `json:"defaultRegionId"`
}

// RunnerFull is a runner with its key, which one inside the server has not.
type RunnerFull struct {
	Runner
	APIKey string `json:"apiKey"`
}
