package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"golang.org/x/term"

	"parley/middleware"
	"parley/storage"
)

const accountUsage = `Shows and changes accounts, in the running Parley if there is one.

Usage:
  phone account list
  phone account add [flags] sip:user@domain [KEY=VALUE…]
  phone account edit sip:user@domain KEY=VALUE…
  phone account remove|enable|disable|default sip:user@domain
  phone account password [--password-stdin] sip:user@domain

KEY is a setting of the account: display_name, auth_user, proxy, transport,
expires, srtp, codecs, … ('phone account keys' lists them all).

Flags:
`

// accountFlags are the flags of all account commands.
type accountFlags struct {
	fs            *flag.FlagSet
	profile       string
	secrets       storage.SecretsKind
	passwordStdin bool
	proxy         string
	name          string
	authUser      string
}

func newAccountFlags(io streams) *accountFlags {
	f := &accountFlags{fs: newFlags("phone account", accountUsage, io)}
	f.fs.StringVar(&f.profile, "profile", "", "`folder` of the profile")
	addSecretsFlag(f.fs, &f.secrets)
	f.fs.BoolVar(&f.passwordStdin, "password-stdin", false, "read the password from standard input, in place of a question")
	f.fs.StringVar(&f.proxy, "proxy", "", "outbound proxy, a SIP `URI` or host[:port]")
	f.fs.StringVar(&f.name, "name", "", "`name` shown to the people called")
	f.fs.StringVar(&f.authUser, "auth-user", "", "user `name` for authentication, if it is not that of the address")
	return f
}

// accountStore changes accounts in one of two places: the profile's files, or
// the Parley that has them open.
type accountStore interface {
	list(ctx context.Context) ([]accountLine, error)
	add(ctx context.Context, id string, pairs [][2]string, password string) error
	edit(ctx context.Context, id string, pairs [][2]string) error
	remove(ctx context.Context, id string) error
	makeDefault(ctx context.Context, id string) error
	setPassword(ctx context.Context, id, password string) error
	close()
}

// An accountLine is one line of the list.
type accountLine struct {
	id, state string
	isDefault bool
}

func runAccount(ctx context.Context, args []string, io streams) error {
	f := newAccountFlags(io)
	if len(args) == 0 {
		return wrongUsage(f.fs, "what is to be done?")
	}
	verb := args[0]
	rest, err := parseMixed(f.fs, args[1:])
	if err != nil {
		return err
	}
	if verb == "keys" {
		for _, k := range storage.AccountKeys() {
			fmt.Fprintf(io.out, "%-16s %s (default %q)\n", k.Name, k.Doc, k.Default)
		}
		return nil
	}
	if verb != "list" && len(rest) == 0 {
		return wrongUsage(f.fs, "which account?")
	}
	store, err := openAccounts(ctx, f, io)
	if err != nil {
		return err
	}
	defer store.close()
	if verb == "list" {
		return listAccounts(ctx, store, io)
	}
	return changeAccount(ctx, f, io, store, verb, middleware.CanonicalID(rest[0]), rest[1:])
}

// changeAccount carries out a verb on one account.
func changeAccount(ctx context.Context, f *accountFlags, io streams, store accountStore, verb, id string, rest []string) error {
	pairs, err := f.pairs(rest)
	if err != nil {
		return err
	}
	switch verb {
	case "add":
		password, err := f.password(io, "Password of "+id+" (empty for none): ")
		if err != nil {
			return err
		}
		return store.add(ctx, id, pairs, password)
	case "edit":
		if len(pairs) == 0 {
			return wrongUsage(f.fs, "KEY=VALUE is missing")
		}
		return store.edit(ctx, id, pairs)
	case "remove":
		return store.remove(ctx, id)
	case "enable":
		return store.edit(ctx, id, [][2]string{{"enabled", "true"}})
	case "disable":
		return store.edit(ctx, id, [][2]string{{"enabled", "false"}})
	case "default":
		return store.makeDefault(ctx, id)
	case "password":
		password, err := f.password(io, "Password of "+id+": ")
		if err != nil {
			return err
		}
		return store.setPassword(ctx, id, password)
	}
	return wrongUsage(f.fs, "there is no command %q", verb)
}

func listAccounts(ctx context.Context, store accountStore, io streams) error {
	lines, err := store.list(ctx)
	if err != nil {
		return err
	}
	for _, l := range lines {
		mark := " "
		if l.isDefault {
			mark = "*"
		}
		fmt.Fprintf(io.out, "%s %s  %s\n", mark, l.id, l.state)
	}
	return nil
}

// parseMixed parses flags that stand before, between and after arguments.
func parseMixed(fs *flag.FlagSet, args []string) ([]string, error) {
	var rest []string
	for {
		if err := parseFlags(fs, args); err != nil {
			return nil, err
		}
		if fs.NArg() == 0 {
			return rest, nil
		}
		rest = append(rest, fs.Arg(0))
		args = fs.Args()[1:]
	}
}

// pairs joins KEY=VALUE arguments and the flags that stand for some of them.
func (f *accountFlags) pairs(args []string) ([][2]string, error) {
	var pairs [][2]string
	for _, flag := range [][2]string{{"proxy", f.proxy}, {"display_name", f.name}, {"auth_user", f.authUser}} {
		if flag[1] != "" {
			pairs = append(pairs, flag)
		}
	}
	for _, a := range args {
		key, value, ok := strings.Cut(a, "=")
		if !ok {
			return nil, wrongUsage(f.fs, "%q is not KEY=VALUE", a)
		}
		if _, err := storage.FindKey(storage.AccountKeys(), key); err != nil {
			return nil, err
		}
		pairs = append(pairs, [2]string{key, value})
	}
	return pairs, nil
}

// password reads one from standard input, or asks for it on a terminal without
// showing it. It is never taken from the command line, which others can see.
func (f *accountFlags) password(io streams, prompt string) (string, error) {
	if f.passwordStdin {
		line, err := bufio.NewReader(io.in).ReadString('\n')
		if err != nil && line == "" {
			return "", errors.New("no password came on standard input")
		}
		return strings.TrimRight(line, "\r\n"), nil
	}
	in, ok := io.in.(*os.File)
	if !ok || !term.IsTerminal(int(in.Fd())) {
		return "", errors.New("there is no terminal to ask for the password; use --password-stdin")
	}
	fmt.Fprint(io.err, prompt)
	secret, err := term.ReadPassword(int(in.Fd()))
	fmt.Fprintln(io.err)
	return string(secret), err
}

// openAccounts opens the profile, or reaches the Parley that has it open.
func openAccounts(ctx context.Context, f *accountFlags, io streams) (accountStore, error) {
	dir, err := profileDir(f.profile)
	if err != nil {
		return nil, err
	}
	log := slog.New(slog.NewTextHandler(io.err, &slog.HandlerOptions{Level: slog.LevelWarn}))
	p, err := storage.Open(dir, storage.Options{Secrets: f.secrets, Log: log})
	var inUse *storage.InUseError
	if errors.As(err, &inUse) {
		c, err := attach(ctx, f.profile, "")
		if err != nil {
			return nil, errors.Join(inUse, err)
		}
		return liveAccounts{c}, nil
	}
	if err != nil {
		return nil, err
	}
	for _, problem := range p.Problems() {
		fmt.Fprintln(io.err, problem)
	}
	return savedAccounts{p}, nil
}
