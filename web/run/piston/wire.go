package piston

// runtime is an installed language.
type runtime struct {
	Language string   `json:"language"`
	Version  string   `json:"version"`
	Aliases  []string `json:"aliases"`
	Runtime  string   `json:"runtime,omitempty"`
}

// job asks for a program to be run. Limits are in milliseconds and bytes;
// numbers may have fractions, as JavaScript's have.
type job struct {
	Language *string  `json:"language"`
	Version  *string  `json:"version"`
	Files    []file   `json:"files"`
	Stdin    string   `json:"stdin"`
	Args     []string `json:"args"`

	RunTimeout         float64 `json:"run_timeout"`
	RunCPUTime         float64 `json:"run_cpu_time"`
	RunMemoryLimit     float64 `json:"run_memory_limit"`
	CompileTimeout     float64 `json:"compile_timeout"`
	CompileCPUTime     float64 `json:"compile_cpu_time"`
	CompileMemoryLimit float64 `json:"compile_memory_limit"`
}

// file is a file of a job.
type file struct {
	Name     string  `json:"name"`
	Content  *string `json:"content"`
	Encoding string  `json:"encoding"`
}

// execution is the answer to a job.
type execution struct {
	Language string `json:"language"`
	Version  string `json:"version"`
	Run      stage  `json:"run"`
}

// stage is how one stage of a job went. Times are in milliseconds, memory in
// bytes.
type stage struct {
	Stdout   string  `json:"stdout"`
	Stderr   string  `json:"stderr"`
	Output   string  `json:"output"` // both, as they came
	Code     *int    `json:"code"`
	Signal   *string `json:"signal"`
	Message  *string `json:"message"`
	Status   *string `json:"status"`
	CPUTime  int64   `json:"cpu_time"`
	WallTime int64   `json:"wall_time"`
	Memory   int64   `json:"memory"`
}

// message is what goes over the WebSocket in either direction.
type message struct {
	Type     string  `json:"type"`
	Language string  `json:"language,omitempty"`
	Version  string  `json:"version,omitempty"`
	Stage    string  `json:"stage,omitempty"`
	Stream   string  `json:"stream,omitempty"`
	Data     *string `json:"data,omitempty"`
	Signal   string  `json:"signal,omitempty"`
	Message  string  `json:"message,omitempty"`
}

// exitMessage says how a stage ended; both fields are always there.
type exitMessage struct {
	Type   string  `json:"type"`
	Stage  string  `json:"stage"`
	Code   *int    `json:"code"`
	Signal *string `json:"signal"`
}

// problem is the body of every error.
type problem struct {
	Message string `json:"message"`
}
