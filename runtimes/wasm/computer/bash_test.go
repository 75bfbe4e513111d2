package computer_test

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"

	"sandpiper/runtimes/wasm/computer"
)

// scripts are run by the sandbox's shell and by this machine's bash, in folders
// with the same files, and must print the same and end with the same exit code.
var scripts = []struct{ name, text string }{
	{"echo options", `echo -n a; echo -e 'b\tc'; echo -ne 'x\ny\n'; echo -E 'a\nb'; echo "-n"`},
	{"quotes", `a='x y'; echo "$a" '$a' \$a "it's" $'tab\there'`},
	{"word splitting", `a='1  2   3'; for i in $a; do echo "[$i]"; done; set -- $a; echo $#`},
	{"IFS", `IFS=:; a=x:y:z; for i in $a; do echo $i; done; read p q <<< "1:2"; echo $q`},
	{"parameter expansion", `f=/a/b/c.tar.gz; echo ${f##*/} ${f%.*} ${f%%.*} ${f#/} ${#f} ${f/a/A} ${f//\//_} ${f:1:3} ${x:-def} ${f:+set}`},
	{"case conversion", `a=Hello; echo ${a^^} ${a,,} ${a^} ${a,}`},
	{"assign default", `echo ${v:=7}; echo $v; unset v; echo "${v-none}"`},
	{"error if unset", `(echo ${nope:?gone}) 2>/dev/null; echo $?`},
	{"arithmetic", `echo $((1+2*3)) $((7/2)) $((7%3)) $((2**10)) $((1<<4)) $((5>3)) $((5==5&&1)) $((x=3,x*2)); ((x++)); echo $x; let y=x*2; echo $y`},
	{"hex and octal", `echo $((0x1f)) $((010)) $((2#101))`},
	{"ternary", `a=5; echo $((a>3?1:0)); ((a>3)) && echo yes; ((a<3)) || echo no`},
	{"pipes", `printf 'c\na\nb\n' | sort | tr a-z A-Z | head -2`},
	{"pipe exit code", `false | true; echo $?; true | false; echo $?`},
	{"pipefail", `set -o pipefail; false | true; echo $?; set +o pipefail; false | true; echo $?`},
	{"pipe into while", `printf '1\n2\n3\n' | while read n; do echo "n=$n"; done`},
	{"while in subshell", `x=0; printf '1\n2\n' | while read n; do x=$n; done; echo $x`},
	{"while with redirection", `printf '1\n2\n' > f; x=0; while read n; do x=$((x+n)); done < f; echo $x; rm f`},
	{"read into several", `echo 'a b c d' | { read x y; echo "$x|$y"; }`},
	{"read raw", `printf 'a\\b\n' | { read -r x; echo "$x"; }`},
	{"read array", `read -a arr <<< 'x y z'; echo ${arr[1]} ${#arr[@]}`},
	{"read delimiter", `printf 'a;b;' | { read -d ';' x; read -d ';' y; echo "$x-$y"; }`},
	{"read n", `printf 'abcdef' | { read -n 3 x; echo "$x"; }`},
	{"here document", "cat <<EOF\nvalue $((1+1)) $HOME_X\n\ttab\nEOF"},
	{"here document quoted", "x=1; cat <<'EOF'\n$x `date`\nEOF"},
	{"here document dash", "cat <<-EOF\n\tindented\n\tagain\n\tEOF"},
	{"here string", `cat <<< "one two"`},
	{"redirections", `echo out > f; echo more >> f; cat < f; echo err 1>&2 2>/dev/null; ls /nonexistent 2>&1 | wc -l; rm f`},
	{"both to a file", `{ echo a; echo b >&2; } > f 2>&1; sort f; { echo c; echo d >&2; } &> f; sort f; rm f`},
	{"no clobber of order", `(echo 1; echo 2 >&2) 2>&1 | cat`},
	{"groups", `{ echo a; echo b; } | cat; (cd /tmp && echo in); echo out`},
	{"subshell variables", `x=1; (x=2; echo $x); echo $x`},
	{"functions", `f() { echo "args $# $1 $@"; return 3; }; f a b; echo $?`},
	{"function keyword", `function g { local v=in; echo $v; }; v=out; g; echo $v`},
	{"recursion", `fact() { if [ $1 -le 1 ]; then echo 1; else echo $(( $1 * $(fact $(($1-1))) )); fi; }; fact 6`},
	{"local", `x=g; f() { local x=l; h; }; h() { echo $x; }; f; echo $x`},
	{"return in loop", `f() { for i in 1 2 3; do [ $i = 2 ] && return $i; done; }; f; echo $?`},
	{"if elif", `for i in 1 2 3; do if [ $i -eq 1 ]; then echo one; elif [ $i -eq 2 ]; then echo two; else echo many; fi; done`},
	{"case", `for a in x.txt y.jpg foo 12; do case $a in *.txt) echo text;; *.jpg|*.png) echo image;; [0-9]*) echo number;; *) echo other;; esac; done`},
	{"case fallthrough", `case a in a) echo 1;& b) echo 2;; c) echo 3;; esac`},
	{"for c style", `for ((i=0;i<3;i++)); do echo -n "$i "; done; echo`},
	{"for c style with failures", `for ((i=0;i<3;i++)); do echo $i; false; done; n=0; for ((;;)); do ((n++)); [ $n = 4 ] && break; done; echo $n`},
	{"for braces", `for i in {1..3} {a..c} x{1,2}y; do echo -n "$i "; done; echo`},
	{"until", `n=0; until [ $n -ge 3 ]; do n=$((n+1)); done; echo $n`},
	{"break continue", `for i in 1 2 3 4 5; do [ $i = 2 ] && continue; [ $i = 4 ] && break; echo $i; done`},
	{"nested break", `for i in 1 2; do for j in 1 2; do [ $j = 2 ] && continue 2; echo $i$j; done; done`},
	{"command substitution", "echo $(echo a; echo b) `echo c`; x=$(printf 'l1\\nl2\\n\\n'); echo \"$x\""},
	{"nested substitution", `echo $(echo $(echo deep))`},
	{"exit code of assignment", `x=$(false); echo $?; x=$(exit 4) ; echo $?`},
	{"exit codes", `true; echo $?; false; echo $?; (exit 7); echo $?; nosuchcommand 2>/dev/null; echo $?`},
	{"negation", `! false; echo $?; ! true; echo $?; if ! grep -q x /etc/hostname_none 2>/dev/null; then echo absent; fi`},
	{"and or", `true && echo a || echo b; false && echo c || echo d; false || false; echo $?`},
	{"set -e", `set -e; echo before; false || true; if false; then :; fi; false; echo never`},
	{"set -e function", `set -e; f() { false; echo in; }; f || echo failed; (false); echo never`},
	{"set -u", `set -u; echo ${a:-ok}; (echo $undefined_thing) 2>/dev/null; echo $?`},
	{"set positional", `set -- a 'b c' d; echo $# "$2"; shift; echo "$1"; echo "$*"; for i; do echo "<$i>"; done`},
	{"quoted at", `f() { echo $#; }; set -- 'a b' c; f "$@"; f $@; f "$*"`},
	{"getopts", `set -- -a -b val rest; while getopts ab: o; do echo "$o ${OPTARG:-}"; done; shift $((OPTIND-1)); echo $1`},
	{"trap exit", `trap 'echo bye' EXIT; echo hi; exit 3`},
	{"trap exit code", `trap 'echo code $?' EXIT; false`},
	{"trap err", `trap 'echo failed' ERR; false; true; echo on`},
	{"trap term", `trap 'echo got; exit 5' TERM; kill -TERM $$; sleep 1; echo never`},
	{"globs", `mkdir -p g; touch g/a1 g/a2 g/b1; cd g; echo *; echo a*; echo ?1; echo [!a]*; echo nomatch*; cd ..; rm -r g`},
	{"quoted globs", `touch z1; echo "z*" 'z*' z\*; rm z1`},
	{"extended test", `[[ abc == a* ]] && echo glob; [[ abc =~ ^a.c$ ]] && echo re; [[ -z "" && -n x ]] && echo both; [[ 2 -lt 10 ]] && echo num; [[ b > a ]] && echo str`},
	{"test files", `touch f; mkdir d; ln -s f l; for x in f d l none; do [ -e $x ] && echo -n e; [ -f $x ] && echo -n f; [ -d $x ] && echo -n d; [ -L $x ] && echo -n L; echo " $x"; done; rm -r f d l`},
	{"test strings", `[ "a" = "a" ] && echo eq; [ a != b ] && echo ne; [ -z "$none" ] && echo empty; [ 3 -gt 2 -a 1 -lt 2 ] && echo and; test ! -e nothing && echo not`},
	{"arrays", `a=(x 'y z' w); echo ${a[0]} "${a[1]}" ${#a[@]}; a+=(v); echo "${a[@]}"; for i in "${a[@]}"; do echo "<$i>"; done; unset 'a[0]'; echo "${a[@]}" "${!a[@]}"`},
	{"array slices", `a=(1 2 3 4 5); echo ${a[@]:1:2} ${a[@]: -2}; b=("${a[@]/3/x}"); echo ${b[@]}`},
	{"associative arrays", `declare -A m; m[one]=1; m[two]=2; echo ${m[one]}; for k in "${!m[@]}"; do echo "$k=${m[$k]}"; done | sort`},
	{"background and wait", `(sleep 0.05; echo bg) & echo fg; wait; echo done`},
	{"wait for a pid", `(exit 5) & p=$!; wait $p; echo $?; [ $p -gt 1 ] && echo pid`},
	{"several jobs", `for i in 1 2 3; do (exit $i) & pids="$pids $!"; done; for p in $pids; do wait $p; echo $?; done`},
	{"kill a job", `sleep 5 & p=$!; kill $p; wait $p; echo $?`},
	{"kill a loop", `(while :; do :; done) & p=$!; sleep 0.1; kill $p; wait $p 2>/dev/null; echo $?`},
	{"job output", `{ echo a; sleep 0.05; echo b; } & wait $!; echo end`},
	{"eval", `x='echo $y'; y=5; eval $x; eval "z=1; echo \$z"`},
	{"eval background", `eval 'sleep 0.01 & wait $!; echo $?'`},
	{"source", `echo 'v=42; f() { echo from $1; }' > lib.sh; . ./lib.sh; echo $v; f lib; source lib.sh; rm lib.sh`},
	{"source background", `echo 'sleep 0.01 & p=$!; wait $p; echo $?' > s.sh; . ./s.sh; rm s.sh`},
	{"sh -c", `sh -c 'echo $0 $1' name arg; bash -c 'exit 9'; echo $?`},
	{"script file", `printf '#!/bin/bash\necho "script $1 $#"\nexit 4\n' > s.sh; chmod +x s.sh; ./s.sh a b; echo $?; rm s.sh`},
	{"script without x", `echo 'echo hi' > s.sh; bash s.sh; ./s.sh 2>/dev/null; echo $?; rm s.sh`},
	{"script from stdin", `echo 'echo piped' | bash; echo 'echo $1' | bash -s arg`},
	{"exported variables", `A=1; export B=2; bash -c 'echo "[$A][$B]"'; C=3 bash -c 'echo $C'; echo "[$C]"`},
	{"env", `env -i A=1 B=2 env | sort; env X=5 bash -c 'echo $X'`},
	{"command -v", `command -v cd; command -v nothere; echo $?; f() { :; }; command -v f; type -t cd f if ls_none; true`},
	{"alias free", `ls_count() { ls "$@" | wc -l; }; mkdir d; touch d/a d/b; ls_count d; rm -r d`},
	{"printf", `printf '%s-%d-%05.1f|%x|%c|%%\n' str 42 3.14159 255 char; printf '%s\n' a b c; printf '%-5s|%5s|\n' ab cd; printf '%b' 'x\ty\n'; printf '%q\n' 'a b'`},
	{"printf -v", `printf -v x '%03d' 7; echo $x`},
	{"process substitution", `cat <(echo one) <(echo two); while read l; do echo "got $l"; done < <(printf 'x\ny\n')`},
	{"diff of substitutions", `diff <(printf '1\n2\n') <(printf '1\n3\n'); echo $?`},
	{"broken pipe", `yes | head -2; while true; do echo y; done | head -1; echo done`},
	{"seq", `seq 3; seq 2 2 6; seq -s, 4; seq 3 -1 1`},
	{"xargs", `printf '1 2 3\n' | xargs -n1 echo item; printf 'a b\nc\n' | xargs -I{} echo '<{}>'; printf 'x\0y z\0' | xargs -0 -n1 echo`},
	{"find", `mkdir -p d/e; touch d/a.txt d/e/b.txt d/c.md; find d -name '*.txt' | sort; find d -type d | sort; find d -type f -exec echo found {} \; | sort; find d -name '*.md' -delete; find d -maxdepth 1 -type f; rm -r d`},
	{"sed", `printf 'one two\nthree\n' | sed 's/o/0/g; 2d'; echo abc | sed -E 's/(a)(b)/\2\1/'; printf '1\n2\n3\n' | sed -n '2,3p'; echo x | sed 's|x|/path|'; printf 'a\nb\n' | sed '1i\top' ; printf 'a\nb\n' | sed '$a end'`},
	{"sed in place", `printf 'k=1\n' > c; sed -i 's/1/2/' c; cat c; sed -i.bak 's/2/3/' c; cat c c.bak; rm c c.bak`},
	{"sed hold", `printf '1\n2\n3\n' | sed -n '1!G;h;$p'; printf 'a\nb\n' | sed 'N;s/\n/-/'; printf 'x\ny\n' | sed '/x/{s/x/z/;p}'`},
	{"grep", `printf 'foo\nbar\nFoo\n' > f; grep foo f; grep -i foo f; grep -v foo f; grep -c o f; grep -n bar f; grep -E 'fo+|bar' f; grep -o 'o' f | wc -l; grep -q zip f; echo $?; rm f`},
	{"grep context", `printf '1\n2\n3\n4\n5\n' | grep -A1 -B1 3; printf 'a1\nb2\n' | grep -x 'a.'; printf 'word wordy\n' | grep -ow word`},
	{"cut", `echo a:b:c | cut -d: -f2; echo abcdef | cut -c2-4; printf 'x y z\n' | cut -d' ' -f1,3`},
	{"sort", `printf '10\n9\n2\n' | sort -n; printf 'b 2\na 3\nc 1\n' | sort -k2 -n; printf 'a\nb\na\n' | sort -u; printf 'x\ny\n' | sort -r`},
	{"uniq", `printf 'a\na\nb\na\n' | uniq -c; printf 'a\na\nb\n' | uniq -d; printf 'a\na\nb\n' | uniq -u`},
	{"wc", `printf 'a b\nc\n' | wc; printf 'a b\nc\n' | wc -l; printf 'abc' | wc -c; printf 'a b c' | wc -w`},
	{"tr", `echo hello | tr a-z A-Z; echo aabbcc | tr -s a-z; echo h3ll0 | tr -d 0-9; echo abc | tr -c 'a\n' x; echo 'a b' | tr ' ' '\n'`},
	{"head tail", `seq 20 | head -3; seq 20 | tail -2; seq 5 | tail -n +4; seq 5 | head -n -3`},
	{"awk", `printf 'a 1\nb 2\n' | awk '{s+=$2; print $1} END {print s}'; echo a:b | awk -F: '{print $2}'; awk 'BEGIN {printf "%d %s\n", 3, "x"}'; printf '1\n2\n3\n' | awk 'NR>1'`},
	{"awk two files", `printf '1 a\n' > x; printf '1 b\n' > y; awk 'NR==FNR {m[$1]=$2; next} {print FILENAME, m[$1], $2}' x y; rm x y`},
	{"paste comm join", `printf '1\n2\n' > a; printf '2\n3\n' > b; paste a b; comm a b; paste -sd, a; rm a b`},
	{"tee", `echo x | tee f1 f2; cat f1 f2; echo y | tee -a f1 >/dev/null; cat f1; rm f1 f2`},
	{"basename dirname", `basename /a/b.txt; basename /a/b.txt .txt; dirname /a/b.txt; dirname x; dirname /`},
	{"cp mv rm", `mkdir d; echo 1 > d/a; cp -r d e; cat e/a; mv e/a e/b; ls e; cp d/a d/c; ls d; rm -r d e; ls d 2>/dev/null; echo $?`},
	{"mkdir and ls", `mkdir -p a/b/c; ls -R a; ls -d a; touch a/.hidden; ls -A a; rmdir a/b/c; ls a/b; rm -rf a`},
	{"chmod and test -x", `touch x; chmod 755 x; [ -x x ] && echo yes; chmod -x x; [ -x x ] || echo no; stat -c %a x; rm x`},
	{"ln and readlink", `echo t > target; ln -s target link; readlink link; cat link; ln -sf other link; readlink link; rm target link`},
	{"tar", `mkdir d; echo x > d/f; tar czf a.tgz d; rm -r d; tar xzf a.tgz; cat d/f; tar tzf a.tgz; rm -r d a.tgz`},
	{"gzip", `echo data > f; gzip f; ls f.gz; zcat f.gz; gunzip f.gz; cat f; echo p | gzip | gunzip; rm f`},
	{"checksums", `printf abc | md5sum; printf abc | sha256sum; printf abc > f; sha1sum f > s; sha1sum -c s; rm f s`},
	{"base64", `echo hello | base64; echo aGVsbG8K | base64 -d; printf '%0100d' 0 | base64`},
	{"od and xxd", `printf 'AB\n' | od -An -tx1; printf 'hi' | od -c`},
	{"expr", `expr 3 + 4; expr 2 \* 5; expr length hello; expr abc : 'a\(.\)'; expr 3 \> 2; expr 0; echo $?`},
	{"date", `date -u -d @0 +%Y-%m-%dT%H:%M:%S; date -u -d '2024-02-29 12:30:00' '+%j %a %b %e %H:%M'; date -u -d '2024-01-31 +1 day' +%F`},
	{"timeout", `timeout 0.1 sleep 5; echo $?; timeout 5 echo fine`},
	{"diff", `printf 'a\nb\nc\n' > x; printf 'a\nB\nc\nd\n' > y; diff x y; echo $?; diff -q x y; diff x x; echo $?; rm x y`},
	{"unified diff", `seq 10 > x; seq 10 | sed 's/5/five/' > y; diff -u x y | tail -n +3; rm x y`},
	{"nl rev tac fold", `printf 'a\nb\n' | nl; echo abc | rev; printf '1\n2\n' | tac; echo abcdef | fold -w2`},
	{"split", `seq 5 > f; split -l 2 f p_; ls p_*; cat p_ac; rm f p_*`},
	{"column", `printf 'a bb\nccc d\n' | column -t`},
	{"mapfile", `printf 'x\ny\n' > f; mapfile -t a < f; echo ${#a[@]} ${a[1]}; rm f`},
	{"heredoc in function", "f() { cat <<E\n$1\nE\n}; f hi | tr a-z A-Z"},
	{"long pipeline", `seq 100 | grep 5 | sed 's/^/n/' | sort | head -3 | awk '{print NR": "$0}'`},
	{"arithmetic for large", `s=0; for i in $(seq 200); do s=$((s+i)); done; echo $s`},
	{"string building", `s=; for i in a b c; do s="$s$i,"; done; echo "${s%,}"`},
	{"cd", `mkdir -p a/b; cd a/b; basename "$PWD"; cd ..; basename $PWD; cd - >/dev/null; basename $PWD; cd ../..; rm -r a; cd nowhere 2>/dev/null; echo $?`},
	{"syntax error", `echo one; if then`},
	{"exit in subshell", `(echo a; exit 3; echo b); echo $?`},
	{"colon and true", `: ${x:=5}; echo $x; while :; do break; done; echo ok`},
	{"unset function", `f() { echo f; }; f; unset -f f; f 2>/dev/null; echo $?`},
	{"readonly", `readonly r=1; (r=2) 2>/dev/null; echo $r`},
	{"declare integer", `declare -i n=5; n=7; echo $n; declare -r c=3; echo $c`},
	{"select by number", `PS3=; printf '2\n' | { select x in a b; do echo "got $x"; break; done; } 2>/dev/null`},
	{"double bracket pattern", `f=a.tar.gz; [[ $f == *.tar.* ]] && echo tar; [[ ! $f == *.zip ]] && echo notzip`},
	{"indirect", `a=b; b=deep; echo ${!a}`},
	{"substring removal", `p=/usr/local/bin; echo ${p#*/} ${p##*/} ${p%/*} ${p%%/*}`},
	{"nohup", `nohup echo hi 2>/dev/null | cat`},
	{"printenv", `export Q=1; printenv Q; printenv NOPE_X; echo $?`},
	{"stdin is not taken", `printf 'a\nb\n' | while read l; do echo "x" | cat >/dev/null; echo $l; done`},
}

// TestLikeBash compares the shell with this machine's.
func TestLikeBash(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Fatal("this test compares with bash, which is not installed")
	}
	g := newLab(t, computer.Config{}).box(t)
	for _, tt := range scripts {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			cmd := exec.CommandContext(t.Context(), bash, "-c", tt.text)
			cmd.Dir = dir
			cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=/home/daytona", "LC_ALL=C.UTF-8", "TZ=UTC"}
			var want bytes.Buffer
			cmd.Stdout = &want
			err := cmd.Run()
			if err != nil && cmd.ProcessState == nil {
				t.Fatal(err)
			}
			got := sh(t, g, tt.text)
			if got.stdout != want.String() || got.code != cmd.ProcessState.ExitCode() {
				t.Errorf("%s\n got %q, exit code %d\nwant %q, exit code %d\nstderr %s", tt.text, got.stdout, got.code, want.String(), cmd.ProcessState.ExitCode(), strings.TrimSpace(got.stderr))
			}
		})
	}
}
