package gitrepo

// LimitObjects lowers how large an object may be, in bytes.
func (c *Client) LimitObjects(n int64) { c.maxObject = n }
