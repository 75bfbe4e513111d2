package wire

// Bounds is a rectangle on the screen.
type Bounds struct {
	X      int `json:"x"`
	Y      int `json:"y"`
	Width  int `json:"width"`
	Height int `json:"height"`
}

// Node is something that an application shows, as it tells assistive
// technologies. ID names it as long as it is there.
type Node struct {
	ID          string   `json:"id"`
	Role        string   `json:"role"`
	Name        string   `json:"name"`
	Description string   `json:"description,omitempty"`
	States      []string `json:"states,omitempty"`
	Actions     []string `json:"actions,omitempty"`
	Bounds      *Bounds  `json:"bounds,omitempty"`
	Children    []*Node  `json:"children,omitempty"`
}

// TreeResponse is a node with what is in it. Truncated says that there is more
// than is shown.
type TreeResponse struct {
	Root      *Node `json:"root"`
	Truncated bool  `json:"truncated"`
}

// FindRequest asks for nodes. Empty fields match everything.
type FindRequest struct {
	Scope     string   `json:"scope,omitempty"` // focused, pid or all
	PID       int      `json:"pid,omitempty"`
	Role      string   `json:"role,omitempty"`
	Name      string   `json:"name,omitempty"`
	NameMatch string   `json:"nameMatch,omitempty"` // exact, substring or regex
	States    []string `json:"states,omitempty"`    // a node must have all
	Limit     int      `json:"limit,omitempty"`
}

// NodesResponse is what was found, without what is in it.
type NodesResponse struct {
	Matches   []*Node `json:"matches"`
	Truncated bool    `json:"truncated"`
}

// NodeRequest names a node.
type NodeRequest struct {
	ID string `json:"id"`
}

// InvokeRequest asks for an action of a node; "" is its first.
type InvokeRequest struct {
	ID     string `json:"id"`
	Action string `json:"action,omitempty"`
}

// SetValueRequest gives a node a text, or a number in digits.
type SetValueRequest struct {
	ID    string `json:"id"`
	Value string `json:"value"`
}
