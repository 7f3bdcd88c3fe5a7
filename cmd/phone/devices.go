package main

import (
	"context"
	"fmt"
	"log/slog"
	"text/tabwriter"

	"parley/media/device"
)

const devicesUsage = `Lists the sound devices as Parley sees them. Use a name or an id with --audio-in,
--audio-out and --audio-alert, or in the window.

Usage:
  phone devices
`

func runDevices(_ context.Context, args []string, io streams) error {
	fs := newFlags("phone devices", devicesUsage, io)
	if err := parseFlags(fs, args); err != nil {
		return err
	}
	d := device.New(slog.New(slog.DiscardHandler))
	defer d.Close()
	list, err := d.Devices()
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(io.out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "USE\tDEFAULT\tNAME\tID")
	for _, i := range list {
		use := "output"
		if i.Input {
			use = "input"
		}
		mark := ""
		if i.Default {
			mark = "yes"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", use, mark, i.Name, i.ID)
	}
	return w.Flush()
}
