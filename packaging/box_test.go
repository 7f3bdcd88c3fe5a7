//go:build linux

package packaging_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A box is a small machine of its own for the script: a PATH that holds only
// recording stand-ins and a few plain tools, and a root folder. Every stand-in of
// a package manager installs everything that the script looks for, except what
// was withheld, and writes down how it was called.
type box struct {
	t   *testing.T
	dir string // bin, root, build, after, log
	env []string
}

// commands and files are what the script looks for, apart from libraries.
var (
	commands = []string{
		"cc", "Xvfb", "openbox", "xdotool", "import", "xprop", "xwininfo", "dbus-daemon", "dbus-launch",
		"gnome-keyring-daemon", "secret-tool", "pulseaudio", "pactl", "kamailio", "sqlite3", "baresip", "sipp",
		"openssl", "dnsmasq", "ip", "avahi-daemon", "avahi-publish", "tcpdump",
	}
	files = []string{
		"usr/lib64/dri/swrast_dri.so",
		"usr/lib64/alsa-lib/libasound_module_pcm_pulse.so",
		"usr/lib64/kamailio/modules/tls.so",
		"usr/lib64/kamailio/modules/outbound.so",
		"usr/lib64/kamailio/modules/utils.so",
		"usr/lib64/kamailio/modules/uuid.so",
		"usr/lib64/kamailio/modules/db_sqlite.so",
	}
)

// stand-ins, in sh. $BOX is the box's folder.
const (
	managerScript = `#!/bin/sh
echo "${0##*/} $*" >>"$BOX/log"
case " $* " in *" update "*) exit 0 ;; esac
policy=$BOX/root/usr/sbin/policy-rc.d
if [ -x "$policy" ]; then
	"$policy" && code=0 || code=$?
	echo "$code" >"$BOX/policy-seen"
else
	echo 0 >"$BOX/policy-seen"
fi
if [ -f "$BOX/interrupted" ]; then kill -TERM "$PPID"; exit 0; fi
while read -r name; do
	case " $* " in *" $name "*) echo "no package $name" >&2; exit 1 ;; esac
done <"$BOX/refused"
cp -R "$BOX/after/." "$BOX/root/"
`
	sudoScript = `#!/bin/sh
shown=$*
echo "sudo sh deps.sh ${shown#*deps.sh }" >>"$BOX/log"
exec "$@"
`
	pkgConfigScript = `#!/bin/sh
[ "$1" = --exists ] || exit 2
[ -f "$BOX/root/pc/$2" ]
`
)

func newBox(t *testing.T, system string, tools ...string) *box {
	t.Helper()
	b := &box{t: t, dir: t.TempDir()}
	b.env = []string{
		"PATH=" + filepath.Join(b.dir, "bin"), "BOX=" + b.dir,
		"PARLEY_ROOT=" + filepath.Join(b.dir, "root"), "PARLEY_BUILD=" + filepath.Join(b.dir, "build"),
	}
	for _, dir := range []string{"bin", "root/usr/sbin", "root/pc", "after/usr/sbin", "after/pc"} {
		b.must(os.MkdirAll(filepath.Join(b.dir, dir), 0o755))
	}
	for _, tool := range []string{"sh", "cat", "sed", "cksum", "dirname", "mkdir", "mv", "rm", "chmod", "grep", "cp"} {
		real, err := exec.LookPath(tool)
		b.must(err)
		b.must(os.Symlink(real, filepath.Join(b.dir, "bin", tool)))
	}
	for _, tool := range tools {
		script := managerScript
		if tool == "sudo" {
			script = sudoScript
		}
		b.script("bin/"+tool, script)
	}
	b.script("bin/uname", "#!/bin/sh\necho "+system+"\n")
	b.script("bin/id", "#!/bin/sh\necho 1000\n")
	b.goVersion("go version go1.26.8 linux/amd64")
	b.must(os.WriteFile(filepath.Join(b.dir, "refused"), nil, 0o644))

	b.script("after/usr/sbin/pkg-config", pkgConfigScript)
	for _, c := range commands {
		b.script("after/usr/sbin/"+c, "#!/bin/sh\n")
	}
	for _, f := range files {
		b.script("after/"+f, "")
	}
	for _, m := range []string{"opus", "gl", "x11", "xcursor", "xrandr", "xinerama", "xi", "xxf86vm"} {
		b.script("after/pc/"+m, "")
	}
	return b
}

func (b *box) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

// script puts an executable file at path, which is relative to the box.
func (b *box) script(path, text string) {
	b.t.Helper()
	path = filepath.Join(b.dir, path)
	b.must(os.MkdirAll(filepath.Dir(path), 0o755))
	b.must(os.WriteFile(path, []byte(text), 0o755))
}

// write puts text at path below the root folder; empty text writes nothing.
func (b *box) write(path, text string) {
	b.t.Helper()
	if text != "" {
		b.script("root/"+path, text)
	}
}

// read returns the file at path below the root folder, or nothing.
func (b *box) read(path string) string {
	b.t.Helper()
	text, err := os.ReadFile(filepath.Join(b.dir, "root", path))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		b.t.Fatal(err)
	}
	return string(text)
}

// root makes the script believe that root runs it.
func (b *box) root() { b.script("bin/id", "#!/bin/sh\necho 0\n") }

// goVersion sets what go version prints; nothing removes go.
func (b *box) goVersion(line string) {
	b.script("bin/go", "#!/bin/sh\necho "+line+"\n")
	if line == "" {
		b.must(os.Remove(filepath.Join(b.dir, "bin/go")))
	}
}

// provide makes a command present from the start.
func (b *box) provide(name string) { b.script("root/usr/sbin/"+name, "#!/bin/sh\n") }

// provideAll makes everything present that is not withheld.
func (b *box) provideAll() {
	b.must(os.CopyFS(filepath.Join(b.dir, "root"), os.DirFS(filepath.Join(b.dir, "after"))))
}

// remove takes a command away again.
func (b *box) remove(name string) { b.must(os.Remove(filepath.Join(b.dir, "root/usr/sbin", name))) }

// withhold keeps commands (name) and libraries (pc:name) from being installed.
func (b *box) withhold(names ...string) {
	for _, name := range names {
		path := "after/usr/sbin/" + name
		if module, ok := strings.CutPrefix(name, "pc:"); ok {
			path = "after/pc/" + module
		}
		b.must(os.Remove(filepath.Join(b.dir, path)))
	}
}

// refuse makes the manager fail whenever one of the packages is asked for.
func (b *box) refuse(packages ...string) {
	b.must(os.WriteFile(filepath.Join(b.dir, "refused"), []byte(strings.Join(packages, "\n")+"\n"), 0o644))
}

// interrupt makes the script be ended while packages are installed.
func (b *box) interrupt() { b.script("interrupted", "") }

func (b *box) setenv(pairs ...string) { b.env = append(b.env, pairs...) }

// policySeen returns what policy-rc.d said while packages were installed.
func (b *box) policySeen() string {
	b.t.Helper()
	text, err := os.ReadFile(filepath.Join(b.dir, "policy-seen"))
	b.must(err)
	return strings.TrimSpace(string(text))
}

func (b *box) forgetLog() { b.must(os.RemoveAll(filepath.Join(b.dir, "log"))) }

// wantLog checks all calls of managers and sudo since the last forgetLog.
func (b *box) wantLog(want ...string) {
	b.t.Helper()
	text, err := os.ReadFile(filepath.Join(b.dir, "log"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		b.t.Fatal(err)
	}
	got := slices.Collect(strings.Lines(string(text)))
	for i := range got {
		got[i] = strings.TrimSpace(got[i])
	}
	if diff := cmp.Diff(want, got); diff != "" && len(want)+len(got) > 0 {
		b.t.Errorf("calls of the package manager (-want +got):\n%s", diff)
	}
}

// A result is what one run of the script gave.
type result struct {
	t      *testing.T
	exit   int
	output string
}

// command returns the script's command with the box's environment.
func (b *box) command(set string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(b.dir, "bin/sh"), "deps.sh", set)
	cmd.Env = b.env
	return cmd
}

// run runs the script with nobody at the keyboard.
func (b *box) run(set string) result {
	b.t.Helper()
	cmd := b.command(set)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	return b.finish(cmd.Run(), out.String())
}

func (b *box) finish(err error, output string) result {
	b.t.Helper()
	r := result{t: b.t, output: output}
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		r.exit = exit.ExitCode()
	} else {
		b.must(err)
	}
	return r
}

func (r result) wantExit(want int) {
	r.t.Helper()
	if r.exit != want {
		r.t.Fatalf("deps.sh ended with %d, want %d; it said:\n%s", r.exit, want, r.output)
	}
}

func (r result) wantOutput(want string) {
	r.t.Helper()
	if !strings.Contains(r.output, want) {
		r.t.Errorf("deps.sh said %q, want %q in it", r.output, want)
	}
}
