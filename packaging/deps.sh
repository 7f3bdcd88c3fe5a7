#!/bin/sh
# packaging/deps.sh build|test
#
# Finds out what this machine lacks to build Parley (build) or to run its tests
# too (test), and installs it through the system's own package manager. Asks
# before it uses sudo, does not ask when it is root, and is quick when nothing
# is missing. Works in any POSIX shell.
#
# packaging/deps_test.go runs it against recording stand-ins of every manager.
set -eu

# PARLEY_ROOT stands in front of every absolute path that is looked at or
# written outside the repository. Only the test sets it.
root=${PARLEY_ROOT:-}
here=$(cd "$(dirname "$0")" && pwd)
repo=$(dirname "$here")
# Daemons live in sbin, which is not on everybody's PATH.
PATH=$PATH:$root/usr/sbin:$root/sbin

# The package table. Columns: set; probe; then the names of the packages for
# apt, dnf, pacman, zypper, Homebrew and MSYS2. A probe is pc:MODULE (known to
# pkg-config), cmd:NAME,NAME (one of them on PATH) or file:GLOB,GLOB (one of them
# there). "." means that nothing is needed there, "-" that nobody packages it.
# MSYS2 names get the prefix of the environment in use.
table() {
	cat <<'TABLE'
build|cmd:cc,gcc,clang|gcc libc6-dev|gcc|gcc|gcc|.|gcc
build|cmd:pkg-config,pkgconf|pkg-config|pkgconf-pkg-config|pkgconf|pkgconf-pkg-config|pkgconf|pkgconf
build|pc:opus|libopus-dev|opus-devel|opus|libopus-devel|opus|opus
build|pc:gl|libgl-dev|mesa-libGL-devel|libglvnd|Mesa-libGL-devel|.|.
build|pc:x11|libx11-dev|libX11-devel|libx11|libX11-devel|.|.
build|pc:xcursor|libxcursor-dev|libXcursor-devel|libxcursor|libXcursor-devel|.|.
build|pc:xrandr|libxrandr-dev|libXrandr-devel|libxrandr|libXrandr-devel|.|.
build|pc:xinerama|libxinerama-dev|libXinerama-devel|libxinerama|libXinerama-devel|.|.
build|pc:xi|libxi-dev|libXi-devel|libxi|libXi-devel|.|.
build|pc:xxf86vm|libxxf86vm-dev|libXxf86vm-devel|libxxf86vm|libXxf86vm-devel|.|.
test|cmd:Xvfb|xvfb|xorg-x11-server-Xvfb|xorg-server-xvfb|xorg-x11-server-Xvfb|.|.
test|cmd:openbox|openbox|openbox|openbox|openbox|.|.
test|cmd:xdotool|xdotool|xdotool|xdotool|xdotool|.|.
test|cmd:import|imagemagick|ImageMagick|imagemagick|ImageMagick|.|.
test|cmd:xprop|x11-utils|xprop|xorg-xprop|xprop|.|.
test|cmd:xwininfo|x11-utils|xwininfo|xorg-xwininfo|xwininfo|.|.
test|cmd:dbus-daemon|dbus|dbus-daemon|dbus|dbus-1|.|.
test|cmd:dbus-launch|dbus-x11|dbus-x11|dbus|dbus-1-x11|.|.
test|cmd:gnome-keyring-daemon|gnome-keyring|gnome-keyring|gnome-keyring|gnome-keyring|.|.
test|cmd:secret-tool|libsecret-tools|libsecret|libsecret|libsecret-tools|.|.
test|file:/usr/lib/*/dri/swrast_dri.so,/usr/lib64/dri/swrast_dri.so,/usr/lib/dri/swrast_dri.so|libgl1-mesa-dri|mesa-dri-drivers|mesa|Mesa-dri|.|.
test|cmd:pulseaudio|pulseaudio|pulseaudio|pulseaudio|pulseaudio|.|.
test|cmd:pactl|pulseaudio-utils|pulseaudio-utils|libpulse|pulseaudio-utils|.|.
test|file:/usr/lib/*/alsa-lib/libasound_module_pcm_pulse.so,/usr/lib64/alsa-lib/libasound_module_pcm_pulse.so,/usr/lib/alsa-lib/libasound_module_pcm_pulse.so|libasound2-plugins|alsa-plugins-pulseaudio|alsa-plugins|alsa-plugins-pulse|.|.
test|cmd:kamailio|kamailio|kamailio|-|kamailio|-|-
test|file:/usr/lib/*/kamailio/modules/tls.so,/usr/lib64/kamailio/modules/tls.so|kamailio-tls-modules|kamailio-tls|-|kamailio-tls|-|-
test|file:/usr/lib/*/kamailio/modules/outbound.so,/usr/lib64/kamailio/modules/outbound.so|kamailio-outbound-modules|kamailio-outbound|-|kamailio-outbound|-|-
test|file:/usr/lib/*/kamailio/modules/utils.so,/usr/lib64/kamailio/modules/utils.so|kamailio-utils-modules|kamailio-utils|-|kamailio-utils|-|-
test|file:/usr/lib/*/kamailio/modules/uuid.so,/usr/lib64/kamailio/modules/uuid.so|kamailio-extra-modules|kamailio-uuid|-|kamailio-uuid|-|-
test|file:/usr/lib/*/kamailio/modules/db_sqlite.so,/usr/lib64/kamailio/modules/db_sqlite.so|kamailio-sqlite-modules|kamailio-sqlite|-|kamailio-sqlite|-|-
test|cmd:sqlite3|sqlite3|sqlite|sqlite|sqlite3|sqlite|sqlite3
test|cmd:baresip|baresip-core|baresip|baresip|-|baresip|-
test|cmd:sipp|sip-tester|sipp|-|sipp|sipp|-
test|cmd:openssl|openssl|openssl|openssl|openssl|openssl@3|openssl
test|cmd:dnsmasq|dnsmasq-base|dnsmasq|dnsmasq|dnsmasq|dnsmasq|-
test|cmd:ip|iproute2|iproute|iproute2|iproute2|.|.
test|cmd:avahi-daemon|avahi-daemon|avahi|avahi|avahi|.|.
test|cmd:avahi-publish|avahi-utils|avahi-tools|avahi|avahi-utils|.|.
test|cmd:tcpdump|tcpdump|tcpdump|tcpdump|tcpdump|.|.
TABLE
}

say() { printf '%s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# have PROBE: whether what PROBE describes is there.
have() {
	case $1 in
	pc:*)
		pkg-config --exists "${1#pc:}" 2>/dev/null
		return
		;;
	esac
	left=${1#*:}
	while [ -n "$left" ]; do
		one=${left%%,*}
		case $left in *,*) left=${left#*,} ;; *) left= ;; esac
		case $1 in
		cmd:*) if command -v "$one" >/dev/null 2>&1; then return 0; fi ;;
		file:*) for f in $root$one; do if [ -e "$f" ]; then return 0; fi; done ;;
		esac
	done
	return 1
}

# check_go: one sentence if Go is missing or older than go.mod asks for.
check_go() {
	want=$(sed -n 's/^go \([0-9]*\.[0-9]*\).*/\1/p' "$repo/go.mod")
	found=$(GOTOOLCHAIN=local go version 2>/dev/null) || found=
	found=${found#go version go}
	found=${found%% *}
	major=${found%%.*}
	minor=${found#*.}
	minor=${minor%%[!0-9]*}
	case $major$minor in
	'' | *[!0-9]*) die "Parley needs Go $want or newer; get it from go.dev/dl" ;;
	esac
	if [ "$major" -lt "${want%.*}" ] ||
		{ [ "$major" -eq "${want%.*}" ] && [ "$minor" -lt "${want#*.}" ]; }; then
		die "Parley needs Go $want or newer, and this is $found; get it from go.dev/dl"
	fi
}

# find_manager sets manager, and column: its place in the table.
find_manager() {
	manager=
	case $(uname -s) in
	Darwin)
		# There is always a cc, which may only say that it is not installed.
		xcode-select -p >/dev/null 2>&1 || die "Parley needs Apple's C compiler; get it with: xcode-select --install"
		command -v brew >/dev/null 2>&1 || die "Parley needs Homebrew to install its libraries; get it from brew.sh"
		manager=brew column=5
		;;
	MINGW* | MSYS* | CYGWIN*)
		command -v pacman >/dev/null 2>&1 || die "Run this in an MSYS2 shell; get MSYS2 from msys2.org"
		manager=msys2 column=6
		;;
	*)
		if command -v apt-get >/dev/null 2>&1; then manager=apt column=1
		elif command -v dnf >/dev/null 2>&1; then manager=dnf column=2
		elif command -v zypper >/dev/null 2>&1; then manager=zypper column=4
		elif command -v pacman >/dev/null 2>&1; then manager=pacman column=3
		fi
		;;
	esac
}

# look SET... sets packages (to install) and unpackaged (probes of what nobody
# packages for this manager), from the rows of those sets that are not satisfied.
look() {
	packages=
	unpackaged=
	sets=" $* "
	rows=$(table)
	while IFS='|' read -r set probe c1 c2 c3 c4 c5 c6; do
		case $sets in *" $set "*) ;; *) continue ;; esac
		case $manager in
		apt) names=$c1 ;; dnf) names=$c2 ;; pacman) names=$c3 ;;
		zypper) names=$c4 ;; brew) names=$c5 ;; msys2) names=$c6 ;;
		*) names=- ;; # no manager that we know
		esac
		if [ "$names" = . ] || have "$probe"; then continue; fi
		if [ "$names" = - ]; then
			unpackaged="$unpackaged ${probe#*:}"
			continue
		fi
		for p in $names; do
			if [ "$manager" = msys2 ]; then
				p=${MINGW_PACKAGE_PREFIX:-mingw-w64-ucrt-x86_64}-$p
			fi
			case " $packages " in *" $p "*) ;; *) packages="$packages $p" ;; esac
		done
	done <<ROWS
$rows
ROWS
	packages=${packages# }
	unpackaged=${unpackaged# }
}

# with_manager PACKAGE...: the command that installs them, without questions and
# without removing or replacing anything.
with_manager() {
	case $manager in
	apt) DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends --no-remove -o DPkg::Lock::Timeout=300 "$@" ;;
	dnf) dnf install -y "$@" ;;
	pacman | msys2) pacman -S --needed --noconfirm "$@" ;;
	zypper) zypper --non-interactive install --no-recommends "$@" ;;
	brew) brew install "$@" ;;
	esac
}

# hold_services keeps dpkg from starting the services of packages that are
# installed from now on, by the policy that Debian provides for it. What was
# there before is put back when the script ends, however it ends. What an earlier
# run had to leave because it was killed outright is put back first.
hold_services() {
	policy=$root/usr/sbin/policy-rc.d
	kept=$policy.before-parley
	release_services
	if [ -e "$policy" ] || [ -L "$policy" ]; then mv -f "$policy" "$kept"; fi
	trap release_services EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	mkdir -p "$(dirname "$policy")"
	printf '#!/bin/sh\n# Made by packaging/deps.sh; removed when it ends.\nexit 101\n' >"$policy"
	chmod 755 "$policy"
}

release_services() {
	if [ -f "$policy" ] && grep -q 'Made by packaging/deps.sh' "$policy"; then rm -f "$policy"; fi
	if [ -e "$kept" ] || [ -L "$kept" ]; then mv -f "$kept" "$policy"; fi
}

# install_now MANAGER SET PACKAGE...: the part that needs root, where there is
# one. If test peers cannot be had all together, each is tried by itself.
install_now() {
	manager=$1 set=$2
	shift 2
	if [ "$manager" = apt ]; then
		if [ "$set" = test ]; then hold_services; fi
		apt-get update -q || say "The package lists could not be brought up to date; going on with those that are here."
	fi
	if with_manager "$@"; then return 0; fi
	[ "$set" = test ] || return 1
	say "Not all of them could be installed together; trying one by one."
	for p in "$@"; do
		with_manager "$p" || say "$p could not be installed."
	done
}

# install SET PACKAGE...: asks where it must, then installs.
install() {
	set=$1
	shift
	list=$(printf '%s, ' "$@")
	list=${list%, }
	case $manager in
	apt) tool=apt-get ;;
	msys2) tool=pacman ;;
	*) tool=$manager ;;
	esac
	case $manager in
	brew | msys2)
		say "Installing $list with $tool."
		sh "$here/deps.sh" install-now "$manager" "$set" "$@"
		return
		;;
	esac
	if [ "$(id -u)" = 0 ]; then
		say "Installing $list with $tool."
		sh "$here/deps.sh" install-now "$manager" "$set" "$@"
		return
	fi
	command -v sudo >/dev/null 2>&1 || die "Missing: $list. There is no sudo here: install them as root with $tool, then try again."
	[ -t 0 ] || die "Missing: $list. Nobody is here to ask: install them with sudo $tool, then try again."
	printf 'Install %s with sudo %s? [Y/n] ' "$list" "$tool" >&2
	read -r answer || answer=n
	case $answer in
	'' | [Yy]*) sudo sh "$here/deps.sh" install-now "$manager" "$set" "$@" ;;
	*) die "Nothing was installed. Parley cannot be built or tested without: $list." ;;
	esac
}

main() {
	case ${1:-} in
	build) sets=build ;;
	test) sets='build test' ;;
	install-now)
		shift
		install_now "$@"
		return
		;;
	*) die "usage: packaging/deps.sh build|test" ;;
	esac
	check_go
	find_manager
	# shellcheck disable=SC2086 # names of sets and packages hold no blanks
	look $sets
	if [ -z "$packages$unpackaged" ]; then return 0; fi

	# What could not be had the last time is not tried again, unless this
	# script has changed or CI demands everything.
	build=${PARLEY_BUILD:-$repo/build}
	stamp=$build/.deps-$1
	state="$(cksum <"$here/deps.sh") $packages $unpackaged"
	if [ "${CI:-}" != true ] && [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$state" ]; then
		check_test_set
		return
	fi
	# shellcheck disable=SC2086
	if [ -n "$packages" ]; then install "$1" $packages; fi
	look build
	check_build_set
	if [ "$1" = build ]; then return 0; fi
	look test
	check_test_set
	if [ -n "$packages$unpackaged" ]; then
		mkdir -p "$build"
		printf '%s\n' "$(cksum <"$here/deps.sh") $packages $unpackaged" >"$stamp"
	fi
}

# missing: what the last look found wanting, for people.
missing() { printf '%s' "$packages${packages:+${unpackaged:+ }}$unpackaged"; }

check_build_set() {
	if [ -z "$packages$unpackaged" ]; then return 0; fi
	if [ -z "$manager" ]; then
		die "Missing: $(missing). None of apt, dnf, pacman and zypper is here: install them by hand."
	fi
	die "Still missing after the installation: $(missing). Parley cannot be built without."
}

check_test_set() {
	count=0
	# shellcheck disable=SC2086
	for p in $packages $unpackaged; do count=$((count + 1)); done
	if [ "$count" -eq 0 ]; then return 0; fi
	if [ "${CI:-}" = true ]; then
		die "$count test peers are missing, and CI demands them all: $(missing)"
	fi
	say "$count test peers could not be installed here, and their tests will be skipped: $(missing)"
}

main "$@"
