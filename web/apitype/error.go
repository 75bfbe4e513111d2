package apitype

// ErrorBody is the body of every answer with a status of 400 or more.
type ErrorBody struct {
	Error Error `json:"error"`
}

// Error says what went wrong.
type Error struct {
	Kind      string `json:"kind" doc:"What a caller can do about it." enum:"invalid,unauthorized,forbidden,not_found,conflict,too_large,media_type,unprocessable,busy,unavailable,unsupported,internal"`
	Message   string `json:"message" doc:"One sentence for people: what happened and what to do."`
	Field     string `json:"field,omitempty" doc:"The request field at fault."`
	RequestID string `json:"request_id" doc:"Names the request in the server's log."`
}
