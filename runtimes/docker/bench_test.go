package docker_test

import (
	"context"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/client"

	"sandpiper/runtimes/docker"
	"sandpiper/sandbox/sandboxtest"
)

// defaultImage is what benchmarks start; the tests' tiny one where it is missing.
const defaultImage = "sandpiper/sandbox:1"

// sample gathers durations and reports percentiles of them.
type sample []time.Duration

func (s *sample) add(began time.Time) { *s = append(*s, time.Since(began)) }

func (s sample) percentile(p int) time.Duration {
	sorted := slices.Sorted(slices.Values(s))
	return sorted[min(len(sorted)-1, len(sorted)*p/100)]
}

func (s sample) report(b *testing.B, name string) {
	for _, p := range []int{50, 99} {
		b.ReportMetric(float64(s.percentile(p).Microseconds())/1000, "ms-"+name+"-p"+strconv.Itoa(p))
	}
}

func benchImage(b *testing.B, e *docker.Engine) string {
	if _, err := e.HasRef(b.Context(), defaultImage); err != nil {
		return shellImage
	}
	return defaultImage
}

// BenchmarkCold measures from Create to the end of the first command, beside a
// bare container on Docker's default bridge that runs the same command, made
// with the same client in turn.
func BenchmarkCold(b *testing.B) {
	e := newEngine(b)
	image := benchImage(b, e)
	api, err := client.NewClientWithOpts(client.FromEnv, client.WithAPIVersionNegotiation())
	check(b, err)
	defer api.Close()
	var ours, bare sample
	for b.Loop() {
		began := time.Now()
		s := start(b, e, image, nil)
		s.execute("true")
		ours.add(began)
		check(b, e.Destroy(b.Context(), s.spec.ID))
		runBare(b, api, image, &bare)
	}
	ours.report(b, "ours")
	bare.report(b, "bare")
	b.ReportMetric(float64(ours.percentile(50))/float64(bare.percentile(50)), "ratio")
	b.ReportMetric(0, "ns/op")
}

// runBare does what docker run does.
func runBare(b *testing.B, api *client.Client, image string, times *sample) {
	b.Helper()
	began := time.Now()
	c, err := api.ContainerCreate(b.Context(), &container.Config{Image: image, Cmd: []string{"true"}}, &container.HostConfig{NetworkMode: "bridge"}, nil, nil, "")
	check(b, err)
	ends, errs := api.ContainerWait(b.Context(), c.ID, container.WaitConditionNextExit)
	check(b, api.ContainerStart(b.Context(), c.ID, container.StartOptions{}))
	select {
	case <-ends:
	case err := <-errs:
		b.Fatal(err)
	}
	times.add(began)
	check(b, api.ContainerRemove(b.Context(), c.ID, container.RemoveOptions{Force: true}))
}

// BenchmarkExecute measures a command in a started sandbox, on a connection of
// its own: what a warm pool's member takes to be claimed and used.
func BenchmarkExecute(b *testing.B) {
	e := newEngine(b)
	s := start(b, e, benchImage(b, e), nil)
	var times sample
	for b.Loop() {
		began := time.Now()
		s.execute("true")
		times.add(began)
	}
	times.report(b, "true")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkFiftyAtOnce creates fifty sandboxes at the same time.
func BenchmarkFiftyAtOnce(b *testing.B) {
	e := newEngine(b)
	var times sample
	for b.Loop() {
		var all sync.WaitGroup
		var mu sync.Mutex
		for range 50 {
			all.Go(func() {
				spec := newSpec(shellImage)
				began := time.Now()
				if err := e.Create(b.Context(), spec); err != nil {
					b.Errorf("create: %v", err)
					return
				}
				if _, _, err := sandboxtest.Execute(b.Context(), e, spec, "true"); err != nil {
					b.Errorf("execute: %v", err)
				}
				mu.Lock()
				times.add(began)
				mu.Unlock()
				if err := e.Destroy(context.WithoutCancel(b.Context()), spec.ID); err != nil {
					b.Errorf("destroy: %v", err)
				}
			})
		}
		all.Wait()
	}
	times.report(b, "each")
	b.ReportMetric(100*float64(len(times))/float64(50*b.N), "%success")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkIdle measures the memory of a sandbox that does nothing: its
// processes and the one of containerd that looks after them, with shared pages
// counted in parts.
func BenchmarkIdle(b *testing.B) {
	e := newEngine(b)
	const count = 10
	for b.Loop() {
		total := 0
		for range count {
			s := start(b, e, shellImage, nil)
			s.execute("true")
			out, err := exec.Command("docker", "inspect", "-f", "{{.State.Pid}}", containerOf(b, s.spec.ID)).Output()
			check(b, err)
			pid := strings.TrimSpace(string(out))
			total += proportional(b, pid) + proportional(b, field(b, "/proc/"+pid+"/status", "PPid:"))
		}
		b.ReportMetric(float64(total)/count/1024, "MiB/sandbox")
		check(b, e.Purge(b.Context()))
	}
	b.ReportMetric(0, "ns/op")
}

// proportional returns the proportional set size of a process in KiB.
func proportional(b *testing.B, pid string) int {
	b.Helper()
	n, err := strconv.Atoi(field(b, "/proc/"+pid+"/smaps_rollup", "Pss:"))
	check(b, err)
	return n
}

// field returns the word after a name in a file.
func field(b *testing.B, file, name string) string {
	b.Helper()
	text, err := os.ReadFile(file)
	check(b, err)
	_, rest, _ := strings.Cut(string(text), name)
	return strings.Fields(rest)[0]
}
