package apitype

// ConnectRequest is the first message that a client sends over the WebSocket
// /v1/run/connect.
type ConnectRequest struct {
	Type          string `json:"type" enum:"run"`
	Authorization string `json:"authorization,omitempty" doc:"An API key, for clients that cannot set headers."`
	RunRequest
}

// ClientMessage is what a client may send after its ConnectRequest.
type ClientMessage struct {
	Type   string `json:"type" enum:"stdin,end,signal"`
	Data   string `json:"data,omitempty" doc:"With stdin: text for the program's standard input."`
	Signal string `json:"signal,omitempty" doc:"With signal." enum:"SIGINT,SIGKILL"`
}

// ErrorMessage is what the server sends for a message that it could not obey.
type ErrorMessage struct {
	Type  string `json:"type" enum:"error"`
	Error Error  `json:"error"`
}
