package shell

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"mvdan.cc/sh/v3/interp"
)

// startJob prints the PID of a new job.
func (s *shell) startJob(hc interp.HandlerContext, cmd command) int {
	owner := hc.Env.Get(varJob).Str
	j, err := s.child.startJob(strings.Join(cmd.args[1:], " "), owner)
	if err != nil {
		return s.say(cmd, 254, "cannot start a job: "+err.Error())
	}
	fmt.Fprintln(cmd.stdout, j.pid)
	return 0
}

func (s *shell) endJob(hc interp.HandlerContext, cmd command) int {
	code := atoi(cmd.args[1])
	if j := s.jobOf(hc.Env); j != nil {
		j.end(s.child, code)
	}
	return code
}

func (s *shell) makePipe(cmd command) int {
	name, err := s.child.pipes.make()
	if err != nil {
		return s.say(cmd, 1, "cannot make a pipe: "+err.Error())
	}
	fmt.Fprintln(cmd.stdout, name)
	return 0
}

// children are the jobs that a command's shell has started.
func (s *shell) children(hc interp.HandlerContext) []*job {
	owner := hc.Env.Get(varJob).Str
	s.child.mu.Lock()
	defer s.child.mu.Unlock()
	var own []*job
	for _, pid := range slices.Sorted(maps.Keys(s.child.jobs)) {
		if j := s.child.jobs[pid]; j.owner == owner {
			own = append(own, j)
		}
	}
	return own
}

// wait waits for jobs: all, the ones named, or with -n the next one to end.
func (s *shell) wait(ctx context.Context, hc interp.HandlerContext, cmd command) int {
	own := s.children(hc)
	args := cmd.args[1:]
	if len(args) > 0 && args[0] == "-n" {
		return s.waitNext(ctx, own)
	}
	if len(args) == 0 {
		for _, j := range own {
			if !j.await(ctx) {
				return 130
			}
			s.forget(j)
		}
		return 0
	}
	code := 0
	for _, arg := range args {
		pid := atoi(strings.TrimPrefix(arg, "%"))
		if strings.HasPrefix(arg, "%") && pid > 0 && pid <= len(own) {
			pid = own[pid-1].pid
		}
		j := s.child.job(pid)
		if j == nil {
			code = s.say(cmd, 127, fmt.Sprintf("wait: pid %s is not a child of this shell", arg))
			continue
		}
		if !j.await(ctx) {
			return 130
		}
		code = j.code
	}
	return code
}

// await waits for a job, or until ctx is done.
func (j *job) await(ctx context.Context) bool {
	select {
	case <-j.done:
		return true
	case <-ctx.Done():
		return false
	}
}

func (s *shell) waitNext(ctx context.Context, own []*job) int {
	if len(own) == 0 {
		return 127
	}
	next := make(chan *job, len(own))
	for _, j := range own {
		go func() {
			if j.await(ctx) {
				next <- j
			}
		}()
	}
	select {
	case j := <-next:
		s.forget(j)
		return j.code
	case <-ctx.Done():
		return 130
	}
}

func (s *shell) forget(j *job) {
	s.child.mu.Lock()
	defer s.child.mu.Unlock()
	delete(s.child.jobs, j.pid)
}

func (s *shell) listJobs(hc interp.HandlerContext, cmd command) int {
	pids := slices.Contains(cmd.args, "-p")
	for i, j := range s.children(hc) {
		select {
		case <-j.done:
			continue
		default:
		}
		if pids {
			fmt.Fprintln(cmd.stdout, j.pid)
		} else {
			fmt.Fprintf(cmd.stdout, "[%d]   Running                 %s &\n", i+1, j.text)
		}
	}
	return 0
}

// killArguments replaces %1 by a PID.
func (s *shell) killArguments(args []string) []string {
	out := slices.Clone(args)
	s.child.mu.Lock()
	defer s.child.mu.Unlock()
	pids := slices.Sorted(maps.Keys(s.child.jobs))
	for i, arg := range out {
		if n := atoi(strings.TrimPrefix(arg, "%")); strings.HasPrefix(arg, "%") && n > 0 && n <= len(pids) {
			out[i] = strconv.Itoa(pids[n-1])
		}
	}
	return out
}
