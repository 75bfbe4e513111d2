package gitrepo_test

import (
	"bytes"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"sandpiper/sandbox/gitrepo"
)

// environ is the environment of commands, ours and the real git's.
func environ(home string) []string {
	return []string{
		"HOME=" + home, "PATH=" + os.Getenv("PATH"), "GIT_TERMINAL_PROMPT=0", "GIT_CONFIG_NOSYSTEM=1", "LC_ALL=C", "TZ=UTC",
		"GIT_AUTHOR_NAME=Ann Author", "GIT_AUTHOR_EMAIL=ann@example.com", "GIT_COMMITTER_NAME=Carl", "GIT_COMMITTER_EMAIL=carl@example.com",
		"GIT_AUTHOR_DATE=1700000000 +0200", "GIT_COMMITTER_DATE=1700000001 +0000",
	}
}

// result is what a command did.
type result struct {
	out, err string
	code     int
}

// command runs our git in a folder of the box.
func (b *box) command(dir string, args ...string) result {
	b.Helper()
	var out, errs bytes.Buffer
	code := gitrepo.Command(b.Context(), b.g.FS(), b.path(dir), environ(b.dir), args, &out, &errs, loopback)
	return result{out.String(), errs.String(), code}
}

// real runs the real git in a folder of the box.
func (b *box) real(dir string, args ...string) result {
	b.Helper()
	cmd := exec.Command("git", args...)
	var out, errs bytes.Buffer
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = b.path(dir), environ(b.dir), &out, &errs
	err := cmd.Run()
	if cmd.ProcessState == nil {
		b.Fatal(err)
	}
	return result{out.String(), errs.String(), cmd.ProcessState.ExitCode()}
}

// A script runs in two boxes, with our git in one and with the real one in the
// other. A line is a git command, after which output and exit code must be the
// same; or, with a sign before it:
//
//	>file text   writes a file, with \n for a line's end
//	-file        removes a file
//	~command     compares the exit code only
//	?command     compares nothing
//	=file        compares a file
func script(t *testing.T, lines ...string) {
	t.Helper()
	ours, theirs := newBox(t, loopback), newBox(t, loopback)
	for _, b := range []*box{ours, theirs} {
		b.ok(os.Mkdir(b.path("r"), 0o755))
		b.git(".", "config", "--global", "init.defaultBranch", "main")
		b.git(".", "config", "--global", "core.abbrev", "7")
		b.git(".", "config", "--global", "advice.detachedHead", "false")
	}
	for i, line := range lines {
		at := fmt.Sprintf("line %d, %s", i+1, line)
		switch line[0] {
		case '>':
			name, text, _ := strings.Cut(line[1:], " ")
			for _, b := range []*box{ours, theirs} {
				b.put("r/"+name, strings.ReplaceAll(text, `\n`, "\n"))
			}
		case '-':
			for _, b := range []*box{ours, theirs} {
				b.ok(os.RemoveAll(b.path("r/" + line[1:])))
			}
		case '=':
			want, err := os.ReadFile(theirs.path("r/" + line[1:]))
			if os.IsNotExist(err) {
				want = []byte("-")
			}
			ours.want("r/"+line[1:], string(want))
		default:
			compare(t, at, strings.TrimLeft(line, "~?"), line[0], ours, theirs)
		}
	}
	ours.git("r", "fsck", "--strict", "--no-dangling")
	if a, b := ours.git("r", "status", "--porcelain"), theirs.git("r", "status", "--porcelain"); a != b {
		t.Errorf("in the end the real git sees\n%s\nand in its own\n%s", a, b)
	}
}

func compare(t *testing.T, at, line string, how byte, ours, theirs *box) {
	t.Helper()
	args := words(line)
	got, want := ours.command("r", args...), theirs.real("r", args...)
	got.out = strings.ReplaceAll(got.out, ours.dir, theirs.dir)
	if how != '?' && got.code != want.code {
		t.Errorf("%s: exit code %d, want %d\n%s%s\nthe real git says\n%s%s", at, got.code, want.code, got.out, got.err, want.out, want.err)
	}
	if how != '?' && how != '~' && got.out != want.out {
		t.Errorf("%s: prints\n%s\nwant\n%s", at, got.out, want.out)
	}
}

// words splits a line at spaces that are not in quotes.
func words(line string) []string {
	var all []string
	for i, part := range strings.Split(line, `"`) {
		if i%2 == 1 {
			all = append(all, part)
		} else {
			all = append(all, strings.Fields(part)...)
		}
	}
	return all
}

func TestCommandWork(t *testing.T) {
	script(t,
		`init`, `init`, `status`, `status --porcelain`, `~log`, `branch --show-current`, `rev-parse --is-inside-work-tree`,
		`>a.txt one\ntwo\nthree\n`, `>dir/b.txt b\n`, `>dir/c.txt c\n`, `>"odd name" x`, `>.gitignore *.log\n`, `>x.log log`,
		`status --porcelain`, `status -s -uall`, `status`, `~add nowhere`, `~add x.log`, `~add`, `add a.txt dir`, `status`, `status --porcelain -b`,
		`commit -m first`, `commit -m nothing`, `add -A`, `commit -q -m second -m "with a body"`, `status`, `status -sb`,
		`log`, `log --oneline`, `log -1`, `log -n 1 --format=%H|%an|%ae|%s|%b|%cn|%at`, `log --reverse --pretty=oneline`, `rev-parse HEAD`, `rev-parse --short HEAD~1`, `rev-parse --abbrev-ref HEAD`,
		`~rev-parse nowhere`, `~rev-parse --verify -q nowhere`, `log --oneline -- dir`, `ls-files`, `ls-files dir`,
		`>a.txt one\n2\nthree\n`, `>new.txt new\n`, `diff --name-only`, `diff --name-status`, `diff --stat`, `diff --shortstat`, `diff --exit-code --name-only`, `~diff --quiet`,
		`commit -am third`, `show --name-only --format=%s`, `show --stat HEAD`, `show HEAD~1:a.txt`, `~show HEAD:nowhere`, `~show nowhere`,
		`rm dir/c.txt`, `~rm nowhere`, `~rm dir`, `rm -r dir`, `status --porcelain`, `mv a.txt moved.txt`, `status`, `status -s`, `diff --cached --name-status --no-color -- dir`,
		`~commit --allow-empty -m fourth`, `~commit --amend -m "fourth, amended"`, `log --oneline`, `tag v1`, `~tag v1`, `tag -a v2 -m "version 2" HEAD~1`, `tag`, `tag -l v1*`, `tag -d v1`, `rev-parse v2^0`,
		`version-that-is-none`, `=moved.txt`,
	)
}

func TestCommandBranches(t *testing.T) {
	script(t,
		`init -q -b trunk`, `>a one\n`, `>b one\n`, `add .`, `commit -q -m first`, `branch`, `branch feature`, `~branch feature`, `branch`, `checkout feature`, `>a two\n`, `commit -qam second`,
		`checkout trunk`, `=a`, `branch -d feature`, `~branch -d nowhere`, `checkout -b other`, `~checkout -b other`, `branch -m renamed`, `branch`, `switch trunk`, `switch -c third`, `~switch nowhere`, `~checkout nowhere`,
		`merge feature`, `merge feature`, `log --oneline`, `log --oneline trunk..third`, `log --format=%s third..trunk`, `checkout -q HEAD~1`, `status`, `branch`, `rev-parse --abbrev-ref HEAD`, `checkout -q third`,
		`>a dirty\n`, `~checkout trunk`, `=a`, `checkout a`, `=a`, `>a again\n`, `checkout -- a`, `=a`, `checkout trunk -- a`, `status --porcelain`, `checkout third -- a`, `status --porcelain`,
		`branch -D feature`, `branch -v`, `switch --detach trunk`, `switch -q third`, `diff trunk third --name-status`, `diff trunk..third --stat`,
	)
}

func TestCommandUndo(t *testing.T) {
	script(t,
		`init -q`, `>a 1\n`, `>b 1\n`, `add .`, `commit -qm first`, `>a 2\n`, `>b 2\n`, `commit -qam second`,
		`>a 3\n`, `add a`, `>new x`, `add new`, `restore --staged a`, `status -s`, `restore a`, `=a`, `~restore nowhere`, `~restore`, `restore --staged --worktree new`, `=new`,
		`restore --source HEAD~1 a`, `=a`, `status -s`, `reset`, `reset --hard`, `=a`, `>a 4\n`, `add a`, `reset a`, `reset -q HEAD~1 -- b`, `status -s`, `reset -q`, `reset --soft HEAD~1`, `status -s`,
		`commit -qm "second again"`, `reset --hard HEAD~1`, `log --oneline`, `=a`, `~reset --hard nowhere`, `~reset --bad-option`,
	)
}

func TestCommandConfig(t *testing.T) {
	script(t,
		`config --global user.name "Ann \A"`, `config user.name`, `config --get user.name`, `~config --get nothing.here`, `~config x.y z`,
		`init -q`, `config user.name Local`, `config user.name`, `config --global user.name`, `config --local user.name`, `config remote.origin.url "https://example.com/a b;c#d"`, `config remote.origin.url`,
		`config --unset user.name`, `~config --unset user.name`, `config user.name`, `config Some.Sub.Section.key "  spaces  "`, `config some.Sub.Section.KEY`, `~config nodot value`, `config --global --list`,
		`-c user.name=Given config user.name`,
	)
}

func TestCommandRemote(t *testing.T) {
	s := serve(t, httptest.NewServer, "", "")
	s.git(t, "r.git", "config", "http.receivepack", "true")
	ours := newBox(t, loopback)
	run := func(dir string, code int, args ...string) result {
		t.Helper()
		r := ours.command(dir, args...)
		if r.code != code {
			t.Errorf("git %q: exit code %d, want %d\n%s%s", args, r.code, code, r.out, r.err)
		}
		return r
	}
	if r := run(".", 0, "clone", s.url); r.err != "Cloning into 'r'...\n" || r.out != "" {
		t.Errorf("clone printed %+v", r)
	}
	ours.clean("r")
	run(".", 128, "clone", s.url)
	run(".", 128, "clone", "ssh://git@example.com/x")
	run(".", 129, "clone")
	run(".", 0, "clone", "-q", "--depth", "1", "-b", "feature", s.url, "shallow")
	run(".", 128, "clone", "--depth=0", s.url, "x")
	run(".", 0, "-C", "r", "status")
	if r := run("r", 0, "remote", "-v"); r.out != "origin\t"+s.url+" (fetch)\norigin\t"+s.url+" (push)\n" {
		t.Errorf("remotes %q", r.out)
	}
	run("r", 0, "remote", "add", "other", "../other")
	run("r", 3, "remote", "add", "other", "../other")
	run("r", 0, "remote", "set-url", "other", "../third")
	if r := run("r", 0, "remote", "get-url", "other"); r.out != "../third\n" {
		t.Errorf("get-url %q", r.out)
	}
	run("r", 0, "remote", "remove", "other")
	run("r", 2, "remote", "remove", "other")
	run("r", 129, "remote", "prune", "origin")

	ours.put("r/f", "f\n")
	run("r", 0, "add", ".")
	run("r", 0, "commit", "-m", "f")
	if r := run("r", 0, "status"); !strings.Contains(r.out, "Your branch is ahead of 'origin/main' by 1 commit.") {
		t.Errorf("status %s", r.out)
	}
	if r := run("r", 0, "push"); !strings.Contains(r.err, "main -> main") {
		t.Errorf("push printed %+v", r)
	}
	if r := run("r", 0, "push"); r.err != "Everything up-to-date\n" {
		t.Errorf("push printed %+v", r)
	}
	run("r", 0, "checkout", "-q", "-b", "mine")
	if r := run("r", 0, "push", "-u", "origin", "HEAD"); !strings.Contains(r.err, "[new branch]") || !strings.Contains(r.out, "set up to track 'origin/mine'") {
		t.Errorf("push printed %+v", r)
	}
	run("r", 1, "push", "origin", "nowhere")
	run("r", 128, "push", "origin", "a:b")
	run("r", 128, "push", "nowhere")
	run("r", 0, "checkout", "-q", "main")
	s.git(t, "work", "pull", "-q")
	s.commit(t, "README.md", "changed\n", "theirs")
	s.git(t, "work", "push", "-q", "origin", "main")
	run("r", 0, "fetch", "-q")
	if r := run("r", 0, "status", "-sb"); r.out != "## main...origin/main [behind 1]\n" {
		t.Errorf("status %q", r.out)
	}
	if r := run("r", 0, "pull"); !strings.Contains(r.out, "Fast-forward\n README.md | 2 +-\n 1 file changed, 1 insertion(+), 1 deletion(-)\n") {
		t.Errorf("pull printed %+v", r)
	}
	if r := run("r", 0, "pull"); r.out != "Already up to date.\n" {
		t.Errorf("pull printed %+v", r)
	}
	ours.clean("r")
	s.commit(t, "README.md", "more\n", "theirs again")
	s.git(t, "work", "push", "-q", "origin", "main")
	run("r", 0, "commit", "-q", "--allow-empty", "-m", "ours")
	if r := run("r", 1, "push"); !strings.Contains(r.err, "error: failed to push some refs to") {
		t.Errorf("push printed %+v", r)
	}
	run("r", 128, "pull")
	run("r", 128, "merge", "origin/main")
}

// The patch of a difference can be applied by the real git.
func TestCommandPatch(t *testing.T) {
	b := newBox(t, loopback)
	b.repo("r")
	b.put("r/long", strings.Repeat("line\n", 50)+"old\n"+strings.Repeat("line\n", 50)+"end")
	b.put("r/gone", "gone\n")
	b.commit("r", "more")
	b.put("r/long", strings.Repeat("line\n", 50)+"new\nand more\n"+strings.Repeat("line\n", 50)+"end\n")
	b.put("r/fresh", "fresh\n")
	b.ok(os.Remove(b.path("r/gone")))
	b.ok(os.Chmod(b.path("r/a.txt"), 0o755))
	if r := b.command("r", "add", "-A"); r.code != 0 {
		t.Fatal(r)
	}
	patch := b.command("r", "diff", "--cached")
	b.put("patch", patch.out)
	tree := b.git("r", "write-tree")
	b.git("r", "reset", "-q", "--hard")
	b.git("r", "apply", "--index", b.path("patch"))
	if got := b.git("r", "write-tree"); got != tree {
		t.Errorf("the patch makes another tree:\n%s", patch.out)
	}
	b.put("r/bin", "a\x00b")
	b.git("r", "add", "bin")
	if r := b.command("r", "diff", "--cached", "bin"); !strings.Contains(r.out, "Binary files /dev/null and b/bin differ") {
		t.Errorf("binary: %s", r.out)
	}
}

func TestCommandErrors(t *testing.T) {
	b := newBox(t, loopback)
	b.ok(os.Mkdir(filepath.Join(b.dir, "empty"), 0o755))
	for _, tt := range []struct {
		args []string
		code int
		err  string
	}{
		{[]string{"status"}, 128, "fatal: not a git repository (or any of the parent directories): .git\n"},
		{[]string{"frobnicate"}, 1, "git: 'frobnicate' is not a git command. See 'git --help'.\n"},
		{[]string{"stash"}, 128, "fatal: git stash is not supported here; supported are add, branch"},
		{[]string{"rebase", "-i"}, 128, "fatal: git rebase is not supported here"},
		{[]string{"--frob"}, 129, "unknown option: --frob\n"},
		{[]string{"init", "--frob"}, 129, "error: unknown option `frob'\n"},
		{[]string{"init", "-b"}, 129, "error: switch `b' requires a value\n"},
		{[]string{"-C"}, 1, ""},
		{nil, 1, ""},
	} {
		r := b.command("empty", tt.args...)
		if r.code != tt.code || !strings.HasPrefix(r.err, tt.err) {
			t.Errorf("git %q: %+v, want %d %q", tt.args, r, tt.code, tt.err)
		}
	}
	if r := b.command("empty", "--version"); !strings.HasPrefix(r.out, "git version 2.") || r.code != 0 {
		t.Errorf("version: %+v", r)
	}
	b.command("empty", "init", "-q")
	var out, errs bytes.Buffer
	code := gitrepo.Command(t.Context(), b.g.FS(), b.path("empty"), []string{"HOME=" + b.dir}, []string{"commit", "--allow-empty", "-m", "x"}, &out, &errs, loopback)
	if code != 128 || !strings.Contains(errs.String(), "Please tell me who you are") {
		t.Errorf("no identity: %d %s", code, errs.String())
	}
}

// FuzzCommand runs any arguments in a repository: nothing may panic or leave it.
func FuzzCommand(f *testing.F) {
	for _, seed := range []string{"status", "log -n 1", "diff HEAD~1", "show HEAD:a", "checkout -b \x01", "reset --hard HEAD~9", "config a.b c", "rev-parse HEAD^{/x}", "log --format=%H%%n", "branch -m a b", "-c a=b commit -am x", "ls-files ../"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, line string) {
		if strings.Contains(line, "/") || strings.Contains(line, "..") || strings.Contains(line, "://") {
			t.Skip() // stay in the folder
		}
		b := newBox(t, gitrepo.Nowhere("no network"))
		b.ok(b.c.Init(t.Context(), b.path("r"), "", false))
		b.put("r/a", "a")
		b.commit("r", "first")
		var out, errs bytes.Buffer
		code := gitrepo.Command(t.Context(), b.g.FS(), b.path("r"), environ(b.dir), strings.Fields(line), &out, &errs, gitrepo.Nowhere("no network"))
		if code < 0 || code > 129 {
			t.Errorf("exit code %d", code)
		}
	})
}
