package toolboxtype

import "time"

// UpdateEnvRequest changes the environment of processes that start later: what
// is to go goes first.
type UpdateEnvRequest struct {
	Set              map[string]string `json:"set,omitempty"`
	Unset            []string          `json:"unset,omitempty"`
	UnsetValuePrefix string            `json:"unsetValuePrefix,omitempty"`
}

// InitializeRequest gives the toolbox one more token to accept.
type InitializeRequest struct {
	Token string `json:"token"`
}

// PortList lists ports on which something listens.
type PortList struct {
	Ports []int `json:"ports"`
}

// IsPortInUseResponse says whether something listens on a port.
type IsPortInUseResponse struct {
	IsInUse bool `json:"isInUse"`
}

// SystemMetrics is what a sandbox uses. Sizes are in bytes; CPUUsedPct is the
// share of its cores in percent since the reading before.
type SystemMetrics struct {
	CPUCount      int       `json:"cpuCount"`
	CPUUsedPct    float64   `json:"cpuUsedPct"`
	MemTotal      int64     `json:"memTotal"`
	MemUsed       int64     `json:"memUsed"`
	MemCache      int64     `json:"memCache"`
	DiskTotal     int64     `json:"diskTotal"`
	DiskUsed      int64     `json:"diskUsed"`
	DiskFree      int64     `json:"diskFree"`
	Timestamp     time.Time `json:"timestamp"`
	TimestampUnix int64     `json:"timestampUnix"`
}

// UserHomeDirResponse is the user's home.
type UserHomeDirResponse struct {
	Dir string `json:"dir"`
}

// WorkDirResponse is the folder in which commands run.
type WorkDirResponse struct {
	Dir string `json:"dir"`
}

// ProcessList lists what runs in a sandbox. The operation that answers with it,
// GET /system/processes, is Sandpiper's own.
type ProcessList struct {
	Processes []ProcessInfo `json:"processes"`
}

// ProcessInfo describes a process. What is not known of it is missing or 0.
type ProcessInfo struct {
	PID         int        `json:"pid"`
	Parent      int        `json:"parent"`
	Command     string     `json:"command"`
	StartedAt   *time.Time `json:"startedAt,omitempty"`
	CPUSeconds  float64    `json:"cpuSeconds"` // used since it started
	MemoryBytes int64      `json:"memoryBytes"`
	Ports       []int      `json:"ports,omitempty"` // on which it listens
}
