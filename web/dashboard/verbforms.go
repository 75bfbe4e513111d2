package dashboard

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"sandpiper/components"
	"sandpiper/sandbox"
	"sandpiper/sandbox/manager"
	"sandpiper/web/dashboard/view"
)

// startOnVisit is the label of sandboxes that a visit of their preview starts;
// package proxy acts on it.
const startOnVisit = "sandpiper.start-on-visit"

// or returns what was filled in, or what is so now.
func or(v url.Values, name, now string) string {
	if v == nil {
		return now
	}
	return v.Get(name)
}

func one(fields ...components.Field) []components.FieldGroup {
	return []components.FieldGroup{{Fields: fields}}
}

func forceForm(s sandbox.Sandbox, _ url.Values) components.Form {
	return components.Form{
		Title: "Force " + s.Name + " to stop", Submit: "Kill its processes", Danger: true,
		Lead: []string{"Its processes are killed at once, without time to save. What they had in memory is lost; files on its disk stay."},
	}
}

func archiveForm(s sandbox.Sandbox, _ url.Values) components.Form {
	return components.Form{
		Title: "Archive " + s.Name, Submit: "Archive it",
		Lead: []string{"Its files are packed away and it no longer counts for disk. Starting it again takes longer, and nothing is lost."},
	}
}

func forkForm(s sandbox.Sandbox, v url.Values) components.Form {
	return components.Form{
		Title: "Fork " + s.Name, Submit: "Make the fork",
		Lead: []string{
			"A fork is a second sandbox with the same files, started: both go on from here, each on its own. It counts as " + view.Resources(s.Resources) + ".",
			"Processes are not copied. While the fork is there, " + s.Name + " cannot be deleted.",
		},
		Groups: one(components.Field{Kind: "text", Name: "name", Label: "Name of the fork", Value: or(v, "name", ""), Hint: "May stay empty: its ID is its name then."}),
	}
}

func snapshotForm(s sandbox.Sandbox, v url.Values) components.Form {
	return components.Form{
		Title: "Make a snapshot of " + s.Name, Submit: "Make the snapshot",
		Lead:   []string{"New sandboxes can start from the files as they are now. What is in memory is not kept."},
		Groups: one(components.Field{Kind: "text", Name: "name", Label: "Name", Value: or(v, "name", ""), Required: true, Hint: "Letters, digits, dots, dashes and underscores."}),
	}
}

func resizeForm(s sandbox.Sandbox, v url.Values) components.Form {
	lead := "A stopped sandbox may have any cores and memory; its disk can only grow."
	if s.State == sandbox.StateStarted {
		lead = "While it is started it can get more cores and memory, without a restart. Stop it to give it less, or more disk."
	}
	fields := resourceFields(v, s.Resources, sandbox.Resources{})
	return components.Form{Title: "Resize " + s.Name, Submit: "Resize it", Lead: []string{lead}, Groups: one(fields...)}
}

// resourceFields are the fields of what a sandbox may use, with the most that one
// may have, where that is known.
func resourceFields(v url.Values, now, most sandbox.Resources) []components.Field {
	field := func(name, label, unit string, now, most int) components.Field {
		f := components.Field{Kind: "number", Name: name, Label: label, Unit: unit, Min: "1"}
		if now > 0 {
			f.Value = strconv.Itoa(now)
		}
		f.Value = or(v, name, f.Value)
		if most > 0 {
			f.Max, f.Hint = strconv.Itoa(most), fmt.Sprintf("1 to %d", most)
		}
		return f
	}
	return []components.Field{
		field("cpu", "Processor", "cores", now.CPU, most.CPU),
		field("memory", "Memory", "GiB", now.MemoryGiB, most.MemoryGiB),
		field("disk", "Disk", "GiB", now.DiskGiB, most.DiskGiB),
	}
}

func labelsForm(s sandbox.Sandbox, v url.Values) components.Form {
	return components.Form{
		Title: "Labels of " + s.Name, Submit: "Save labels",
		Groups: one(components.Field{Kind: "area", Name: "labels", Label: "One name=value on each line", Value: or(v, "labels", strings.Join(view.Labels(s.Labels), "\n")), Hint: "They replace all labels it has. Lists can be filtered by them."}),
	}
}

func renameForm(s sandbox.Sandbox, v url.Values) components.Form {
	return components.Form{
		Title: "Rename " + s.Name, Submit: "Rename it", Lead: []string{"Its addresses stay as they are, since they have its ID. Programs that know it by its name must be told the new one."},
		Groups: one(components.Field{Kind: "text", Name: "name", Label: "Name", Value: or(v, "name", s.Name), Required: true}),
	}
}

func publishForm(s sandbox.Sandbox, _ url.Values) components.Form {
	return components.Form{
		Title: "Make the previews of " + s.Name + " public", Submit: "Make them public", Danger: true,
		Lead: []string{"Whoever has the address of one of its ports sees what it serves, without signing in. Its terminal, files and desktop stay yours alone."},
	}
}

func sshForm(s sandbox.Sandbox, v url.Values) components.Form {
	return components.Form{
		Title: "SSH access to " + s.Name, Submit: "Make a token",
		Lead:   []string{"A token is the user name with which ssh, scp, git and editors such as VS Code reach this sandbox. It opens this sandbox only."},
		Groups: one(components.Field{Kind: "number", Name: "minutes", Label: "Valid for", Unit: "minutes", Min: "1", Value: or(v, "minutes", "60")}),
	}
}

func deleteForm(s sandbox.Sandbox, v url.Values) components.Form {
	lost := "All its files are lost, and its processes end."
	if s.DiskBytes > 0 {
		lost = fmt.Sprintf("All its files are lost, %d MB of them at the last reading, and its processes end.", s.DiskBytes/1_000_000)
	}
	return components.Form{
		Title: "Delete " + s.Name, Submit: "Delete it", Danger: true,
		Lead:   []string{lost + " Snapshots made of it stay. Sandboxes that are linked to it are deleted with it.", "For ten seconds you can undo it; after that nobody can bring it back."},
		Groups: one(components.Field{Kind: "text", Name: "name", Label: "To be sure, write its name: " + s.Name, Value: or(v, "name", ""), Required: true}),
	}
}

func rotateForm(s sandbox.Sandbox, _ url.Values) components.Form {
	return components.Form{
		Title: "Rotate the signing key of " + s.Name, Submit: "Rotate the key", Danger: true,
		Lead: []string{"All preview links, preview tokens and signed file addresses that were given out for this sandbox stop working at once. New ones can be made right away."},
	}
}

func visitForm(s sandbox.Sandbox, v url.Values) components.Form {
	return components.Form{
		Title: "Start on visit", Submit: "Save",
		Lead:   []string{"A visit of one of its previews can start this sandbox when it is stopped; the visitor waits a moment."},
		Groups: one(components.Field{Kind: "check", Name: "visit", Label: "Start when a preview is visited", Checked: or(v, "visit", s.Labels[startOnVisit]) == "true"}),
	}
}

func networkForm(s sandbox.Sandbox, v url.Values) components.Form {
	return components.Form{
		Title: "Network of " + s.Name, Submit: "Change it now",
		Lead: []string{"What programs in it may reach, from now on and without a restart. Connections to the sandbox, such as previews, are not affected."},
		Groups: one(
			components.Field{Kind: "check", Name: "block", Label: "Block everything", Checked: or(v, "block", strconv.FormatBool(s.Network.BlockAll)) == "true"},
			components.Field{Kind: "area", Name: "allow", Label: "Only these networks", Value: or(v, "allow", strings.Join(s.Network.Allow, "\n")), Hint: "Up to 10, such as 203.0.113.0/24. Empty lists allow everything."},
			components.Field{Kind: "area", Name: "domains", Label: "Only these names", Value: or(v, "domains", strings.Join(s.Network.Domains, "\n")), Hint: "Up to 20, such as example.org or *.example.org."},
		),
	}
}

func intervalsForm(s sandbox.Sandbox, v url.Values) components.Form {
	return components.Form{
		Title: "Clocks of " + s.Name, Submit: "Set the clocks",
		Groups: one(intervalFields(v, s.Intervals)...),
	}
}

// intervalFields are the fields of what happens by itself.
func intervalFields(v url.Values, i sandbox.Intervals) []components.Field {
	field := func(name, label, hint string, d time.Duration) components.Field {
		return components.Field{Kind: "number", Name: name, Label: label, Unit: "minutes", Hint: hint, Value: or(v, name, strconv.Itoa(int(d/time.Minute)))}
	}
	archive := i.AutoArchive
	fields := []components.Field{
		field("autoStop", "Stop when idle for", "0 for never. Traffic, terminals, SSH and calls of its files and processes count as use.", i.AutoStop),
		field("autoPause", "Pause when idle for", "0 for never. It stops or pauses by itself, not both.", i.AutoPause),
		field("autoArchive", "Archive when stopped for", "0 for the longest, 30 days.", archive),
		field("autoDelete", "Delete when stopped for", "0 deletes it as soon as it stops; -1 for never.", i.AutoDelete),
	}
	ttl := field("ttl", "Delete whatever happens after", "Counted from now. Empty leaves it as it is; 0 for never.", 0)
	if v == nil {
		ttl.Value = ""
	}
	return append(fields, ttl)
}

// intervalUpdate is what of the intervals was changed. An interval that stays is
// left out, because a change of one can turn another off.
func intervalUpdate(s sandbox.Sandbox, v url.Values) (u manager.IntervalUpdate, err error) {
	for _, f := range []struct {
		name string
		now  time.Duration
		into **time.Duration
	}{
		{"autoStop", s.Intervals.AutoStop, &u.AutoStop}, {"autoPause", s.Intervals.AutoPause, &u.AutoPause},
		{"autoArchive", s.Intervals.AutoArchive, &u.AutoArchive}, {"autoDelete", s.Intervals.AutoDelete, &u.AutoDelete}, {"ttl", -1, &u.TTL},
	} {
		d, err := minutes(v, f.name)
		if err != nil {
			return u, err
		}
		if d != nil && *d != f.now {
			*f.into = d
		}
	}
	if u.AutoStop != nil && u.AutoPause != nil && *u.AutoStop == 0 && *u.AutoPause > 0 {
		u.AutoStop = nil // turning the pause on does it
	}
	if u.AutoStop != nil && u.AutoPause != nil && *u.AutoPause == 0 && *u.AutoStop > 0 {
		u.AutoPause = nil
	}
	return u, nil
}
