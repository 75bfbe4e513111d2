package vm

// Parked reports whether the instance is its state alone.
func (i *Instance) Parked() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.parked != nil
}
