package scheduler

import (
	"context"
	"slices"
	"time"

	"sandpiper/sandbox"
)

const (
	// replayTime is how long an ended run stays in memory with its events as
	// they came, for readers who lost their connection.
	replayTime = time.Minute

	maxReplayBytes  = 64 << 20  // of ended runs that are recorded already
	maxUnsavedBytes = 256 << 20 // of those that are not; new runs are refused above it

	// maxRecordFiles is how much of the files that a run left goes into the
	// history. A program that leaves more is given them once, with its result.
	maxRecordFiles = 4 << 20

	saveTimeout   = 15 * time.Second
	pruneInterval = time.Minute

	// What is recorded together, at most: a transaction for each run would cost as
	// much as a small run. None waits for others, so that a crash loses none of which
	// a client has heard; what ends while others are recorded is recorded after them.
	maxBatchRuns  = 200
	maxBatchBytes = 4 << 20
)

// A past is a run that has ended and is still in memory.
type past struct {
	run    *Run
	record sandbox.RunRecord
	size   int64
	saved  bool
}

// A history holds the runs that ended last, oldest first. It is not safe for
// concurrent use.
type history struct {
	byID         map[string]*past
	order        []*past
	unsaved      []*past
	bytes        int64
	unsavedBytes int64
}

func newHistory() history { return history{byID: make(map[string]*past)} }

// add takes in a run that ended at now.
func (h *history) add(r *Run, result sandbox.Result, now time.Time) {
	p := &past{run: r, record: sandbox.RunRecord{Client: r.client, FinishedAt: now, Result: result}}
	p.size = sizeOf(p.record, r.journal.Displayed()) // with all files: the run has them while it is in memory
	p.record.Result.Files = recorded(result.Files)
	h.byID[r.id] = p
	h.order = append(h.order, p)
	h.unsaved = append(h.unsaved, p)
	h.bytes += p.size
	h.unsavedBytes += p.size
}

// sizeOf is r.Size without a walk through displays whose size is known: it is
// called under the scheduler's lock.
func sizeOf(r sandbox.RunRecord, displays int64) int64 {
	r.Result.Outputs = nil
	return r.Size() + displays
}

// recorded returns the files that go into the history: the first ones, up to
// maxRecordFiles bytes.
func recorded(files []sandbox.File) []sandbox.File {
	total := 0
	for i, f := range files {
		if total += len(f.Content); total > maxRecordFiles {
			return files[:i:i]
		}
	}
	return files
}

// batch returns the oldest unsaved runs, as many as go together, and their size.
func (h *history) batch() (records []sandbox.RunRecord, size int64) {
	for _, p := range h.unsaved {
		if n := len(records); n > 0 && (n == maxBatchRuns || size+p.size > maxBatchBytes) {
			break
		}
		records = append(records, p.record)
		size += p.size
	}
	return records, size
}

// markSaved says that the n oldest unsaved runs need no saving any more.
func (h *history) markSaved(n int) {
	for i, p := range h.unsaved[:n] {
		p.saved = true
		h.unsaved[i] = nil
		h.unsavedBytes -= p.size
	}
	h.unsaved = h.unsaved[n:]
}

// evict lets go of saved runs that ended before replayTime, and of the oldest
// ones while there is too much.
func (h *history) evict(now time.Time) {
	for len(h.order) > 0 {
		p := h.order[0]
		if !p.saved || (h.bytes <= maxReplayBytes && now.Sub(p.record.FinishedAt) < replayTime) {
			return
		}
		delete(h.byID, p.run.id)
		h.order[0] = nil
		h.order = h.order[1:]
		h.bytes -= p.size
	}
}

// keep records ended runs and prunes the history until the scheduler stops; what
// has ended by then is recorded still.
func (s *Scheduler) keep() {
	prune := time.NewTicker(pruneInterval)
	defer prune.Stop()
	grown := int64(0) // since the history was pruned
	for {
		select {
		case <-s.ended:
			grown += s.saveAll()
			if grown < s.cfg.RetainBytes/8 {
				continue
			}
		case <-prune.C:
		case <-s.stop:
			s.saveAll()
			return
		}
		s.prune()
		grown = 0
	}
}

// saveAll records every run that is not yet, and returns how many bytes that
// took.
func (s *Scheduler) saveAll() (size int64) {
	for {
		s.mu.Lock()
		s.history.evict(time.Now())
		records, n := s.history.batch()
		s.mu.Unlock()
		if len(records) == 0 {
			return size
		}
		s.save(records)
		size += n

		s.mu.Lock()
		s.history.markSaved(len(records))
		s.mu.Unlock()
	}
}

// save records runs. When that fails it makes room, for a full disk is the likely
// cause, and tries each once more, so that one that cannot be recorded does not
// take the others along.
func (s *Scheduler) save(records []sandbox.RunRecord) {
	if s.store(records...) == nil {
		return
	}
	s.prune()
	for _, r := range records {
		if err := s.store(r); err != nil {
			s.log.Error("record a run", "run", r.Result.ID, "err", err)
		}
	}
}

func (s *Scheduler) store(records ...sandbox.RunRecord) error {
	ctx, cancel := context.WithTimeout(context.Background(), saveTimeout)
	defer cancel()
	return s.cfg.Store.SaveRuns(ctx, records...)
}

// prune forgets what is older than the retention, in memory and in the store.
func (s *Scheduler) prune() {
	now := time.Now()
	since := now.Add(-s.cfg.Retention)
	s.mu.Lock()
	s.history.evict(now)
	s.keys.prune(since)
	s.mu.Unlock()

	ctx, cancel := context.WithTimeout(context.Background(), saveTimeout)
	defer cancel()
	n, err := s.cfg.Store.PruneRuns(ctx, sandbox.Retention{Since: since, Runs: s.cfg.RetainRuns, Bytes: s.cfg.RetainBytes})
	if err != nil {
		s.log.Error("prune the history of runs", "err", err)
	} else if n > 0 {
		s.log.Debug("pruned the history of runs", "runs", n)
	}
}

// inMemory returns a run that is live or ended lately, or nil. Preconditions:
// s.mu must be held.
func (s *Scheduler) inMemory(id string) *Run {
	if r := s.live[id]; r != nil {
		return r
	}
	if p := s.history.byID[id]; p != nil {
		return p.run
	}
	return nil
}

// Lookup returns a client's run, live or ended. A run that is read from the
// history replays its output, stdout before stderr. Runs that are not known, and
// those of another client, are a *sandbox.Error of KindNotFound.
func (s *Scheduler) Lookup(ctx context.Context, client, id string) (*Run, error) {
	s.mu.Lock()
	r := s.inMemory(id)
	s.mu.Unlock()
	if r == nil {
		rec, err := s.cfg.Store.Run(ctx, id)
		if err != nil {
			return nil, err
		}
		r = replay(rec)
	}
	if r.client != client {
		return nil, sandbox.Errorf(sandbox.KindNotFound, "there is no such run")
	}
	return r, nil
}

// Recent returns the ended runs of a filter, the newest first and without their
// output. Those that are not stored yet are found in memory.
func (s *Scheduler) Recent(ctx context.Context, f sandbox.RunFilter) ([]sandbox.RunRecord, error) {
	recent, inMemory, older := s.unsaved(f)
	older.Limit += len(inMemory) // which may have been stored meanwhile
	stored, err := s.cfg.Store.Runs(ctx, older)
	if err != nil {
		return nil, err
	}
	for _, rec := range stored {
		if !inMemory[rec.Result.ID] {
			recent = append(recent, rec)
		}
	}
	return recent[:min(f.Limit, len(recent))], nil
}

// unsaved returns the runs of a filter that are not stored yet, the IDs of all
// such runs of its client, and the filter for those that are stored.
func (s *Scheduler) unsaved(f sandbox.RunFilter) (recent []sandbox.RunRecord, inMemory map[string]bool, stored sandbox.RunFilter) {
	s.mu.Lock()
	defer s.mu.Unlock()
	stored, inMemory = f, map[string]bool{}
	for _, p := range slices.Backward(s.history.unsaved) {
		if p.record.Client != f.Client {
			continue
		}
		inMemory[p.record.Result.ID] = true
		switch {
		case p.record.Result.ID == f.Before: // whatever is stored ended before it
			recent, stored.Before = nil, ""
		case f.Matches(p.record):
			recent = append(recent, p.record.WithoutOutput())
		}
	}
	if stored.Before != "" {
		recent = nil // they ended after it
	}
	return recent, inMemory, stored
}

// replay makes an ended run of a record.
func replay(rec sandbox.RunRecord) *Run {
	res := rec.Result
	r := &Run{
		id:     res.ID,
		client: rec.Client,
		stdin:  sandbox.StaticStdin(nil),
		done:   make(chan struct{}),
		place: place{engine: res.Engine, reason: res.Reason,
			language: sandbox.Language{ID: res.Language, Version: res.Version}},
	}
	identity := r.Identity()
	r.journal.Add(sandbox.Event{Type: sandbox.EventStart, Result: &identity})
	r.journal.Output(sandbox.Stdout, []byte(res.Stdout))
	r.journal.Output(sandbox.Stderr, []byte(res.Stderr))
	for i := range res.Outputs {
		r.journal.Display(res.Outputs[i])
	}
	r.end(res.Outcome)
	return r
}
