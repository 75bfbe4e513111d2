package api_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"sandpiper/sandbox"
	"sandpiper/web/api"
)

func TestLifeOfASandbox(t *testing.T) {
	b := newBench(t)
	a := b.good("createSandbox", "POST", "/sandbox", `{"name":"box","env":{"A":"1"},"labels":{"l":"1"},"public":true,"target":"eu","cpu":2,"memory":4,"disk":5,
		"autoStopInterval":7,"autoDeleteInterval":-1,"ttlMinutes":600,"networkAllowList":"10.0.0.0/8, 1.2.3.4/32","unknown":[1]}`)
	id := a.id()
	if a := b.good("createSandbox", "POST", "/sandbox", `{}`); a.get("target") != "local" {
		t.Errorf("the target of a sandbox that names none is %v", a.get("target"))
	}
	for name, want := range map[string]any{
		"name": "box", "state": "started", "target": "eu", "cpu": 2.0, "memory": 4.0, "disk": 5.0, "autoStopInterval": 7.0, "autoDeleteInterval": -1.0,
		"autoArchiveInterval": 10080.0, "public": true, "networkAllowList": "10.0.0.0/8,1.2.3.4/32", "sandboxClass": "container", "engine": "container",
		"organizationId": org, "toolboxProxyUrl": "http://sandpiper.test/toolbox", "snapshot": "sandpiper-small", "isolation": "pretence", "desiredState": "started", "daemonVersion": "v9",
	} {
		if got := a.get(name); got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	if a.get("env", "A") != "1" || a.get("labels", "l") != "1" || a.get("autoDestroyAt") == nil {
		t.Errorf("got %s", a.text)
	}
	b.bad(409, "name", "POST", "/sandbox", `{"name":"box"}`)
	b.good("getSandbox", "GET", "/sandbox/box", "")
	if got := b.good("replaceLabels", "PUT", "/sandbox/box/labels", `{"labels":{"x":"y"}}`); got.text != `{"labels":{"x":"y"}}` {
		t.Errorf("labels %s", got.text)
	}
	if got := b.good("updatePublicStatus", "POST", "/sandbox/box/public/false", ""); got.get("public") != false {
		t.Errorf("got %s", got.text)
	}
	for _, c := range []struct {
		id, path, field string
		want            float64
	}{
		{"setAutostopInterval", "autostop/0", "autoStopInterval", 0}, {"setAutoArchiveInterval", "autoarchive/60", "autoArchiveInterval", 60},
		{"setAutoDeleteInterval", "autodelete/0", "autoDeleteInterval", 0}, {"setAutoDeleteInterval", "autodelete/-5", "autoDeleteInterval", -5},
		{"setAutoPauseInterval", "autopause/9", "autoPauseInterval", 9},
	} {
		if got := b.good(c.id, "POST", "/sandbox/box/"+c.path, ""); got.get(c.field) != c.want {
			t.Errorf("%s: %v", c.path, got.get(c.field))
		}
	}
	if got := b.good("setTtl", "POST", "/sandbox/box/ttl/0", ""); got.get("autoDestroyAt") != nil {
		t.Errorf("a time to live is left: %s", got.text)
	}
	if got := b.good("updateNetworkSettings", "POST", "/sandbox/box/network-settings", `{"networkAllowList":""}`); got.get("networkAllowList") != nil {
		t.Errorf("got %s", got.text)
	}
	b.good("resizeSandbox", "POST", "/sandbox/box/resize", `{"cpu":3}`)
	b.until(id, sandbox.StateStarted)
	b.good("createSandboxSnapshot", "POST", "/sandbox/box/snapshot", `{"name":"of-box"}`)
	b.until(id, sandbox.StateStarted)
	b.good("forkSandbox", "POST", "/sandbox/box/fork", `{"name":"fork"}`)
	b.until(id, sandbox.StateStarted)
	if all := b.good("getSandboxForks", "GET", "/sandbox/box/forks", "").json.([]any); len(all) != 1 {
		t.Errorf("forks: %v", all)
	}
	if got := b.good("getSandboxParent", "GET", "/sandbox/fork/parent", ""); got.id() != id {
		t.Errorf("the parent is %s", got.text)
	}
	b.good("getSandboxAncestors", "GET", "/sandbox/fork/ancestors", "")
	b.good("deleteSandbox", "DELETE", "/sandbox/fork", "")
	b.good("pauseSandbox", "POST", "/sandbox/box/pause", "")
	b.until(id, sandbox.StatePaused)
	b.good("startSandbox", "POST", "/sandbox/box/start", "")
	b.until(id, sandbox.StateStarted)
	b.bad(409, "stop it first", "POST", "/sandbox/box/archive", "")
	b.good("stopSandbox", "POST", "/sandbox/box/stop?force=true", "")
	b.until(id, sandbox.StateStopped)
	b.good("archiveSandbox", "POST", "/sandbox/box/archive", "")
	b.until(id, sandbox.StateArchived)
	b.bad(409, "", "POST", "/sandbox/box/recover?skipStart=true", "")
	b.good("deleteSandbox", "DELETE", "/sandbox/box", "")
	b.until(id, sandbox.StateDestroyed)
	b.bad(404, "", "GET", "/sandbox/box", "")
	b.bad(404, "", "GET", "/sandbox/"+id, "")
	b.bad(404, "", "GET", "/sandbox/"+id[:8], "", "X-Daytona-SDK-Version", "0.110.2")
	if a := b.good("getSandbox", "GET", "/sandbox/"+id, "", "X-Daytona-SDK-Version", "0.110.2"); a.get("state") != "destroyed" {
		t.Errorf("an old SDK, which looks once more, sees %s", a.text)
	}
}

func TestRequestsThatAreWrong(t *testing.T) {
	b := newBench(t)
	id := b.create(`{}`)
	for _, c := range []struct{ method, path, body, field, says string }{
		{"POST", "/sandbox", `{"cpu":"many"}`, "cpu", "whole number"},
		{"POST", "/sandbox", `{"cpu":0}`, "cpu", "at least 1"},
		{"POST", "/sandbox", `{"autoStopInterval":-1}`, "autoStopInterval", "minutes"},
		{"POST", "/sandbox", `{"ttlMinutes":99999999999}`, "ttlMinutes", "minutes"},
		{"POST", "/sandbox", `{"env":[]}`, "env", "object"},
		{"POST", "/sandbox", `{"volumes":[{"volumeId":"a"}]}`, "volumes[0].mountPath", "missing"},
		{"POST", "/sandbox", `{"buildInfo":{}}`, "buildInfo.dockerfileContent", "missing"},
		{"PUT", "/sandbox/" + id + "/labels", `{}`, "labels", "missing"},
		{"PUT", "/sandbox/" + id + "/labels", `{"labels":null}`, "labels", "missing"},
		{"POST", "/sandbox/" + id + "/resize", `{}`, "cpu", "at least one"},
		{"POST", "/sandbox/" + id + "/resize", `{"disk":0}`, "disk", "at least 1"},
		{"POST", "/sandbox/" + id + "/snapshot", `{}`, "name", "missing"},
		{"POST", "/sandbox/" + id + "/network-settings", `{}`, "networkBlockAll", "at least one"},
		{"POST", "/sandbox/" + id + "/public/yes", ``, "isPublic", "true or false"},
		{"POST", "/sandbox/" + id + "/autostop/x", ``, "interval", "whole number"},
		{"POST", "/sandbox/" + id + "/stop?force=maybe", ``, "force", "true or false"},
		{"GET", "/sandbox/" + id + "/ports/0/preview-url", ``, "port", "1 to 65535"},
		{"GET", "/sandbox?limit=0", ``, "limit", "at least 1"},
		{"GET", "/sandbox?limit=201", ``, "limit", "200"},
		{"GET", "/sandbox?states=happy", ``, "states", "happy"},
		{"GET", "/sandbox?labels=x", ``, "labels", "object"},
		{"GET", "/sandbox?order=up", ``, "order", "asc or desc"},
		{"GET", "/sandbox?createdAtAfter=yesterday", ``, "createdAtAfter", "time"},
		{"GET", "/sandbox?isPublic=perhaps", ``, "isPublic", "true or false"},
		{"GET", "/sandbox?cursor=x", ``, "cursor", "cursor"},
		{"GET", "/sandbox/paginated?page=0", ``, "page", "at least 1"},
		{"POST", "/snapshots", `{"imageName":"x"}`, "name", "missing"},
		{"POST", "/snapshots", `{"name":"x"}`, "imageName", "missing"},
		{"POST", "/snapshots", `{"name":"x","imageName":"a","sandboxClass":"windows"}`, "sandboxClass", "cannot be had"},
		{"POST", "/warm-pools", `{"snapshot":"wasm"}`, "pool", "missing"},
		{"POST", "/warm-pools", `{"snapshot":"wasm","pool":0}`, "pool", "at least 1"},
		{"POST", "/api-keys", `{"name":"x"}`, "permissions", "missing"},
		{"POST", "/api-keys", `{"name":"x","permissions":["fly"]}`, "permissions", "fly"},
		{"POST", "/api-keys", `{"name":"x/y","permissions":[]}`, "name", "slash"},
		{"POST", "/api-keys", `{"name":"x","permissions":[],"expiresAt":"2001-01-01T00:00:00Z"}`, "expiresAt", "time to come"},
		{"GET", "/runners/by-snapshot-ref", ``, "ref", "missing"},
	} {
		if a := b.bad(400, c.says, c.method, c.path, c.body); a.get("field") != c.field {
			t.Errorf("%s %s: the field is %v, want %s", c.method, c.path, a.get("field"), c.field)
		}
	}
	b.bad(400, "not JSON", "POST", "/sandbox", `{`)
	b.bad(415, "Content-Type", "POST", "/sandbox", `{}`, "Content-Type", "text/plain")
	b.bad(413, "", "POST", "/sandbox", `{"name":"`+strings.Repeat("x", 3<<20)+`"}`)
	b.bad(404, "", "POST", "/sandbox", `{"snapshot":"nowhere"}`)
	b.bad(404, "GET", "GET", "/nowhere", "")
	b.bad(404, "PUT", "PUT", "/sandbox", "")
	for _, body := range []string{`{"secrets":[{"A":"b"}]}`, `{"outboundProxyUrl":"http://x"}`, `{"otelEndpointOverride":"x"}`, `{"spot":true}`, `{"gpuType":["H100"]}`,
		`{"buildInfo":{"dockerfileContent":"FROM a","contextHashes":["x"]}}`} {
		b.bad(501, "", "POST", "/sandbox", body)
	}
	b.bad(404, "expired", "GET", "/preview/token/3000/sandbox-id", "")
}

func TestAFullHostSaysSoAndWhen(t *testing.T) {
	b := newBench(t)
	b.docker.FailNext("create", &sandbox.Error{Kind: sandbox.KindBusy, Message: "the host has no room", RetryAfter: 7 * time.Second})
	if a := b.bad(429, "no room", "POST", "/sandbox", `{}`); a.Header.Get("Retry-After") != "7" || a.Header.Get("Retry-After-sandbox-create") != "7" {
		t.Errorf("come back after %q", a.Header.Get("Retry-After"))
	}
}

func TestLists(t *testing.T) {
	b := newBench(t)
	for _, name := range []string{"a", "b", "c"} {
		b.create(`{"name":"` + name + `","labels":{"n":"` + name + `"}}`)
	}
	var names []string
	for cursor := ""; ; {
		a := b.good("listSandboxes", "GET", "/sandbox?limit=2&sort=name&order=asc&states=started,stopped&cursor="+cursor, "")
		for _, item := range a.get("items").([]any) {
			names = append(names, item.(map[string]any)["name"].(string))
			if _, has := item.(map[string]any)["env"]; has {
				t.Error("a list shows environments")
			}
		}
		next, _ := a.get("nextCursor").(string)
		if cursor = next; cursor == "" {
			break
		}
	}
	if strings.Join(names, "") != "abc" {
		t.Errorf("by cursor: %v", names)
	}
	if a := b.good("listSandboxes", "GET", `/sandbox?labels=%7B%22n%22%3A%22b%22%7D`, ""); len(a.get("items").([]any)) != 1 {
		t.Errorf("by label: %s", a.text)
	}
	if a := b.good("listSandboxes", "GET", `/sandbox?states[]=stopped&states[]=error`, ""); len(a.get("items").([]any)) != 0 {
		t.Errorf("by state: %s", a.text)
	}
	a := b.good("listSandboxesPaginated_deprecated", "GET", "/sandbox/paginated?page=2&limit=2", "")
	if a.get("total") != 3.0 || a.get("page") != 2.0 || a.get("totalPages") != 2.0 || len(a.get("items").([]any)) != 1 {
		t.Errorf("paginated: %s", a.text)
	}
	for version, array := range map[string]bool{"0.110.2": true, "v0.179.9": true, "0.180.0": false, "0.205.1": false, "1.0.0": false, "0.0.0-dev": false, "": false} {
		a := b.send("GET", "/sandbox", "", "X-Daytona-SDK-Version", version)
		if all, is := a.json.([]any); is != array || is && len(all) != 3 {
			t.Errorf("version %q: %s", version, a.text)
		}
	}
}

func TestKeysAndPermissions(t *testing.T) {
	b := newBench(t)
	made := b.good("createApiKey", "POST", "/api-keys", `{"name":"reader","permissions":[]}`)
	reader, _ := made.get("value").(string)
	if !strings.HasPrefix(reader, "dtn_") || len(reader) < 40 {
		t.Errorf("got %s", made.text)
	}
	b.bad(409, "name", "POST", "/api-keys", `{"name":"reader","permissions":[]}`)
	writer := b.key("writer", []string{"write:sandboxes", "manage:api_keys"})
	list := b.good("listApiKeys", "GET", "/api-keys", "")
	if strings.Contains(list.text, reader) || !strings.Contains(list.text, reader[:7]+"********") {
		t.Errorf("keys are not masked: %s", list.text)
	}
	if a := b.good("getCurrentApiKey", "GET", "/api-keys/current", "", "Authorization", "Bearer "+reader); a.get("name") != "reader" {
		t.Errorf("the current key is %s", a.text)
	}
	b.good("getApiKey", "GET", "/api-keys/reader", "")
	id := b.create(`{}`)
	for _, c := range []struct {
		method, path, body string
		reader, writer     int
	}{
		{"GET", "/sandbox/" + id, "", 200, 200},
		{"GET", "/snapshots", "", 200, 200},
		{"POST", "/sandbox", "{}", 403, 200},
		{"POST", "/sandbox/" + id + "/stop", "", 403, 200},
		{"POST", "/sandbox/" + id + "/snapshot", `{"name":"s"}`, 403, 403},
		{"DELETE", "/sandbox/" + id, "", 403, 403},
		{"GET", "/sandbox/" + id + "/signing-key", "", 403, 200},
		{"GET", "/sandbox/" + id + "/ports/2280/preview-url", "", 403, 200},
		{"GET", "/runners", "", 403, 403},
		{"POST", "/api-keys", `{"name":"n","permissions":["write:sandboxes"]}`, 403, 201},
		{"POST", "/api-keys", `{"name":"m","permissions":["delete:sandboxes"]}`, 403, 403},
		{"DELETE", "/api-keys/n", "", 403, 204},
		{"DELETE", "/api-keys/admin", "", 403, 403},
		{"POST", "/warm-pools", `{"snapshot":"wasm","pool":1}`, 403, 201},
		{"POST", "/volumes", `{}`, 501, 501},
	} {
		for secret, want := range map[string]int{reader: c.reader, writer: c.writer} {
			if a := b.send(c.method, c.path, c.body, "Authorization", "Bearer "+secret); a.StatusCode != want {
				t.Errorf("%s %s with %.8s: %s, want %d: %s", c.method, c.path, secret, a.Status, want, a.text)
			}
		}
	}
	b.bad(401, "", "GET", "/sandbox", "", "Authorization", "Bearer nobody's")
	b.bad(401, "", "GET", "/sandbox", "", "Authorization", "")
	b.good("deleteApiKeyForUser", "DELETE", "/api-keys/owner/reader", "")
	b.bad(401, "", "GET", "/sandbox", "", "Authorization", "Bearer "+reader)
	b.bad(404, "", "DELETE", "/api-keys/reader", "")
	b.bad(404, "", "DELETE", "/api-keys/somebody/writer", "")
	b.bad(403, "no member", "GET", "/sandbox", "", "X-Daytona-Organization-ID", "other")
	b.good("listSandboxes", "GET", "/sandbox", "", "X-Daytona-Organization-ID", org)
	b.bad(404, "", "GET", "/organizations/other", "")
}

func TestWhatClientsAskForBesides(t *testing.T) {
	b := newBench(t)
	id := b.create(`{}`)
	for op, path := range map[string]string{
		"ConfigController_getConfig": "/config", "HealthController_check": "/health/ready", "HealthController_live": "/health",
		"getAuthenticatedUser": "/users/me", "getAvailableAccountProviders": "/users/account-providers", "listPendingSsoLinks": "/users/me/pending-sso-links",
		"listOrganizations": "/organizations", "getOrganization": "/organizations/" + org, "getOrganizationUsageOverview": "/organizations/" + org + "/usage",
		"listAvailableSandboxClasses": "/organizations/" + org + "/available-sandbox-classes", "listOrganizationMembers": "/organizations/" + org + "/users",
		"listOrganizationRoles": "/organizations/" + org + "/roles", "listOrganizationInvitations": "/organizations/" + org + "/invitations",
		"listOrganizationInvitationsForAuthenticatedUser":     "/organizations/invitations",
		"getOrganizationInvitationsCountForAuthenticatedUser": "/organizations/invitations/count",
		"listAvailableRegions":                                "/regions", "listSharedRegions": "/shared-regions", "getRegionById": "/regions/eu",
		"listRunners": "/runners", "getRunnerBySandboxId": "/runners/by-sandbox/" + id, "listJobs": "/jobs",
		"getRunnersBySnapshotRef":    "/runners/by-snapshot-ref?ref=wasm",
		"getOrganizationBySandboxId": "/sandbox/" + id + "/organization", "getRegionQuotaBySandboxId": "/sandbox/" + id + "/region-quota",
		"getToolboxProxyUrl": "/sandbox/" + id + "/toolbox-proxy-url", "getBuildLogsUrl": "/sandbox/" + id + "/build-logs-url",
		"getBuildLogs": "/sandbox/" + id + "/build-logs", "getSandboxSigningKey": "/sandbox/" + id + "/signing-key",
		"isSandboxPublic": "/preview/" + id + "/public", "hasSandboxAccess": "/preview/" + id + "/access",
		"isPreviewWarningEnabled": "/preview/" + id + "/preview-warning", "isValidAuthToken": "/preview/" + id + "/validate/x",
		"getSigningKey": "/preview/" + id + "/signing-key", "getPortPreviewUrl": "/sandbox/" + id + "/ports/2280/preview-url",
		"getAllSnapshots": "/snapshots?limit=1&sort=name&order=asc", "getSnapshot": "/snapshots/daytona-small",
		"getSnapshotBuildLogs": "/snapshots/wasm/build-logs", "getSnapshotBuildLogsUrl": "/snapshots/wasm/build-logs-url",
		"listWarmPools": "/warm-pools",
	} {
		b.good(op, "GET", path, "")
	}
	// Without a quota the totals are what the host promises, of which there is what
	// is used, and more.
	usage := b.good("getOrganizationUsageOverview", "GET", "/organizations/"+org+"/usage", "")
	region := usage.get("regionUsage").([]any)[0].(map[string]any)
	quota := b.good("getRegionQuotaBySandboxId", "GET", "/sandbox/"+id+"/region-quota", "")
	for _, what := range []string{"Cpu", "Memory", "Disk"} {
		total, used := region["total"+what+"Quota"].(float64), region["current"+what+"Usage"].(float64)
		if total <= used || used < 1 || quota.get("total"+what+"Quota") != total {
			t.Errorf("%s: %v of %v, and the quota is %v", what, used, total, quota.get("total"+what+"Quota"))
		}
	}
	if got := usage.get("engines", "container", "started"); got != 1.0 {
		t.Errorf("%v containers are started", got)
	}
	runner := b.good("getRunnerBySandboxId", "GET", "/runners/by-sandbox/"+id, "").id()
	b.good("getRunnerById", "GET", "/runners/"+runner, "")
	b.good("getRunnerFullById", "GET", "/runners/"+runner+"/full", "")
	b.good("setOrganizationDefaultRegion", "PATCH", "/organizations/"+org+"/default-region", `{"defaultRegionId":"us"}`)
	b.bad(400, "region", "PATCH", "/organizations/"+org+"/default-region", `{"defaultRegionId":"mars"}`)
	b.bad(403, "personal", "DELETE", "/organizations/"+org, "")
	b.bad(404, "", "GET", "/runners/none", "")
	b.bad(404, "", "GET", "/jobs/none", "")
	preview := b.good("getPortPreviewUrl", "GET", "/sandbox/"+id+"/ports/2280/preview-url", "")
	token, _ := preview.get("token").(string)
	if preview.get("url") != "http://sandpiper.test/toolbox/"+id || token == "" {
		t.Errorf("got %s", preview.text)
	}
	if a := b.good("getPortPreviewUrl", "GET", "/sandbox/"+id+"/ports/22222/preview-url", ""); a.get("url") != "http://22222-"+id+".previews.test" {
		t.Errorf("the terminal: %s", a.text)
	}
	if a := b.good("isValidAuthToken", "GET", "/preview/"+id+"/validate/"+token, ""); a.json != true {
		t.Errorf("the preview token is not valid: %s", a.text)
	}
	signed := b.good("getSignedPortPreviewUrl", "GET", "/sandbox/"+id+"/ports/3000/signed-preview-url?expiresInSeconds=86400", "")
	link, _ := signed.get("token").(string)
	if signed.get("url") != "http://3000-"+link+".previews.test" {
		t.Errorf("got %s", signed.text)
	}
	if a := b.good("getSandboxIdFromSignedPreviewUrlToken", "GET", "/preview/"+link+"/3000/sandbox-id", ""); a.json != id {
		t.Errorf("the address lets into %s", a.text)
	}
	for _, seconds := range []string{"0", "86401", "-1", "x", "1.5"} {
		b.bad(400, "1 to 86400", "GET", "/sandbox/"+id+"/ports/3000/signed-preview-url?expiresInSeconds="+seconds, "")
	}
	b.bad(404, "expired", "GET", "/preview/"+link+"/3001/sandbox-id", "")
	b.bad(404, "expired", "POST", "/sandbox/"+id+"/ports/3001/signed-preview-url/"+link+"/expire", "")
	b.good("expireSignedPortPreviewUrl", "POST", "/sandbox/"+id+"/ports/3000/signed-preview-url/"+link+"/expire", "")
	b.bad(404, "ended", "POST", "/sandbox/"+id+"/ports/3000/signed-preview-url/"+link+"/expire", "")
	b.bad(404, "ended", "GET", "/preview/"+link+"/3000/sandbox-id", "")
	key := b.good("getSandboxSigningKey", "GET", "/sandbox/"+id+"/signing-key", "").json
	if again := b.good("rotateSigningKey", "POST", "/sandbox/"+id+"/signing-key/rotate", "").json; again == key || again == "" {
		t.Errorf("the signing key %v became %v", key, again)
	}
	b.good("updateLastActivity", "POST", "/sandbox/"+id+"/last-activity", `{"activityType":"x"}`)
	if a := b.good("getSandbox", "GET", "/sandbox/"+id, ""); a.get("activity", "touch") == nil {
		t.Errorf("no activity: %s", a.text)
	}
}

func TestSnapshotsAndPools(t *testing.T) {
	b := newBench(t)
	a := b.good("createSnapshot", "POST", "/snapshots", `{"name":"mine","imageName":"python:3.12","cpu":2,"memory":3,"disk":4,"entrypoint":["sleep","infinity"]}`)
	for name, want := range map[string]any{"name": "mine", "imageName": "python:3.12", "cpu": 2.0, "mem": 3.0, "disk": 4.0, "general": false, "engine": "container"} {
		if a.get(name) != want {
			t.Errorf("%s is %v, want %v", name, a.get(name), want)
		}
	}
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		a := b.good("getSnapshot", "GET", "/snapshots/mine", "")
		if a.get("state") == "active" {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the snapshot does not become active: %s", a.text)
		}
	}
	b.good("createSnapshot", "POST", "/snapshots", `{"name":"built","buildInfo":{"dockerfileContent":"FROM alpine:3.20\n"}}`)
	b.good("deactivateSnapshot", "POST", "/snapshots/mine/deactivate", "")
	if a := b.good("getSnapshot", "GET", "/snapshots/mine", ""); a.get("state") != "inactive" {
		t.Errorf("got %s", a.text)
	}
	b.good("activateSnapshot", "POST", "/snapshots/mine/activate", "")
	pool := b.good("createWarmPool", "POST", "/warm-pools", `{"snapshot":"wasm","pool":1}`)
	b.bad(409, "", "POST", "/warm-pools", `{"snapshot":"wasm","pool":2}`)
	if a := b.good("updateWarmPool", "PATCH", "/warm-pools/"+pool.id(), `{"pool":0}`); a.get("pool") != 0.0 {
		t.Errorf("got %s", a.text)
	}
	b.good("deleteWarmPool", "DELETE", "/warm-pools/"+pool.id(), "")
	b.good("removeSnapshot", "DELETE", "/snapshots/mine", "")
	b.bad(404, "", "GET", "/snapshots/nowhere", "")
}

func TestOldWorkspaces(t *testing.T) {
	b := newBench(t)
	a := b.send("POST", "/workspace", `{"image":"ghcr.io/renseiai/donmai-worker:latest","user":"daytona","env":{"A":"1"},"class":"medium","disk":20,
		"command":["donmai","agent","run"],"autoStopInterval":30}`)
	if a.StatusCode != 200 || a.get("state") != "started" && a.get("state") != "creating" || a.get("cpu") != 2.0 || a.get("disk") != 20.0 || a.get("info", "name") == nil {
		t.Fatalf("%s %s", a.Status, a.text)
	}
	id := a.id()
	b.until(id, sandbox.StateStarted)
	if h, _ := b.docker.Held(id); strings.Join(h.Spec.Entrypoint, " ") != "donmai agent run" {
		t.Errorf("the main process is %v", h.Spec.Entrypoint)
	}
	if s, err := b.manager.ByID(t.Context(), id); err != nil || !s.Deprecated {
		t.Errorf("got %+v, %v", s, err)
	}
	if all, _ := b.send("GET", "/workspace", "").json.([]any); len(all) != 1 {
		t.Errorf("%d workspaces", len(all))
	}
	for _, path := range []string{"/workspace/" + id, "/workspace/" + id + "/build-logs"} {
		if a := b.send("GET", path, ""); a.StatusCode != 200 {
			t.Errorf("%s: %s %s", path, a.Status, a.text)
		}
	}
	e := b.send("POST", "/workspace", `{"envVars":{"A":"1","B":"1"},"env":{"B":"2"}}`)
	if h, _ := b.docker.Held(e.id()); h.Spec.Env["A"] != "1" || h.Spec.Env["B"] != "2" || e.get("env", "A") != "1" {
		t.Errorf("the environment of envVars and env is %v: %s", h.Spec.Env, e.text)
	}
	b.bad(400, "envVars", "POST", "/workspace", `{"envVars":["A=1"]}`)
	b.bad(400, "class", "POST", "/workspace", `{"class":"huge"}`)
	b.bad(400, "command", "POST", "/workspace", `{"command":[1]}`)
	b.bad(400, "command", "POST", "/workspace", `{"command":{}}`)
	b.bad(501, "archive", "POST", "/workspace/"+id+"/backup", "")
	if a := b.send("DELETE", "/workspace/"+id+"?force=true", ""); a.StatusCode != 200 {
		t.Errorf("%s %s", a.Status, a.text)
	}
}

func TestEveryOperationIsRouted(t *testing.T) {
	b := newBench(t)
	if b.spec == nil {
		t.Skip("the specification is not beside the repository")
	}
	for _, op := range b.spec.Operations {
		path := strings.NewReplacer("{", "", "}", "").Replace(op.Path)
		a := b.send(op.Method, path, "{}")
		if message, _ := a.get("message").(string); strings.HasPrefix(message, "there is no "+op.Method+" ") || a.StatusCode >= 500 && a.StatusCode != 501 {
			t.Errorf("%s %s: %s %s", op.Method, op.Path, a.Status, a.text)
		}
		if a := b.send(op.Method, path, "{}", "Authorization", "Bearer wrong"); a.StatusCode != 401 && op.ID != "ConfigController_getConfig" && !strings.HasPrefix(op.Path, "/health") {
			t.Errorf("%s %s answers anybody: %s", op.Method, op.Path, a.Status)
		}
	}
}

func TestOpenAPI(t *testing.T) {
	b := newBench(t)
	if all := b.routes.Operations(); !slices.Contains(all, api.Operation{Method: "POST", Path: "/api/sandbox", Summary: "Make a sandbox", Permission: "write:sandboxes"}) ||
		!slices.Contains(all, api.Operation{Method: "GET", Path: "/toolbox/{sandboxId}/work-dir", Summary: "Tell the folder", Permission: "write:sandboxes"}) ||
		slices.ContainsFunc(all, func(o api.Operation) bool { return strings.HasPrefix(o.Path, "/api/volumes") }) {
		t.Errorf("operations %v", all)
	}
	a := b.send("GET", "/openapi.json", "")
	if a.StatusCode != 200 || a.get("openapi") != "3.1.0" || a.get("info", "version") != "1.2.3" {
		t.Fatalf("%s %.200s", a.Status, a.text)
	}
	for _, path := range []string{"/api/sandbox", "/api/warm-pools/{id}", "/api/workspace"} {
		if a.get("paths", path) == nil {
			t.Errorf("%s is not described", path)
		}
	}
	var refs []string
	for part := range strings.SplitSeq(a.text, `"$ref":"#/components/schemas/`) {
		name, _, _ := strings.Cut(part, `"`)
		refs = append(refs, name)
	}
	for _, name := range refs[1:] {
		if a.get("components", "schemas", name) == nil {
			t.Errorf("the schema %s is not there", name)
		}
	}
	if t := b.send("GET", "/toolbox-openapi.json", ""); t.StatusCode != 200 || t.get("paths", "/work-dir", "get", "operationId") != "GetWorkDir" ||
		!strings.Contains(t.text, `"url":"/toolbox/{sandboxId}"`) || !strings.Contains(a.text, "/api/toolbox-openapi.json") {
		b.t.Errorf("the document of toolboxes: %s %.300s", t.Status, t.text)
	}
	if bytes.Contains([]byte(a.text), []byte("additionalProperties\":false")) {
		t.Error("a body is said to refuse unknown fields")
	}
}
