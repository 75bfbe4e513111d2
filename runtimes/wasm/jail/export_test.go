package jail

// Usage returns what f has counted, for tests that compare it with the disk.
func (f *FS) Usage() (bytes int64, files, open int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.quota.bytes, f.quota.files, len(f.open)
}

// MaxKept is the bound on Kept.
const MaxKept = maxKept

// Kept returns how many entries open folders keep, and has them keep more more.
func (f *FS) Kept(more int) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.kept += more
	return f.kept
}
