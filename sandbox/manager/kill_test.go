package manager_test

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"sandpiper/sandbox"
	"sandpiper/sandbox/manager"
	"sandpiper/sandbox/sandboxtest"
	"sandpiper/sandbox/scheduler"
	"sandpiper/sandbox/sqlite"
)

var kills = flag.Int("kills", 8, "how often TestKill kills a manager")

// victimDir and victimSeed tell the process that TestKill kills what to do.
const (
	victimDir  = "MANAGER_TEST_DIR"
	victimSeed = "MANAGER_TEST_SEED"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(victimDir); dir != "" {
		seed, _ := strconv.ParseUint(os.Getenv(victimSeed), 10, 64)
		fmt.Fprintln(os.Stderr, workForever(dir, seed))
		os.Exit(1)
	}
	flag.Parse()
	os.Exit(m.Run())
}

// A site is a manager over a folder: SQLite and an engine that keeps its state
// on the disk.
type site struct {
	*manager.Manager
	db     *sqlite.DB
	engine *sandboxtest.Engine
}

func openSite(dir string, delay time.Duration) (*site, error) {
	engine, err := sandboxtest.NewEngineAt(sandbox.EngineWasm, filepath.Join(dir, "engine"))
	if err != nil {
		return nil, err
	}
	for _, method := range []string{"create", "start", "stop", "kill", "pause", "resume", "destroy", "fork", "resize", "network"} {
		engine.SetDelay(method, delay)
	}
	db, err := sqlite.Open(context.Background(), filepath.Join(dir, "sandpiper.db"))
	if err != nil {
		return nil, err
	}
	log := slog.New(slog.DiscardHandler)
	engines := []sandbox.Engine{engine}
	region := sandbox.Region{ID: "local"}
	m, err := manager.New(context.Background(), manager.Config{
		Engines: engines, Store: db, Placer: scheduler.NewPlacer(scheduler.PlacerConfig{Engines: engines, Region: region, Log: log}),
		Secret: []byte(strings.Repeat("s", 32)), Organization: sandbox.Organization{ID: org}, Region: region,
		Tick: 20 * time.Millisecond, Reconcile: 50 * time.Millisecond, OrphanGrace: 150 * time.Millisecond, Log: log,
	})
	if err != nil {
		return nil, err
	}
	return &site{m, db, engine}, m.Boot(context.Background())
}

// workForever does what clients do, several at once, and prints what they were
// told.
func workForever(dir string, seed uint64) error {
	s, err := openSite(dir, 3*time.Millisecond)
	if err != nil {
		return err
	}
	if _, err := s.CreateWarmPool(context.Background(), org, "wasm", "", 2); err != nil && sandbox.KindOf(err) != sandbox.KindConflict {
		return err
	}
	var say sync.Mutex
	for i := range uint64(4) {
		r := rand.New(rand.NewPCG(seed, i))
		go func() {
			for {
				for _, told := range s.act(r) {
					say.Lock()
					fmt.Println(told)
					say.Unlock()
				}
			}
		}()
	}
	select {}
}

// act makes one request and returns what a client knows after it.
func (s *site) act(r *rand.Rand) (told []string) {
	ctx := context.Background()
	page, err := s.List(ctx, sandbox.SandboxFilter{Organization: org, Limit: 50})
	if err != nil {
		return []string{"failed " + err.Error()}
	}
	if len(page.Items) < 8 || r.IntN(4) == 0 && len(page.Items) < 30 {
		made, err := s.Create(ctx, manager.CreateRequest{
			Organization: org, Snapshot: "wasm", Labels: map[string]string{"n": fmt.Sprint(r.IntN(100))}, Network: sandbox.Network{BlockAll: r.IntN(2) == 0},
		})
		if err != nil {
			return []string{"failed " + err.Error()}
		}
		return []string{"created " + made.ID}
	}
	id := page.Items[r.IntN(len(page.Items))].ID
	switch r.IntN(9) {
	case 0:
		fmt.Println("doomed " + id)
		s.Destroy(ctx, org, id)
	case 1, 2:
		s.Stop(ctx, org, id, r.IntN(2) == 0)
	case 3:
		s.Pause(ctx, org, id)
	case 4:
		if fork, err := s.Fork(ctx, org, id, ""); err == nil {
			return []string{"created " + fork.ID}
		}
	case 5:
		s.Resize(ctx, org, id, sandbox.Resources{CPU: 1 + r.IntN(3)})
	case 6:
		block := r.IntN(2) == 0
		s.SetNetwork(ctx, org, id, manager.NetworkUpdate{BlockAll: &block})
	default:
		s.Start(ctx, org, id)
	}
	return nil
}

// TestKill kills a manager in the middle of everything, again and again, and
// lets another come to rest over what is left: nothing that a client was told of
// is lost, nothing leaks, and what is called started is.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	must(t, os.Mkdir(filepath.Join(dir, "engine"), 0o700))
	r := rand.New(rand.NewPCG(42, 42))
	created, doomed := map[string]bool{}, map[string]bool{}
	// Busy machines do little in a round's time: they get more rounds.
	enough := func() bool { return len(created) >= *kills && len(doomed) > 0 }
	for round := 0; round < *kills || round < 10**kills && !enough(); round++ {
		killAfter(t, dir, uint64(round), time.Duration(60+r.IntN(250))*time.Millisecond, func(told string) {
			what, id, _ := strings.Cut(told, " ")
			switch what {
			case "created":
				created[id] = true
			case "doomed":
				doomed[id] = true
			default:
				t.Errorf("round %d: the victim said %q", round, told)
			}
		})
		checkSite(t, round, dir, created, doomed)
	}
	if !enough() {
		t.Errorf("only %d sandboxes were created and %d destroyed", len(created), len(doomed))
	}
}

// killAfter lets a victim work for a while and kills it.
func killAfter(t *testing.T, dir string, seed uint64, life time.Duration, told func(string)) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), victimDir+"="+dir, fmt.Sprintf("%s=%d", victimSeed, seed))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	var timer *time.Timer
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if timer == nil { // it is up
			timer = time.AfterFunc(life, func() { cmd.Process.Kill() })
		}
		told(lines.Text())
	}
	cmd.Wait()
	if timer == nil {
		t.Fatal("the victim did nothing")
	}
}

// checkSite opens what a victim has left and checks it when it has come to rest.
func checkSite(t *testing.T, round int, dir string, created, doomed map[string]bool) {
	t.Helper()
	s, err := openSite(dir, 0)
	must(t, err)
	defer func() {
		must(t, s.Close())
		must(t, s.db.Close())
	}()
	must(t, s.db.Check(t.Context()))
	var problem string
	for range 3000 {
		if problem = s.problem(created, doomed); problem == "" {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatalf("round %d: %s", round, problem)
}

// problem returns what is wrong now; "" for nothing.
func (s *site) problem(created, doomed map[string]bool) string {
	all, err := s.db.LiveSandboxes(context.Background())
	if err != nil {
		return err.Error()
	}
	known := map[string]bool{}
	for _, o := range all {
		known[o.ID] = true
		h, there := s.engine.Held(o.ID)
		switch {
		case o.State.Transient() || o.State == sandbox.StateUnknown:
			return fmt.Sprintf("%s is still %s", o.ID, o.State)
		case o.State == sandbox.StateError && o.ErrorReason == "":
			return fmt.Sprintf("%s failed without a reason", o.ID)
		case o.State == sandbox.StateError:
		case !there || h.State != o.State:
			return fmt.Sprintf("%s is called %s, and the engine has %q", o.ID, o.State, h.State)
		case h.Spec.Token != s.ToolboxToken(o):
			return fmt.Sprintf("%s has another token", o.ID)
		case o.State == sandbox.StateStarted && h.Spec.Network.BlockAll != o.Network.BlockAll:
			return fmt.Sprintf("%s has another network than its record says", o.ID)
		}
	}
	for id := range created {
		if !known[id] && !doomed[id] {
			return fmt.Sprintf("%s was created and is lost", id)
		}
	}
	if held, _ := s.engine.Count(); held > len(all) {
		return fmt.Sprintf("the engine has %d sandboxes and there are %d records", held, len(all))
	}
	return ""
}
