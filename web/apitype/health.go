package apitype

// Health is the answer to a health check.
type Health struct {
	Status  string `json:"status" enum:"ok"`
	Version string `json:"version" doc:"Of the server."`
}
