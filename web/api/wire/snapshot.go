package wire

// CreateSnapshot asks for a snapshot of an image.
type CreateSnapshot struct {
	Name         string           `json:"name"`
	ImageName    string           `json:"imageName,omitempty" doc:"An image that the container engine has."`
	Entrypoint   []string         `json:"entrypoint,omitempty"`
	CPU          *int             `json:"cpu,omitempty"`
	GPU          *int             `json:"gpu,omitempty"`
	GPUType      any              `json:"gpuType,omitempty"`
	Memory       *int             `json:"memory,omitempty" doc:"GiB."`
	Disk         *int             `json:"disk,omitempty" doc:"GiB."`
	BuildInfo    *CreateBuildInfo `json:"buildInfo,omitempty"`
	RegionID     string           `json:"regionId,omitempty"`
	SandboxClass string           `json:"sandboxClass,omitempty"`
	Runtime      string           `json:"runtime,omitempty" enum:"runc,crun,runsc" doc:"What isolates its sandboxes; the best that works when left out. Not in the published API."`
}

// Snapshot is what sandboxes start from.
type Snapshot struct {
	ID              string     `json:"id"`
	OrganizationID  string     `json:"organizationId,omitempty"`
	General         bool       `json:"general"`
	Name            string     `json:"name"`
	ImageName       string     `json:"imageName,omitempty"`
	State           string     `json:"state"`
	Size            *float64   `json:"size" doc:"GiB."`
	Entrypoint      []string   `json:"entrypoint"`
	CPU             int        `json:"cpu"`
	GPU             int        `json:"gpu"`
	Mem             int        `json:"mem" doc:"GiB."`
	Disk            int        `json:"disk" doc:"GiB."`
	ErrorReason     *string    `json:"errorReason"`
	CreatedAt       string     `json:"createdAt"`
	UpdatedAt       string     `json:"updatedAt"`
	LastUsedAt      *string    `json:"lastUsedAt"`
	BuildInfo       *BuildInfo `json:"buildInfo,omitempty"`
	RegionIDs       []string   `json:"regionIds"`
	Ref             string     `json:"ref,omitempty"`
	SourceSandboxID *string    `json:"sourceSandboxId"`
	SandboxClass    string     `json:"sandboxClass"`
	Engine          string     `json:"engine" doc:"container or wasm. Not in the published API."`
	Aliases         []string   `json:"aliases,omitempty" doc:"Other names of it. Not in the published API."`
	Runtime         string     `json:"runtime,omitempty" doc:"What isolates its sandboxes. Not in the published API."`
}

// PaginatedSnapshots is a numbered page of a list.
type PaginatedSnapshots struct {
	Items      []Snapshot `json:"items"`
	Total      int        `json:"total"`
	Page       int        `json:"page"`
	TotalPages int        `json:"totalPages"`
}

// WarmPool keeps sandboxes of a snapshot started for whoever comes next.
type WarmPool struct {
	ID             string            `json:"id"`
	OrganizationID string            `json:"organizationId"`
	Snapshot       string            `json:"snapshot"`
	Target         string            `json:"target"`
	Pool           int               `json:"pool"`
	CurrentSize    int               `json:"currentSize"`
	CPU            int               `json:"cpu"`
	Mem            int               `json:"mem" doc:"GiB."`
	Disk           int               `json:"disk" doc:"GiB."`
	OSUser         string            `json:"osUser"`
	Env            map[string]string `json:"env"`
	ErrorReason    *string           `json:"errorReason"`
	CreatedAt      string            `json:"createdAt"`
	UpdatedAt      string            `json:"updatedAt"`
}

// CreateWarmPool asks for a warm pool.
type CreateWarmPool struct {
	Snapshot string `json:"snapshot"`
	Pool     *int   `json:"pool" doc:"At least 1."`
	Target   string `json:"target,omitempty"`
}

// UpdateWarmPool changes the size of a warm pool; 0 drains it.
type UpdateWarmPool struct {
	Pool *int `json:"pool"`
}
