package main

import (
	"context"
	"encoding/json"
	"net/http"
	"time"
)

// desktopSnapshot is what sandboxes with a desktop start from, where there are
// containers.
const desktopSnapshot = "sandpiper-desktop"

// desktop is the life of a sandbox with a desktop, in which an editor is open.
var desktop = []step{
	{op: "control createSandbox", body: `{"snapshot":"${snapshot}","name":"desktop-${run}"}`, save: "sandbox=id&sandboxIdOrName=id"},
	{op: "control getSandbox", wait: until("started")},
	{op: "toolbox StartComputerUse"},
	{op: "toolbox StartComputerUse"}, // that is so already
	{op: "toolbox GetComputerUseStatus"},
	{op: "toolbox GetComputerUseSystemStatus"},
	{op: "toolbox GetProcessStatus", path: "processName=xvfb"},
	{op: "toolbox GetProcessLogs", path: "processName=xfce4"},
	{op: "toolbox GetProcessErrors", path: "processName=xfce4"},
	{op: "toolbox GetDisplayInfo"},
	{op: "toolbox StartRecording", body: `{"label":"conformance"}`, save: "recording=id"},

	{op: "toolbox ExecuteCommand", body: `{"command":"if command -v mousepad; then nohup mousepad >/dev/null 2>&1 & fi; true"}`},
	{op: "toolbox FindAccessibilityNodes", body: editor, wait: untilFound(editor), save: "text=matches.0.id"},
	{op: "toolbox FocusAccessibilityNode", body: `{"id":"${text}"}`},
	{op: "toolbox SetAccessibilityNodeValue", body: `{"id":"${text}","value":"text"}`},
	{op: "toolbox FindAccessibilityNodes", body: menu, wait: untilFound(menu), save: "menu=matches.0.id"},
	{op: "toolbox InvokeAccessibilityNode", body: `{"id":"${menu}"}`},
	{op: "toolbox GetAccessibilityTree", query: "scope=all&maxDepth=2"},
	{op: "toolbox GetWindows"},
	{op: "toolbox TypeText", body: `{"text":"typed","delay":1}`},
	{op: "toolbox PressKey", body: `{"key":"a","modifiers":["shift"]}`},
	{op: "toolbox PressHotkey", body: `{"keys":"ctrl+a"}`},
	{op: "toolbox MoveMouse", body: `{"x":10,"y":20}`},
	{op: "toolbox GetMousePosition"},
	{op: "toolbox Click", body: `{"x":640,"y":400,"button":"left","double":true}`},
	{op: "toolbox Drag", body: `{"startX":640,"startY":400,"endX":700,"endY":410,"button":"left"}`},
	{op: "toolbox Scroll", body: `{"x":640,"y":400,"direction":"down","amount":2}`},
	{op: "toolbox TakeScreenshot", query: "showCursor=true"},
	{op: "toolbox TakeRegionScreenshot", query: "x=0&y=0&width=100&height=100"},
	{op: "toolbox TakeCompressedScreenshot", query: "format=jpeg&quality=50&scale=0.5"},
	{op: "toolbox TakeCompressedRegionScreenshot", query: "x=0&y=0&width=100&height=100"},

	{op: "toolbox StopRecording", body: `{"id":"${recording}"}`},
	{op: "toolbox ListRecordings"},
	{op: "toolbox GetRecording", path: "id=${recording}"},
	{op: "toolbox DownloadRecording", path: "id=${recording}"},
	{op: "toolbox DeleteRecording", path: "id=${recording}"},
	{op: "toolbox RestartProcess", path: "processName=novnc"},
	{op: "toolbox StopComputerUse"},
	{op: "control deleteSandbox"},
}

// What the editor shows, as requests find it.
const (
	editor = `{"scope":"all","role":"text","states":["multi line"],"limit":1}`
	menu   = `{"scope":"all","role":"menu item","name":"Select All","limit":1}`
)

// onDesktop makes the calls about desktops in a sandbox that has one, where the
// engine of the snapshot has those: the others have none by design.
func (w *walk) onDesktop(ctx context.Context) {
	d := *w // notes in the same outcomes
	d.vars = map[string]string{"snapshot": w.vars["snapshot"], "run": w.vars["run"]}
	if d.vars["snapshot"] != "wasm" {
		d.vars["snapshot"] = desktopSnapshot
	}
	d.steps(ctx, desktop)
}

// untilFound waits until something on the desktop matches, as long as the
// question is answered at all.
func untilFound(request string) func(*walk) string {
	return func(w *walk) string {
		for range 300 {
			status, body, err := w.call(context.Background(), step{op: "toolbox FindAccessibilityNodes", body: request})
			var found struct{ Matches []json.RawMessage }
			if err != nil || status != http.StatusOK || json.Unmarshal(body, &found) != nil || len(found.Matches) > 0 {
				return "" // the call itself tells
			}
			time.Sleep(100 * time.Millisecond)
		}
		return "nothing on the desktop matches " + request
	}
}
