package interop

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"parley/bonjour"
)

// An engine is Parley's own engine of multicast DNS on a machine of a lan, as the
// program test/bonjour runs it.
type engine struct {
	*process
	on *machine

	read   int // bytes of the output that were read
	events []engineEvent
}

// An engineEvent is what that program tells.
type engineEvent struct {
	Event        string
	At           time.Time
	Instance     *bonjour.Instance
	Wanted, Type string
	Name, State  string
	Links        []string
	Error        string
}

// buildBonjour builds the program once in a test run.
var buildBonjour = sync.OnceValues(func() (string, error) {
	path := filepath.Join(root, "bonjour")
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, "go", "build", "-o", path, "parley/test/bonjour").CombinedOutput()
	if err != nil {
		return "", errors.Join(err, errors.New(string(out)))
	}
	return path, nil
})

// engine starts one, and waits until it can speak.
func (h *machine) engine(t testing.TB, args ...string) *engine {
	t.Helper()
	e := h.startEngine(t, args...)
	e.await(t, "a link", func() bool { return len(e.links()) > 0 })
	return e
}

// startEngine starts one. The machine is called NAME-parley by it, as the phone does,
// so that NAME is left to another responder.
func (h *machine) startEngine(t testing.TB, args ...string) *engine {
	t.Helper()
	path, err := buildBonjour()
	if err != nil {
		t.Fatal(err)
	}
	e := &engine{on: h}
	e.process = h.start(t, t.TempDir(), path, append([]string{"-host", h.name + "-parley"}, args...)...)
	return e
}

// do hands the program a command.
func (e *engine) do(t testing.TB, do, name, kind string, port int, text ...string) {
	t.Helper()
	line, err := json.Marshal(map[string]any{"do": do, "name": name, "type": kind, "port": port, "text": text})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprintf(e.in, "%s\n", line); err != nil {
		t.Fatal(err)
	}
}

// poll reads what the program has told meanwhile.
func (e *engine) poll(t testing.TB) []engineEvent {
	t.Helper()
	out := e.output()
	for {
		end := strings.IndexByte(out[e.read:], '\n')
		if end < 0 {
			return e.events
		}
		line := out[e.read : e.read+end]
		e.read += end + 1
		if !strings.HasPrefix(line, "{") {
			continue // from its log
		}
		var v engineEvent
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		if v.Event == "error" {
			t.Fatalf("the engine on %s: %s", e.on.name, v.Error)
		}
		e.events = append(e.events, v)
	}
}

// await waits until ok holds, whatever the engine has told.
func (e *engine) await(t testing.TB, what string, ok func() bool) {
	t.Helper()
	if !poll(20*time.Second, func() bool { e.poll(t); return ok() }) {
		t.Fatalf("the engine on %s: not within 20 s: %s", e.on.name, what)
	}
}

// links are those that the engine speaks on.
func (e *engine) links() []string {
	for _, v := range slices.Backward(e.events) {
		if v.Event == "status" {
			return v.Links
		}
	}
	return nil
}

// trouble is why the engine speaks on no link.
func (e *engine) trouble() string {
	for _, v := range slices.Backward(e.events) {
		if v.Event == "status" {
			return v.Error
		}
	}
	return ""
}

// publish has the engine publish, and waits until everybody has been told of it.
func (e *engine) publish(t testing.TB, name, kind string, port int, text ...string) (inUse string) {
	t.Helper()
	e.do(t, "publish", name, kind, port, text...)
	return e.published(t, name, kind)
}

// published waits until a service is announced, and returns the name it got.
func (e *engine) published(t testing.TB, name, kind string) (inUse string) {
	t.Helper()
	e.await(t, name+" is announced", func() bool {
		for _, v := range slices.Backward(e.events) {
			if v.Event == "publication" && v.Wanted == name && v.Type == kind {
				inUse = v.Name
				return v.State == "announced"
			}
		}
		return false
	})
	return inUse
}

// found are the services of a type that the engine knows now, by name and link.
func (e *engine) found(kind string) map[string]bonjour.Instance {
	all := map[string]bonjour.Instance{}
	for _, v := range e.events {
		if v.Instance == nil || v.Instance.Type != kind {
			continue
		}
		k := v.Instance.Name
		if v.Event == "lost" {
			delete(all, k)
		} else {
			all[k] = *v.Instance
		}
	}
	return all
}

// finds waits for a service, and returns it with the time it was found.
func (e *engine) finds(t testing.TB, name, kind string) (bonjour.Instance, time.Time) {
	t.Helper()
	e.await(t, name+" is found", func() bool { return e.found(kind)[name].Name == name })
	return e.found(kind)[name], e.when("found", name, kind)
}

// loses waits until a service is gone, and returns when that was.
func (e *engine) loses(t testing.TB, name, kind string) time.Time {
	t.Helper()
	e.await(t, name+" is lost", func() bool { return e.found(kind)[name].Name == "" })
	return e.when("lost", name, kind)
}

// when is the time of the last event of a kind about a service.
func (e *engine) when(event, name, kind string) time.Time {
	for _, v := range slices.Backward(e.events) {
		if v.Event == event && v.Instance != nil && v.Instance.Name == name && v.Instance.Type == kind {
			return v.At
		}
	}
	return time.Time{}
}

// last is the time of the last event about a type.
func (e *engine) last(kind string) time.Time {
	for _, v := range slices.Backward(e.events) {
		if v.Instance != nil && v.Instance.Type == kind {
			return v.At
		}
	}
	return time.Time{}
}

// has reports whether an address is among those of a service.
func has(i bonjour.Instance, addr string) bool {
	return slices.Contains(i.Addrs, netip.MustParseAddr(addr))
}
