// Package codes writes what a form asks for as programs that ask for the same:
// a command for curl and one for the command line tool, Python, TypeScript and Go
// with the official SDKs.
package codes

import (
	"encoding/json"
	"fmt"
	"go/format"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"sandpiper/components"
	"sandpiper/sandbox/manager"
)

// Create writes a request for a sandbox to the server at origin.
func Create(r manager.CreateRequest, origin string) []components.Code {
	return []components.Code{
		{ID: "code-curl", Title: "curl", Text: Curl(r, origin)},
		{ID: "code-python", Title: "Python", Text: Python(r, origin)},
		{ID: "code-typescript", Title: "TypeScript", Text: TypeScript(r, origin)},
		{ID: "code-go", Title: "Go", Text: Go(r, origin)},
		{ID: "code-cli", Title: "Command line", Text: CLI(r, origin)},
	}
}

// entry is a field of the request, by its name on the wire.
type entry struct {
	name  string
	value any // string, int, bool, map[string]string
}

// entries are the fields that are set, in a fixed order.
func entries(r manager.CreateRequest) []entry {
	var out []entry
	add := func(name string, value any, set bool) {
		if set {
			out = append(out, entry{name, value})
		}
	}
	add("name", r.Name, r.Name != "")
	add("snapshot", r.Snapshot, r.Snapshot != "" && r.Image == "")
	add("image", r.Image, r.Image != "")
	add("user", r.User, r.User != "")
	add("target", r.Target, r.Target != "")
	add("cpu", r.Resources.CPU, r.Resources.CPU > 0)
	add("memory", r.Resources.MemoryGiB, r.Resources.MemoryGiB > 0)
	add("disk", r.Resources.DiskGiB, r.Resources.DiskGiB > 0)
	add("env", r.Env, len(r.Env) > 0)
	add("labels", r.Labels, len(r.Labels) > 0)
	add("public", true, r.Public)
	add("networkBlockAll", true, r.Network.BlockAll)
	add("networkAllowList", strings.Join(r.Network.Allow, ","), len(r.Network.Allow) > 0)
	add("domainAllowList", strings.Join(r.Network.Domains, ","), len(r.Network.Domains) > 0)
	for _, i := range []struct {
		name string
		d    *time.Duration
	}{
		{"autoStopInterval", r.AutoStop}, {"autoPauseInterval", r.AutoPause}, {"autoArchiveInterval", r.AutoArchive},
		{"autoDeleteInterval", r.AutoDelete}, {"ttlMinutes", r.TTL},
	} {
		if i.d != nil {
			add(i.name, int(*i.d/time.Minute), true)
		}
	}
	return out
}

// Curl writes a command that needs nothing but curl.
func Curl(r manager.CreateRequest, origin string) string {
	return "curl -X POST " + origin + "/api/sandbox \\\n  -H \"Authorization: Bearer $DAYTONA_API_KEY\" \\\n  -H 'Content-Type: application/json' \\\n  -d " + shell(object(r, "  "))
}

// object writes the request as JSON.
func object(r manager.CreateRequest, indent string) string {
	var b strings.Builder
	b.WriteString("{")
	for i, e := range entries(r) {
		if i > 0 {
			b.WriteString(",")
		}
		fmt.Fprintf(&b, "\n%s%s: %s", indent, literal(e.name), literal(e.value))
	}
	if b.Len() > 1 {
		b.WriteString("\n")
	}
	return b.String() + "}"
}

// literal writes a value as JSON, in which it is TypeScript, too.
func literal(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // texts, numbers and maps of texts
	}
	return string(text)
}

// shell quotes a word for a POSIX shell.
func shell(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// pythonNames are the names of the Python SDK where they are not the wire's.
var pythonNames = map[string]string{
	"networkBlockAll": "network_block_all", "networkAllowList": "network_allow_list", "domainAllowList": "domain_allow_list", "user": "os_user",
	"autoStopInterval": "auto_stop_interval", "autoPauseInterval": "auto_pause_interval", "autoArchiveInterval": "auto_archive_interval",
	"autoDeleteInterval": "auto_delete_interval", "env": "env_vars", "ttlMinutes": "ttl_minutes",
}

// grouped are fields that the SDKs take from their configuration, or group.
var grouped = map[string]bool{"cpu": true, "memory": true, "disk": true, "target": true}

// Python writes a program for the official SDK.
func Python(r manager.CreateRequest, origin string) string {
	class := "CreateSandboxFromSnapshotParams"
	var args []string
	for _, e := range entries(r) {
		if !grouped[e.name] {
			args = append(args, "    "+orName(pythonNames, e.name)+"="+python(e.value)+",\n")
		}
	}
	imports := "Daytona, DaytonaConfig, "
	if r.Image != "" {
		class, imports = "CreateSandboxFromImageParams", imports+"Resources, "
		args = append(args, "    resources=Resources("+sizes(r, "=")+"),\n")
	}
	body := "()"
	if len(args) > 0 {
		body = "(\n" + strings.Join(args, "") + ")"
	}
	config := "api_url=" + python(origin+"/api") + ", api_key=os.environ[\"DAYTONA_API_KEY\"]"
	if r.Target != "" {
		config += ", target=" + python(r.Target)
	}
	return "import os\n\nfrom daytona import " + imports + class + "\n\ndaytona = Daytona(DaytonaConfig(" + config + "))\n" +
		"sandbox = daytona.create(" + class + body + ")\nprint(sandbox.id)\n" + note(r, "# ")
}

// python writes a value as Python.
func python(v any) string {
	switch v := v.(type) {
	case bool:
		if v {
			return "True"
		}
		return "False"
	default:
		return literal(v) // texts in JSON are texts in Python
	}
}

// tsNames are the names of the TypeScript SDK where they are not the wire's.
var tsNames = map[string]string{"env": "envVars"}

// TypeScript writes a program for the official SDK.
func TypeScript(r manager.CreateRequest, origin string) string {
	var args []string
	for _, e := range entries(r) {
		if !grouped[e.name] {
			args = append(args, "  "+orName(tsNames, e.name)+": "+literal(e.value)+",\n")
		}
	}
	if r.Image != "" {
		args = append(args, "  resources: { "+sizes(r, ": ")+" },\n")
	}
	body := "()"
	if len(args) > 0 {
		body = "({\n" + strings.Join(args, "") + "})"
	}
	config := "apiUrl: " + literal(origin+"/api") + ", apiKey: process.env.DAYTONA_API_KEY"
	if r.Target != "" {
		config += ", target: " + literal(r.Target)
	}
	return "import { Daytona } from \"@daytona/sdk\";\n\nconst daytona = new Daytona({ " + config + " });\n" +
		"const sandbox = await daytona.create" + body + ";\nconsole.log(sandbox.id);\n" + note(r, "// ")
}

// goNames are the names of the Go SDK. What is not here it cannot ask for.
var goNames = map[string]string{
	"name": "Name", "user": "User", "env": "EnvVars", "labels": "Labels", "public": "Public", "networkBlockAll": "NetworkBlockAll",
	"networkAllowList": "NetworkAllowList", "autoStopInterval": "AutoStopInterval", "autoArchiveInterval": "AutoArchiveInterval", "autoDeleteInterval": "AutoDeleteInterval",
}

// goPointers are fields that the Go SDK takes by their address.
var goPointers = map[string]bool{"networkAllowList": true, "autoStopInterval": true, "autoArchiveInterval": true, "autoDeleteInterval": true}

// Go writes a program for the official SDK.
func Go(r manager.CreateRequest, origin string) string {
	variables, fields, without := goFields(r)
	config := "APIKey: os.Getenv(\"DAYTONA_API_KEY\"), APIUrl: " + golang(origin+"/api")
	if r.Target != "" {
		config += ", Target: " + golang(r.Target)
	}
	notes := note(r, "\n// ")
	if len(without) > 0 {
		notes = "\n// The SDK cannot ask for " + strings.Join(without, ", ") + "; use curl for that.\n" + notes
	}
	program := fmt.Sprintf(goProgram, config, variables, goParams(r, fields), notes)
	formatted, err := format.Source([]byte(program))
	if err != nil {
		panic(err) // names and quoted values
	}
	return string(formatted)
}

// goFields writes what is asked for as fields, and the variables that some of them
// point at. without is what the SDK has no fields for.
func goFields(r manager.CreateRequest) (variables, fields string, without []string) {
	for _, e := range entries(r) {
		field, value := goNames[e.name], golang(e.value)
		switch {
		case grouped[e.name], e.name == "snapshot", e.name == "image":
			continue
		case field == "":
			without = append(without, e.name)
			continue
		case goPointers[e.name]:
			variables += e.name + " := " + value + "\n"
			value = "&" + e.name
		}
		fields += field + ": " + value + ",\n"
	}
	return variables, fields, without
}

// goParams writes the parameters of a creation from a snapshot or an image.
func goParams(r manager.CreateRequest, fields string) string {
	base := "types.SandboxBaseParams{}"
	if fields != "" {
		base = "types.SandboxBaseParams{\n" + fields + "}"
	}
	if r.Image == "" {
		return "types.SnapshotParams{\nSnapshot: " + golang(r.Snapshot) + ",\nSandboxBaseParams: " + base + ",\n}"
	}
	sizes := strings.NewReplacer("cpu", "CPU", "memory", "Memory", "disk", "Disk").Replace(sizes(r, ": "))
	return "types.ImageParams{\nImage: " + golang(r.Image) + ",\nResources: &types.Resources{" + sizes + "},\nSandboxBaseParams: " + base + ",\n}"
}

// goProgram is the program around the configuration of the client, the variables, the
// parameters and notes.
const goProgram = `package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/daytonaio/daytona/libs/sdk-go/pkg/daytona"
	"github.com/daytonaio/daytona/libs/sdk-go/pkg/types"
)

func main() {
	client, err := daytona.NewClientWithConfig(&types.DaytonaConfig{%s})
	check(err)
	%ssandbox, err := client.Create(context.Background(), %s)
	check(err)
	fmt.Println(sandbox.ID)
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
%s`

// golang writes a value as Go.
func golang(v any) string {
	labels, ok := v.(map[string]string)
	if !ok {
		return fmt.Sprintf("%#v", v)
	}
	var pairs []string
	for _, k := range slices.Sorted(maps.Keys(labels)) {
		pairs = append(pairs, strconv.Quote(k)+": "+strconv.Quote(labels[k]))
	}
	return "map[string]string{" + strings.Join(pairs, ", ") + "}"
}

// sizes writes resources as arguments.
func sizes(r manager.CreateRequest, is string) string {
	var out []string
	for _, s := range []struct {
		name string
		n    int
	}{{"cpu", r.Resources.CPU}, {"memory", r.Resources.MemoryGiB}, {"disk", r.Resources.DiskGiB}} {
		if s.n > 0 {
			out = append(out, s.name+is+strconv.Itoa(s.n))
		}
	}
	return strings.Join(out, ", ")
}

// note says what the SDKs cannot ask for.
func note(r manager.CreateRequest, comment string) string {
	if r.Image == "" && sizes(r, "=") != "" {
		return comment + "The SDK takes the size from the snapshot; use curl to ask for another one.\n"
	}
	return ""
}

// CLI writes a command for the command line tool.
func CLI(r manager.CreateRequest, origin string) string {
	flags := map[string]string{
		"name": "name", "snapshot": "snapshot", "user": "user", "target": "target", "cpu": "cpu", "memory": "memory", "disk": "disk",
		"networkAllowList": "network-allow-list", "autoStopInterval": "auto-stop", "autoArchiveInterval": "auto-archive", "autoDeleteInterval": "auto-delete",
	}
	out := "DAYTONA_API_URL=" + shell(origin+"/api") + " daytona create"
	var without []string
	for _, e := range entries(r) {
		switch v := e.value.(type) {
		case map[string]string:
			flag := map[string]string{"env": "env", "labels": "label"}[e.name]
			for _, k := range slices.Sorted(maps.Keys(v)) {
				out += " \\\n  --" + flag + " " + shell(k+"="+v[k])
			}
		case bool:
			flag := map[string]string{"public": "public", "networkBlockAll": "network-block-all"}[e.name]
			out += " \\\n  --" + flag
		default:
			flag, ok := flags[e.name]
			if !ok {
				without = append(without, e.name)
				continue
			}
			out += " \\\n  --" + flag + " " + shell(fmt.Sprint(v))
		}
	}
	if len(without) > 0 {
		out += "\n# The tool has no flag for " + strings.Join(without, ", ") + "; use curl for that."
	}
	return out
}

func orName(names map[string]string, name string) string {
	if other, ok := names[name]; ok {
		return other
	}
	return name
}
