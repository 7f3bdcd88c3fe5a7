// Command phone is Parley, a softphone: a window, or with --headless only its
// engine and the desktop API; and small commands for accounts, devices and
// scripts.
//
// It is the composition root: the only place that knows every concrete type.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// version is set by the build.
var version = "dev"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends a shutdown that hangs
	code := command(ctx, os.Args[1:], streams{os.Stdin, os.Stdout, os.Stderr})
	stop()
	os.Exit(code)
}

// streams are where a command reads and writes.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// errUsage means that the command line was wrong and that this was said.
var errUsage = errors.New("usage")

// command runs one command line and returns the exit code: 0 when done, 1 when
// it failed, 2 when it was not understood.
func command(ctx context.Context, args []string, io streams) int {
	run := runPhone
	if len(args) > 0 {
		switch args[0] {
		case "account":
			run, args = runAccount, args[1:]
		case "ctl":
			run, args = runCtl, args[1:]
		case "devices":
			run, args = runDevices, args[1:]
		case "version":
			run, args = runVersion, args[1:]
		case "help":
			args = []string{"--help"}
		}
	}
	switch err := run(ctx, args, io); {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return 0
	case errors.Is(err, errUsage):
		return 2
	default:
		fmt.Fprintln(io.err, "phone:", explain(err))
		return 1
	}
}

func runVersion(_ context.Context, _ []string, io streams) error {
	fmt.Fprintln(io.out, "Parley", version)
	return nil
}
