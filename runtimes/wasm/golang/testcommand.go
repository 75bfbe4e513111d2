package golang

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"sandpiper/runtimes/wasm/toolchain"
	"sandpiper/runtimes/wasm/vm"
	"sandpiper/sandbox"
)

// Flags of `go test`: those whose value may be the next argument, and those without
// one. Others are not available here.
var (
	testValues = []string{
		"run", "skip", "bench", "benchtime", "count", "cpu", "parallel", "timeout", "list", "shuffle", "fuzz", "fuzztime",
	}
	testSwitches = []string{"v", "short", "failfast", "benchmem", "fullpath"}
)

// defaultTestTime is when package testing gives a test up, unless told otherwise.
const defaultTestTime = "-test.timeout=10m0s"

// test is `go test`.
func (c *command) test(ctx context.Context, args []string) sandbox.Outcome {
	packages, given, err := splitTest(args)
	if err != nil {
		return c.say(toolchain.ExitUsage, "go: %v", err)
	}
	targets, err := c.targets(packages)
	if err != nil {
		return c.say(toolchain.ExitFailed, "go: %v", err)
	}
	failed := false
	for _, t := range targets {
		ok, o := c.testOne(ctx, t, given)
		if ctx.Err() != nil || o.Status == sandbox.StatusInternal {
			return o
		}
		failed = failed || !ok
	}
	if failed {
		c.print("FAIL\n")
		return toolchain.Exit(toolchain.ExitFailed)
	}
	return toolchain.Exit(0)
}

// testOne builds and runs the tests of one package, and prints how they went.
func (c *command) testOne(ctx context.Context, t *target, args []string) (ok bool, o sandbox.Outcome) {
	if !slices.ContainsFunc(t.folders[t.root], func(f *file) bool { return f.tests }) {
		c.print("?   \t%s\t[no test files]\n", t.name())
		return true, toolchain.Exit(0)
	}
	plan, o := c.plan(t, toTest)
	if plan == nil {
		c.print("FAIL\t%s [build failed]\n", t.name())
		return false, o
	}
	c.driver.tools.Announce(c.cfg)
	program, report, err := c.driver.tools.Build(ctx, plan.request)
	switch {
	case err != nil:
		return false, toolchain.Broken(ctx, c.cfg, "go", err)
	case program == nil:
		o := c.failed(t, report)
		c.print("FAIL\t%s [build failed]\n", t.name())
		return false, o
	}
	defer program.Release()
	cfg := c.cfg
	dir := path.Join(t.home, t.root)
	cfg.Env = append(slices.DeleteFunc(slices.Clone(cfg.Env), func(kv string) bool { return strings.HasPrefix(kv, "PWD=") }), "PWD="+dir)
	cfg.Args = append([]string{"/tmp/go-build/" + t.binary() + ".test", "-test.paniconexit0", defaultTestTime}, args...)
	began := time.Now()
	o = program.Module.Run(ctx, cfg, vm.Start).Outcome
	if o.Status != sandbox.StatusOK {
		c.print("FAIL\t%s\t%.3fs\n", t.name(), time.Since(began).Seconds())
		return false, o
	}
	c.print("ok  \t%s\t%.3fs\n", t.name(), time.Since(began).Seconds())
	return true, o
}

// splitTest separates the packages of `go test` from the arguments of the test's
// program.
func splitTest(args []string) (packages, own []string, err error) {
	for i := 0; i < len(args); i++ {
		a := args[i]
		if a == "-args" || a == "--args" {
			return packages, append(own, args[i+1:]...), nil
		}
		if !strings.HasPrefix(a, "-") {
			packages = append(packages, a)
			continue
		}
		name, value, has := strings.Cut(strings.TrimPrefix(strings.TrimLeft(a, "-"), "test."), "=")
		switch {
		case slices.Contains(testValues, name) && !has:
			if i++; i == len(args) {
				return nil, nil, fmt.Errorf("flag needs an argument: -%s", name)
			}
			own = append(own, "-test."+name+"="+args[i])
		case slices.Contains(testValues, name), slices.Contains(testSwitches, name) && has:
			own = append(own, "-test."+name+"="+value)
		case slices.Contains(testSwitches, name):
			own = append(own, "-test."+name)
		case name == "vet": // it always does
		default:
			return nil, nil, fmt.Errorf("the flag -%s of go test is not available here", name)
		}
	}
	return packages, own, nil
}
