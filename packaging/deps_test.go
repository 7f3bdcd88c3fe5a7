//go:build linux

package packaging_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// managers lists the six package managers: how the script recognizes them, the
// command that installs, and the packages of each set.
var managers = []struct {
	name, system, tool string
	before             string // a command that comes first, or empty
	install            string
	build, test        string
}{
	{
		name: "apt", system: "Linux", tool: "apt-get",
		before:  "apt-get update -q",
		install: "apt-get install -y --no-install-recommends --no-remove -o DPkg::Lock::Timeout=300",
		build: "gcc libc6-dev pkg-config libopus-dev libgl-dev libx11-dev libxcursor-dev libxrandr-dev" +
			" libxinerama-dev libxi-dev libxxf86vm-dev",
		test: "xvfb openbox xdotool imagemagick x11-utils dbus dbus-x11 gnome-keyring libsecret-tools" +
			" libgl1-mesa-dri pulseaudio pulseaudio-utils libasound2-plugins kamailio kamailio-tls-modules" +
			" kamailio-outbound-modules kamailio-utils-modules kamailio-extra-modules kamailio-sqlite-modules" +
			" sqlite3 baresip-core sip-tester openssl dnsmasq-base iproute2 avahi-daemon avahi-utils tcpdump",
	},
	{
		name: "dnf", system: "Linux", tool: "dnf",
		install: "dnf install -y",
		build: "gcc pkgconf-pkg-config opus-devel mesa-libGL-devel libX11-devel libXcursor-devel libXrandr-devel" +
			" libXinerama-devel libXi-devel libXxf86vm-devel",
		test: "xorg-x11-server-Xvfb openbox xdotool ImageMagick xprop xwininfo dbus-daemon dbus-x11 gnome-keyring" +
			" libsecret mesa-dri-drivers pulseaudio pulseaudio-utils alsa-plugins-pulseaudio kamailio kamailio-tls" +
			" kamailio-outbound kamailio-utils kamailio-uuid kamailio-sqlite sqlite baresip sipp openssl dnsmasq iproute" +
			" avahi avahi-tools tcpdump",
	},
	{
		name: "pacman", system: "Linux", tool: "pacman",
		install: "pacman -S --needed --noconfirm",
		build:   "gcc pkgconf opus libglvnd libx11 libxcursor libxrandr libxinerama libxi libxxf86vm",
		test: "xorg-server-xvfb openbox xdotool imagemagick xorg-xprop xorg-xwininfo dbus gnome-keyring libsecret mesa" +
			" pulseaudio libpulse alsa-plugins sqlite baresip openssl dnsmasq iproute2 avahi tcpdump",
	},
	{
		name: "zypper", system: "Linux", tool: "zypper",
		install: "zypper --non-interactive install --no-recommends",
		build: "gcc pkgconf-pkg-config libopus-devel Mesa-libGL-devel libX11-devel libXcursor-devel libXrandr-devel" +
			" libXinerama-devel libXi-devel libXxf86vm-devel",
		test: "xorg-x11-server-Xvfb openbox xdotool ImageMagick xprop xwininfo dbus-1 dbus-1-x11 gnome-keyring" +
			" libsecret-tools Mesa-dri pulseaudio pulseaudio-utils alsa-plugins-pulse kamailio kamailio-tls" +
			" kamailio-outbound kamailio-utils kamailio-uuid kamailio-sqlite sqlite3 sipp openssl dnsmasq iproute2" +
			" avahi avahi-utils tcpdump",
	},
	{
		name: "brew", system: "Darwin", tool: "brew",
		install: "brew install",
		build:   "pkgconf opus",
		test:    "sqlite baresip sipp openssl@3 dnsmasq",
	},
	{
		name: "msys2", system: "MINGW64_NT-10.0-19045", tool: "pacman",
		install: "pacman -S --needed --noconfirm",
		build:   "mingw-w64-ucrt-x86_64-gcc mingw-w64-ucrt-x86_64-pkgconf mingw-w64-ucrt-x86_64-opus",
		test:    "mingw-w64-ucrt-x86_64-sqlite3 mingw-w64-ucrt-x86_64-openssl",
	},
}

// needsSudo reports whether the manager may only be run by root.
func needsSudo(name string) bool { return name != "brew" && name != "msys2" }

func TestRootInstallsWithoutAsking(t *testing.T) {
	for _, m := range managers {
		for _, set := range []string{"build", "test"} {
			t.Run(m.name+" "+set, func(t *testing.T) {
				b := newBox(t, m.system, m.tool)
				b.provide("xcode-select")
				b.root()
				b.run(set).wantExit(0)
				packages := m.build
				if set == "test" {
					packages += " " + m.test
				}
				want := []string{m.install + " " + packages}
				if m.before != "" {
					want = append([]string{m.before}, want...)
				}
				b.wantLog(want...)
			})
		}
	}
}

func TestSudoIsAskedFor(t *testing.T) {
	for _, m := range managers {
		t.Run(m.name, func(t *testing.T) {
			b := newBox(t, m.system, m.tool, "sudo")
			b.provide("cc")
			b.provide("xcode-select")
			packages := strings.TrimPrefix(strings.TrimPrefix(m.build, "gcc "), "libc6-dev ")
			packages = strings.TrimPrefix(packages, "mingw-w64-ucrt-x86_64-gcc ")
			var want []string
			if needsSudo(m.name) {
				want = append(want, "sudo sh deps.sh install-now "+m.name+" build "+packages)
			}
			if m.before != "" {
				want = append(want, m.before)
			}
			want = append(want, m.install+" "+packages)

			r := b.answer("build", "\n")
			r.wantExit(0)
			b.wantLog(want...)
			list := strings.ReplaceAll(packages, " ", ", ")
			if question := "Install " + list + " with sudo " + m.tool + "? [Y/n] "; needsSudo(m.name) {
				r.wantOutput(question)
			} else if strings.Contains(r.output, "[Y/n]") {
				t.Errorf("%s asked about sudo, which it does not use: %q", m.name, r.output)
			}
		})
	}
}

func TestNoIsNo(t *testing.T) {
	b := newBox(t, "Linux", "apt-get", "sudo")
	r := b.answer("build", "n\n")
	r.wantExit(1)
	r.wantOutput("Nothing was installed.")
	b.wantLog()
}

func TestNobodyToAsk(t *testing.T) {
	b := newBox(t, "Linux", "apt-get", "sudo")
	r := b.run("build")
	r.wantExit(1)
	r.wantOutput("Missing: gcc, libc6-dev, pkg-config,")
	r.wantOutput("install them with sudo apt-get, then try again.")
	b.wantLog()
}

func TestNoSudo(t *testing.T) {
	b := newBox(t, "Linux", "dnf")
	r := b.run("build")
	r.wantExit(1)
	r.wantOutput("There is no sudo here: install them as root with dnf, then try again.")
	b.wantLog()
}

func TestNoManager(t *testing.T) {
	b := newBox(t, "Linux")
	b.root()
	r := b.run("build")
	r.wantExit(1)
	r.wantOutput("None of apt, dnf, pacman and zypper is here")
}

func TestNoCompilerOnMacOS(t *testing.T) {
	b := newBox(t, "Darwin", "brew")
	r := b.run("build")
	r.wantExit(1)
	r.wantOutput("xcode-select --install")
}

func TestGoSentence(t *testing.T) {
	const want = "Parley needs Go 1.26 or newer"
	tests := []struct {
		version string // what go version prints; empty: there is no go
		exit    int
	}{
		{"", 1},
		{"go version go1.9 linux/amd64", 1},
		{"go version go1.25.4 linux/amd64", 1},
		{"go version go1.26 linux/amd64", 0},
		{"go version go1.26.8 linux/amd64", 0},
		{"go version go1.27rc1 darwin/arm64", 0},
		{"go version go2.0 linux/amd64", 0},
	}
	for _, tt := range tests {
		t.Run(tt.version, func(t *testing.T) {
			b := newBox(t, "Linux", "apt-get")
			b.root()
			b.goVersion(tt.version)
			r := b.run("build")
			r.wantExit(tt.exit)
			if got := strings.Contains(r.output, want); got != (tt.exit != 0) {
				t.Errorf("with %q the script says %q", tt.version, r.output)
			}
			if tt.exit != 0 {
				r.wantOutput("get it from go.dev/dl\n")
				b.wantLog()
			}
		})
	}
}

func TestSecondRunInstallsNothing(t *testing.T) {
	for _, set := range []string{"build", "test"} {
		t.Run(set, func(t *testing.T) {
			b := newBox(t, "Linux", "apt-get")
			b.root()
			b.run(set).wantExit(0)
			b.forgetLog()
			r := b.run(set)
			r.wantExit(0)
			b.wantLog()
			if r.output != "" {
				t.Errorf("second run says %q, want nothing", r.output)
			}
		})
	}
}

func TestPeersThatNobodyPackages(t *testing.T) {
	b := newBox(t, "Linux", "pacman")
	b.root()
	b.withhold("kamailio", "sipp")
	r := b.run("test")
	r.wantExit(0)
	r.wantOutput("2 test peers could not be installed here, and their tests will be skipped: kamailio sipp\n")

	b.forgetLog()
	r = b.run("test")
	r.wantExit(0)
	r.wantOutput("2 test peers could not be installed here")
	b.wantLog()

	b.setenv("CI=true")
	r = b.run("test")
	r.wantExit(1)
	r.wantOutput("2 test peers are missing, and CI demands them all: kamailio sipp\n")
}

func TestOneByOneWhenTogetherFails(t *testing.T) {
	b := newBox(t, "Linux", "dnf")
	b.root()
	b.withhold("pulseaudio")
	b.provideAll()
	b.remove("sqlite3")
	b.refuse("pulseaudio")
	r := b.run("test")
	r.wantExit(0)
	b.wantLog(
		"dnf install -y pulseaudio sqlite",
		"dnf install -y pulseaudio",
		"dnf install -y sqlite",
	)
	r.wantOutput("pulseaudio could not be installed.")
	r.wantOutput("1 test peers could not be installed here")
}

func TestLibraryThatStaysAway(t *testing.T) {
	b := newBox(t, "Linux", "zypper")
	b.root()
	b.withhold("pc:opus")
	r := b.run("build")
	r.wantExit(1)
	r.wantOutput("Still missing after the installation: libopus-devel.")
}

func TestServicesAreHeldBack(t *testing.T) {
	const own = "#!/bin/sh\n# the machine's own\nexit 0\n"
	tests := []struct {
		name          string
		policy        string // the machine's own policy, or empty
		left          string // what an interrupted run has left, or empty
		set, wantSeen string // the policy while packages are installed
		fail, end     bool   // a package fails; the script is ended meanwhile
		want          string // the policy afterwards
	}{
		{name: "none before", set: "test", wantSeen: "101"},
		{name: "one before", policy: own, set: "test", wantSeen: "101", want: own},
		{name: "a package fails", policy: own, set: "test", wantSeen: "101", fail: true, want: own},
		{name: "ended meanwhile", policy: own, set: "test", wantSeen: "101", end: true, want: own},
		{name: "ended meanwhile, none before", set: "test", wantSeen: "101", end: true},
		{name: "an earlier run was killed", policy: "# Made by packaging/deps.sh", left: own, set: "test", wantSeen: "101", want: own},
		{name: "an earlier run was killed, none before it", policy: "# Made by packaging/deps.sh", set: "test", wantSeen: "101"},
		{name: "no test peers, no change", policy: own, set: "build", wantSeen: "0", want: own},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBox(t, "Linux", "apt-get")
			b.root()
			b.write("usr/sbin/policy-rc.d", tt.policy)
			b.write("usr/sbin/policy-rc.d.before-parley", tt.left)
			if tt.fail {
				b.refuse("libopus-dev")
			}
			if tt.end {
				b.interrupt()
			}
			r := b.run(tt.set)
			if tt.end {
				r.wantExit(143)
			} else {
				r.wantExit(0)
			}
			if got := b.policySeen(); got != tt.wantSeen {
				t.Errorf("policy while packages were installed said %q, want %q", got, tt.wantSeen)
			}
			if diff := cmp.Diff(tt.want, b.read("usr/sbin/policy-rc.d")); diff != "" {
				t.Errorf("policy-rc.d afterwards (-want +got):\n%s", diff)
			}
			if got := b.read("usr/sbin/policy-rc.d.before-parley"); got != "" {
				t.Errorf("policy-rc.d.before-parley was left behind: %q", got)
			}
		})
	}
}

func TestUsage(t *testing.T) {
	b := newBox(t, "Linux", "apt-get")
	r := b.run("everything")
	r.wantExit(1)
	r.wantOutput("usage: packaging/deps.sh build|test")
}
