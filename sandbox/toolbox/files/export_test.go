package files

import "time"

// The limits that tests lower.
func (h *Handler) LimitEntries(n int)        { h.limits.entries = n }
func (h *Handler) LimitMatches(n, bytes int) { h.limits.matches, h.limits.matchBytes = n, bytes }
func (h *Handler) LimitReplace(n int64)      { h.limits.replaceBytes = n }
func (h *Handler) LimitFiles(n int)          { h.limits.files = n }
func (h *Handler) LimitArchive(n int64)      { h.limits.archiveBytes = n }
func (h *Handler) LimitTime(d time.Duration) { h.limits.searchTime = d }
func (h *Handler) LimitIdle(d time.Duration) { h.limits.idle = d }

// ParseGlob is for the fuzz test.
func ParseGlob(glob string) (func(string) bool, error) { return parseGlob(glob) }
