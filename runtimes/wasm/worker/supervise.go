package worker

import (
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"time"

	"sandpiper/runtimes/wasm/worker/link"
)

// supervise keeps one worker running until the pool closes.
func (p *Pool) supervise(f folders) {
	// The kernel ends a worker when the thread that started it ends.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for pause := firstPause; p.closing.Err() == nil; {
		began := time.Now()
		started, err := p.serveOne(f)
		if p.closing.Err() != nil {
			return
		}
		if time.Since(began) > soon {
			pause = firstPause
		}
		if pause = min(pause, p.cfg.maxPause); started {
			pause = min(pause, maxStartedPause)
		}
		p.cfg.Log.Error("a worker process ended; it is replaced", "error", err, "in", pause)
		select {
		case <-time.After(pause):
		case <-p.closing.Done():
		}
		pause *= 2
	}
}

// serveOne starts a worker and waits for its end, which the error explains. started
// reports that it has served.
func (p *Pool) serveOne(f folders) (started bool, err error) {
	w, err := start(p.cfg, f, p.setup())
	if err != nil {
		p.remove(nil, err)
		return false, err
	}
	hello, err := w.greet()
	if err != nil {
		err = errors.Join(err, w.stop())
		p.remove(nil, err)
		return false, err
	}
	w.onChange = p.update
	go w.serve()
	go w.watch(p.cfg)
	p.add(w, hello)
	if p.closing.Err() != nil {
		w.end() // Close may not have seen it
	}
	why := w.wait()
	p.remove(w, why)
	return true, why
}

// setup is what every worker is told, but for its folders.
func (p *Pool) setup() link.Setup {
	return link.Setup{
		CPUs: p.cfg.CPUs, Only: p.cfg.Only, Limits: p.cfg.Limits, MaxLimits: p.cfg.MaxLimits,
		Languages: p.cfg.LanguageDir, Kernels: p.cfg.KernelDir,
	}
}

// greet reads the worker's first message.
func (w *process) greet() (link.Hello, error) {
	var hello link.Hello
	late := time.AfterFunc(startTimeout, func() { w.kill("it did not start in time") })
	defer late.Stop()
	m, err := w.link.Receive()
	switch {
	case err != nil:
		return hello, fmt.Errorf("a worker did not say hello: %w", err)
	case m.Op != link.OpHello:
		return hello, errors.New("a worker began with something else")
	}
	if err := m.Decode(&hello); err != nil {
		return hello, err
	}
	if hello.Error != "" {
		return hello, errors.New(hello.Error)
	}
	w.languages, w.kernels = hello.Languages, hello.Kernels
	return hello, nil
}

// watch ends a worker that hangs, or has too much memory.
func (w *process) watch(cfg Config) {
	const interval = 250 * time.Millisecond
	ticks := time.NewTicker(interval)
	defer ticks.Stop()
	for last := time.Now(); ; last = time.Now() {
		select {
		case <-w.gone:
			return
		case <-ticks.C:
		}
		if time.Since(last) > cfg.Heartbeat/2 {
			w.excuse() // it was this process that slept
		}
		if silent := since(&w.heard); silent > cfg.Heartbeat {
			w.kill(fmt.Sprintf("it did not answer for %v", silent.Round(time.Second)))
			return
		}
		// Whatever it says meanwhile: those who have to tell it something wait.
		if deaf := since(&w.pinged); deaf > cfg.Heartbeat {
			w.kill(fmt.Sprintf("it did not listen for %v", deaf.Round(time.Second)))
			return
		}
		if used := processMemory(w.cmd.Process.Pid); used > cfg.MemoryBytes {
			w.kill(fmt.Sprintf("it had more than %d MiB of memory", cfg.MemoryBytes>>20))
			return
		}
		if w.pinged.CompareAndSwap(0, time.Now().UnixNano()) {
			go func() { // a worker that does not read must not hold this up
				_ = w.link.Send(link.OpPing, 0, nil, nil)
				w.pinged.Store(0)
			}()
		}
	}
}

// excuse begins to wait for the worker anew.
func (w *process) excuse() {
	now := time.Now().UnixNano()
	w.heard.Store(now)
	if began := w.pinged.Load(); began != 0 {
		w.pinged.CompareAndSwap(began, now)
	}
}

// since is how long ago a moment was, in Unix nanoseconds; no time at all for 0.
func since(moment *atomic.Int64) time.Duration {
	if m := moment.Load(); m != 0 {
		return time.Since(time.Unix(0, m))
	}
	return 0
}

// Probe starts a worker as a pool would, has it try what it must not be able to do,
// and returns what keeps it from doing harm and what it could do all the same.
func Probe(args []string) (measures []link.Measure, possible []link.Attempt, err error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	w, err := start(Config{Args: args}.withDefaults(), folders{}, link.Setup{Probe: true})
	if err != nil {
		return nil, nil, err
	}
	hello, err := w.greet()
	if err != nil {
		return hello.Confinement, nil, errors.Join(err, w.stop())
	}
	w.link.Release()
	_ = w.reap() // it has said all that there is
	return hello.Confinement, hello.Possible, nil
}
