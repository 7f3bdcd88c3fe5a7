package main

import (
	"flag"
	"fmt"
	"log/slog"
	"strings"

	"parley/storage"
)

const usage = `Parley, a softphone.

Usage:
  phone [flags] [sip:… | sips:… | tel:… | callto:…]   open the window; with an address, ready to call it
  phone account add|edit|list|remove|enable|disable|default …
  phone ctl [flags] 'COMMAND'                          one desktop-API command to the running Parley
  phone devices                                        the sound devices
  phone version

Flags:
`

// options are the flags of the phone itself.
type options struct {
	profile   string
	headless  bool
	audioIn   string
	audioOut  string
	alert     string
	api       string
	listen    string
	dns       string
	tlsCA     string
	secrets   storage.SecretsKind
	logLevel  slog.Level
	traceSIP  string
	noBonjour bool
	target    string
}

// parseOptions reads the command line of the phone. What is wrong is written to
// io.err, with the usage.
func parseOptions(args []string, io streams) (options, error) {
	var o options
	fs := newFlags("phone", usage, io)
	fs.StringVar(&o.profile, "profile", "", "`folder` for settings, history and recordings (default: the system's configuration folder)")
	fs.BoolVar(&o.headless, "headless", false, "no window: the engine and the desktop API only")
	fs.StringVar(&o.audioIn, "audio-in", "", "microphone: default, null, file:PATH or a device's name")
	fs.StringVar(&o.audioOut, "audio-out", "", "speaker: default, null, file:PATH or a device's name")
	fs.StringVar(&o.alert, "audio-alert", "", "where it rings: default, null, file:PATH or a device's name")
	fs.StringVar(&o.api, "api", "", "where the desktop API listens, `unix:PATH` (default: a socket of the profile in the runtime folder)")
	fs.StringVar(&o.listen, "sip-listen", "", "`address[:port]` for signalling and media (default: every address of this machine)")
	fs.StringVar(&o.dns, "dns", "", "resolver to ask, `host:port` (default: the system's)")
	fs.StringVar(&o.tlsCA, "tls-ca", "", "PEM `file` with further trusted certificates")
	fs.BoolVar(&o.noBonjour, "no-bonjour", false, "neither tell the local network of this phone nor look for others there")
	addSecretsFlag(fs, &o.secrets)
	fs.TextVar(&o.logLevel, "log-level", slog.LevelWarn, "debug, info, warn or error")
	fs.StringVar(&o.traceSIP, "trace-sip", "", "write every SIP message to this `file`, without passwords and keys")
	if err := parseFlags(fs, args); err != nil {
		return o, err
	}
	switch fs.NArg() {
	case 0:
	case 1:
		o.target = fs.Arg(0)
	default:
		return o, wrongUsage(fs, "one address at a time, not %d", fs.NArg())
	}
	if o.headless && o.target != "" {
		return o, wrongUsage(fs, "without a window nobody calls %q; use 'phone ctl' with the desktop API", o.target)
	}
	return o, nil
}

// newFlags returns a flag set that reports on io.err.
func newFlags(name, usage string, io streams) *flag.FlagSet {
	fs := flag.NewFlagSet(name, flag.ContinueOnError)
	fs.SetOutput(io.err)
	fs.Usage = func() {
		fmt.Fprint(fs.Output(), usage)
		fs.PrintDefaults()
	}
	return fs
}

// parseFlags parses args; errors were reported when it returns errUsage.
func parseFlags(fs *flag.FlagSet, args []string) error {
	err := fs.Parse(args)
	if err == nil || err == flag.ErrHelp {
		return err
	}
	return errUsage
}

// wrongUsage reports what is wrong with the command line.
func wrongUsage(fs *flag.FlagSet, format string, args ...any) error {
	fmt.Fprintf(fs.Output(), "phone: "+format+"\n", args...)
	fs.Usage()
	return errUsage
}

func addSecretsFlag(fs *flag.FlagSet, kind *storage.SecretsKind) {
	fs.Func("secrets", "where passwords live: `keyring`, or file: a file in the profile that only you can read (default keyring)", func(s string) error {
		k, err := storage.ParseSecretsKind(strings.TrimSpace(s))
		*kind = k
		return err
	})
}
