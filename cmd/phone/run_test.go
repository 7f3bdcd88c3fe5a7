package main

import (
	"bytes"
	"log/slog"
	"testing"

	"parley/storage"
)

func TestNoBonjour(t *testing.T) {
	for _, tt := range []struct {
		args []string
		want bool
	}{{nil, true}, {[]string{"--no-bonjour"}, false}} {
		var errs bytes.Buffer
		o, err := parseOptions(append([]string{"--headless", "--sip-listen", "127.0.0.1"}, tt.args...), streams{err: &errs})
		if err != nil {
			t.Fatal(err, errs.String())
		}
		profile, err := storage.Open(t.TempDir(), storage.Options{Secrets: storage.SecretsFile, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { profile.Close() })
		p := &phone{log: slog.New(slog.DiscardHandler), options: o, profile: profile}
		t.Cleanup(p.shut)
		c, err := p.config()
		if err != nil {
			t.Fatal(err)
		}
		if got := c.Bonjour != nil; got != tt.want {
			t.Errorf("phone %v looks for neighbours: %v, want %v", tt.args, got, tt.want)
		}
		if c.HostName == "" {
			t.Error("the machine has no name")
		}
	}
}
