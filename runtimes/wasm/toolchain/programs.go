package toolchain

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"sandpiper/runtimes/wasm/vm"
)

// Program is something that was built, ready to run.
type Program struct {
	Module *vm.Module

	owner   *Toolchain
	key     string
	report  Report
	holders int    // guarded by owner.mu
	used    uint64 // guarded by owner.mu
}

// Release says that the caller runs the program no more.
func (p *Program) Release() {
	t := p.owner
	t.mu.Lock()
	defer t.mu.Unlock()
	p.holders--
	t.used++
	p.used = t.used
	t.trim()
}

// trim unloads the programs that were not used for the longest time when there are
// too many. The caller has t.mu.
func (t *Toolchain) trim() {
	for len(t.loaded) > maxLoaded {
		var oldest *Program
		for _, p := range t.loaded {
			if p.holders == 0 && (oldest == nil || p.used < oldest.used) {
				oldest = p
			}
		}
		if oldest == nil {
			return
		}
		delete(t.loaded, oldest.key)
		if err := t.host.Unload(context.Background(), oldest.Module); err != nil {
			t.cfg.Log.Warn("unload a compiled program", "error", err)
		}
	}
}

// have returns a program that was built before, or nil.
func (t *Toolchain) have(ctx context.Context, key string) (*Program, Report) {
	t.mu.Lock()
	p := t.loaded[key]
	if p != nil {
		p.holders++
	}
	t.mu.Unlock()
	if p != nil {
		return p, p.report
	}
	b, err := os.ReadFile(filepath.Join(t.folder(key), reportFile))
	if err != nil {
		return nil, Report{}
	}
	var report Report
	if err := json.Unmarshal(b, &report); err != nil {
		return nil, Report{}
	}
	if p, err = t.load(ctx, key, report); err != nil {
		t.cfg.Log.Warn("a compiled program is made again", "error", err)
		return nil, Report{}
	}
	return p, report
}

// load reads a program's machine code and holds it for the caller.
func (t *Toolchain) load(ctx context.Context, key string, report Report) (*Program, error) {
	folder := t.folder(key)
	wasm, err := os.ReadFile(filepath.Join(folder, programFile))
	if err != nil {
		return nil, fmt.Errorf("read a compiled program: %w", err)
	}
	if now := time.Now(); os.Chtimes(folder, now, now) != nil { // prune goes by it
		t.cfg.Log.Warn("cannot mark a compiled program as used", "folder", folder)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	p := t.loaded[key]
	if p == nil {
		module, err := t.host.Load(ctx, "the program", vm.Binary(wasm), programOptions(folder))
		if err != nil {
			return nil, err
		}
		p = &Program{Module: module, owner: t, key: key, report: report}
		t.loaded[key] = p
	}
	p.holders++
	t.trim()
	return p, nil
}

// prune removes the programs that were not used for the longest time until the
// others are small enough. A loaded one does not need its files.
func (t *Toolchain) prune() error {
	type kept struct {
		folder string
		used   time.Time
		size   int64
	}
	var all []kept
	var total int64
	entries, err := os.ReadDir(filepath.Join(t.cfg.Dir, programsDir))
	if err != nil {
		return err
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			return err
		}
		k := kept{folder: t.folder(e.Name()), used: info.ModTime()}
		if k.size, err = size(k.folder); err != nil {
			return err
		}
		total += k.size
		all = append(all, k)
	}
	slices.SortFunc(all, func(a, b kept) int { return cmp.Compare(a.used.UnixNano(), b.used.UnixNano()) })
	for _, k := range all {
		if total <= t.cfg.keep {
			break
		}
		if err := os.RemoveAll(k.folder); err != nil {
			return err
		}
		total -= k.size
	}
	return nil
}

// size returns how many bytes the files below folder have.
func size(folder string) (int64, error) {
	var total int64
	err := filepath.WalkDir(folder, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil {
			total += info.Size()
		}
		return err
	})
	return total, err
}
