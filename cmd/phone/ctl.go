package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"parley/scripting"
	"parley/scripting/client"
	"parley/storage"
)

const ctlUsage = `Sends one desktop-API command to the running Parley and prints the reply.

Usage:
  phone ctl [--profile DIR | --api unix:PATH] 'COMMAND'
  phone ctl [--profile DIR | --api unix:PATH] --follow ['COMMAND']

Flags:
`

// dialTime bounds how long reaching the running Parley may take. What the
// person is asked there takes as long as it takes.
const dialTime = 5 * time.Second

// appName is how this command names itself to the desktop API.
const appName = "phone ctl"

func runCtl(ctx context.Context, args []string, io streams) error {
	fs := newFlags("phone ctl", ctlUsage, io)
	profile := fs.String("profile", "", "`folder` of the profile that the Parley in question uses")
	api := fs.String("api", "", "where its desktop API listens, `unix:PATH`")
	follow := fs.Bool("follow", false, "print notifications as they happen, until interrupted")
	if err := parseFlags(fs, args); err != nil {
		return err
	}
	if fs.NArg() > 1 || fs.NArg() == 0 && !*follow {
		return wrongUsage(fs, "one command, in quotes")
	}
	c, err := attach(ctx, *profile, *api)
	if err != nil {
		return err
	}
	defer c.Close()
	if fs.NArg() == 1 {
		reply, err := c.Do(ctx, fs.Arg(0))
		if err != nil {
			return err
		}
		fmt.Fprintln(io.out, reply)
	}
	if !*follow {
		return nil
	}
	for {
		select {
		case line, ok := <-c.Notifications():
			if !ok {
				return errors.New("the running Parley has ended")
			}
			fmt.Fprintln(io.out, line)
		case <-ctx.Done():
			return nil
		}
	}
}

// attach connects to the running Parley and introduces this program.
func attach(ctx context.Context, profile, api string) (*client.Client, error) {
	dir, err := profileDir(profile)
	if err != nil {
		return nil, err
	}
	path, err := apiPath(api, dir)
	if err != nil {
		return nil, err
	}
	return client.Dial(ctx, path, appName)
}

// apiPath returns the socket's path of the --api flag, or the profile's own.
func apiPath(flag, dir string) (string, error) {
	if flag == "" {
		return scripting.DefaultPath(dir)
	}
	path, ok := strings.CutPrefix(flag, "unix:")
	if !ok || path == "" {
		return "", fmt.Errorf("--api %q must look like unix:/path/of/the/socket", flag)
	}
	return path, nil
}

// handOver gives the address of the command line to the Parley that has the
// profile open, which raises its window.
func handOver(ctx context.Context, o options, inUse *storage.InUseError) error {
	if o.headless {
		return inUse
	}
	path, err := apiPath(o.api, inUse.Dir)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	if err := client.Open(ctx, path, o.target); err != nil {
		return errors.Join(inUse, err)
	}
	return nil
}
